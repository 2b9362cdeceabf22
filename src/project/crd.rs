//! The custom resource definition of a kind, with a schema that follows from a chart's values.

use serde_json::{Map, Value, json};

use super::kinds::plural_of;
use crate::watches::Gvk;

/// A server accepts definitions in these groups only with this annotation
/// (`apiextensions-apiserver/pkg/apihelpers`).
const APPROVAL: &str = "api-approved.kubernetes.io";

/// What a condition's column shows.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
    ("Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason"),
    ("Age", "date", ".metadata.creationTimestamp"),
];

/// The plural name with the group: the name of the definition.
#[must_use]
pub fn name(kind: &Gvk) -> String {
    format!("{}.{}", plural_of(&kind.kind), kind.group)
}

/// The definition of a namespaced kind whose spec has this schema.
#[must_use]
pub fn definition(kind: &Gvk, description: &str, spec: Value) -> Value {
    let (plural, singular) = (plural_of(&kind.kind), kind.kind.to_lowercase());
    let columns: Vec<Value> = COLUMNS
        .iter()
        .map(|(name, kind, path)| json!({"name": name, "type": kind, "jsonPath": path}))
        .collect();
    let mut metadata = json!({"name": name(kind)});
    if is_protected(&kind.group) {
        metadata["annotations"] = json!({APPROVAL: "unapproved, a group of the project's own choice"});
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.kind, "listKind": format!("{}List", kind.kind), "plural": plural, "singular": singular},
            "scope": "Namespaced",
            "versions": [{
                "name": kind.version,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": description,
                    "properties": {
                        "spec": spec,
                        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    },
                }},
            }],
        },
    })
}

/// Groups that belong to Kubernetes.
fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|owner| group == *owner || group.strip_suffix(owner).is_some_and(|rest| rest.ends_with('.')))
}

/// A schema for values like these: their types where they have one, and nothing that a chart would
/// accept refused.
#[must_use]
pub fn schema_of(values: &Map<String, Value>) -> Value {
    let properties: Map<String, Value> =
        values.iter().map(|(name, value)| (name.clone(), one(value))).collect();
    let mut schema = open("object");
    if !properties.is_empty() {
        schema["properties"] = properties.into();
    }
    schema
}

fn one(value: &Value) -> Value {
    match value {
        Value::Null => json!({"x-kubernetes-preserve-unknown-fields": true, "nullable": true}),
        Value::Bool(_) => json!({"type": "boolean", "nullable": true}),
        // A template that wants a number takes a text as well, and ports may be names.
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            json!({"x-kubernetes-int-or-string": true, "nullable": true})
        }
        Value::Number(_) | Value::String(_) => {
            json!({"x-kubernetes-preserve-unknown-fields": true, "nullable": true})
        }
        Value::Array(_) => json!({
            "type": "array",
            "items": {"x-kubernetes-preserve-unknown-fields": true},
            "nullable": true,
        }),
        Value::Object(map) => {
            let mut schema = schema_of(map);
            schema["nullable"] = true.into();
            schema
        }
    }
}

fn open(kind: &str) -> Value {
    json!({"type": kind, "x-kubernetes-preserve-unknown-fields": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str) -> Gvk {
        Gvk { group: group.into(), version: "v1alpha1".into(), kind: "Hello".into() }
    }

    #[test]
    fn kubernetes_own_groups_need_the_word_of_approval() {
        let annotated = |group: &str| {
            !definition(&kind(group), "", json!({}))["metadata"]["annotations"][APPROVAL].is_null()
        };
        assert!(annotated("charts.helm.k8s.io") && annotated("kubernetes.io"));
        assert!(!annotated("demo.example.com") && !annotated("notk8s.io"));
        assert_eq!(name(&kind("demo.example.com")), "hellos.demo.example.com");
    }

    #[test]
    fn the_schema_follows_the_values_and_refuses_nothing_that_a_chart_accepts() {
        let values = json!({"replicas": 1, "image": {"tag": "x"}, "hosts": [], "on": true, "none": null});
        let schema = schema_of(values.as_object().unwrap());
        assert_eq!(schema["properties"]["replicas"]["x-kubernetes-int-or-string"], true);
        assert_eq!(schema["properties"]["on"]["type"], "boolean");
        assert_eq!(schema["properties"]["hosts"]["type"], "array");
        assert_eq!(schema["properties"]["image"]["type"], "object");
        assert_eq!(schema["x-kubernetes-preserve-unknown-fields"], true);
    }
}
