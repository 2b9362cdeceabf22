//! JSON values as YAML text.

use serde_json::Value;

use super::emit::{EmitError, Emitter};
use super::order::{KeyOrder, sort_by_key};

/// Writes a value as `sigs.k8s.io/yaml.Marshal` does.
///
/// # Errors
/// See [`EmitError`].
pub fn marshal(value: &Value) -> Result<String, EmitError> {
    let mut out = Vec::new();
    let mut emitter = Emitter::new(&mut out);
    write(&mut emitter, value, KeyOrder::V2);
    emitter.finish().map(|()| into_text(out))
}

/// Writes a value as yaml.v3 does with an indentation of 2.
///
/// # Errors
/// See [`EmitError`].
pub fn marshal_pretty(value: &Value) -> Result<String, EmitError> {
    let mut out = Vec::new();
    let mut emitter = Emitter::pretty(&mut out);
    write(&mut emitter, value, KeyOrder::V3);
    emitter.finish().map(|()| into_text(out))
}

/// Helm's `toYaml`: without the last line break, and nothing when the value cannot be written.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    without_last_break(marshal(value).unwrap_or_default())
}

/// Helm's `toYamlPretty`.
#[must_use]
pub fn to_yaml_pretty(value: &Value) -> String {
    without_last_break(marshal_pretty(value).unwrap_or_default())
}

fn without_last_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn into_text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn write(emitter: &mut Emitter<'_>, value: &Value, order: KeyOrder) {
    match value {
        Value::Null => emitter.null(),
        Value::Bool(value) => emitter.bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => emitter.int(int),
            (None, Some(uint)) => emitter.uint(uint),
            (None, None) => emitter.float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => emitter.string(text.as_bytes()),
        Value::Array(items) => {
            emitter.list_start();
            items.iter().for_each(|item| write(emitter, item, order));
            emitter.list_end();
        }
        Value::Object(map) => {
            emitter.map_start();
            let mut entries: Vec<_> = map.iter().collect();
            sort_by_key(&mut entries, order, |(key, _)| key);
            for (key, value) in entries {
                emitter.key(key.as_bytes());
                write(emitter, value, order);
            }
            emitter.map_end();
        }
    }
}
