//! From YAML nodes to values of the language.

use std::sync::Arc;

use num_bigint::BigInt;

use super::value::{Dict, Entries, Key, Str, Timestamp, Value};
use crate::yaml::python;
pub use crate::yaml::python::DumpOptions;

/// The value of a node; `!unsafe` marks all text within as unsafe.
#[must_use]
pub fn value(node: &python::Node) -> Value {
    let value = plain(&node.value);
    if node.tag.as_deref() == Some("!unsafe") { value.into_unsafe() } else { value }
}

fn plain(value: &python::Value) -> Value {
    match value {
        python::Value::None => Value::None,
        python::Value::Bool(flag) => Value::Bool(*flag),
        python::Value::Int(number) => Value::Int(*number),
        python::Value::BigInt(digits) => digits.parse::<BigInt>().map_or(Value::None, Value::from),
        python::Value::Float(number) => Value::Float(*number),
        python::Value::Str(text) => Value::Str(Str::new(Arc::clone(text))),
        python::Value::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
        python::Value::Date(date) => Value::Date(*date),
        python::Value::DateTime(civil, offset) => {
            Value::DateTime(Timestamp { civil: *civil, offset: *offset })
        }
        python::Value::List(items) => Value::list(items.iter().map(self::value).collect()),
        python::Value::Dict(dict) => Value::Dict(Dict::new(entries(dict))),
        python::Value::Set(set) => {
            Value::list(set.entries().iter().map(|(key, _)| self::value(key)).collect())
        }
        python::Value::Pairs(pairs) => {
            let pair = |(key, item): &(python::Node, python::Node)| {
                Value::tuple(vec![self::value(key), self::value(item)])
            };
            Value::list(pairs.iter().map(pair).collect())
        }
    }
}

fn entries(dict: &python::Dict) -> Entries {
    let pairs = dict.entries().iter();
    pairs.filter_map(|(key, item)| Some((Key::new(value(key)).ok()?, value(item)))).collect()
}

/// Reads the only document of a text.
///
/// # Errors
/// The text is no YAML; the message is PyYAML's.
pub fn load(text: &str) -> Result<Value, super::Error> {
    python::load(text.as_bytes())
        .map(|node| value(&node))
        .map_err(|error| super::Error::exception(error.to_string()))
}

/// Reads all documents of a text.
///
/// # Errors
/// The text is no YAML; the message is PyYAML's.
pub fn load_all(text: &str) -> Result<Vec<Value>, super::Error> {
    let nodes = python::Loader::new("<unicode string>").load_all(text.as_bytes());
    let nodes = nodes.map_err(|error| super::Error::exception(error.to_string()))?;
    Ok(nodes.iter().map(value).collect())
}

/// Writes a value as `yaml.dump` does.
///
/// # Errors
/// The nesting is too deep.
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String, super::Error> {
    python::dump(&to_yaml(value), options).map_err(|error| super::Error::exception(error.to_string()))
}

/// The value as YAML represents it.
fn to_yaml(value: &Value) -> python::Value {
    let node =
        |value: &Value| python::Node { mark: crate::yaml::Mark::default(), tag: None, value: to_yaml(value) };
    let list = |items: &[Value]| python::Value::List(Arc::new(items.iter().map(node).collect()));
    match value {
        Value::None => python::Value::None,
        Value::Bool(flag) => python::Value::Bool(*flag),
        Value::Int(number) => python::Value::Int(*number),
        Value::BigInt(number) => python::Value::BigInt(number.to_string().into()),
        Value::Float(number) => python::Value::Float(*number),
        Value::Str(text) => python::Value::Str(text.as_str().into()),
        Value::Bytes(bytes) => python::Value::Bytes(Arc::clone(bytes)),
        Value::Date(date) => python::Value::Date(*date),
        Value::DateTime(time) => python::Value::DateTime(time.civil, time.offset),
        Value::List(items) => list(&items.read()),
        Value::Tuple(items) | Value::Iterator(items) => list(items),
        Value::Range(range) => list(&range.iter().collect::<Vec<_>>()),
        Value::View(view) => list(&view.items()),
        Value::Dict(dict) => {
            let pairs = dict.entries();
            python::Value::Dict(Arc::new(
                pairs.iter().map(|(key, value)| (node(key.value()), node(value))).collect(),
            ))
        }
        other => python::Value::Str(other.to_string().into()),
    }
}
