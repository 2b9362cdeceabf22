//! What roles create: any change of an owned object that is not its status calls the owner.
//!
//! Follows operator-lib's `DependentPredicate` and `EnqueueRequestForAnnotation`: creations are
//! ignored, deletions count, updates count unless only the status changed. Owners are found by
//! ownerReference or by the `operator-sdk/primary-resource` annotations.
//!
//! What a run reads of an owned object is kept as long as the watch has told of no other version, so that the
//! next run need not ask for it again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher::Event;
use tokio_util::sync::CancellationToken;

use super::dependents::Caller;
use super::tasks::Tasks;
use super::watching::{Scope, Seen, follow};
use crate::cluster::{
    Client, Object, Owner, PRIMARY_RESOURCE, PRIMARY_RESOURCE_TYPE, Resource, fields_digest,
};
use crate::modules::session::Watched;
use crate::watches::Gvk;

/// Objects of longer text are not kept.
const KEPT_BYTES: usize = 16 << 10;

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
    seen: HashMap<String, HashMap<Place, Known>>,
    /// Kinds and namespaces whose watch works.
    sighted: HashSet<(String, Option<String>)>,
}

/// Namespace and name.
type Place = (Option<Box<str>>, Box<str>);

/// An owned object as the watch last saw it.
struct Known {
    uid: Box<str>,
    digest: u64,
    callers: Vec<Caller>,
    version: Box<str>,
    /// This version as JSON text, when a run has read it.
    text: Option<Box<str>>,
}

impl Watched for Owned {
    fn unchanged(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Option<Object> {
        let inner = self.inner();
        let text = inner.text(&key(&resource.api_version(), &resource.kind), &place(namespace, name))?;
        serde_json::from_str(text).ok().map(Object)
    }

    fn read(&self, resource: &Resource, object: &Object) {
        self.inner().read(&key(&resource.api_version(), &resource.kind), object);
    }
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
                    // While it lists, what is gone by then is not known.
                    let lists = matches!(event, Some(Event::Init | Event::InitApply(_)));
                    this.inner().sight(&scope, event.is_some() && !lists);
                    if let Some(event) = event {
                        this.observe(&scope, event, &mut listed);
                    }
                };
                this.shutdown.run_until_cancelled(follow(&this.client, &scope, observe)).await;
            });
        }
    }

    fn observe(&self, scope: &Scope, event: Event<Seen>, listed: &mut Option<HashSet<Place>>) {
        let mut inner = self.inner();
        let kind = key(&scope.api_version, &scope.kind);
        match event {
            Event::Init => *listed = Some(HashSet::new()),
            Event::InitApply(object) | Event::Apply(object) => {
                if let Some(listed) = listed {
                    listed.insert(place_of(&object.metadata));
                }
                inner.applied(kind, object.metadata);
            }
            Event::InitDone => {
                inner.relisted(&kind, scope.namespace.as_deref(), &listed.take().unwrap_or_default())
            }
            Event::Delete(object) => inner.deleted(&kind, &object.metadata),
        }
    }
}

fn place(namespace: Option<&str>, name: &str) -> Place {
    (namespace.map(Into::into), name.into())
}

