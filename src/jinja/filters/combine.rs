//! `combine`: dicts over each other (`utils/vars.py`, `merge_hash`).

use crate::jinja::error::Error;
use crate::jinja::ops;
use crate::jinja::value::{Dict, Value};

/// The ways to merge two lists.
const LIST_MERGES: &[&str] = &["replace", "keep", "append", "prepend", "append_rp", "prepend_rp"];

/// The way to merge two lists that `list_merge` names.
///
/// # Errors
/// It is none of the known ones.
pub fn list_merge(name: &Value) -> Result<&str, Error> {
    ops::defined(name)?;
    name.as_str().filter(|name| LIST_MERGES.contains(name)).ok_or_else(|| {
        Error::ansible(format!(
            "merge_hash: 'list_merge' argument can only be equal to {}",
            "'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'"
        ))
    })
}

/// Refuses a structure in which a value is missing (`recursive_check_defined`).
///
/// # Errors
/// One is.
pub fn defined(value: &Value, depth: usize) -> Result<(), Error> {
    match value {
        _ if depth > 200 => Ok(()),
        Value::Dict(dict) => dict.read().values().try_for_each(|value| defined(value, depth + 1)),
        Value::List(list) => list.read().iter().try_for_each(|item| defined(item, depth + 1)),
        Value::Undefined(_) => Err(ops::undefined_error(value)),
        _ => Ok(()),
    }
}

/// `low` with the entries of `high` over it; `list_merge` is one of the known ways.
#[must_use]
pub fn merge(low: &Dict, high: &Dict, recursive: bool, list_merge: &str) -> Value {
    let high = high.entries();
    let mut merged = low.entries();
    if merged.is_empty() || merged == high {
        return Value::Dict(Dict::new(high));
    }
    for (key, value) in high {
        let combined = match (merged.get(&key), &value) {
            (Some(Value::Dict(low)), Value::Dict(high)) if recursive => {
                merge(low, high, recursive, list_merge)
            }
            (Some(Value::List(low)), Value::List(high)) => lists(low.items(), high.items(), list_merge),
            _ => value,
        };
        merged.insert(key, combined);
    }
    Value::Dict(Dict::new(merged))
}

fn lists(low: Vec<Value>, high: Vec<Value>, how: &str) -> Value {
    let without = |from: &[Value], other: &[Value]| -> Vec<Value> {
        from.iter().filter(|item| !other.contains(item)).cloned().collect()
    };
    Value::list(match how {
        "keep" => low,
        "append" => [low, high].concat(),
        "prepend" => [high, low].concat(),
        "append_rp" => [without(&low, &high), high].concat(),
        "prepend_rp" => [high.clone(), without(&low, &high)].concat(),
        _ => high,
    })
}
