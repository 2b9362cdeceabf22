//! What is fuzzed: each target takes any bytes, must neither panic nor hang nor exhaust memory, and checks
//! the laws of what it exercises.
//!
//! The same bodies run under libFuzzer (`make fuzz`) and, over the seeds and some mutations of them, as an
//! ordinary test (`cargo test --test fuzz_targets`). A new target is a file here with a function `run`, a
//! line in [`TARGETS`], and a binary: three lines in `../fuzz_targets/` and its name in `../Cargo.toml`.
//! What a target finds is kept as a file in `../regressions/NAME/`.

#![allow(dead_code, reason = "a binary runs one of the targets, the test runs them all")]

pub(crate) mod argument_splitter;
pub(crate) mod chart_archive;
pub(crate) mod expression_parser;
pub(crate) mod task_loader;
pub(crate) mod template_executor;
pub(crate) mod template_parser;
pub(crate) mod vault;
pub(crate) mod yaml_emitter;
pub(crate) mod yaml_reader;

/// A fuzz target.
pub(crate) struct Target {
    /// The name of its binary.
    pub(crate) name: &'static str,
    /// Takes any bytes; panics when a law is broken.
    pub(crate) run: fn(&[u8]),
    /// Which files of the repository are seeds.
    pub(crate) seeds: Seeds,
}

/// What a target begins with.
pub(crate) enum Seeds {
    /// All files in these directories whose name ends so, and all texts in these recordings (files of JSON, or
    /// directories of them).
    Texts {
        directories: &'static [&'static str],
        endings: &'static [&'static str],
        recordings: &'static [&'static str],
    },
    /// The charts in `charts/` as tar archives.
    Archives,
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "template_parser", run: template_parser::run, seeds: TEMPLATES },
    Target { name: "template_executor", run: template_executor::run, seeds: TEMPLATES },
    Target { name: "yaml_reader", run: yaml_reader::run, seeds: YAML },
    Target { name: "yaml_emitter", run: yaml_emitter::run, seeds: YAML },
    Target { name: "chart_archive", run: chart_archive::run, seeds: Seeds::Archives },
    Target { name: "expression_parser", run: expression_parser::run, seeds: EXPRESSIONS },
    Target { name: "task_loader", run: task_loader::run, seeds: TASKS },
    Target { name: "argument_splitter", run: argument_splitter::run, seeds: EXPRESSIONS },
    Target { name: "vault", run: vault::run, seeds: VAULT },
];

const SHIPPED: &[&str] = &["charts", "roles", "deploy"];

const TEMPLATES: Seeds = Seeds::Texts {
    directories: SHIPPED,
    endings: &[".yaml", ".tpl", ".txt"],
    recordings: &["tests/fixtures/funcs"],
};
const YAML: Seeds = Seeds::Texts {
    directories: SHIPPED,
    endings: &[".yaml", ".yml"],
    recordings: &["tests/fixtures/yaml/go-write.jsonl", "tests/fixtures/yaml/python-dump.jsonl"],
};
const EXPRESSIONS: Seeds = Seeds::Texts {
    directories: &["roles"],
    endings: &[".yml", ".j2"],
    recordings: &["tests/fixtures/templates.jsonl", "tests/ansible/differential/regressions.txt"],
};
const TASKS: Seeds = Seeds::Texts {
    directories: &["roles", "tests/fixtures/playbooks", "tests/fixtures/ansible-cli"],
    endings: &[".yml"],
    recordings: &[],
};
const VAULT: Seeds =
    Seeds::Texts { directories: &["tests/fixtures/vault"], endings: &[".txt"], recordings: &[] };