fn place_of(metadata: &ObjectMeta) -> Place {
    place(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
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
        let (callers, place) = (self.callers(&metadata), place_of(&metadata));
        let terminating = metadata.deletion_timestamp.is_some();
        let new = Known {
            digest: significance(&metadata),
            uid: metadata.uid.unwrap_or_default().into(),
            version: metadata.resource_version.unwrap_or_default().into(),
            callers,
            text: None,
        };
        let seen = self.seen.entry(kind).or_default();
        match seen.get_mut(&place) {
            Some(known) if known.version == new.version => known.callers = new.callers,
            Some(known) => {
                if known.uid != new.uid || known.digest != new.digest {
                    // An owner that the object lost is told as well.
                    known.callers.iter().chain(&new.callers).for_each(Caller::call);
                }
                *known = new;
            }
            None if new.callers.is_empty() || terminating => {}
            None => {
                seen.insert(place, new);
            }
        }
    }

    fn deleted(&mut self, kind: &str, metadata: &ObjectMeta) {
        let (Some(seen), place) = (self.seen.get_mut(kind), place_of(metadata)) else { return };
        if seen.get(&place).is_some_and(|known| Some(&*known.uid) == metadata.uid.as_deref())
            && let Some(known) = seen.remove(&place)
        {
            known.callers.iter().for_each(Caller::call);
        }
    }

    /// The watch of a kind works, or it does not.
    fn sight(&mut self, scope: &Scope, works: bool) {
        let watch = (key(&scope.api_version, &scope.kind), scope.namespace.clone());
        if works {
            self.sighted.insert(watch);
        } else {
            self.sighted.remove(&watch);
        }
    }

    /// The text of the object, if the watch says that it is still so.
    fn text(&self, kind: &str, place: &Place) -> Option<&str> {
        let works = |namespace| self.sighted.contains(&(kind.to_owned(), namespace));
        let works = works(None) || works(place.0.as_deref().map(str::to_owned));
        self.seen.get(kind)?.get(place)?.text.as_deref().filter(|_| works)
    }

    fn read(&mut self, kind: &str, object: &Object) {
        let place = place(object.namespace(), object.name());
        // What the watch has not told yet, or told the end of, is not kept.
        if let Some(known) = self.seen.get_mut(kind).and_then(|seen| seen.get_mut(&place))
            && object.resource_version() == Some(&known.version)
            && known.text.is_none()
        {
            let text = object.0.to_string();
            known.text = (text.len() <= KEPT_BYTES).then(|| text.into_boxed_str());
        }
    }

    /// What a fresh list does not have was deleted unseen.
    fn relisted(&mut self, kind: &str, namespace: Option<&str>, listed: &HashSet<Place>) {
        let first = self.unlisted.remove(&(kind.to_owned(), namespace.map(str::to_owned)));
        first.iter().flatten().for_each(Caller::call);
        let Some(seen) = self.seen.get_mut(kind) else { return };
        seen.retain(|place, known| {
            let here = namespace.is_none_or(|namespace| place.0.as_deref() == Some(namespace));
            let gone = here && !listed.contains(place);
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
        inner.deleted("k", &metadata(json!({"uid": "another", "name": "d"})));
        assert!(inner.seen["k"].is_empty());
    }

    #[test]
    fn what_was_read_is_kept_until_the_watch_tells_something_else() {
        let (mut inner, _) = inner();
        let scope = |namespace: Option<&str>| Scope {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            namespace: namespace.map(str::to_owned),
            labels: None,
            readiness: false,
        };
        let object = |version: &str| {
            json!({"metadata": {"uid": "u", "name": "d", "namespace": "demo", "resourceVersion": version,
                "ownerReferences": [{"apiVersion": "v1", "kind": "Hello", "name": "a", "uid": "owner"}]}})
        };
        let (kind, at) = ("v1/ConfigMap", place(Some("demo"), "d"));
        let seen = |version: &str| metadata(object(version)["metadata"].clone());
        inner.read(kind, &Object(object("1")));
        inner.sight(&scope(Some("demo")), true);
        inner.applied(kind.into(), seen("1"));
        assert_eq!(inner.text(kind, &at), None);
        inner.read(kind, &Object(object("1")));
        assert!(inner.text(kind, &at).is_some());
        inner.sight(&scope(Some("demo")), false);
        assert_eq!(inner.text(kind, &at), None);
        inner.sight(&scope(None), true);
        assert!(inner.text(kind, &at).is_some());
        inner.applied(kind.into(), seen("2"));
        assert_eq!(inner.text(kind, &at), None);
        inner.read(kind, &Object(object("1")));
        assert_eq!(inner.text(kind, &at), None);
        inner.deleted(kind, &seen("2"));
        inner.read(kind, &Object(object("2")));
        assert_eq!(inner.text(kind, &at), None);
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
