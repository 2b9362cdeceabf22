//! The JSON schema of a watches file, for editors: made from the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Shape, Side};

/// The schema (draft 7, which editors read) of a watches file. An environment variable may stand
/// wherever a value is text.
#[must_use]
pub fn schema() -> Value {
    let properties: Map<String, Value> =
        KEYS.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "watches.yaml of daytwo, helm-operator and ansible-operator",
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "required": ["version", "kind"],
            "oneOf": [{"required": ["chart"]}, {"required": ["role"]}, {"required": ["playbook"]}],
            "properties": properties,
            "additionalProperties": false,
        },
    })
}

fn property(key: &Key) -> Value {
    let whose = match key.side {
        Side::Both => "",
        Side::Chart => " (charts only)",
        Side::Ansible => " (roles and playbooks only)",
    };
    let mut property = shape(key.shape);
    property["description"] = format!("{}{whose}", key.meaning).into();
    property
}

fn shape(shape: Shape) -> Value {
    let text = json!({"type": "string"});
    let gvk = json!({
        "type": "object",
        "required": ["version", "kind"],
        "properties": {"group": text, "version": text, "kind": text},
    });
    match shape {
        Shape::Text => text,
        Shape::Flag => json!({"enum": [true, false, "true", "false", null]}),
        Shape::Whole => json!({"type": ["integer", "string"], "pattern": "^[0-9]+$|^\\$"}),
        Shape::Duration => json!({"type": ["string", "null"], "examples": ["1m30s", "10h"]}),
        Shape::Map => json!({"type": ["object", "null"]}),
        Shape::Texts => json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }),
        Shape::Kinds => json!({"type": ["array", "null"], "items": gvk}),
        Shape::Finalizer => json!({
            "type": ["object", "null"],
            "required": ["name"],
            "properties": {
                "name": text,
                "role": text,
                "playbook": text,
                "vars": {"type": ["object", "null"]},
            },
        }),
        Shape::Selector => json!({
            "type": ["object", "null"],
            "properties": {
                "matchLabels": {"type": "object", "additionalProperties": text},
                "matchExpressions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["key", "operator"],
                        "properties": {
                            "key": text,
                            "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                            "values": {"type": "array", "items": text},
                        },
                    },
                },
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that is checked in for editors; `UPDATE=1 cargo test` writes it anew.
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/watches.schema.json");

    #[test]
    fn the_file_for_editors_is_up_to_date() {
        let text = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(FILE, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(FILE).unwrap(), text, "UPDATE=1 cargo test writes it anew");
    }

    #[test]
    fn the_schema_accepts_what_is_right_and_refuses_the_rest() {
        let schema = jsonschema::draft7::new(&schema()).unwrap();
        let hello = json!({"group": "daytwo.dev", "version": "v1", "kind": "Hello", "chart": "charts/hello"});
        let with = |name: &str, value: Value| {
            let mut entry = hello.clone();
            entry[name] = value;
            schema.is_valid(&json!([entry]))
        };
        assert!(schema.is_valid(&json!([hello])));
        assert!(with("selector", json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]})));
        assert!(with("overrideValues", json!({"image.tag": "$TAG", "replicas": 2})));
        assert!(!with("role", json!("both")));
        assert!(!with("chrat", json!("unknown")));
        assert!(!with("blacklist", json!([{"kind": "Pod"}])));
    }
}
