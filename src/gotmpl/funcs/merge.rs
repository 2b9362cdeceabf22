//! Merging maps as mergo 1.0.1 does for sprig: into the first map, whose sub-maps are merged in place, while
//! whatever is taken from a source is shared with it.

use super::args::fail;
use super::defaults::is_empty;
use crate::gotmpl::{FuncError, Map, Value};

/// Deeper nesting, such as that of a map inside itself, is an error.
pub(super) const MAX_DEPTH: usize = 1000;

/// Fills what is empty in `target` from `source`; with `overwrite` also replaces what is not, maps excepted,
/// which are merged.
pub(super) fn merge(target: &Map, source: &Map, overwrite: bool) -> Result<(), FuncError> {
    merge_at(target, source, overwrite, 0)
}

fn merge_at(target: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err(fail("merge: maps are nested too deeply"));
    }
    if target.same(source) && !overwrite {
        return Ok(());
    }
    for (key, new) in source.snapshot() {
        let old = target.get(&key);
        if is_nil(&new) {
            if overwrite {
                target.insert(key, new);
            }
            continue;
        }
        if let (Some(Value::Map(old)), Value::Map(new)) = (&old, &new) {
            merge_at(old, new, overwrite, depth + 1)?;
            if !old.is_empty() {
                continue;
            }
        }
        if overwrite || old.as_ref().is_none_or(is_empty) {
            target.insert(key, new);
        }
    }
    Ok(())
}

fn is_nil(value: &Value) -> bool {
    matches!(value, Value::Nil)
}
