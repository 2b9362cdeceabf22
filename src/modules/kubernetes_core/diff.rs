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

impl Difference {
    /// Whether only fields differ that the server counts up by itself.
    pub(super) fn is_only_bookkeeping(&self) -> bool {
        !self.changed && self.shown.as_object().is_some_and(|shown| !shown.is_empty())
    }
}

/// Fields of `metadata` whose change alone is none.
const BOOKKEEPING: [&str; 2] = ["generation", "resourceVersion"];

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
    let changed = !(is_bookkeeping(&before) && is_bookkeeping(&after));
    Difference { changed, shown: json!({"before": before, "after": after}) }
}

fn is_bookkeeping(side: &Value) -> bool {
    let Some(side) = side.as_object() else { return false };
    side.len() == 1
        && side
            .get("metadata")
            .and_then(Value::as_object)
            .is_some_and(|metadata| metadata.keys().all(|key| BOOKKEEPING.contains(&key.as_str())))
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
    fn versions_alone_are_no_change() {
        let at =
            |version: &str| json!({"metadata": {"name": "a", "resourceVersion": version, "generation": 1}});
        let found = difference(at("1"), at("2"));
        assert!(!found.changed && found.is_only_bookkeeping());
        assert_eq!(difference(at("1"), at("1")).shown, json!({}));
        assert!(difference(json!({}), at("1")).changed);
    }
}
