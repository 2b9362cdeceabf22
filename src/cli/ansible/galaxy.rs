//! `ansible-galaxy`, which images of operators call when they are built: what daytwo has built in needs no
//! installation.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{display, exit, version};
use crate::jinja::{Value, yaml};
use crate::modules::Registry;
use crate::playbook::ModuleNames as _;

/// Options that have a value in the next argument.
const WITH_VALUE: &[&str] = &[
    "-r",
    "--requirements-file",
    "--role-file",
    "-p",
    "--collections-path",
    "--roles-path",
    "-s",
    "--server",
    "--token",
    "--api-key",
    "--timeout",
    "--signature",
    "--keyring",
    "--required-valid-signature-count",
    "--ignore-signature-status-code",
    "-o",
    "--offline-path",
];

/// Collections that need no installation although no module of them has a name of its own.
const WITHOUT_MODULES: &[&str] = &["cloud.common", "community.docker"];

/// Accepts `collection install` and `role install`; warns of what is not built in.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let words: Vec<String> =
        arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--version") {
        version::print("ansible-galaxy");
        return ExitCode::SUCCESS;
    }
    let (mut plain, mut files) = (Vec::new(), Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (option, attached) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        if WITH_VALUE.contains(&option) {
            let value = attached.or_else(|| rest.next().cloned()).unwrap_or_default();
            if matches!(option, "-r" | "--requirements-file" | "--role-file") {
                files.push(PathBuf::from(value));
            }
        } else if !word.starts_with('-') {
            plain.push(word.as_str());
        }
    }
    let (kind, names) = match plain.as_slice() {
        [kind @ ("collection" | "role"), "install", names @ ..] => (*kind, names),
        ["install", names @ ..] => ("role", names),
        ["collection" | "role", "list", ..] | ["list", ..] => return list(),
        _ => {
            display::error("daytwo's ansible-galaxy knows 'collection install', 'role install' and 'list'");
            return ExitCode::from(exit::OPTIONS);
        }
    };
    let mut wanted: Vec<(&str, String)> = names.iter().map(|name| (kind, (*name).to_owned())).collect();
    for file in files {
        match requirements(&file) {
            Ok(found) => wanted.extend(found),
            Err(message) => {
                display::error(&message);
                return ExitCode::from(exit::ERROR);
            }
        }
    }
    let mut said = display::Display::new(true);
    for (kind, name) in wanted {
        let name = name.split(':').next().unwrap_or_default();
        if kind == "collection" && is_built_in(name) {
            println!("{name} is built in");
        } else {
            said.warning(&format!(
                "the {kind} '{name}' is not built in and was not installed; put it beside the playbooks (collections/ansible_collections, roles) if it is needed"
            ));
        }
    }
    ExitCode::SUCCESS
}

fn is_built_in(collection: &str) -> bool {
    let prefix = format!("{collection}.");
    WITHOUT_MODULES.contains(&collection)
        || Registry::all().names().iter().any(|name| name.starts_with(&prefix))
}

fn list() -> ExitCode {
    let mut collections: Vec<String> = Registry::all()
        .names()
        .iter()
        .filter_map(|name| name.rsplit_once('.').map(|(collection, _)| collection.to_owned()))
        .collect();
    collections.sort();
    collections.dedup();
    println!("Collection           Version\n-------------------- -------");
    for collection in collections {
        println!("{collection:<20} built in");
    }
    ExitCode::SUCCESS
}

/// The collections and roles of a file of requirements.
fn requirements(file: &std::path::Path) -> Result<Vec<(&'static str, String)>, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("The requirements file '{}' does not exist. ({error})", file.display()))?;
    let content = yaml::load(&text).map_err(|error| error.to_string())?;
    let mut wanted = Vec::new();
    let mut add = |kind: &'static str, list: &Value| {
        for entry in list.as_list().map(crate::jinja::value::List::items).unwrap_or_default() {
            let name = match entry.as_dict() {
                Some(dict) => dict.get("name").or_else(|| dict.get("src")).or_else(|| dict.get("source")),
                None => Some(entry.clone()),
            };
            wanted.extend(name.map(|name| (kind, name.to_string())));
        }
    };
    match content.as_dict() {
        Some(dict) => {
            for (key, kind) in [("collections", "collection"), ("roles", "role")] {
                if let Some(list) = dict.get(key) {
                    add(kind, &list);
                }
            }
        }
        None => add("role", &content),
    }
    Ok(wanted)
}
