//! `docs/modules` is what the modules say of themselves, and their examples are good.

#![allow(missing_docs, clippy::missing_panics_doc)]

use std::path::{Path, PathBuf};

use daytwo::modules::Opt;
use daytwo::modules::documentation::{pages, told};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/modules")
}

#[test]
fn the_pages_are_not_stale() {
    let pages = pages();
    if std::env::var_os("DAYTWO_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(directory()).unwrap();
        for (name, text) in &pages {
            std::fs::write(directory().join(name), text).unwrap();
        }
    }
    let stale: Vec<&String> = pages
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(directory().join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name)
        .collect();
    assert!(stale.is_empty(), "docs/modules is stale, `make docs` writes it anew: {stale:?}");
}

#[test]
fn every_argument_has_a_meaning() {
    fn silent(prefix: &str, options: &mut dyn Iterator<Item = &'static Opt>, found: &mut Vec<String>) {
        for option in options {
            let name = format!("{prefix}.{}", option.name);
            silent(&name, &mut option.options.iter(), found);
            if option.doc.is_empty() {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    for spec in told() {
        silent(spec.name, &mut spec.all_options(), &mut found);
    }
    assert!(found.is_empty(), "no meaning: {found:?}");
}

/// Examples are tasks that load, and whose arguments the module takes.
#[test]
fn the_examples_are_good() {
    for spec in told() {
        let tasks: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_yaml::from_str(spec.doc.examples).unwrap_or_else(|error| panic!("{}: {error}", spec.name));
        assert!(!tasks.is_empty(), "{} has no example", spec.name);
        for task in tasks {
            let arguments = task.get(spec.name).unwrap_or_else(|| panic!("{task:?} is no {}", spec.name));
            let arguments = arguments.as_object().unwrap_or_else(|| panic!("{arguments} is no dict"));
            let entries = arguments
                .iter()
                .map(|(key, value)| (key.as_str().into(), daytwo::jinja::convert::from_json(value.clone())))
                .collect();
            let taken = spec.validate(entries);
            assert!(taken.is_ok(), "{}: {task:?}: {taken:?}", spec.name);
        }
    }
}
