//! Who owns a dependant: an ownerReference where Kubernetes allows one, annotations elsewhere.
//!
//! Follows operator-lib (`handler/enqueue_annotation.go`) and the rule of operator-sdk's
//! `SupportsOwnerReference`: a cluster-scoped owner may own everything, a namespaced one only objects
//! of its own namespace.

use serde_json::{Value, json};

use super::object::{Object, group_of};

/// Annotation naming the owner as `namespace/name`.
pub const PRIMARY_RESOURCE: &str = "operator-sdk/primary-resource";
/// Annotation naming the owner's kind as `Kind.group`.
pub const PRIMARY_RESOURCE_TYPE: &str = "operator-sdk/primary-resource-type";

/// The resource that owns what a reconcile creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `apiVersion` of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Namespace of the owner; `None` when it is cluster-scoped.
    pub namespace: Option<String>,
    /// Name of the owner.
    pub name: String,
    /// UID of the owner.
    pub uid: String,
}

/// The shape of the ownerReference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerStyle {
    /// As helm-operator writes it: the one controller, blocking the owner's foreground deletion.
    Controller,
    /// As ansible-operator's proxy writes it: a plain reference beside others.
    Plain,
}

impl Owner {
    /// Whether an ownerReference to this owner is allowed on a dependant in that namespace
    /// (`None` for a cluster-scoped dependant).
    #[must_use]
    pub fn supports_reference(&self, dependant_namespace: Option<&str>) -> bool {
        match (&self.namespace, dependant_namespace) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own == other,
        }
    }

    /// The ownerReference.
    #[must_use]
    pub fn reference(&self, style: OwnerStyle) -> Value {
        let mut reference =
            json!({"apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid});
        if style == OwnerStyle::Controller {
            reference["blockOwnerDeletion"] = true.into();
            reference["controller"] = true.into();
        }
        reference
    }

    /// `Kind.group`; the kind alone for the core group.
    #[must_use]
    pub fn type_name(&self) -> String {
        match group_of(&self.api_version) {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }

    /// `namespace/name`, with an empty namespace for a cluster-scoped owner.
    #[must_use]
    pub fn namespaced_name(&self) -> String {
        format!("{}/{}", self.namespace.as_deref().unwrap_or_default(), self.name)
    }

    /// Marks `object`, which lives in `namespace`, as a dependant of this owner.
    pub fn mark(&self, object: &mut Object, namespace: Option<&str>, style: OwnerStyle) {
        if !self.supports_reference(namespace) {
            object.set_annotation(PRIMARY_RESOURCE, &self.namespaced_name());
            object.set_annotation(PRIMARY_RESOURCE_TYPE, &self.type_name());
            return;
        }
        let metadata = object.metadata_mut();
        let references = metadata.entry("ownerReferences").or_insert_with(|| Value::Array(Vec::new()));
        if !references.is_array() {
            *references = Value::Array(Vec::new());
        }
        if let Value::Array(references) = references
            && !references.iter().any(|reference| reference["uid"] == self.uid.as_str())
        {
            references.push(self.reference(style));
        }
    }

    /// Whether `metadata` names this owner, by reference or by annotations.
    #[must_use]
    pub fn owns(&self, metadata: &Value) -> bool {
        let by_reference = metadata["ownerReferences"].as_array().is_some_and(|references| {
            references.iter().any(|reference| reference["uid"] == self.uid.as_str())
        });
        let annotations = &metadata["annotations"];
        by_reference
            || (annotations[PRIMARY_RESOURCE] == self.namespaced_name()
                && annotations[PRIMARY_RESOURCE_TYPE] == self.type_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(namespace: Option<&str>) -> Owner {
        Owner {
            api_version: "daytwo.dev/v1".into(),
            kind: "Hello".into(),
            namespace: namespace.map(str::to_owned),
            name: "example".into(),
            uid: "u1".into(),
        }
    }

    #[test]
    fn same_namespace_gets_a_reference_once() {
        let mut object = Object(json!({"metadata": {}}));
        owner(Some("demo")).mark(&mut object, Some("demo"), OwnerStyle::Controller);
        owner(Some("demo")).mark(&mut object, Some("demo"), OwnerStyle::Controller);
        assert_eq!(
            object.0["metadata"]["ownerReferences"],
            json!([{"apiVersion": "daytwo.dev/v1", "kind": "Hello", "name": "example", "uid": "u1",
                    "blockOwnerDeletion": true, "controller": true}])
        );
        assert!(owner(Some("demo")).owns(&object.0["metadata"]));
    }

    #[test]
    fn elsewhere_annotations_tell_the_owner() {
        for namespace in [None, Some("other")] {
            let mut object = Object(json!({"metadata": {}}));
            owner(Some("demo")).mark(&mut object, namespace, OwnerStyle::Plain);
            assert_eq!(object.annotation(PRIMARY_RESOURCE), Some("demo/example"));
            assert_eq!(object.annotation(PRIMARY_RESOURCE_TYPE), Some("Hello.daytwo.dev"));
            assert!(owner(Some("demo")).owns(&object.0["metadata"]));
            assert!(object.0["metadata"].get("ownerReferences").is_none());
        }
    }

    #[test]
    fn a_cluster_scoped_owner_may_own_everything() {
        assert!(owner(None).supports_reference(None) && owner(None).supports_reference(Some("x")));
    }
}
