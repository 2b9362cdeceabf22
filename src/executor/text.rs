//! Keyword values as lists of text.

use crate::jinja::Value;

/// A list, or one thing alone.
#[must_use]
pub(super) fn values(value: &Value) -> Vec<Value> {
    match value {
        Value::None => Vec::new(),
        Value::List(list) => list.items(),
        other => vec![other.clone()],
    }
}

/// A list of texts, or one alone.
#[must_use]
pub(super) fn list(value: &Value) -> Vec<String> {
    values(value).iter().map(ToString::to_string).collect()
}

/// A list of texts, or one alone that is split at commas.
#[must_use]
pub(super) fn split(value: &Value) -> Vec<String> {
    match value {
        Value::Str(text) => text.as_str().split(',').map(|part| part.trim().to_owned()).collect(),
        other => list(other),
    }
}
