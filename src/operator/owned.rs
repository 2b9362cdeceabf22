//! What roles create: any change of an owned object that is not its status calls the owner.
//!
//! Follows operator-lib's `DependentPredicate` and `EnqueueRequestForAnnotation`: creations are
//! ignored, deletions count, updates count unless only the status changed. Owners are found by
//! ownerReference or by the `operator-sdk/primary-resource` annotations.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use tokio_util::sync::CancellationToken;

use super::dependents::Caller;
use super::tasks::Tasks;
use super::watching::{Scope, Seen, follow};
use crate::cluster::{Client, Owner, PRIMARY_RESOURCE, PRIMARY_RESOURCE_TYPE, fields_digest};
use crate::watches::Gvk;

/// The objects that roles own.
pub(super) struct Owned {
    client: Client,
    namespaces: Vec<Option<String>>,
    tasks: Tasks,
    shutdown: CancellationToken,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_uid: HashMap<String, Caller>,
    /// By `Kind.group` and `namespace/name`, as the annotations write them.
    by_name: HashMap<(String, String), Caller>,
    watched: HashSet<String>,
    /// By kind and namespace: whose runs ended before the first list. What they made may be gone unseen.
    unlisted: HashMap<(String, Option<String>), Vec<Caller>>,
    /// By kind, then by UID.
    seen: HashMap<String, HashMap<String, Known>>,
}

/// An owned object as the watch last saw it.
struct Known {
    namespace: Option<String>,
    digest: u64,
    callers: Vec<Caller>,
}

impl Owned {
    pub(super) fn new(
        client: Client,
        namespaces: Vec<Option<String>>,
        tasks: Tasks,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self { client, namespaces, tasks, shutdown, inner: Mutex::default() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, changes of what `owner` owns call `caller`.
    pub(super) fn claim(&self, caller: &Caller, owner: &Owner) {
        let mut inner = self.inner();
        inner.by_uid.insert(owner.uid.clone(), caller.clone());
        inner.by_name.insert((owner.type_name(), owner.namespaced_name()), caller.clone());
    }

    /// The owner is gone.
    pub(super) fn forget(&self, caller: &Caller) {
        let mut inner = self.inner();
        inner.by_uid.retain(|_, known| known != caller);
        inner.by_name.retain(|_, known| known != caller);
        inner.unlisted.values_mut().for_each(|callers| callers.retain(|known| known != caller));
    }

    /// Watches a kind of which a run of the caller created or found owned objects.
    pub(super) fn watch(self: &Arc<Self>, kind: &Gvk, caller: &Caller) {
        let api_version = kind.api_version();
        if !self.inner().begin(&key(&api_version, &kind.kind), &self.namespaces, caller) {
            return;
        }
        for namespace in self.namespaces.clone() {
            let (api_version, kind) = (api_version.clone(), kind.kind.clone());
            let scope = Scope { api_version, kind, namespace, labels: None, readiness: false };
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                let mut listed = None;
                let observe = |event: Option<_>| {
                    if let Some(event) = event {
                        this.observe(&scope, event, &mut listed);
                    }
                };
                this.shutdown.run_until_cancelled(follow(&this.client, &scope, observe)).await;
            });
        }
    }

    fn observe(&self, scope: &Scope, event: Event<Seen>, listed: &mut Option<HashSet<String>>) {
        let mut inner = self.inner();
        let kind = key(&scope.api_version, &scope.kind);
        match event {
            Event::Init => *listed = Some(HashSet::new()),
            Event::InitApply(object) | Event::Apply(object) => {
                if let (Some(listed), Some(uid)) = (listed, &object.metadata.uid) {
                    listed.insert(uid.clone());
                }
                inner.applied(kind, object.metadata);
            }
            Event::InitDone => {
                inner.relisted(&kind, scope.namespace.as_deref(), &listed.take().unwrap_or_default())
            }
            Event::Delete(object) => inner.deleted(&kind, object.metadata.uid.as_deref().unwrap_or_default()),
        }
    }
}

