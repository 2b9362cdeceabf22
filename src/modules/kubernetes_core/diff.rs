//! What changed between two states of an object (`recursive_diff`, `diff_objects`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::hidden_fields::HiddenFields;
use super::merge_keys::{keyed, merge_key};

/// The outcome of a comparison.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Something that matters changed.
    pub(super) changed: bool,
    /// `{"before": …, "after": …}` with what differs; empty when nothing does.
    pub(super) shown: Value,
}

/// Fields of `metadata` that the server counts up by itself.
const BOOKKEEPING: [&str; 3] = ["generation", "managedFields", "resourceVersion"];

/// What a write may have changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// Everything but the status.
    Whole,
    /// The fields of this definition.
    Fields(&'a Value),
}

/// Compares the states before and after a write of ours. What others write meanwhile (a controller its
/// status, an annotation, a volume's name) is no change: only the fields that were written count, and
/// what the server notes of them under our field manager.
pub(super) fn compare_written(
    before: &Value,
    after: &Value,
    scope: Scope<'_>,
    manager: &str,
    hidden: &HiddenFields,
) -> Difference {
    compare(&written(before, scope, manager), &written(after, scope, manager), hidden)
}

fn written(object: &Value, scope: Scope<'_>, manager: &str) -> Value {
    let mut kept = match scope {
        Scope::Whole => object.clone(),
        Scope::Fields(definition) => restricted(object, definition),
    };
    let Some(fields) = kept.as_object_mut() else { return kept };
    if let Scope::Whole = scope {
        fields.remove("status");
    }
    // The server makes data of what is written here.
    if let (Scope::Fields(definition), Some(data)) = (scope, object.get("data"))
        && definition["stringData"].is_object()
    {
        let mask = json!([definition["data"], definition["stringData"]]);
        let mask = super::apply::merged(&mask[0], &mask[1]);
        fields.insert("data".to_owned(), restricted(data, &mask));
    }
    let own = |entry: &&Value| entry["manager"] == manager && entry["subresource"].is_null();
    let managed = object["metadata"]["managedFields"].as_array();
    let managed: Vec<Value> = managed.into_iter().flatten().filter(own).cloned().collect();
    if let Some(metadata) = fields.entry("metadata").or_insert_with(|| json!({})).as_object_mut() {
        BOOKKEEPING.iter().for_each(|name| {
            metadata.remove(*name);
        });
        if !managed.is_empty() {
            metadata.insert("managedFields".to_owned(), Value::Array(managed));
        }
    }
    kept
}

/// What the object has at the places of the mask.
fn restricted(object: &Value, mask: &Value) -> Value {
    match (object, mask) {
        (Value::Object(object), Value::Object(mask)) => {
            let at = |(key, mask): (&String, &Value)| Some((key.clone(), restricted(object.get(key)?, mask)));
            Value::Object(mask.iter().filter_map(at).collect())
        }
        (object, _) => object.clone(),
    }
}

/// Compares two states of an object.
pub(super) fn compare(before: &Value, after: &Value, hidden: &HiddenFields) -> Difference {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let (before, after) = (before.as_object().unwrap_or(&NONE), after.as_object().unwrap_or(&NONE));
    let place = match (before.get("kind"), after.get("kind")) {
        (Some(Value::String(kind)), Some(other)) if other == kind => kind.clone(),
        _ => String::new(),
    };
    let Some((before, after)) = maps(before, after, &place) else {
        return Difference { changed: false, shown: json!({}) };
    };
    let (before, after) = (hidden.hide(Value::Object(before)), hidden.hide(Value::Object(after)));
    let is_nothing =
        |side: &Value| side.as_object().is_none_or(|side| side.is_empty() || is_bookkeeping(side));
    let changed = !(is_nothing(&before) && is_nothing(&after));
    Difference { changed, shown: json!({"before": before, "after": after}) }
}

/// Whether nothing but counters of the server is left.
fn is_bookkeeping(side: &Map<String, Value>) -> bool {
    let metadata = side.get("metadata").and_then(Value::as_object);
    let counts = |metadata: &Map<String, Value>| {
        metadata.keys().all(|key| key == "generation" || key == "resourceVersion")
    };
    side.len() == 1 && metadata.is_some_and(counts)
}

type Sides<T> = Option<(T, T)>;

