//! The templating and the tasks beside the real ansible-core 2.18: generated templates over fixed variables must
//! give the same value with the same types, or the same error, and generated plays must register the same results.
//!
//! `tests/ansible/differential/run [--cases N] [--plays N] [--seed S] [--keep]`. What differs is shrunk and printed;
//! with `--keep`, a template is added to `regressions.txt`, which every run begins with. `deviations.txt` holds what
//! is known to differ, with its reason.

mod deviations;
mod grammar;
mod oracle;
mod plays;
mod shown;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use daytwo::jinja::{Environment, Plugins, Templar, Value, Vars, yaml};
use deviations::Deviations;
use grammar::{Grammar, Tree};
use oracle::Oracle;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Templates that are asked for at once.
const BATCH: usize = 200;
/// Plays that run at once.
const PLAYS: usize = 40;
/// Templates after which a line says how far the run is.
const REPORT: usize = 2000;
/// Levels of a template.
const DEPTH: u32 = 4;
/// Differences after which a run ends.
const ENOUGH: usize = 60;

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Wanted {
    cases: usize,
    plays: usize,
    seed: u64,
    keep: bool,
}

impl Wanted {
    fn from_arguments() -> Result<Self, String> {
        let mut wanted = Wanted { cases: 20_000, plays: 0, seed: 1, keep: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|n| n.parse().ok()).ok_or(format!("{argument} needs a number"));
            match argument.as_str() {
                "--cases" => wanted.cases = number()? as usize,
                "--plays" => wanted.plays = number()? as usize,
                "--seed" => wanted.seed = number()?,
                "--keep" => wanted.keep = true,
                other => return Err(format!("no such option: {other}")),
            }
        }
        Ok(wanted)
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ansible/differential")
}

/// Our side: the templar over fresh variables.
struct Subject {
    environment: Arc<Environment>,
    vars: String,
}

impl Subject {
    fn new() -> Result<Self, String> {
        let vars = std::fs::read_to_string(here().join("vars.yml")).map_err(|error| error.to_string())?;
        Ok(Subject { environment: Arc::new(Environment::new(Arc::new(Plugins::builtin()))), vars })
    }

    fn answer(&self, template: &str) -> Result<String, String> {
        let vars = yaml::load_content(&self.vars, "vars.yml").map_err(|error| error.to_string())?;
        let vars = vars.as_dict().ok_or("vars.yml is no dict")?.entries();
        let vars: Vars = vars.into_iter().map(|(name, value)| (name.text().as_ref().into(), value)).collect();
        let templar = Templar::new(Arc::clone(&self.environment), Arc::new(vars));
        Ok(match templar.template(&Value::from(template)) {
            Ok(value) => shown::shown(&value),
            Err(error) => format!("error:{error}"),
        })
    }
}

/// Compares; the result is the number of differences.
fn run() -> Result<usize, String> {
    let wanted = Wanted::from_arguments()?;
    let (grammar, deviations) = (Grammar::new(), Deviations::load()?);
    Ok(run_templates(&wanted, &grammar, &deviations)? + run_plays(&wanted, &grammar, &deviations)?)
}

