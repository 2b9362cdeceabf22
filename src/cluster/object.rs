//! A Kubernetes object as a JSON tree, with the few fields that every object has.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A Kubernetes object of any kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Value);

/// Which object: enough to find it on a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    /// `Deployment`, …
    pub kind: String,
    /// The namespace; `None` for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl ObjectRef {
    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// Whether both name the same object, be it in different versions of its API.
    #[must_use]
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.name == other.name
            && self.namespace == other.namespace
            && self.kind == other.kind
            && self.group() == other.group()
    }
}

/// The group part of an `apiVersion`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

impl Object {
    /// An object with this identity and nothing else.
    #[must_use]
    pub fn new(reference: &ObjectRef) -> Self {
        let mut object = Self(json!({
            "apiVersion": reference.api_version, "kind": reference.kind, "metadata": {"name": reference.name},
        }));
        if let Some(namespace) = &reference.namespace {
            object.set_namespace(namespace);
        }
        object
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// `apiVersion`; empty when missing.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    /// `kind`; empty when missing.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// `metadata.name`; empty when missing.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// `metadata.uid`.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`.
    #[must_use]
    pub fn resource_version(&self) -> Option<&str> {
        self.text("/metadata/resourceVersion")
    }

    /// `metadata.generation`.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.0.pointer("/metadata/generation").and_then(Value::as_i64)
    }

    /// Whether `metadata.deletionTimestamp` is set.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.text("/metadata/deletionTimestamp").is_some()
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }

    /// `spec`, `status`, `data`, …
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Which object this is.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// Sets the namespace.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.metadata_mut().insert("namespace".into(), namespace.into());
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.metadata_map("labels").insert(key.into(), value.into());
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.metadata_map("annotations").insert(key.into(), value.into());
    }

    /// `metadata`, made when missing.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        child_map(as_map(&mut self.0), "metadata")
    }

    fn metadata_map(&mut self, name: &str) -> &mut Map<String, Value> {
        child_map(self.metadata_mut(), name)
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

fn child_map<'a>(parent: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    as_map(parent.entry(name).or_insert_with(|| Value::Object(Map::new())))
}

/// A digest of the fields that `manager` owns through server-side apply, from `metadata.managedFields`.
///
/// When anybody else changes or removes a field that `manager` applied, the server takes the field
/// from its entry, so the digest changes; writes to other fields leave it alone. That makes drift
/// visible in the metadata of an object. `None` when the manager owns nothing.
/// (Kubernetes: "Server-Side Apply", field management.)
#[must_use]
pub fn managed_digest(metadata: &Value, manager: &str) -> Option<u64> {
    let entry = metadata.get("managedFields")?.as_array()?.iter().find(|entry| {
        entry["manager"] == manager && entry["operation"] == "Apply" && entry["subresource"].is_null()
    })?;
    Some(fields_digest(&entry["fieldsV1"]))
}

/// A digest of a `fieldsV1` set.
#[must_use]
pub fn fields_digest(fields: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    hash_fields(fields, &mut hasher);
    hasher.finish()
}

fn hash_fields(value: &Value, hasher: &mut DefaultHasher) {
    if let Value::Object(map) = value {
        map.len().hash(hasher);
        for (key, child) in map {
            key.hash(hasher);
            hash_fields(child, hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_make_what_is_missing() {
        let mut object =
            Object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": null}}));
        object.set_label("x", "1");
        object.set_annotation("y", "2");
        object.set_namespace("n");
        assert_eq!((object.label("x"), object.annotation("y")), (Some("1"), Some("2")));
        assert_eq!(object.reference().to_string(), "Service n/a");
    }

    #[test]
    fn the_digest_sees_a_field_taken_by_another_manager() {
        let fields = |spec: Value| {
            json!({"managedFields": [
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:spec": spec}, "time": "2026-01-01T00:00:00Z"},
            ]})
        };
        let both = fields(json!({"f:replicas": {}, "f:template": {}}));
        let taken = fields(json!({"f:template": {}}));
        assert_ne!(managed_digest(&both, "helm"), managed_digest(&taken, "helm"));
        assert_eq!(managed_digest(&both, "helm"), managed_digest(&both.clone(), "helm"));
        assert_eq!(managed_digest(&both, "other"), None);
    }
}
