//! Small plays under both programs: what their tasks registered, and the counts of their hosts.
//!
//! Many plays stand in one playbook, each with a host of its own, so that none sees the variables of another and
//! ansible-core starts once for all of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

/// What the tasks of generated plays register or set.
const NAMES: &[&str] = &["r1", "r2", "r3", "r4", "f", "g", "end"];

/// What follows a failure: ansible-core ends the whole playbook when all hosts of a play have failed.
const RESCUE: &str = "[{debug: {msg: \"{{ ansible_failed_result }}\"}, register: end}]";

/// What each play leaves with ansible-core, and what it leaves with daytwo.
///
/// # Errors
/// A program could not run the plays to their end.
pub(crate) fn answers(plays: &[String]) -> Result<Vec<(String, String)>, String> {
    if plays.is_empty() {
        return Ok(Vec::new());
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let directory = directory.path();
    let python = std::env::var("DAYTWO_ANSIBLE_PYTHON").map_err(|error| error.to_string())?;
    let hosts = plays.len() - 1;
    let inventory = format!(
        "[cases]\nh[0:{hosts}]\n[all:vars]\nansible_connection=local\nansible_python_interpreter={python}\n"
    );
    write(&directory.join("hosts"), &inventory)?;
    write(&directory.join("plays.yml"), &playbook(plays, &directory.join("left.json")))?;
    let ansible = run(&mut Command::new(Path::new(&python).with_file_name("ansible-playbook")), directory)?;
    let daytwo = run(Command::new(env!("CARGO_BIN_EXE_daytwo")).arg("playbook"), directory)?;
    Ok(ansible.into_iter().zip(daytwo).collect())
}

/// The plays, and one that writes what they left.
fn playbook(plays: &[String], file: &Path) -> String {
    let vars = crate::here().join("vars.yml");
    let mut book = String::new();
    for (number, tasks) in plays.iter().enumerate() {
        let _ = write!(
            book,
            "- hosts: h{number}\n  gather_facts: false\n  vars_files: {}\n  tasks: [{{block: {tasks}, rescue: {RESCUE}}}]\n",
            vars.display()
        );
    }
    let left = NAMES.iter().map(|name| format!("'{name}': hostvars[h].{name} | default('missing')"));
    let left = left.collect::<Vec<_>>().join(", ");
    let _ = write!(
        book,
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n  - copy:\n      dest: {}\n      content: >-\n        \
         {{% set left = [] %}}{{% for h in groups.cases %}}{{% set _ = left.append({{{left}}}) %}}{{% endfor %}}\
         {{{{ left | to_json }}}}\n",
        file.display()
    );
    book
}

/// What each play leaves with a program.
fn run(command: &mut Command, directory: &Path) -> Result<Vec<String>, String> {
    let left = directory.join("left.json");
    let done = command
        .args(["-i", "hosts", "plays.yml"])
        .current_dir(directory)
        .env("ANSIBLE_CONFIG", crate::here().join("ansible.cfg"))
        .env("ANSIBLE_DEPRECATION_WARNINGS", "false")
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = String::from_utf8_lossy(&done.stdout);
    let text = std::fs::read_to_string(&left).map_err(|_| {
        let tail: Vec<&str> = stdout.lines().rev().take(10).collect();
        format!("{command:?} did not end: {tail:?}\n{}", String::from_utf8_lossy(&done.stderr))
    })?;
    std::fs::remove_file(&left).map_err(|error| error.to_string())?;
    let recap: HashMap<&str, String> = stdout
        .lines()
        .filter_map(|line| line.split_once(" : ok="))
        .map(|(host, counts)| (host.trim(), counts.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    let mut left: Vec<Json> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let answers = left.iter_mut().enumerate().map(|(number, left)| {
        forget_places(left);
        let counts = recap.get(format!("h{number}").as_str()).map_or("", String::as_str);
        format!("{left} ok={counts}")
    });
    Ok(answers.collect())
}

/// Removes what does not belong to the result: where an error stands in the generated file, and in Python's code.
fn forget_places(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            fields.remove("exception");
            fields.values_mut().for_each(forget_places);
        }
        Json::Array(items) => items.iter_mut().for_each(forget_places),
        Json::String(text) => text.truncate(text.find("The error appears to be in").unwrap_or(text.len())),
        _ => {}
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