fn maps(before: &Map<String, Value>, after: &Map<String, Value>, place: &str) -> Sides<Map<String, Value>> {
    let (mut left, mut right) = (Map::new(), Map::new());
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        let (old, new) = match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let Some((old, new)) = maps(old, new, &format!("{place}.{key}")) else { continue };
                (Some(Value::Object(old)), Some(Value::Object(new)))
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                let Some((old, new)) = lists(old, new, &format!("{place}.{key}")) else { continue };
                (Some(Value::Array(old)), Some(Value::Array(new)))
            }
            (old, new) if old == new => continue,
            (old, new) => (old.cloned(), new.cloned()),
        };
        left.extend(old.map(|old| (key.clone(), old)));
        right.extend(new.map(|new| (key.clone(), new)));
    }
    (!left.is_empty() || !right.is_empty()).then_some((left, right))
}

fn lists(before: &[Value], after: &[Value], place: &str) -> Sides<Vec<Value>> {
    if before == after {
        return None;
    }
    let by_key = merge_key(place).and_then(|key| Some((key, keyed(before, key)?, keyed(after, key)?)));
    let Some((key, old_by_key, new_by_key)) = by_key else {
        return Some((before.to_vec(), after.to_vec()));
    };
    let id = |element: &Value| element[key].to_string();
    let mut left: Vec<Value> =
        before.iter().filter(|element| !new_by_key.contains_key(&id(element))).cloned().collect();
    let mut right: Vec<Value> =
        after.iter().filter(|element| !old_by_key.contains_key(&id(element))).cloned().collect();
    for element in after {
        let (Some(old), Some(new)) = (old_by_key.get(&id(element)), new_by_key.get(&id(element))) else {
            continue;
        };
        if let Some((mut old, mut new)) = maps(old, new, place) {
            // The key says which element it is.
            old.insert(key.to_owned(), element[key].clone());
            new.insert(key.to_owned(), element[key].clone());
            left.push(Value::Object(old));
            right.push(Value::Object(new));
        }
    }
    (!left.is_empty() || !right.is_empty()).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(before: Value, after: Value) -> Difference {
        compare(&before, &after, &HiddenFields::default())
    }

    #[test]
    fn only_what_differs_is_shown() {
        let found = difference(
            json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [
                {"name": "x", "image": "1", "tty": true}, {"name": "y"}]}}}}),
            json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [
                {"name": "y"}, {"name": "x", "image": "2", "tty": true}]}}}}),
        );
        assert!(found.changed);
        let containers = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "x", "image": image}]}}}});
        assert_eq!(found.shown, json!({"before": containers("1"), "after": containers("2")}));
    }

    #[test]
    fn what_others_write_is_no_change() {
        let managed = |time: &str| {
            json!([
            {"manager": "us", "time": time}, {"manager": "us", "subresource": "status", "time": "x"}, {"manager": "them"}])
        };
        let object = |version: &str, ready: u8, time: &str| {
            json!({"kind": "Deployment", "spec": {"replicas": 1, "paused": ready == 1}, "status": {"ready": ready},
                "metadata": {"resourceVersion": version, "annotations": {"revision": version}, "managedFields": managed(time)}})
        };
        let definition = json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 1}});
        let (before, after) = (object("1", 0, "t"), object("2", 1, "t"));
        let found =
            |scope, after: &Value| compare_written(&before, after, scope, "us", &HiddenFields::default());
        assert!(!found(Scope::Fields(&definition), &after).changed);
        assert!(found(Scope::Fields(&definition), &object("2", 1, "later")).changed);
        assert!(found(Scope::Whole, &after).changed);
    }

    #[test]
    fn text_of_a_secret_counts_as_its_data() {
        let object = |data: &str| json!({"kind": "Secret", "data": {"a": data, "theirs": data}});
        let definition = json!({"kind": "Secret", "stringData": {"a": "x"}});
        let hidden = HiddenFields::default();
        let found = compare_written(&object("1"), &object("2"), Scope::Fields(&definition), "us", &hidden);
        assert_eq!(found.shown, json!({"before": {"data": {"a": "1"}}, "after": {"data": {"a": "2"}}}));
    }

    #[test]
    fn versions_alone_are_no_change() {
        let at =
            |version: &str| json!({"metadata": {"name": "a", "resourceVersion": version, "generation": 1}});
        let found = difference(at("1"), at("2"));
        assert!(!found.changed);
        assert_eq!(difference(at("1"), at("1")).shown, json!({}));
        assert!(difference(json!({}), at("1")).changed);
    }
}
