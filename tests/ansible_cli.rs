//! The programs of ansible-core that the binary is when it is called by their names: their output is that of
//! ansible-core 2.18.19, recorded in `tests/fixtures/ansible-cli`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ansible-cli")
}

/// Runs a program by its name in the directory of the fixtures, with nothing of the caller's configuration.
fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join(program);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_daytwo"), &link).unwrap();
    let mut command = Command::new(&link);
    let foreign = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ANSIBLE_"));
    foreign.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command.env("HOME", directory.path()).env("ANSIBLE_NOCOLOR", "1").envs(environment.iter().copied());
    command.args(arguments).current_dir(fixtures()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was recorded; the recording was made in another directory.
fn recorded(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap()
}

/// Output with the directory of the fixtures as `<dir>`.
fn stable(output: &str) -> String {
    output.replace(&fixtures().display().to_string(), "<dir>")
}

#[test]
fn a_play_is_printed_as_by_the_default_callback() {
    let output = run("ansible-playbook", &["-i", "hosts", "play.yml"], &[]);
    assert_eq!(stable(&text(&output.stdout)), recorded("play.out"));
    let warning = "[WARNING]: Could not match supplied host pattern, ignoring: nowhere\n";
    assert_eq!(text(&output.stderr), warning);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn filters_and_tests_in_python_run() {
    let output = run("ansible-playbook", &["-i", "hosts", "plugins.yml"], &[]);
    assert_eq!(stable(&text(&output.stdout)), recorded("plugins.out"), "{}", text(&output.stderr));
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let environment = [("ANSIBLE_FORKS", "9"), ("ANSIBLE_CONFIG", "set.cfg")];
    let output = run("ansible-config", &["dump", "--only-changed"], &environment);
    let shown = stable(&text(&output.stdout));
    assert_eq!(shown, recorded("config.out"), "{}", text(&output.stderr));
    let output = run("ansible-config", &["dump", "--only-changed", "--format", "json"], &environment);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(rows.as_array().unwrap().contains(&serde_json::json!({
        "name": "DEFAULT_FORKS", "origin": "env: ANSIBLE_FORKS", "value": 9
    })));
}

#[test]
fn results_as_yaml_without_unchanged_hosts() {
    let environment = [
        ("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml"),
        ("ANSIBLE_DISPLAY_OK_HOSTS", "0"),
        ("ANSIBLE_SHOW_CUSTOM_STATS", "1"),
        ("ANSIBLE_CHECK_MODE_MARKERS", "1"),
    ];
    let output = run("ansible-playbook", &["--check", "-i", "hosts", "play.yml"], &environment);
    assert_eq!(stable(&text(&output.stdout)), recorded("yaml.out"));
}

#[test]
fn what_would_run_is_listed() {
    let arguments = ["-i", "hosts", "play.yml", "--list-hosts", "--list-tasks", "--list-tags"];
    let output = run("ansible-playbook", &arguments, &[]);
    assert_eq!(text(&output.stdout), recorded("list.out"));
}

#[test]
fn inventories_are_shown() {
    let output = run("ansible-inventory", &["-i", "hosts", "--list"], &[]);
    assert_eq!(text(&output.stdout), recorded("inventory.json"));
    let output = run("ansible-inventory", &["-i", "hosts", "--graph", "--vars"], &[]);
    assert_eq!(text(&output.stdout), recorded("graph.out"));
    let output = run("ansible-inventory", &["-i", "hosts", "--list", "--yaml", "--export"], &[]);
    assert_eq!(text(&output.stdout), recorded("export.yml"));
    let output = run("ansible-inventory", &["-i", "hosts"], &[]);
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn one_task_runs_without_a_playbook() {
    let output = run("ansible", &["web1", "-i", "hosts", "-m", "debug", "-a", "msg=hi"], &[]);
    assert_eq!(text(&output.stdout), "web1 | SUCCESS => {\n    \"msg\": \"hi\"\n}\n");
    let output = run("ansible", &["web1", "-i", "hosts", "-a", "echo hi"], &[]);
    assert_eq!(text(&output.stdout), "web1 | CHANGED | rc=0 >>\nhi\n");
    let output = run("ansible", &["localhost"], &[]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("ERROR! No argument passed to command module"));
}

#[test]
fn exit_codes_and_errors() {
    let output = run("ansible-playbook", &["broken.yml"], &[]);
    assert_eq!(output.status.code(), Some(4));
    let errors = stable(&text(&output.stderr));
    assert!(errors.contains("'whne' is not a valid attribute for a Task"), "{errors}");
    let place = "\n\nThe error appears to be in '<dir>/broken.yml': line 4, column 7, but may\nbe elsewhere in the file depending on the exact syntax problem.\n\nThe offending line appears to be:\n\n    - debug: {msg: x}\n      whne: 1\n      ^ here\n";
    assert!(errors.contains(place), "{errors}");
    let output = run("ansible-playbook", &["nowhere.yml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ERROR! the playbook: nowhere.yml could not be found"));
    let output = run("ansible-playbook", &["-i", "hosts", "-l", "nobody", "play.yml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("leaves us with no hosts to target."));
    let output = run("ansible-playbook", &["-e", "/x", "play.yml"], &[]);
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn versions_and_galaxy() {
    let output = run("ansible-playbook", &["--version"], &[]);
    assert!(text(&output.stdout).starts_with("ansible-playbook [core 2.18.19]\n  config file = None\n"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("requirements.yml");
    std::fs::write(&file, "collections:\n  - name: kubernetes.core\n    version: 3.2.0\n  - not.there\n")
        .unwrap();
    let output = run("ansible-galaxy", &["collection", "install", "-r", &file.display().to_string()], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("kubernetes.core is built in"));
    assert!(text(&output.stderr).contains("the collection 'not.there' is not built in"));
}
