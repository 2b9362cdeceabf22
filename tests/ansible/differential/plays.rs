//! Small plays under both programs: what their tasks registered, and the counts of their hosts.
//!
//! Many plays stand in one playbook, each with a host of its own, so that none sees the variables of another and
//! ansible-core starts once for all of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

/// What follows the tasks of a play. After a failure there must be a success: ansible-core ends the whole playbook
/// when all hosts of a play have failed.
const RESCUE: &str = "[{debug: {msg: rescued}}]";
const END: &str =
    "{debug: {msg: \"{{ f | default('missing') }} {{ g | default('missing') }}\"}, ignore_errors: true}";

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
    write(&directory.join("plays.yml"), &playbook(plays))?;
    let mut ansible =
        run(&mut Command::new(Path::new(&python).with_file_name("ansible-playbook")), directory)?;
    let mut daytwo = run(Command::new(env!("CARGO_BIN_EXE_daytwo")).arg("playbook"), directory)?;
    let mut of = |number| {
        let host = format!("h{number}");
        let expected = ansible.remove(&host).ok_or_else(|| format!("ansible-core ended before {host}"))?;
        Ok((expected, daytwo.remove(&host).unwrap_or_default()))
    };
    (0..plays.len()).map(&mut of).collect()
}

/// The templates in the tasks of a play: what stands in quotes, bare expressions in braces.
pub(crate) fn templates(tasks: &str) -> Vec<String> {
    let texts = serde_yaml::from_str::<serde_yaml::Value>(tasks).unwrap_or_default();
    let mut found = Vec::new();
    texts_in(&texts, &mut found);
    found
}

fn texts_in(value: &serde_yaml::Value, found: &mut Vec<String>) {
    match value {
        serde_yaml::Value::String(text) if text.contains("{{") || text.contains("{%") => {
            found.push(text.clone())
        }
        serde_yaml::Value::String(text) => found.push(format!("{{{{ {text} }}}}")),
        serde_yaml::Value::Sequence(items) => items.iter().for_each(|item| texts_in(item, found)),
        serde_yaml::Value::Mapping(entries) => entries.values().for_each(|value| texts_in(value, found)),
        _ => {}
    }
}

/// The plays.
fn playbook(plays: &[String]) -> String {
    let vars = crate::here().join("vars.yml");
    let mut book = String::new();
    for (number, tasks) in plays.iter().enumerate() {
        let tasks = spread(tasks);
        let _ = write!(
            book,
            "- hosts: h{number}\n  gather_facts: false\n  vars_files: {}\n  tasks: [{{block: {tasks}, rescue: {RESCUE}}}, {END}]\n",
            vars.display()
        );
    }
    book
}

/// Tasks with each of their words on a line of its own after an empty one: an error quotes two lines, and Ansible takes
/// what it quotes for a template.
fn spread(tasks: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in tasks.chars() {
        match c {
            ' ' if !quoted => out.push_str("\n\n    "),
            c => out.push(c),
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    out
}

/// The results of the tasks by host.
fn run(command: &mut Command, directory: &Path) -> Result<HashMap<String, String>, String> {
    let done = command
        .args(["-i", "hosts", "plays.yml"])
        .current_dir(directory)
        .env("ANSIBLE_CONFIG", crate::here().join("ansible.cfg"))
        .env("ANSIBLE_DEPRECATION_WARNINGS", "false")
        .env("ANSIBLE_STDOUT_CALLBACK", "oneline")
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = String::from_utf8_lossy(&done.stdout);
    let mut told: HashMap<String, String> = HashMap::new();
    for (host, line) in stdout.lines().filter_map(|line| line.split_once(" | ")) {
        let of_host = told.entry(host.to_owned()).or_default();
        match line.split_once(" => ").map(|(state, result)| (state, serde_json::from_str::<Json>(result))) {
            Some((state, Ok(mut result))) => {
                forget_places(&mut result);
                let _ = write!(of_host, "{state} {result}; ");
            }
            _ => {
                let _ = write!(of_host, "{line}; ");
            }
        }
    }
    if told.is_empty() {
        return Err(format!("{command:?} did nothing:\n{stdout}{}", String::from_utf8_lossy(&done.stderr)));
    }
    Ok(told)
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
