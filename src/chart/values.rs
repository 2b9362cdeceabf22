//! Values: reading them from files, merging them, finding a path in them.
//!
//! As data that outlives a rendering they are JSON maps, immutable and shared between threads; for a
//! rendering they become the template engine's maps, which are shared and mutable as Go's are.

use serde_json::{Map as Json, Value as JsonValue};

use super::Error;
use super::decode::kind;
use crate::gotmpl::{Elem, List, Map, MapType, Value};
use crate::yaml::go::{self, Numbers};

/// Reads a values file: one or several YAML documents, the later over the earlier.
///
/// All numbers are `f64`, as Go's `interface{}` holds them. Follows `LoadValues` of Helm 4.
///
/// # Errors
/// When a document is not YAML or not a map.
pub fn load(text: &[u8]) -> Result<Json<String, JsonValue>, String> {
    let mut values = Json::new();
    for document in documents(text)? {
        let refuse = |error: String| format!("cannot unmarshal yaml document: {error}");
        match go::parse(&document, Numbers::Float64).map_err(|error| refuse(error.to_string()))? {
            JsonValue::Object(map) => values = merge(values, map),
            JsonValue::Null => {}
            other => return Err(refuse(format!("cannot unmarshal {} into a map of values", kind(&other)))),
        }
    }
    Ok(values)
}

/// The documents between lines that begin with `---`, which Kubernetes' YAMLReader splits at even
/// inside a block scalar; line ends become `\n`.
fn documents(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut documents = Vec::new();
    let mut current = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(rest) = line.strip_prefix(b"---") {
            let rest = rest.trim_ascii();
            if !rest.is_empty() && rest[0] != b'#' {
                return Err(format!(
                    "error reading yaml document: invalid Yaml document separator: {}",
                    String::from_utf8_lossy(rest)
                ));
            }
            if !current.is_empty() {
                documents.push(std::mem::take(&mut current));
                continue;
            }
        }
        current.extend_from_slice(line);
        current.push(b'\n');
    }
    documents.push(current);
    Ok(documents)
}

/// `over` over `base`: maps are merged, everything else is replaced, nulls included.
///
/// Follows `MergeMaps` of Helm 4, which joins values files and `--set` flags.
#[must_use]
pub fn merge(mut base: Json<String, JsonValue>, over: Json<String, JsonValue>) -> Json<String, JsonValue> {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(JsonValue::Object(below)), JsonValue::Object(above)) => {
                *below = merge(std::mem::take(below), above);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}

/// New values over those of a release: tables are merged, and a null removes what was given before.
///
/// Follows `CoalesceTables` of Helm 4.
#[must_use]
pub fn over_values(
    mut new: Json<String, JsonValue>,
    old: Json<String, JsonValue>,
) -> Json<String, JsonValue> {
    for (key, before) in old {
        match (new.get_mut(&key), before) {
            (None, before) => {
                new.insert(key, before);
            }
            (Some(JsonValue::Null), JsonValue::Null) => {}
            (Some(JsonValue::Null), _) => {
                new.remove(&key);
            }
            (Some(JsonValue::Object(above)), JsonValue::Object(below)) => {
                *above = over_values(std::mem::take(above), below);
            }
            (Some(_), _) => {}
        }
    }
    new
}

/// `given` over `defaults`: tables are merged, a null in `given` removes a default, nulls of `defaults`
/// are none, and a table stays where something else stands on the other side.
///
/// Follows `CoalesceValues` of Helm 4 for a chart whose defaults are already merged with its subcharts'.
#[must_use]
pub fn over_defaults(
    mut given: Json<String, JsonValue>,
    defaults: Json<String, JsonValue>,
) -> Json<String, JsonValue> {
    for (key, default) in defaults {
        match (given.get_mut(&key), default) {
            (None | Some(JsonValue::Null), JsonValue::Null) => {}
            (Some(JsonValue::Null), _) => {
                given.remove(&key);
            }
            (Some(JsonValue::Object(above)), JsonValue::Object(below)) => {
                *above = over_defaults(std::mem::take(above), below);
            }
            (Some(_), _) => {}
            (None, JsonValue::Object(below)) => {
                given.insert(key, JsonValue::Object(over_defaults(Json::new(), below)));
            }
            (None, default) => {
                given.insert(key, default);
            }
        }
    }
    given
}

