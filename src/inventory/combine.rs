//! How variables of several layers become one (`utils/vars.py`, `combine_vars`).

use std::sync::Arc;

use indexmap::IndexMap;

use crate::jinja::Value;
use crate::jinja::value::Dict;

/// Puts a variable over those that are there; with `merge` (`hash_behaviour = merge`), dicts are merged key by
/// key.
pub fn overlay<S: std::hash::BuildHasher>(
    into: &mut IndexMap<Arc<str>, Value, S>,
    name: &Arc<str>,
    value: Value,
    merge: bool,
) {
    if merge && let (Some(Value::Dict(old)), Value::Dict(new)) = (into.get(name), &value) {
        let merged = merge_dicts(old, new);
        into.insert(Arc::clone(name), merged);
        return;
    }
    into.insert(Arc::clone(name), value);
}

/// The entries of both dicts, those of the second winning, dicts within merged (`merge_hash`).
#[must_use]
pub fn merge_dicts(old: &Dict, new: &Dict) -> Value {
    let mut entries = old.entries();
    for (key, value) in new.entries() {
        let merged = match (entries.get(&key), &value) {
            (Some(Value::Dict(old)), Value::Dict(new)) => merge_dicts(old, new),
            _ => value,
        };
        entries.insert(key, merged);
    }
    Value::Dict(Dict::new(entries))
}
