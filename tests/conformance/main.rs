//! Conformance with the real programs: every suite compares with what they were recorded to do.
//!
//! ```text
//! corpus   where the recordings are, unpacked once
//! charts   1,179 renderings of public charts against Helm 4 and Helm 3
//! compare  when two renderings count as equal
//! vectors  template snippets and strings against Helm 4
//! known    the failures that are known; the lists may only shrink
//! ```
//!
//! `cargo test --test conformance [-- SUITE [FILTER]]`; the recordings are found in
//! `$DAYTWO_CONFORMANCE` or `../shared/conformance`.

mod charts;
mod compare;
mod corpus;
mod known;
mod vectors;

use std::process::ExitCode;
use std::time::Instant;

use corpus::Corpus;

/// What a suite found: the number of cases, and those that fail with the reason.
pub(crate) struct Outcome {
    /// How many cases ran.
    pub(crate) cases: usize,
    /// The cases that failed: name and reason.
    pub(crate) failures: Vec<(String, String)>,
}

type Suite = (&'static str, fn(&Corpus, &str) -> Result<Outcome, String>);

const SUITES: [Suite; 5] = [
    ("functions", vectors::functions),
    ("yaml", vectors::yaml_strings),
    ("helm4", charts::helm4),
    ("helm3", charts::helm3),
    ("notes", charts::notes),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let wanted = args.next();
    let filter = args.next().unwrap_or_default();
    let corpus = match Corpus::open() {
        Ok(corpus) => corpus,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut good = true;
    for (name, suite) in SUITES.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| name == wanted))
    {
        let start = Instant::now();
        match suite(&corpus, &filter) {
            Ok(outcome) => good &= known::judge(name, &outcome, filter.is_empty()),
            Err(message) => {
                eprintln!("{name}: {message}");
                good = false;
            }
        }
        println!("{name}: {:.2} s, peak memory {}", start.elapsed().as_secs_f64(), peak_memory());
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The most memory that the process held so far.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "unknown".into(), |peak| peak.trim().to_owned())
}