/// The values as the template engine's map.
pub(super) fn to_map(values: &Json<String, JsonValue>) -> Map {
    Map::from_entries(MapType::Any, values.iter().map(|(k, v)| (k.as_str().into(), Value::from(v))).collect())
}

/// The map as data.
pub(super) fn to_json(map: &Map) -> Json<String, JsonValue> {
    map.borrow().iter().map(|(key, value)| (key.to_text().into_owned(), json(value))).collect()
}

fn json(value: &Value) -> JsonValue {
    match value {
        Value::Bool(b) => JsonValue::Bool(*b),
        Value::Int(i) | Value::Int64(i) => (*i).into(),
        Value::Int32(i) => (*i).into(),
        Value::Uint8(u) => (*u).into(),
        Value::Uint64(u) => (*u).into(),
        Value::Float(f) => (*f).into(),
        Value::Str(text) => JsonValue::String(text.to_text().into_owned()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => JsonValue::Object(to_json(map)),
        Value::Nil | Value::Object(_) => JsonValue::Null,
    }
}

/// A copy that shares no map with the original.
pub(super) fn deep_copy(map: &Map) -> Map {
    Map::from_entries(map.ty, map.borrow().iter().map(|(key, value)| (key.clone(), copy(value))).collect())
}

fn copy(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(deep_copy(map)),
        Value::List(items) if items.elem == Elem::Any => {
            Value::List(List::new(Elem::Any, items.iter().map(copy).collect()))
        }
        other => other.clone(),
    }
}

/// The table (map) at a dotted path; `None` when there is none.
pub(super) fn table(values: &Map, path: &str) -> Option<Map> {
    let mut table = values.clone();
    for name in path.split('.') {
        match table.get(name.as_bytes()) {
            Some(Value::Map(inner)) => table = inner,
            _ => return None,
        }
    }
    Some(table)
}

/// The value at a dotted path that is no table; `None` when there is none.
pub(super) fn path_value(values: &Map, path: &str) -> Option<Value> {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (table(values, parent)?, key),
        None => (values.clone(), path),
    };
    parent.get(key.as_bytes()).filter(|value| !matches!(value, Value::Map(_)))
}

/// The error of a value that should be a table.
pub(super) fn type_mismatch(name: &str) -> Error {
    Error::Values(format!("type mismatch on {name}: it must be a table of values"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: JsonValue) -> Json<String, JsonValue> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn later_documents_win() {
        let values = load(b"a: 1\nb: {c: 1}\n---\nb: {d: 2}\n--- # note\na: x\n").unwrap();
        assert_eq!(JsonValue::Object(values), json!({"a": "x", "b": {"c": 1.0, "d": 2.0}}));
        assert!(load(b"").unwrap().is_empty());
        assert!(load(b"---\n").unwrap().is_empty());
        assert!(load(b"- a").is_err());
        assert!(load(b"a: 1\n---b: 2").is_err());
    }

    #[test]
    fn merging_replaces_all_but_maps() {
        let merged = merge(
            map(json!({"a": 1, "b": {"c": 1, "d": [1]}, "e": {"f": 1}})),
            map(json!({"a": null, "b": {"d": [2]}, "e": 3})),
        );
        assert_eq!(JsonValue::Object(merged), json!({"a": null, "b": {"c": 1, "d": [2]}, "e": 3}));
    }

    #[test]
    fn paths_end_at_scalars_and_tables() {
        let values = to_map(&map(json!({"a": {"b": true, "c": {}}, "d": 1})));
        assert!(matches!(path_value(&values, "a.b"), Some(Value::Bool(true))));
        assert!(path_value(&values, "a.c").is_none());
        assert!(path_value(&values, "d.e").is_none());
        assert!(path_value(&values, "d").is_some());
        assert!(table(&values, "a.c").is_some());
        assert!(table(&values, "a.b").is_none());
    }
}
