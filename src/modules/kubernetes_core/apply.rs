//! Client-side apply: the patch from what is there to what is wanted, with the fields gone that were
//! applied before and are wanted no more (`module_utils/apply.py`).
//!
//! ```text
//! patch = deletions(last applied -> wanted)  ⊕  additions(actual -> wanted)      sent as a JSON merge patch
//! ```
//!
//! Unlike upstream, what is there already is not part of the patch, so that an object which is as it
//! should be needs no request.

use serde_json::{Map, Value, json};

use super::merge_keys::{keyed, merge_key};
use super::python_json;

/// The annotation with what was applied last, shared with `kubectl apply`.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is wanted, with the annotation that remembers it.
pub(super) fn annotated(wanted: &Value) -> Value {
    let note = json!({"metadata": {"annotations": {LAST_APPLIED: python_json::compact(wanted)}}});
    merged(wanted, &note)
}

/// The JSON merge patch from what is there to what is wanted; `None` when there is nothing to do.
pub(super) fn patch(actual: &Value, wanted: &Value) -> Option<Value> {
    let last = actual["metadata"]["annotations"][LAST_APPLIED].as_str();
    let last: Option<Value> = last.and_then(|text| serde_json::from_str(text).ok());
    let Some(last) = last.filter(Value::is_object) else {
        return Some(annotated(wanted));
    };
    let place = wanted["kind"].as_str().unwrap_or_default();
    let patch = three_way(map(&annotated(&last)), map(&annotated(wanted)), map(actual), place);
    (!patch.is_empty()).then_some(Value::Object(patch))
}

