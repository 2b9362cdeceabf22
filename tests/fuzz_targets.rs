//! The fuzz targets as an ordinary test: over their seeds, over what fuzzing found before, and over some
//! mutations of them. `make fuzz` runs the same bodies under libFuzzer.
//!
//! With `DAYTWO_FUZZ_SEEDS=DIRECTORY` the seeds are written to a directory for each target instead.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;
use targets::{Seeds, TARGETS, Target};

/// How many texts of recordings are seeds.
const TEXTS: usize = 300;
/// How many mutations of seeds each target is given.
const MUTATIONS: usize = 200;
/// Longer seeds are cut, as most of them repeat themselves and this test is no optimised program.
const LONGEST: usize = 4096;
/// Bytes that mean something to one of the parsers.
const MEANINGFUL: &[u8] = b"{}[]()|<>&*!%@\"'`\\\n\r\t :-#,.=$/~?0123456789eE+_\0\x7F\x80\xC3\xFF";

#[test]
fn seeds_regressions_and_mutations() {
    if let Some(directory) = std::env::var_os("DAYTWO_FUZZ_SEEDS") {
        return write_seeds(Path::new(&directory)).expect("the corpus is readable");
    }
    for target in TARGETS {
        let mut seeds = seeds(target);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        seeds.extend(regressions(target));
        for seed in &seeds {
            run(target, seed);
        }
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..MUTATIONS {
            let mut seed = seeds[random.below(seeds.len())].clone();
            seed.truncate(LONGEST);
            for _ in 0..=random.below(4) {
                random.mutate(&mut seed);
            }
            run(target, &seed);
        }
    }
}

/// Runs a target; what makes it panic is kept as a file.
fn run(target: &Target, data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(data))).is_err() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", target.name));
        std::fs::write(&path, data).expect("the corpus is readable");
        panic!("{} fails with the input in {}", target.name, path.display());
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    match target.seeds {
        Seeds::Texts { directories, endings, recordings } => {
            let mut paths = Vec::new();
            directories.iter().for_each(|directory| files(&repository().join(directory), &mut paths));
            paths.retain(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)));
            let mut seeds: Vec<Vec<u8>> =
                paths.iter().map(|path| std::fs::read(path).expect("the corpus is readable")).collect();
            seeds.extend(recorded(recordings));
            seeds
        }
        Seeds::Archives => charts().iter().map(|chart| packed(chart)).collect(),
    }
}

/// Some of the texts in recordings, evenly chosen.
fn recorded(recordings: &[&str]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    recordings.iter().for_each(|path| files(&repository().join(path), &mut paths));
    let mut found = Vec::new();
    for path in paths {
        let content = std::fs::read(path).expect("the corpus is readable");
        for value in serde_json::Deserializer::from_slice(&content).into_iter::<Value>() {
            texts(value.expect("the corpus is readable"), &mut found);
        }
    }
    let step = found.len().div_ceil(TEXTS).max(1);
    found.into_iter().step_by(step).map(String::into_bytes).collect()
}

/// All texts in a value.
fn texts(value: Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| texts(item, found)),
        Value::Object(entries) => entries.into_iter().for_each(|(_, item)| texts(item, found)),
        _ => {}
    }
}

fn charts() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join("charts")).expect("the corpus is readable");
    let mut charts: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the corpus is readable").path()).collect();
    charts.retain(|path| path.is_dir());
    charts.sort();
    charts
}

/// A chart as a tar archive; compressed, mutations would only meet the checksum.
fn packed(chart: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_dir_all(chart.file_name().expect("the corpus is readable"), chart)
        .expect("the corpus is readable");
    builder.into_inner().expect("the corpus is readable")
}

fn regressions(target: &Target) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    files(&repository().join("fuzz/regressions").join(target.name), &mut paths);
    paths.iter().map(|path| std::fs::read(path).expect("the corpus is readable")).collect()
}

/// A file, or all files below a directory in order; none when there is nothing of that name.
fn files(directory: &Path, paths: &mut Vec<PathBuf>) {
    if directory.is_file() {
        paths.push(directory.to_owned());
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut entries: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the corpus is readable").path()).collect();
    entries.sort();
    entries.iter().for_each(|path| files(path, paths));
}

fn write_seeds(directory: &Path) -> std::io::Result<()> {
    for target in TARGETS {
        let directory = directory.join(target.name);
        std::fs::create_dir_all(&directory)?;
        for (index, seed) in seeds(target).iter().chain(&regressions(target)).enumerate() {
            std::fs::File::create(directory.join(format!("seed-{index}")))?.write_all(seed)?;
        }
    }
    Ok(())
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound.max(1)
    }

    fn mutate(&mut self, data: &mut Vec<u8>) {
        let at = self.below(data.len() + 1);
        let length = self.below(16).min(data.len() - at);
        match self.below(4) {
            0 => drop(data.drain(at..at + length)),
            1 => {
                let part = data[at..at + length].to_vec();
                let to = self.below(data.len() + 1);
                data.splice(to..to, part);
            }
            2 if at < data.len() => data[at] = MEANINGFUL[self.below(MEANINGFUL.len())],
            _ => data.insert(at, MEANINGFUL[self.below(MEANINGFUL.len())]),
        }
    }
}