/// By what a kind is known here.
fn key(api_version: &str, kind: &str) -> String {
    format!("{api_version}/{kind}")
}

impl Inner {
    /// Whether the kind is not watched yet; until it is listed, the caller waits for what the list says.
    fn begin(&mut self, kind: &str, scopes: &[Option<String>], caller: &Caller) -> bool {
        let is_new = self.watched.insert(kind.to_owned());
        for scope in scopes {
            let key = (kind.to_owned(), scope.clone());
            if is_new {
                self.unlisted.insert(key, vec![caller.clone()]);
            } else if let Some(callers) = self.unlisted.get_mut(&key).filter(|known| !known.contains(caller))
            {
                callers.push(caller.clone());
            }
        }
        is_new
    }

    fn callers(&self, metadata: &ObjectMeta) -> Vec<Caller> {
        let references = metadata.owner_references.iter().flatten();
        let by_reference = references.filter_map(|reference| self.by_uid.get(&reference.uid));
        let annotation = |name: &str| metadata.annotations.as_ref()?.get(name).cloned();
        let named = annotation(PRIMARY_RESOURCE_TYPE).zip(annotation(PRIMARY_RESOURCE));
        by_reference.chain(named.and_then(|named| self.by_name.get(&named))).cloned().collect()
    }

    fn applied(&mut self, kind: String, metadata: ObjectMeta) {
        let callers = self.callers(&metadata);
        let digest = significance(&metadata);
        let terminating = metadata.deletion_timestamp.is_some();
        let Some(uid) = metadata.uid else { return };
        let seen = self.seen.entry(kind).or_default();
        match seen.get_mut(&uid) {
            Some(known) => {
                if known.digest != digest {
                    // An owner that the object lost is told as well.
                    known.callers.iter().chain(&callers).for_each(Caller::call);
                }
                *known = Known { namespace: metadata.namespace, digest, callers };
            }
            None if callers.is_empty() || terminating => {}
            None => {
                seen.insert(uid, Known { namespace: metadata.namespace, digest, callers });
            }
        }
    }

    fn deleted(&mut self, kind: &str, uid: &str) {
        if let Some(known) = self.seen.get_mut(kind).and_then(|seen| seen.remove(uid)) {
            known.callers.iter().for_each(Caller::call);
        }
    }

    /// What a fresh list does not have was deleted unseen.
    fn relisted(&mut self, kind: &str, namespace: Option<&str>, listed: &HashSet<String>) {
        let first = self.unlisted.remove(&(kind.to_owned(), namespace.map(str::to_owned)));
        first.iter().flatten().for_each(Caller::call);
        let Some(seen) = self.seen.get_mut(kind) else { return };
        seen.retain(|uid, known| {
            let here = namespace.is_none_or(|namespace| known.namespace.as_deref() == Some(namespace));
            let gone = here && !listed.contains(uid);
            if gone {
                known.callers.iter().for_each(Caller::call);
            }
            !gone
        });
    }
}

