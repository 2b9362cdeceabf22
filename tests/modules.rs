//! What the builtin modules return and leave behind is what ansible-core's do: a play and its results,
//! recorded by `tests/ansible/compare_modules.py` from the real ansible-core, run again here.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What differs between any two runs; as in `compare_modules.py`.
const DROPPED: &[&str] = &[
    "atime",
    "mtime",
    "ctime",
    "inode",
    "dev",
    "start",
    "end",
    "delta",
    "exception",
    "invocation",
    "module_stderr",
    "module_stdout",
    "traceback",
    "elapsed",
    "version",
    "attributes",
    "attr_flags",
    "uid",
    "gid",
    "owner",
    "group",
    "size",
];

#[test]
fn modules_do_what_ansible_does() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/modules");
    let read = |name: &str| std::fs::read_to_string(fixtures.join(name)).expect("the fixture");
    let work = tempfile::tempdir().expect("a directory");
    let work = work.path().canonicalize().expect("its path");
    let (dir, out, book) = (work.join("work"), work.join("out.json"), work.join("play.yml"));
    let play =
        read("play.yml").replace("@WORK@", &dir.to_string_lossy()).replace("@OUT@", &out.to_string_lossy());
    std::fs::write(&book, &play).expect("the play");
    let done =
        Command::new(env!("CARGO_BIN_EXE_daytwo")).arg("playbook").arg(&book).output().expect("daytwo runs");
    let found =
        std::fs::read_to_string(&out).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stdout)));
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let expected: Value = serde_json::from_str(&read("expected.json")).expect("JSON");
    let (found, expected) = (rows(&found), rows(&expected));
    let play: Value = serde_json::from_str(play.trim_start_matches("---")).expect("JSON");
    let tasks = play[0]["tasks"].as_array().expect("tasks");
    let names: Vec<&str> = tasks.iter().filter_map(|task| task["name"].as_str()).collect();
    assert_eq!(names.len(), expected.len());
    assert_eq!(found.len(), expected.len());
    let dir = dir.to_string_lossy();
    let mut different = Vec::new();
    for ((name, found), expected) in names.iter().zip(found).zip(expected) {
        let (found, expected) = (normal(found.clone(), &dir), normal(expected.clone(), &dir));
        if found != expected {
            different.push(format!("{name}\n  ansible: {expected}\n  daytwo:  {found}"));
        }
    }
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), names.len(), different.join("\n"));
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn normal(value: Value, work: &str) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().filter(|(key, item)| {
                let temporary = matches!(key.as_str(), "src" | "after_header")
                    && item.as_str().is_some_and(|text| text.contains("ansible") && !text.starts_with(work));
                !DROPPED.contains(&key.as_str()) && !key.starts_with("_ansible") && !temporary
            });
            Value::Object(kept.map(|(key, item)| (key, normal(item, work))).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|item| normal(item, work)).collect();
            if items.iter().all(|item| item["path"].is_string()) {
                items.sort_by_key(|item| item["path"].as_str().unwrap_or_default().to_owned());
            }
            Value::Array(items)
        }
        Value::String(text) => Value::String(shown(&text.replace(work, "DIR"))),
        other => other,
    }
}

/// Text without what is another word each time: names of backups (`NAME.PID.DATE@TIME~`) and of
/// temporary files.
fn shown(text: &str) -> String {
    let word = |word: &str| {
        if ["ansible-tmp", "ansible_tmp", "/tmp/tmp"].iter().any(|mark| word.contains(mark)) {
            return "TEMPORARY".to_owned();
        }
        match word.rsplitn(3, '.').collect::<Vec<_>>().as_slice() {
            [time, _, name] if time.ends_with('~') && time.contains('@') => format!("{name}.BACKUP~"),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