/// Compares what plays leave.
fn run_plays(wanted: &Wanted, grammar: &Grammar, deviations: &Deviations) -> Result<usize, String> {
    let start = Instant::now();
    let mut random = StdRng::seed_from_u64(wanted.seed);
    let (mut compared, mut differences) = (0, 0);
    let differ = |texts: &[String]| -> Result<Vec<bool>, String> {
        let answers = plays::answers(texts)?;
        let pairs = texts.iter().zip(&answers);
        Ok(pairs.map(|(text, (expected, got))| !deviations.allow(text, expected, got)).collect())
    };
    let mut oracle = Oracle::start()?;
    while compared < wanted.plays && differences < ENOUGH {
        let size = PLAYS.min(wanted.plays - compared);
        let (mut trees, mut texts): (Vec<Tree>, Vec<String>) = (Vec::new(), Vec::new());
        while texts.len() < size {
            let tree = grammar.tree("p", DEPTH, &mut random);
            let text = grammar.text(&tree);
            // What takes too long or too much memory would do so in a play as well, which nobody ends.
            if oracle.answers(&plays::templates(&text))?.iter().all(Option::is_some) {
                trees.push(tree);
                texts.push(text);
            }
        }
        compared += size;
        for (tree, _) in trees.into_iter().zip(differ(&texts)?).filter(|(_, differs)| *differs) {
            differences += 1;
            let text = grammar.text(&shrink(tree, grammar, &mut { differ })?);
            for (expected, got) in plays::answers(std::slice::from_ref(&text))? {
                println!("{text}\n  ansible: {expected}\n  daytwo:  {got}");
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("plays: {compared} compared, {differences} different, {seconds:.1} s");
    Ok(differences)
}

/// Compares what templates give.
fn run_templates(wanted: &Wanted, grammar: &Grammar, deviations: &Deviations) -> Result<usize, String> {
    let subject = Subject::new()?;
    let mut oracle = Oracle::start()?;
    let kept = std::fs::read_to_string(here().join("regressions.txt")).map_err(|error| error.to_string())?;
    let kept: Vec<String> = kept
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let mut differences = 0;
    for (template, expected) in kept.iter().zip(oracle.answers(&kept)?) {
        let expected = expected.ok_or_else(|| format!("takes too long: {template}"))?;
        let got = subject.answer(template)?;
        if !deviations.allow(template, &expected, &got) {
            differences += 1;
            println!("regression {template}\n  ansible: {expected}\n  daytwo:  {got}");
        }
    }
    println!("regressions: {} compared, {differences} different", kept.len());
    let start = Instant::now();
    let mut random = StdRng::seed_from_u64(wanted.seed);
    let (mut compared, mut values, mut reported) = (0, 0, 0);
    while compared < wanted.cases && differences < ENOUGH {
        let trees: Vec<Tree> = (0..BATCH).map(|_| grammar.tree("t", DEPTH, &mut random)).collect();
        let texts: Vec<String> = trees.iter().map(|tree| grammar.text(tree)).collect();
        let expected = oracle.answers(&texts)?;
        if compared >= reported + REPORT {
            reported = compared;
            println!("{compared} compared, {differences} different, {:.0} s", start.elapsed().as_secs_f64());
        }
        for ((tree, text), expected) in trees.into_iter().zip(&texts).zip(&expected) {
            let Some(expected) = expected else { continue };
            compared += 1;
            values += usize::from(!expected.starts_with("error:"));
            if !deviations.allow(text, expected, &subject.answer(text)?) {
                differences += 1;
                let mut differ = |texts: &[String]| -> Result<Vec<bool>, String> {
                    let mut differ = Vec::new();
                    for (text, expected) in texts.iter().zip(oracle.answers(texts)?) {
                        differ.push(match expected {
                            Some(expected) => !deviations.allow(text, &expected, &subject.answer(text)?),
                            None => false,
                        });
                    }
                    Ok(differ)
                };
                let text = grammar.text(&shrink(tree, grammar, &mut differ)?);
                let expected =
                    oracle.answers(std::slice::from_ref(&text))?.pop().flatten().unwrap_or_default();
                println!("{text}\n  ansible: {expected}\n  daytwo:  {}", subject.answer(&text)?);
                if wanted.keep {
                    keep(&text)?;
                }
            }
        }
    }
    println!(
        "templates: {compared} compared ({values} values, {} errors), {differences} different, {:.1} s",
        compared - values,
        start.elapsed().as_secs_f64()
    );
    Ok(differences)
}

/// The smallest template or play found that differs.
fn shrink(
    mut tree: Tree,
    grammar: &Grammar,
    differ: &mut dyn FnMut(&[String]) -> Result<Vec<bool>, String>,
) -> Result<Tree, String> {
    for _ in 0..40 {
        let candidates = grammar.smaller(&tree);
        let texts: Vec<String> = candidates.iter().map(|tree| grammar.text(tree)).collect();
        let Some(found) = differ(&texts)?.into_iter().position(|differs| differs) else { break };
        tree = candidates.into_iter().nth(found).unwrap_or(tree);
    }
    Ok(tree)
}

fn keep(template: &str) -> Result<(), String> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().append(true).open(here().join("regressions.txt"));
    let line = serde_json::to_string(template).map_err(|error| error.to_string())?;
    file.and_then(|mut file| writeln!(file, "{line}")).map_err(|error| error.to_string())
}
