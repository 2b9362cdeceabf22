//! Templates and what the real ansible-core 2.18.19 makes of them (`tests/ansible/compare.py`
//! records the fixture): type and value, or that it is an error.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use daytwo::jinja::filters::core::to_bool;
use daytwo::jinja::{Environment, Plugins, Templar, Value, Vars, convert};

fn templar() -> Templar {
    let vars = serde_json::json!({
        "size": 3, "fl": 1.5, "lst": [1, 2], "nested": {"a": 1, "b": 3},
        "jsonstr": "{\"k\":[1,true,null]}", "tpl": "{{size}}-x", "nul": null, "sflag": "no",
        "selfref": "{{ selfref }}",
        "playbook_dir": "/tmp",
    });
    let vars = vars.as_object().unwrap().clone().into_iter();
    let vars: Vars = vars.map(|(name, value)| (Arc::from(name), convert::from_json(value))).collect();
    Templar::new(Arc::new(Environment::new(Arc::new(Plugins::builtin()))), Arc::new(vars))
}

/// What `set_fact` makes of text that is a word for a boolean.
fn as_fact(value: Value) -> Value {
    let word = value.as_str().is_some_and(|text| {
        ["true", "false", "yes", "no"].iter().any(|word| text.eq_ignore_ascii_case(word))
    });
    match to_bool(&value) {
        Some(flag) if word => Value::Bool(flag),
        _ => value,
    }
}

#[test]
fn templates_agree_with_ansible() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/templates.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let templar = templar();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let row: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
        let (template, kind) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        // The fact is used in a template once more, as the recording play does.
        let got =
            templar.template(&Value::from(template)).map(as_fact).and_then(|fact| templar.template(&fact));
        let agrees = match (&got, kind) {
            (Err(_), kind) => kind == "ERROR",
            (Ok(value), kind) => value.plain_type_name() == kind && convert::to_json(value) == row[2],
        };
        if !agrees {
            wrong.push(format!("{template}\n  expected {kind} {}\n  got {got:?}", row[2]));
        }
    }
    assert!(wrong.is_empty(), "{} templates differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The table of types in the reference (section 3.2): every row stands in the fixture, but for what the
/// environment of the machine decides.
#[test]
fn every_row_of_the_type_table_is_recorded() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let recorded: Vec<String> = read("tests/fixtures/templates.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Vec<serde_json::Value>>(line).unwrap()[0].as_str().unwrap().into())
        .collect();
    let table = read("tests/ansible/table.txt");
    let (known, others): (Vec<&str>, Vec<&str>) =
        table.lines().partition(|row| recorded.iter().any(|template| template == row));
    assert_eq!((known.len(), others), (60, vec!["{{ lookup('env','HOME') }}"]));
    let home = templar().template(&Value::from("{{ lookup('env','HOME') }}")).unwrap();
    assert_eq!(home.to_string(), std::env::var("HOME").unwrap_or_default());
    assert_eq!(home.type_name(), "AnsibleUnsafeText");
}
