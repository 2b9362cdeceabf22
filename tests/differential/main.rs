//! The chart engine beside the real Helm, on generated cases: what both render has to be equal to the byte,
//! and what one refuses the other has to refuse.
//!
//! ```text
//! templates   expressions over the whole function table, pipelines, control structures
//! texts       YAML, JSON and TOML: strings and structures written, texts read
//! values      defaults, user values, subcharts, globals, nulls
//! charts      whole small charts: several files, definitions, notes
//! set         texts of `--set`
//! ```
//!
//! `tests/differential/run [--cases N] [--seed S] [--keep] [FAMILY...]`; `PROPTEST_CASES` is the number of
//! cases as well. A case that differs is shrunk and printed, and with `--keep` it is written to
//! `regressions/`, which every run begins with.

mod arguments;
mod case;
mod charts;
mod excluded;
mod oracle;
mod pieces;
mod set;
mod templates;
mod texts;
mod values;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use case::Case;
use oracle::Oracle;
use proptest::strategy::BoxedStrategy;
use worker::{Tally, Worker};

/// A family of cases, and its share of a hundred.
type Family = (&'static str, u32, fn() -> BoxedStrategy<Case>);

const FAMILIES: [Family; 5] = [
    ("templates", 52, templates::cases),
    ("texts", 30, texts::cases),
    ("values", 8, values::cases),
    ("charts", 4, charts::cases),
    ("set", 6, set::cases),
];

/// What the command line asks for.
struct Wanted {
    cases: u32,
    seed: u64,
    keep: bool,
    families: Vec<String>,
}

impl Wanted {
    fn from_arguments() -> Result<Self, String> {
        let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
        let mut wanted = Self { cases: cases.unwrap_or(100_000), seed: 1, keep: false, families: Vec::new() };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|n| n.parse().ok()).ok_or(format!("{argument} needs a number"));
            match argument.as_str() {
                "--cases" => wanted.cases = number()?,
                "--seed" => wanted.seed = number()?.into(),
                "--keep" => wanted.keep = true,
                family if FAMILIES.iter().any(|(name, ..)| *name == family) => wanted.families.push(argument),
                other => return Err(format!("no option and no family: {other}")),
            }
        }
        Ok(wanted)
    }

    fn families(&self) -> impl Iterator<Item = &'static Family> {
        FAMILIES
            .iter()
            .filter(|(name, ..)| self.families.is_empty() || self.families.iter().any(|f| f == name))
    }
}

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

/// Compares; the result is the number of differences.
fn run() -> Result<usize, String> {
    let wanted = Wanted::from_arguments()?;
    let mut sum = regressions()?;
    println!("regressions: {sum}");
    let workers = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32);
    let shares: u32 = wanted.families().map(|(_, share, _)| share).sum();
    for &(name, share, cases) in wanted.families() {
        let start = Instant::now();
        let count =
            (u64::from(wanted.cases) * u64::from(share) / u64::from(shares) / u64::from(workers)) as u32;
        let run = |worker| move || Worker::new(wanted_seed(wanted.seed, worker))?.compare(&cases(), count);
        let tally = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|worker| scope.spawn(run(worker))).collect();
            handles.into_iter().try_fold(Tally::default(), |sum, handle| {
                let tally: Result<Tally, String> = handle.join().map_err(|_| format!("{name}: a panic"))?;
                Ok::<_, String>(sum + tally?)
            })
        })?;
        println!("{name}: {tally}, {:.1} s", start.elapsed().as_secs_f64());
        for difference in &tally.found {
            println!("\n{difference}");
            if wanted.keep {
                difference.keep(&regressions_path(), name)?;
            }
        }
        sum = sum + tally;
    }
    println!("all: {sum}");
    Ok(sum.differences)
}

/// Another seed for every thread.
fn wanted_seed(seed: u64, worker: u32) -> u64 {
    seed.wrapping_mul(1 << 16).wrapping_add(worker.into())
}

fn regressions_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/regressions")
}

/// Compares the cases that differed once.
fn regressions() -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut oracle = Oracle::start()?;
    let entries = std::fs::read_dir(regressions_path()).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read(&path).map_err(|error| error.to_string())?;
        let case: Case =
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(difference) = tally.judge(&mut oracle, &case)? {
            println!("{}\n{difference}", path.display());
        }
    }
    Ok(tally)
}
