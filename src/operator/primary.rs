//! The watched resources themselves, as the last watch event told them, without what no pass needs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use super::queue::Key;
use crate::cluster::{Object, Owner};
use crate::watches::Gvk;

/// One watched resource.
#[derive(Clone, Debug)]
pub(super) struct Primary {
    pub(super) key: Key,
    pub(super) kind: Arc<Gvk>,
    pub(super) uid: Box<str>,
    pub(super) version: u64,
    pub(super) generation: Option<i64>,
    /// `creationTimestamp` in seconds.
    pub(super) created: i64,
    pub(super) deleting: bool,
    pub(super) finalizers: Vec<String>,
    pub(super) annotations: Map<String, Value>,
    /// `spec` as JSON text: most of the time only its digest is wanted, and text is small.
    spec: Option<Box<str>>,
    /// `status` as JSON text, without the manifest that helm-operator's shape repeats.
    status: Option<Box<str>>,
    /// All else as JSON text, where passes look at it.
    rest: Option<Box<str>>,
}

/// Annotations that may decide about a pass; others are not kept.
const ANNOTATION_PREFIXES: [&str; 3] =
    ["helm.sdk.operatorframework.io/", "ansible.sdk.operatorframework.io/", "daytwo.dev/"];

impl Primary {
    /// What a watch event or a reply tells that decides about a pass.
    pub(super) fn of(kind: &Arc<Gvk>, object: DynamicObject) -> Self {
        let DynamicObject { metadata, mut data, .. } = object;
        let text = |value: Option<Value>| {
            value.filter(|value| !value.is_null()).map(|value| value.to_string().into_boxed_str())
        };
        let mut take = |name: &str| data.get_mut(name).map(Value::take);
        let annotations = metadata.annotations.unwrap_or_default().into_iter();
        let known = |name: &str| ANNOTATION_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        Self {
            key: Key::new(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default()),
            kind: Arc::clone(kind),
            uid: metadata.uid.unwrap_or_default().into(),
            version: version(metadata.resource_version.as_deref()),
            generation: metadata.generation,
            created: metadata.creation_timestamp.map_or(0, |time| time.0.as_second()),
            deleting: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers.unwrap_or_default(),
            annotations: annotations.filter(|(name, _)| known(name)).map(|(k, v)| (k, v.into())).collect(),
            spec: text(take("spec")),
            status: text(take("status").map(without_manifest)),
            rest: None,
        }
    }

    /// All that it tells.
    fn whole(kind: &Arc<Gvk>, object: DynamicObject) -> Self {
        let rest = rest(kind, &object).to_string().into_boxed_str();
        Self { rest: Some(rest), ..Self::of(kind, object) }
    }

    /// The same from an object of ours.
    pub(super) fn of_object(kind: &Arc<Gvk>, object: Object) -> Option<Self> {
        serde_json::from_value(object.0).ok().map(|object| Self::of(kind, object))
    }

    /// `spec`; `Null` when it is missing.
    pub(super) fn spec(&self) -> Value {
        read(self.spec.as_deref())
    }

    /// Forgets the spec.
    pub(super) fn clear_spec(&mut self) {
        self.spec = None;
    }

    /// `status`; `Null` when it is missing.
    pub(super) fn status(&self) -> Value {
        read(self.status.as_deref())
    }

    /// The whole resource, where it is kept.
    pub(super) fn resource(&self) -> Object {
        let mut resource = read(self.rest.as_deref());
        if let Value::Object(fields) = &mut resource {
            let parts = [("spec", &self.spec), ("status", &self.status)].into_iter();
            let there = parts.filter(|(_, text)| text.is_some());
            fields.extend(there.map(|(name, text)| (name.to_owned(), read(text.as_deref()))));
        }
        Object(resource)
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name)?.as_str()
    }

    pub(super) fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == name)
    }

    /// The resource as the owner of what a pass creates.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            api_version: self.kind.api_version(),
            kind: self.kind.kind.clone(),
            namespace: self.key.namespace().map(str::to_owned),
            name: self.key.name.to_string(),
            uid: self.uid.to_string(),
        }
    }

    /// The resource's identity, as Events refer to it.
    pub(super) fn identity(&self) -> Object {
        Object(json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.kind,
            "metadata": {
                "namespace": self.key.namespace(),
                "name": self.key.name,
                "uid": self.uid,
                "resourceVersion": self.version.to_string(),
            },
        }))
    }

    /// Whether a change from `old` to this asks for a pass: `GenerationChanged`, or any change of a
    /// kind that has no generation, or the start of a deletion.
    pub(super) fn asks_for_pass(&self, old: &Self, annotations_count: bool) -> bool {
        let generation = match (self.generation, old.generation) {
            (Some(new), Some(old)) => new != old,
            _ => true,
        };
        generation
            || self.uid != old.uid
            || self.deleting != old.deleting
            || (annotations_count && self.annotations != old.annotations)
    }
}

/// A resource without its spec and status.
fn rest(kind: &Gvk, object: &DynamicObject) -> Value {
    let mut rest = Map::new();
    rest.insert("apiVersion".into(), kind.api_version().into());
    rest.insert("kind".into(), kind.kind.clone().into());
    rest.insert("metadata".into(), serde_json::to_value(&object.metadata).unwrap_or_default());
    let others = object.data.as_object().into_iter().flatten();
    let others =
        others.filter(|(name, value)| !["spec", "status"].contains(&name.as_str()) && !value.is_null());
    rest.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(rest)
}

