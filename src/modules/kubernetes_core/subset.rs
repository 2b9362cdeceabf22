//! Whether a patch by a definition would change nothing, so that it need not be sent.

use serde_json::Value;

use super::merge_keys::merge_key;

/// Whether the object has all that the definition says, at a place such as `Deployment.spec`. Lists must
/// be equal, except those that a strategic merge patch merges element by element: their elements must
/// have what the definition says, in its order.
pub(super) fn has_all(object: &Value, definition: &Value, place: &str) -> bool {
    match (object, definition) {
        (object, Value::Null) => object.is_null(),
        (Value::Object(object), Value::Object(definition)) => definition.iter().all(|(key, wanted)| {
            has_all(object.get(key).unwrap_or(&Value::Null), wanted, &format!("{place}.{key}"))
        }),
        (Value::Array(object), Value::Array(definition)) if merge_key(place).is_some() => {
            object.len() == definition.len()
                && object.iter().zip(definition).all(|(object, wanted)| has_all(object, wanted, place))
        }
        (object, definition) => object == definition,
    }
}

/// Whether this field manager has written the object before. A patch by another one may change nothing
/// but who the fields belong to.
pub(super) fn is_managed_by(object: &Value, manager: &str) -> bool {
    let managed = object["metadata"]["managedFields"].as_array();
    managed.is_some_and(|entries| {
        entries.iter().any(|entry| {
            entry["manager"] == manager && entry["operation"] == "Update" && entry["subresource"].is_null()
        })
    })
}

/// Whether a definition says no more than which object it means: a patch by it makes nobody a manager of fields.
pub(super) fn only_names(definition: &Value) -> bool {
    let within = |value: &Value, known: &[&str]| {
        value.as_object().is_some_and(|fields| fields.keys().all(|key| known.contains(&key.as_str())))
    };
    within(definition, &["apiVersion", "kind", "metadata"])
        && within(&definition["metadata"], &["name", "namespace"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_of_the_server_do_not_matter() {
        let object = json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"replicas": 1, "template": {"spec": {
            "containers": [{"name": "x", "image": "i", "imagePullPolicy": "Always"}],
            "tolerations": [{"key": "k", "operator": "Equal"}]}}}});
        let has = |definition: Value| has_all(&object, &definition, "Deployment");
        let pod = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
        assert!(has(json!({"metadata": {"name": "a", "labels": null}, "spec": {"replicas": 1}})));
        assert!(has(pod(json!({"containers": [{"name": "x", "image": "i"}]}))));
        assert!(!has(pod(json!({"containers": [{"name": "x", "image": "j"}]}))));
        assert!(!has(pod(json!({"containers": [{"name": "x"}, {"name": "y"}]}))));
        assert!(!has(pod(json!({"tolerations": [{"key": "k"}]}))), "a list without a key is replaced");
        assert!(!has(json!({"spec": {"paused": true}})));
        assert!(!has(json!({"spec": {"replicas": null}})));
    }

    #[test]
    fn managers_are_those_of_the_object_itself() {
        let object = |entry: Value| json!({"metadata": {"managedFields": [entry]}});
        assert!(is_managed_by(&object(json!({"manager": "us", "operation": "Update"})), "us"));
        assert!(!is_managed_by(&object(json!({"manager": "us", "operation": "Apply"})), "us"));
        assert!(!is_managed_by(
            &object(json!({"manager": "us", "operation": "Update", "subresource": "status"})),
            "us"
        ));
    }

    #[test]
    fn a_definition_may_say_only_which_object() {
        assert!(only_names(
            &json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "n"}})
        ));
        assert!(!only_names(&json!({"kind": "A", "metadata": {"name": "a", "labels": {}}})));
        assert!(!only_names(&json!({"kind": "A", "metadata": {"name": "a"}, "data": {}})));
    }
}