/// A digest of what an object is besides its status.
///
/// The generation tells for kinds that have one. Of others only metadata are known: with a status of
/// their own, who last wrote which fields when, leaving out the writers of the status; without one,
/// the resource version.
fn significance(metadata: &ObjectMeta) -> u64 {
    let mut hasher = DefaultHasher::new();
    let sorted = |map: &Option<BTreeMap<String, String>>| map.clone().unwrap_or_default();
    sorted(&metadata.labels).hash(&mut hasher);
    sorted(&metadata.annotations).hash(&mut hasher);
    metadata.finalizers.hash(&mut hasher);
    for reference in metadata.owner_references.iter().flatten() {
        reference.uid.hash(&mut hasher);
    }
    metadata.deletion_timestamp.is_some().hash(&mut hasher);
    let entries = metadata.managed_fields.as_deref().unwrap_or_default();
    let is_status = |subresource: Option<&str>| subresource == Some("status");
    if let Some(generation) = metadata.generation {
        generation.hash(&mut hasher);
    } else if entries.iter().any(|entry| is_status(entry.subresource.as_deref())) {
        for entry in entries.iter().filter(|entry| !is_status(entry.subresource.as_deref())) {
            entry.manager.hash(&mut hasher);
            entry.time.as_ref().map(|time| time.0.as_second()).hash(&mut hasher);
            entry.fields_v1.as_ref().map(|fields| fields_digest(&fields.0)).hash(&mut hasher);
        }
    } else {
        metadata.resource_version.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    use crate::operator::queue::Key;

    fn metadata(value: Value) -> ObjectMeta {
        serde_json::from_value(value).unwrap()
    }

    fn inner() -> (Inner, Caller) {
        let caller = Caller { queue: Arc::default(), key: Key::new(Some("demo"), "a") };
        let mut inner = Inner::default();
        inner.by_uid.insert("owner".into(), caller.clone());
        inner.by_name.insert(("Hello.daytwo.dev".into(), "demo/a".into()), caller.clone());
        (inner, caller)
    }

    #[test]
    fn creations_are_ignored_changes_and_deletions_call() {
        let (mut inner, caller) = inner();
        let object = |generation: i64, version: &str| {
            metadata(json!({"uid": "u", "name": "d", "namespace": "demo", "generation": generation,
                "resourceVersion": version, "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Hello", "name": "a", "uid": "owner"}]}))
        };
        inner.applied("k".into(), object(1, "1"));
        inner.applied("k".into(), object(1, "2"));
        assert_eq!(caller.queue.depth(), 0);
        inner.applied("k".into(), object(2, "3"));
        assert_eq!(caller.queue.depth(), 1);
    }

    #[test]
    fn a_run_that_ended_before_the_first_list_is_done_again() {
        let (mut inner, caller) = inner();
        let scopes = [Some("demo".to_owned())];
        assert!(inner.begin("v1/ConfigMap", &scopes, &caller));
        assert!(!inner.begin("v1/ConfigMap", &scopes, &caller));
        assert_eq!(caller.queue.depth(), 0);
        inner.relisted("v1/ConfigMap", Some("demo"), &HashSet::new());
        assert_eq!(caller.queue.depth(), 1);
        // From now on, what goes is seen.
        assert!(!inner.begin("v1/ConfigMap", &scopes, &caller));
        assert!(inner.unlisted.is_empty());
    }

    #[test]
    fn annotations_name_owners_too_and_foreign_objects_are_not_kept() {
        let (mut inner, caller) = inner();
        inner.applied("k".into(), metadata(json!({"uid": "x", "name": "foreign"})));
        assert!(inner.seen["k"].is_empty());
        inner.applied(
            "k".into(),
            metadata(json!({"uid": "u", "name": "d", "annotations": {
            PRIMARY_RESOURCE: "demo/a", PRIMARY_RESOURCE_TYPE: "Hello.daytwo.dev"}})),
        );
        inner.relisted("k", None, &HashSet::new());
        assert_eq!(caller.queue.depth(), 1);
        inner.deleted("k", "u");
    }

    #[test]
    fn a_status_is_not_significant() {
        let service = |status_time: &str, spec_time: &str, version: &str| {
            significance(&metadata(json!({"uid": "u", "resourceVersion": version, "managedFields": [
                {"manager": "a", "operation": "Update", "time": spec_time, "fieldsV1": {"f:spec": {}}},
                {"manager": "b", "operation": "Update", "subresource": "status", "time": status_time, "fieldsV1": {}}]})))
        };
        let (t1, t2) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
        assert_eq!(service(t1, t1, "1"), service(t2, t1, "2"));
        assert_ne!(service(t1, t1, "1"), service(t1, t2, "2"));
        let config_map = |version: &str| significance(&metadata(json!({"resourceVersion": version})));
        assert_ne!(config_map("1"), config_map("2"));
    }
}
