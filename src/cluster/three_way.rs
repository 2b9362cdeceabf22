//! Three-way patches: from what was last applied, what is wanted and what is there.
//!
//! What is wanted overrules what is there; what was applied before and is wanted no more goes; all
//! else stays. Built-in kinds get strategic merge patches, whose lists merge by the keys that the
//! cluster's description names; without one the result is a JSON merge patch (RFC 7386). Follows
//! `CreateThreeWayMergePatch` of `k8s.io/apimachinery/pkg/util/strategicpatch` in its results; unlike
//! it, nothing is asked to be deleted that is not there, so that an object which is as it should be
//! needs no request.

use serde_json::{Map, Value, json};

use super::openapi::Field;

/// The patch that brings `live` to `wanted`; empty when there is nothing to do.
#[must_use]
pub fn three_way(applied: &Value, wanted: &Value, live: &Value, fields: Field<'_>) -> Map<String, Value> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => maps(applied.as_object(), wanted, live, fields),
        _ => Map::new(),
    }
}

fn maps(
    applied: Option<&Map<String, Value>>,
    wanted: &Map<String, Value>,
    live: &Map<String, Value>,
    fields: Field<'_>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in wanted {
        let before = applied.and_then(|applied| applied.get(key));
        match (value, live.get(key)) {
            (Value::Null, None | Some(Value::Null)) => {}
            (_, None) => {
                patch.insert(key.clone(), value.clone());
            }
            (Value::Object(inner), Some(Value::Object(live))) => {
                let sub = inner_map(before.and_then(Value::as_object), inner, live, fields.property(key));
                if !sub.is_empty() {
                    patch.insert(key.clone(), Value::Object(sub));
                }
            }
            (Value::Array(items), Some(Value::Array(live))) => {
                let applied = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let list = List { key, applied, wanted: items, live, field: fields.property(key) };
                list.write(&mut patch);
            }
            (_, Some(live)) if live != value => {
                patch.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    for key in applied.into_iter().flat_map(Map::keys) {
        if !wanted.contains_key(key) && live.get(key).is_some_and(|live| !live.is_null()) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    patch
}

fn inner_map(
    applied: Option<&Map<String, Value>>,
    wanted: &Map<String, Value>,
    live: &Map<String, Value>,
    field: Field<'_>,
) -> Map<String, Value> {
    if field.has_strategy("replace") {
        if wanted == live {
            return Map::new();
        }
        let mut whole = wanted.clone();
        whole.insert("$patch".into(), "replace".into());
        return whole;
    }
    let mut patch = maps(applied, wanted, live, field);
    retain_keys(&mut patch, wanted, field);
    patch
}

/// Of a union (a volume, a deployment strategy) only the wanted members stay.
fn retain_keys(patch: &mut Map<String, Value>, wanted: &Map<String, Value>, field: Field<'_>) {
    if field.has_strategy("retainKeys") && !patch.is_empty() {
        let mut keys: Vec<&String> = wanted.keys().collect();
        keys.sort();
        patch.insert("$retainKeys".into(), json!(keys));
    }
}

/// One list, in its three states.
struct List<'a> {
    key: &'a str,
    applied: &'a [Value],
    wanted: &'a [Value],
    live: &'a [Value],
    field: Field<'a>,
}

impl List<'_> {
    fn write(&self, patch: &mut Map<String, Value>) {
        if self.wanted == self.live {
            return;
        }
        if !self.field.has_strategy("merge") {
            patch.insert(self.key.into(), self.wanted.into());
            return;
        }
        match self.field.merge_key() {
            None => self.write_scalars(patch),
            Some(by) if self.is_keyed(by) => self.write_objects(patch, by),
            // The keys are not unique (a TCP and a UDP port of one number): merging would mix the items up.
            Some(_) => {
                let mut whole = vec![json!({"$patch": "replace"})];
                whole.extend(self.wanted.iter().cloned());
                patch.insert(self.key.into(), whole.into());
            }
        }
    }

    /// Whether every item has a key of its own.
    fn is_keyed(&self, by: &str) -> bool {
        [self.wanted, self.live].iter().all(|items| {
            let keys: Vec<&Value> = items.iter().filter_map(|item| item.get(by)).collect();
            keys.len() == items.len()
                && keys.iter().enumerate().all(|(index, key)| !keys[..index].contains(key))
        })
    }

    fn write_objects(&self, patch: &mut Map<String, Value>, by: &str) {
        let find = |items: &[Value], key: &Value| items.iter().position(|item| item.get(by) == Some(key));
        let mut changes = Vec::new();
        let mut order = Vec::new();
        let mut places = Vec::new();
        for item in self.wanted {
            let (Some(key), Some(wanted)) = (item.get(by), item.as_object()) else { continue };
            order.push(json!({by: key}));
            let Some(place) = find(self.live, key) else {
                changes.push(item.clone());
                continue;
            };
            places.push(place);
            let applied = find(self.applied, key).and_then(|at| self.applied[at].as_object());
            let Some(live) = self.live[place].as_object() else { continue };
            let mut change = maps(applied, wanted, live, self.field.items());
            retain_keys(&mut change, wanted, self.field);
            if !change.is_empty() {
                change.insert(by.into(), key.clone());
                changes.push(Value::Object(change));
            }
        }
        for key in self.applied.iter().filter_map(|item| item.get(by)) {
            if find(self.wanted, key).is_none() && find(self.live, key).is_some() {
                changes.push(json!({"$patch": "delete", by: key}));
            }
        }
        let moved = !places.is_sorted();
        if changes.is_empty() && !moved {
            return;
        }
        patch.insert(format!("$setElementOrder/{}", self.key), order.into());
        if !changes.is_empty() {
            patch.insert(self.key.into(), changes.into());
        }
    }

    fn write_scalars(&self, patch: &mut Map<String, Value>) {
        let added: Vec<Value> =
            self.wanted.iter().filter(|item| !self.live.contains(item)).cloned().collect();
        let gone = |item: &&Value| !self.wanted.contains(item) && self.live.contains(item);
        let removed: Vec<Value> = self.applied.iter().filter(gone).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return;
        }
        patch.insert(format!("$setElementOrder/{}", self.key), self.wanted.into());
        if !removed.is_empty() {
            patch.insert(format!("$deleteFromPrimitiveList/{}", self.key), removed.into());
        }
        if !added.is_empty() {
            patch.insert(self.key.into(), added.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::openapi::KindSchema;
    use super::*;

    fn schema() -> KindSchema {
        let reference =
            |name: &str| json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}], "default": {}});
        let list = |name: &str, key: &str, strategy: &str| {
            json!({"type": "array", "items": reference(name),
                   "x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": strategy})
        };
        let document = json!({"components": {"schemas": {
            "Pod": {"properties": {
                "containers": list("Container", "name", "merge"),
                "volumes": list("Volume", "name", "merge,retainKeys"),
                "strategy": {"allOf": [{"$ref": "#/components/schemas/Strategy"}], "x-kubernetes-patch-strategy": "retainKeys"},
                "finalizers": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"},
                "args": {"type": "array", "items": {"type": "string"}},
            }},
            "Container": {"properties": {"ports": list("Port", "containerPort", "merge")}},
            "Port": {"properties": {}}, "Volume": {"properties": {}}, "Strategy": {"properties": {}},
        }}});
        KindSchema::of_test(document, "Pod")
    }

    fn patch(applied: &Value, wanted: &Value, live: &Value) -> Value {
        Value::Object(three_way(applied, wanted, live, schema().root()))
    }

    #[test]
    fn what_is_as_it_should_be_needs_no_patch() {
        let wanted = json!({"a": {"b": 1}, "containers": [{"name": "x"}], "none": null});
        let live = json!({"a": {"b": 1, "default": 2}, "containers": [{"name": "x", "image": "i"}, {"name": "sidecar"}]});
        assert_eq!(patch(&wanted, &wanted, &live), json!({}));
    }

    #[test]
    fn drift_is_put_back_and_what_is_wanted_no_more_goes() {
        let applied = json!({"a": 1, "old": 1, "gone": 1});
        let live = json!({"a": 9, "old": 1, "others": 3});
        assert_eq!(patch(&applied, &json!({"a": 1}), &live), json!({"a": 1, "old": null}));
    }

    #[test]
    fn lists_merge_by_their_key() {
        let applied = json!({"containers": [{"name": "x", "image": "1"}, {"name": "y"}]});
        let wanted = json!({"containers": [{"name": "z"}, {"name": "x", "image": "2"}]});
        let live =
            json!({"containers": [{"name": "x", "image": "1", "d": 0}, {"name": "y"}, {"name": "sidecar"}]});
        assert_eq!(
            patch(&applied, &wanted, &live),
            json!({
                "$setElementOrder/containers": [{"name": "z"}, {"name": "x"}],
                "containers": [{"name": "z"}, {"name": "x", "image": "2"}, {"$patch": "delete", "name": "y"}],
            })
        );
    }

    #[test]
    fn only_the_order_may_change() {
        let wanted = json!({"containers": [{"name": "b"}, {"name": "a"}]});
        let live = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(
            patch(&live, &wanted, &live),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]})
        );
    }

    #[test]
    fn keys_that_are_not_unique_replace_the_list() {
        let ports = |second: u16| {
            json!({"containers": [{"name": "x", "ports": [
                {"containerPort": 53, "protocol": "TCP"}, {"containerPort": second, "protocol": "UDP"}]}]})
        };
        let change = &patch(&ports(53), &ports(53), &ports(54))["containers"][0]["ports"];
        assert_eq!(change[0], json!({"$patch": "replace"}));
        assert_eq!(change[2], json!({"containerPort": 53, "protocol": "UDP"}));
    }

    #[test]
    fn members_of_unions_are_retained_by_name() {
        let applied = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
        let wanted = json!({"strategy": {"type": "Recreate"}});
        assert_eq!(
            patch(&applied, &wanted, &applied),
            json!({"strategy": {"type": "Recreate", "rollingUpdate": null, "$retainKeys": ["type"]}})
        );
        let applied = json!({"volumes": [{"name": "v", "emptyDir": {}}]});
        let wanted = json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]});
        assert_eq!(
            patch(&json!({}), &wanted, &applied)["volumes"][0],
            json!({"name": "v", "secret": {"secretName": "s"}, "$retainKeys": ["name", "secret"]})
        );
    }

    #[test]
    fn scalars_merge_or_are_replaced() {
        let applied = json!({"finalizers": ["a", "b"], "args": ["1"]});
        let wanted = json!({"finalizers": ["b", "c"], "args": ["2"]});
        let live = json!({"finalizers": ["a", "b", "others"], "args": ["1", "more"]});
        assert_eq!(
            patch(&applied, &wanted, &live),
            json!({
                "$setElementOrder/finalizers": ["b", "c"],
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "finalizers": ["c"],
                "args": ["2"],
            })
        );
    }

    #[test]
    fn without_a_description_lists_are_atomic() {
        let wanted = json!({"containers": [{"name": "x"}]});
        let live = json!({"containers": [{"name": "x", "default": 1}]});
        let patch = three_way(&wanted, &wanted, &live, Field::unknown());
        assert_eq!(Value::Object(patch), wanted);
    }
}