fn map(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

fn three_way(
    last: &Map<String, Value>,
    wanted: &Map<String, Value>,
    actual: &Map<String, Value>,
    place: &str,
) -> Map<String, Value> {
    let mut patch = deletions(last, wanted, actual);
    merge_into(&mut patch, &additions(last, wanted, actual, place));
    patch
}

/// What was applied before and is wanted no more, as nulls.
fn deletions(
    last: &Map<String, Value>,
    wanted: &Map<String, Value>,
    actual: &Map<String, Value>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, before) in last {
        match (before, wanted.get(key), actual.get(key)) {
            (Value::Object(before), Some(Value::Object(wanted)), Some(Value::Object(actual))) => {
                let inner = deletions(before, wanted, actual);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (_, None | Some(Value::Null), Some(actual)) if !actual.is_null() => {
                patch.insert(key.clone(), Value::Null);
            }
            _ => {}
        }
    }
    patch
}

/// What is wanted and not there.
fn additions(
    last: &Map<String, Value>,
    wanted: &Map<String, Value>,
    actual: &Map<String, Value>,
    place: &str,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in wanted {
        let place = format!("{place}.{key}");
        let before = last.get(key).unwrap_or(&Value::Null);
        match (value, actual.get(key)) {
            (Value::Null, None | Some(Value::Null)) => {}
            (value, None | Some(Value::Null)) => {
                patch.insert(key.clone(), value.clone());
            }
            (Value::Object(value), Some(Value::Object(actual))) => {
                let inner = additions(map(before), value, actual, &place);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(value), Some(Value::Array(actual))) => {
                let before = before.as_array().map(Vec::as_slice).unwrap_or_default();
                let list = merged_list(before, value, actual, &place);
                if list != *actual {
                    patch.insert(key.clone(), Value::Array(list));
                }
            }
            (value, Some(actual)) if value != actual => {
                patch.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    patch
}

/// The wanted elements in their order, each merged into what is there of it, then those that others added.
fn merged_list(last: &[Value], wanted: &[Value], actual: &[Value], place: &str) -> Vec<Value> {
    let key = merge_key(place).filter(|_| !last.is_empty());
    let by_key = key.and_then(|key| Some((key, keyed(last, key)?, keyed(wanted, key)?, keyed(actual, key)?)));
    let Some((key, last, wanted_by_key, actual_by_key)) = by_key else { return wanted.to_vec() };
    let id = |element: &Value| element[key].to_string();
    let mut list: Vec<Value> = wanted
        .iter()
        .map(|element| match (last.get(&id(element)), actual_by_key.get(&id(element))) {
            (Some(before), Some(actual)) => {
                let patch = three_way(before, map(element), actual, place);
                let mut whole = (*actual).clone();
                merge_into(&mut whole, &patch);
                // A null deletes a field of an object, not one of an element.
                whole.retain(|_, value| !value.is_null());
                Value::Object(whole)
            }
            _ => element.clone(),
        })
        .collect();
    let theirs =
        |element: &&Value| !wanted_by_key.contains_key(&id(element)) && !last.contains_key(&id(element));
    list.extend(actual.iter().filter(theirs).cloned());
    list
}

/// `b` over `a`, objects merged, all else replaced (Ansible's `dict_merge`).
pub(super) fn merged(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let mut whole = a.clone();
            merge_into(&mut whole, b);
            Value::Object(whole)
        }
        (_, b) => b.clone(),
    }
}

fn merge_into(whole: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (whole.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge_into(inner, value),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(wanted: &Value) -> Value {
        annotated(wanted)
    }

    #[test]
    fn what_is_as_it_should_be_needs_no_patch() {
        let wanted = json!({"kind": "Service", "metadata": {"name": "a", "annotations": {}}, "spec": {"ports": [{"port": 80}], "x": null}});
        let mut actual = applied(&wanted);
        actual["spec"]["clusterIP"] = "10.0.0.1".into();
        actual["spec"]["ports"][0]["protocol"] = "TCP".into();
        assert_eq!(patch(&actual, &wanted), None);
    }

    #[test]
    fn what_is_no_longer_wanted_goes() {
        let mut actual = applied(&json!({"kind": "ConfigMap", "data": {"one": "1", "two": "2"}}));
        actual["data"]["theirs"] = "3".into();
        let wanted = json!({"kind": "ConfigMap", "data": {"one": "1", "four": "4"}});
        let patch = patch(&actual, &wanted).unwrap();
        assert_eq!(patch["data"], json!({"two": null, "four": "4"}));
        assert!(patch["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap().contains("four"));
    }

    #[test]
    fn elements_are_merged_by_their_key() {
        let before =
            json!({"kind": "Service", "spec": {"ports": [{"port": 8080, "name": "http", "targetPort": 1}]}});
        let mut actual = applied(&before);
        actual["spec"]["ports"][0]["protocol"] = "TCP".into();
        actual["spec"]["ports"].as_array_mut().unwrap().push(json!({"port": 99, "name": "theirs"}));
        let wanted = json!({"kind": "Service", "spec": {"ports": [{"port": 8081, "name": "new"}, {"port": 8080, "name": "http"}]}});
        let ports = patch(&actual, &wanted).unwrap()["spec"]["ports"].clone();
        assert_eq!(
            ports,
            json!([
                {"port": 8081, "name": "new"},
                {"port": 8080, "name": "http", "protocol": "TCP"},
                {"port": 99, "name": "theirs"},
            ])
        );
    }

    #[test]
    fn a_port_for_two_protocols_is_kept() {
        let ports = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
        let wanted = json!({"kind": "Service", "spec": {"ports": ports}});
        let mut actual =
            applied(&json!({"kind": "Service", "spec": {"ports": [{"port": 53, "protocol": "UDP"}]}}));
        assert_eq!(patch(&actual, &wanted).unwrap()["spec"]["ports"], ports);
        actual = applied(&wanted);
        assert_eq!(patch(&actual, &wanted), None);
    }

    #[test]
    fn an_object_that_nobody_applied_gets_everything() {
        let wanted = json!({"kind": "ConfigMap", "data": {"a": "1"}});
        assert_eq!(patch(&json!({"kind": "ConfigMap", "data": {"a": "1"}}), &wanted), Some(applied(&wanted)));
    }
}
