//! Generating, comparing, shrinking and counting.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Add;
use std::path::Path;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::case::{Case, Outcome};
use crate::oracle::Oracle;

/// How many cases one request holds.
const BATCH: u32 = 250;
/// How many differences are shrunk and shown.
const SHOWN: usize = 12;
/// How much is shown before and after the place where the outcomes begin to differ.
const BEFORE: usize = 80;
const AFTER: usize = 300;
/// How often a case is made simpler at most.
const MAX_SHRINKS: u32 = 600;

/// What the comparisons gave.
#[derive(Default)]
pub(crate) struct Tally {
    /// How many cases were compared.
    compared: usize,
    /// How many of them both refuse.
    refused: usize,
    /// How many of these with the same text.
    same_error: usize,
    /// How many have no answer: Helm gives another one each time, or crashes.
    unanswered: usize,
    /// How many differ.
    pub(crate) differences: usize,
    /// The first of them, shrunk.
    pub(crate) found: Vec<Difference>,
}

/// A case that differs.
pub(crate) struct Difference {
    case: Case,
    helm: Outcome,
    ours: Outcome,
}

impl Difference {
    /// Writes the case to a directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&self, directory: &Path, family: &str) -> Result<(), String> {
        let text = serde_json::to_string_pretty(&self.case).map_err(|error| error.to_string())?;
        let mut hash = DefaultHasher::new();
        text.hash(&mut hash);
        let path = directory.join(format!("{family}-{:08x}.json", hash.finish() as u32));
        std::fs::write(path, text + "\n").map_err(|error| error.to_string())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = serde_json::to_string(&self.case).unwrap_or_default();
        let text = |outcome: &Outcome| match outcome {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {error}"),
        };
        let (helm, ours) = (text(&self.helm), text(&self.ours));
        let alike = helm.chars().zip(ours.chars()).take_while(|(a, b)| a == b).count();
        let show = |text: &str| -> String {
            text.chars().skip(alike.saturating_sub(BEFORE)).take(BEFORE + AFTER).collect()
        };
        write!(f, "{case}\n  helm: {}\n  ours: {}", show(&helm), show(&ours))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compared, refused, same_error, unanswered, differences, .. } = self;
        write!(f, "{compared} comparisons, {differences} differ")?;
        write!(
            f,
            " ({refused} refused by both, {same_error} of them in the same words; {unanswered} without an answer)"
        )
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.compared += other.compared;
        self.refused += other.refused;
        self.same_error += other.same_error;
        self.unanswered += other.unanswered;
        self.differences += other.differences;
        self.found.extend(other.found);
        self
    }
}

impl Tally {
    /// Compares one case.
    ///
    /// # Errors
    /// When Helm cannot be asked.
    pub(crate) fn judge(&mut self, oracle: &mut Oracle, case: &Case) -> Result<Option<Difference>, String> {
        let helm = oracle.outcomes(std::slice::from_ref(case))?.pop().flatten();
        let ours = case.ours();
        let differs = self.count(helm.as_ref(), &ours);
        Ok(helm.filter(|_| differs).map(|helm| Difference { case: case.clone(), helm, ours }))
    }

    /// Counts a comparison; whether the outcomes differ.
    fn count(&mut self, helm: Option<&Outcome>, ours: &Outcome) -> bool {
        let Some(helm) = helm else {
            self.unanswered += 1;
            return false;
        };
        self.compared += 1;
        if let (Err(helm), Err(ours)) = (helm, ours) {
            self.refused += 1;
            self.same_error += usize::from(helm == ours);
        }
        let differs = differ(helm, ours);
        self.differences += usize::from(differs);
        differs
    }
}

fn differ(helm: &Outcome, ours: &Outcome) -> bool {
    match (helm, ours) {
        (Ok(helm), Ok(ours)) => helm != ours,
        (Err(helm), Err(ours)) => failing(helm).zip(failing(ours)).is_some_and(|(helm, ours)| helm != ours),
        _ => true,
    }
}

/// The template and the line that an error names first.
fn failing(error: &str) -> Option<&str> {
    let at = error.find("/templates/")?;
    let start = error[..at].rfind([' ', '(', '"']).map_or(0, |space| space + 1);
    let named = &error[start..];
    let end = named.find([' ', ')', '"', '\n']).unwrap_or(named.len());
    let mut parts = named[..end].splitn(3, ':');
    let (path, line) = (parts.next()?, parts.next().unwrap_or_default());
    Some(&named[..(path.len() + 1 + line.len()).min(end)])
}

/// One thread's Helm and source of randomness.
pub(crate) struct Worker {
    oracle: Oracle,
    runner: TestRunner,
}

impl Worker {
    /// A worker whose cases follow from `seed`.
    ///
    /// # Errors
    /// When Helm cannot be started.
    pub(crate) fn new(seed: u64) -> Result<Self, String> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { failure_persistence: None, ..Config::default() };
        let runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        Ok(Self { oracle: Oracle::start()?, runner })
    }

    /// Compares `count` cases.
    ///
    /// # Errors
    /// When Helm cannot be asked.
    pub(crate) fn compare(
        mut self,
        cases: &impl Strategy<Value = Case>,
        count: u32,
    ) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let mut seen = BTreeSet::new();
        let mut left = count;
        while left > 0 {
            let size = left.min(BATCH);
            left -= size;
            let new_tree = |_| cases.new_tree(&mut self.runner).map_err(|reason| reason.to_string());
            let trees = (0..size).map(new_tree).collect::<Result<Vec<_>, _>>()?;
            let batch: Vec<Case> = trees.iter().map(ValueTree::current).collect();
            let outcomes = self.oracle.outcomes(&batch)?;
            for ((tree, case), helm) in trees.into_iter().zip(batch).zip(outcomes) {
                if helm.is_none() {
                    eprintln!("the real Helm dies of {}", serde_json::to_string(&case).unwrap_or_default());
                }
                if !tally.count(helm.as_ref(), &case.ours()) {
                    continue;
                }
                if !self.is_steady(&case)? {
                    tally.differences -= 1;
                    tally.unanswered += 1;
                } else if tally.found.len() < SHOWN {
                    let difference = self.shrink(tree)?;
                    if seen.insert(serde_json::to_string(&difference.case).unwrap_or_default()) {
                        tally.found.push(difference);
                    }
                }
            }
        }
        Ok(tally)
    }

    /// Whether Helm answers the same each time.
    fn is_steady(&mut self, case: &Case) -> Result<bool, String> {
        let again = self.oracle.outcomes(&vec![case.clone(); 8])?;
        Ok(again.windows(2).all(|pair| pair[0] == pair[1]))
    }

    /// Makes a case that differs simpler as long as it differs.
    fn shrink(&mut self, mut tree: impl ValueTree<Value = Case>) -> Result<Difference, String> {
        let mut simplest = None;
        for _ in 0..MAX_SHRINKS {
            let case = tree.current();
            let difference = Tally::default().judge(&mut self.oracle, &case)?;
            let goes_on = match difference {
                Some(difference) if simplest.is_none() || self.is_steady(&case)? => {
                    simplest = Some(difference);
                    tree.simplify()
                }
                _ => tree.complicate(),
            };
            if !goes_on {
                break;
            }
        }
        simplest.ok_or_else(|| "a difference that comes and goes".into())
    }
}
