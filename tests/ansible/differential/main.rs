//! The templating beside the real ansible-core 2.18: generated templates over fixed variables must give the same
//! value with the same types, or the same error.
//!
//! `tests/ansible/differential/run [--cases N] [--seed S] [--keep]`. A template that differs is shrunk and
//! printed, and with `--keep` it is added to `regressions.txt`, which every run begins with. `deviations.txt`
//! holds what is known to differ, with its reason.

mod deviations;
mod grammar;
mod oracle;
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
    seed: u64,
    keep: bool,
}

impl Wanted {
    fn from_arguments() -> Result<Self, String> {
        let mut wanted = Wanted { cases: 20_000, seed: 1, keep: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|n| n.parse().ok()).ok_or(format!("{argument} needs a number"));
            match argument.as_str() {
                "--cases" => wanted.cases = number()? as usize,
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
    let (subject, grammar, deviations) = (Subject::new()?, Grammar::new(), Deviations::load()?);
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
                let text = grammar.text(&shrink(tree, &subject, &grammar, &deviations, &mut oracle)?);
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

/// The smallest template found that differs.
fn shrink(
    mut tree: Tree,
    subject: &Subject,
    grammar: &Grammar,
    deviations: &Deviations,
    oracle: &mut Oracle,
) -> Result<Tree, String> {
    'smaller: for _ in 0..40 {
        let candidates = grammar.smaller(&tree);
        let texts: Vec<String> = candidates.iter().map(|tree| grammar.text(tree)).collect();
        for ((candidate, text), expected) in candidates.into_iter().zip(&texts).zip(oracle.answers(&texts)?) {
            let Some(expected) = expected else { continue };
            if !deviations.allow(text, &expected, &subject.answer(text)?) {
                tree = candidate;
                continue 'smaller;
            }
        }
        break;
    }
    Ok(tree)
}

fn keep(template: &str) -> Result<(), String> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().append(true).open(here().join("regressions.txt"));
    let line = serde_json::to_string(template).map_err(|error| error.to_string())?;
    file.and_then(|mut file| writeln!(file, "{line}")).map_err(|error| error.to_string())
}
