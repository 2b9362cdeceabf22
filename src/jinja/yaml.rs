//! From YAML nodes to values of the language.

use std::collections::HashMap;
use std::sync::Arc;

use num_bigint::BigInt;

use super::value::{Dict, Entries, Key, Str, Timestamp, Value};
use crate::vault::Sealed;
use crate::yaml::Limits;
use crate::yaml::python;
pub use crate::yaml::python::DumpOptions;

/// The tags that Ansible content may use beside YAML's own.
pub const TAGS: &[&str] = &["!vault", "!vault-encrypted", "!unsafe"];

/// The value of a node of Ansible content: text remembers that it stood there (`AnsibleUnicode`), `!unsafe`
/// marks all text within as unsafe, `!vault` is text that is still encrypted.
#[must_use]
pub fn value(node: &python::Node) -> Value {
    match node.tag.as_deref() {
        Some("!unsafe") => convert(&node.value, true).into_unsafe(),
        Some("!vault" | "!vault-encrypted") => {
            let text = node.value.as_str().unwrap_or_default();
            Value::Sealed(Sealed::new(text))
        }
        _ => convert(&node.value, true),
    }
}

/// The value of a node of data, as PyYAML's own loader gives it.
fn plain(node: &python::Node) -> Value {
    convert(&node.value, false)
}

fn convert(value: &python::Value, content: bool) -> Value {
    let of = if content { self::value } else { plain };
    match value {
        python::Value::Str(text) if content => Value::Str(Str::new(Arc::clone(text)).into_yaml()),
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
        python::Value::List(items) => Value::list(items.iter().map(of).collect()),
        python::Value::Dict(dict) => Value::Dict(Dict::new(entries(dict, of))),
        python::Value::Set(set) => Value::list(set.entries().iter().map(|(key, _)| of(key)).collect()),
        python::Value::Pairs(pairs) => {
            let pair = |(key, item): &(python::Node, python::Node)| Value::tuple(vec![of(key), of(item)]);
            Value::list(pairs.iter().map(pair).collect())
        }
    }
}

fn entries(dict: &python::Dict, of: fn(&python::Node) -> Value) -> Entries {
    let pairs = dict.entries().iter();
    pairs.filter_map(|(key, item)| Some((Key::new(of(key)).ok()?, of(item)))).collect()
}

/// Reads the only document of a text.
///
/// # Errors
/// The text is no YAML; the message is PyYAML's.
pub fn load(text: &str) -> Result<Value, super::Error> {
    python::load(text.as_bytes())
        .map(|node| plain(&node))
        .map_err(|error| super::Error::exception(error.to_string()))
}

/// Reads a file of Ansible content: JSON if it is JSON, else YAML with Ansible's tags (`from_yaml` of
/// `parsing/utils/yaml.py`).
///
/// # Errors
/// The text is no YAML; the message is PyYAML's.
pub fn load_content(text: &str, name: &str) -> Result<Value, super::Error> {
    if text.trim_start().starts_with(['{', '[', '"'])
        && let Ok(json) = serde_json::from_str(text)
    {
        return Ok(super::convert::from_json(json));
    }
    python::Loader::new(name)
        .with_tags(TAGS)
        .load(text.as_bytes())
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
    Ok(nodes.iter().map(plain).collect())
}

/// Writes a value as `yaml.dump` does: a list or dict that occurs more than once gets an anchor.
///
/// # Errors
/// The nesting is too deep, as that of a list which contains itself.
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String, super::Error> {
    let value = Representer { made: HashMap::new() }.represent(value, 0);
    let text = value.and_then(|value| python::dump(&value, options));
    text.map_err(|error| super::Error::exception(error.to_string()))
}

/// Makes YAML of values, the same YAML of the same object.
struct Representer {
    /// By address. The object is kept, so that no other one takes its place.
    made: HashMap<usize, (Value, python::Value)>,
}

impl Representer {
    fn represent(&mut self, value: &Value, depth: usize) -> Result<python::Value, python::DumpError> {
        if depth > Limits::default().depth {
            return Err(python::DumpError);
        }
        let address = value.address();
        if let Some((_, made)) = address.and_then(|address| self.made.get(&address)) {
            return Ok(made.clone());
        }
        let represented = match value {
            Value::None => python::Value::None,
            Value::Bool(flag) => python::Value::Bool(*flag),
            Value::Int(number) => python::Value::Int(*number),
            Value::BigInt(number) => python::Value::BigInt(number.to_string().into()),
            Value::Float(number) => python::Value::Float(*number),
            Value::Str(text) => python::Value::Str(text.as_str().into()),
            Value::Bytes(bytes) => python::Value::Bytes(Arc::clone(bytes)),
            Value::Date(date) => python::Value::Date(*date),
            Value::DateTime(time) => python::Value::DateTime(time.civil, time.offset),
            Value::List(items) => self.list(&items.read(), depth)?,
            Value::Tuple(items) | Value::Iterator(items) => self.list(items, depth)?,
            Value::Range(range) => match range.items() {
                Some(items) => self.list(&items, depth)?,
                None => python::Value::Str(range.to_string().into()),
            },
            Value::View(view) => self.list(&view.items(), depth)?,
            Value::Dict(dict) => {
                let pairs = dict.entries();
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| Ok((self.node(key.value(), depth)?, self.node(value, depth)?)))
                    .collect::<Result<_, python::DumpError>>()?;
                python::Value::Dict(Arc::new(pairs))
            }
            other => python::Value::Str(other.to_string().into()),
        };
        if let Some(address) = address {
            self.made.insert(address, (value.clone(), represented.clone()));
        }
        Ok(represented)
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<python::Value, python::DumpError> {
        let items = items.iter().map(|item| self.node(item, depth)).collect::<Result<_, _>>()?;
        Ok(python::Value::List(Arc::new(items)))
    }

    fn node(&mut self, value: &Value, depth: usize) -> Result<python::Node, python::DumpError> {
        self.represent(value, depth + 1).map(python::Node::from)
    }
}