fn read(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

fn without_manifest(mut status: Value) -> Value {
    if let Some(Value::Object(release)) = status.get_mut("deployedRelease") {
        release.remove("manifest");
    }
    status
}

/// Resource versions are compared as numbers (KEP-5504); 0 for what is none.
pub(super) fn version(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The watched resources of one controller.
#[derive(Default)]
pub(super) struct Primaries {
    all: RwLock<HashMap<Key, Arc<Primary>>>,
    /// Whether passes look at whole resources.
    whole: bool,
}

impl Primaries {
    /// No resources yet; whether passes look at more of them than what decides about a pass.
    pub(super) fn new(whole: bool) -> Self {
        Self { whole, ..Self::default() }
    }

    /// As much of what a watch event or a reply tells as passes look at.
    pub(super) fn read(&self, kind: &Arc<Gvk>, object: DynamicObject) -> Primary {
        if self.whole { Primary::whole(kind, object) } else { Primary::of(kind, object) }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Primary>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Remembers what a write of ours answered that was made of version `base`, unless that has a change
    /// which the watch still has to tell, as a pass follows from that; or the resource is gone meanwhile.
    pub(super) fn written(&self, base: u64, kind: &Arc<Gvk>, answer: Object) {
        if let Ok(object) = serde_json::from_value(answer.0) {
            self.renew(base, self.read(kind, object));
        }
    }

    fn renew(&self, base: u64, written: Primary) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(&written.key)
            && known.uid == written.uid
            && known.version < written.version
            && (known.version == base || !written.asks_for_pass(known, true))
        {
            *known = Arc::new(written);
        }
    }

    /// Remembers a resource unless something newer is known; what was known before.
    pub(super) fn put(&self, primary: Primary) -> Stored {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let old = all.get(&primary.key).cloned();
        if let Some(known) = &old
            && known.uid == primary.uid
            && known.version >= primary.version
            && primary.version > 0
        {
            return Stored::Known;
        }
        all.insert(primary.key.clone(), Arc::new(primary));
        old.map_or(Stored::New, Stored::Replaced)
    }

    pub(super) fn remove(&self, key: &Key) -> Option<Arc<Primary>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Primary>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// What [`Primaries::put`] did.
pub(super) enum Stored {
    /// Nothing: this or something newer was there.
    Known,
    /// The resource was not known.
    New,
    /// This was known before.
    Replaced(Arc<Primary>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Arc<Gvk> {
        Arc::new(Gvk { group: "daytwo.dev".into(), version: "v1".into(), kind: "Hello".into() })
    }

    fn object(version: &str, generation: i64) -> Object {
        Object(json!({"apiVersion": "daytwo.dev/v1", "kind": "Hello", "metadata": {
            "name": "a", "namespace": "n", "uid": "u", "resourceVersion": version, "generation": generation,
            "annotations": {"helm.sdk.operatorframework.io/reconcile-period": "1m", "other": "x"}},
            "spec": {"x": 1}, "status": {"deployedRelease": {"name": "a", "manifest": "long"}}}))
    }

    fn primary(version: &str, generation: i64) -> Primary {
        Primary::of_object(&kind(), object(version, generation)).unwrap()
    }

    #[test]
    fn only_what_a_pass_needs_is_kept() {
        let primary = primary("7", 1);
        assert_eq!(
            (primary.spec(), primary.status()),
            (json!({"x": 1}), json!({"deployedRelease": {"name": "a"}}))
        );
        assert_eq!(primary.annotations.len(), 1);
        assert_eq!(primary.version, 7);
    }

    #[test]
    fn whole_resources_are_kept_where_passes_look_at_them() {
        for whole in [true, false] {
            let primaries = Primaries::new(whole);
            primaries.put(primaries.read(&kind(), serde_json::from_value(object("7", 1).0).unwrap()));
            let resource = primaries.all()[0].resource().0;
            assert_eq!(resource["metadata"]["annotations"]["other"].is_string(), whole);
            assert_eq!(resource["spec"]["x"].is_number(), whole);
        }
    }

    #[test]
    fn the_answer_to_a_write_hides_no_change_and_brings_nothing_back() {
        let primaries = Primaries::default();
        primaries.put(primary("7", 1));
        primaries.renew(7, primary("8", 1));
        assert_eq!(primaries.all()[0].version, 8);
        // Somebody else changed what asks for no pass.
        primaries.renew(9, primary("10", 1));
        assert_eq!(primaries.all()[0].version, 10);
        // The write was made of a change that the watch has not told yet.
        primaries.renew(11, primary("12", 2));
        let Stored::Replaced(old) = primaries.put(primary("11", 2)) else { panic!() };
        assert!(primary("11", 2).asks_for_pass(&old, true));
        primaries.remove(&primary("11", 2).key);
        primaries.renew(11, primary("12", 2));
        assert!(primaries.all().is_empty());
    }

    #[test]
    fn a_status_change_asks_for_no_pass_and_old_news_for_nothing() {
        let primaries = Primaries::default();
        assert!(matches!(primaries.put(primary("7", 1)), Stored::New));
        assert!(matches!(primaries.put(primary("6", 1)), Stored::Known));
        let Stored::Replaced(old) = primaries.put(primary("10", 1)) else { panic!() };
        assert!(!primary("10", 1).asks_for_pass(&old, true));
        assert!(primary("11", 2).asks_for_pass(&old, false));
    }
}
