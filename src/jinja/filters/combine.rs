//! `combine`: dicts over each other (`utils/vars.py`, `merge_hash`).

use crate::jinja::error::Error;
use crate::jinja::value::{Dict, Value};

/// The ways to merge two lists.
const LIST_MERGES: &[&str] = &["replace", "keep", "append", "prepend", "append_rp", "prepend_rp"];

/// `low` with the entries of `high` over it.
///
/// # Errors
/// `list_merge` is none of the known ways.
pub fn merge(low: &Dict, high: &Dict, recursive: bool, list_merge: &str) -> Result<Value, Error> {
    if !LIST_MERGES.contains(&list_merge) {
        return Err(Error::ansible(format!(
            "merge_hash: 'list_merge' argument can only be equal to {}",
            "'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'"
        )));
    }
    let high = high.entries();
    let mut merged = low.entries();
    if merged.is_empty() || merged == high {
        return Ok(Value::Dict(Dict::new(high)));
    }
    for (key, value) in high {
        let combined = match (merged.get(&key), &value) {
            (Some(Value::Dict(low)), Value::Dict(high)) if recursive => {
                merge(low, high, recursive, list_merge)?
            }
            (Some(Value::List(low)), Value::List(high)) => lists(low.items(), high.items(), list_merge),
            _ => value,
        };
        merged.insert(key, combined);
    }
    Ok(Value::Dict(Dict::new(merged)))
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
