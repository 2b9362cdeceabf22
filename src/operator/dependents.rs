//! What the watched resources own: one metadata watch per kind and namespace scope, however many
//! resources need it, and what each owned object is expected to look like.
//!
//! ```text
//! pass ── applied objects ──> expectations ──┐
//! metadata watch ── events ──> compare ──────┴─ differs ─> drifted, owner's queue
//! ```
//!
//! An object applied server-side is as it was left while the set of fields that its managed-fields
//! entry lists is unchanged (see [`crate::cluster::managed_digest`]): whoever changes such a field
//! takes it. So metadata suffice, and a pass with nothing to do asks the server nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher::Event;
use tokio_util::sync::CancellationToken;

use super::primary::version;
use super::queue::{Key, Queue};
use super::tasks::Tasks;
use super::watching::{self, Scope, follow};
use crate::cluster::ready::has_rule;
use crate::cluster::{Client, ObjectRef, fields_digest};
use crate::release::{Drift, MANAGER, Tracked};

/// Objects of a release carry this label, as helm-operator puts it; the watch selects by it.
pub(super) const CHART_LABEL: &str = "helm.sdk.operatorframework.io/chart";

/// The resource that a pass is for: whom to call when something of its changes.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) queue: Arc<Queue>,
    pub(super) key: Key,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Ident {
    kind: KindId,
    namespace: Option<Box<str>>,
    name: Box<str>,
}

/// Kinds are few: they are numbered.
type KindId = u32;

struct Entry {
    caller: Caller,
    /// As the pass left it.
    expected: Seen,
    /// As the watch last saw it, when that is newer.
    seen: Option<Seen>,
}

/// An object at one moment.
struct Seen {
    uid: Box<str>,
    version: u64,
    digest: Option<u64>,
    /// Why it was not ready, when it was not.
    unready: Option<Box<str>>,
}

#[derive(Default)]
struct Inner {
    kinds: Vec<(String, String)>,
    expected: HashMap<Ident, Entry>,
    /// Seen in the watch but not (yet) expected: what the watch knew before the pass told.
    unclaimed: HashMap<Ident, Seen>,
    /// By the address of the queue and the resource in it.
    owned: HashMap<(usize, Key), HashSet<Ident>>,
    drifted: HashMap<(usize, Key), HashSet<Ident>>,
    watched: HashSet<KindId>,
    /// Kinds whose watch works.
    sighted: HashSet<KindId>,
    /// How far each watch is: the newest version that it told of its kind and namespace scope.
    told: HashMap<(KindId, Option<Box<str>>), u64>,
}

/// The owned objects of all controllers.
pub(super) struct Dependents {
    client: Client,
    /// `None` is all namespaces.
    namespaces: Vec<Option<String>>,
    inner: Mutex<Inner>,
    tasks: Tasks,
    shutdown: CancellationToken,
}

impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.queue, &other.queue) && self.key == other.key
    }
}

impl Caller {
    /// Wishes for a pass.
    pub(super) fn call(&self) {
        self.queue.push(&self.key);
    }

    fn id(&self) -> (usize, Key) {
        (Arc::as_ptr(&self.queue) as usize, self.key.clone())
    }
}

impl Dependents {
    pub(super) fn new(
        client: Client,
        namespaces: Vec<Option<String>>,
        tasks: Tasks,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self { client, namespaces, inner: Mutex::default(), tasks, shutdown })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pass left these objects, and no others, as they are described.
    pub(super) fn expect(self: &Arc<Self>, caller: &Caller, tracked: &[Tracked], watch: bool) {
        let mut kinds = Vec::new();
        {
            let mut inner = self.inner();
            inner.forget(caller);
            for object in tracked {
                let ident = inner.ident(&object.object);
                inner.claim(caller, &ident, object);
                if watch && inner.watched.insert(ident.kind) {
                    kinds.push(ident.kind);
                }
            }
        }
        for kind in kinds {
            self.watch(kind);
        }
    }

    /// The resource owns nothing any more.
    pub(super) fn forget(&self, caller: &Caller) {
        self.inner().forget(caller);
    }

    /// Whether nothing of the resource's objects drifted.
    pub(super) fn is_clean(&self, caller: &Caller) -> bool {
        !self.inner().drifted.contains_key(&caller.id()) && !self.is_blind(caller)
    }

    /// Whether there are objects of the resource that no working watch covers.
    pub(super) fn is_blind(&self, caller: &Caller) -> bool {
        let inner = self.inner();
        let mut owned = inner.owned.get(&caller.id()).into_iter().flatten();
        owned.any(|ident| !inner.sighted.contains(&ident.kind))
    }

    /// The objects of the resource that are not, or not known to be, as they were left.
    pub(super) fn drifted(&self, caller: &Caller) -> HashMap<ObjectRef, Drift> {
        let inner = self.inner();
        let drifted = inner.drifted.get(&caller.id()).into_iter().flatten();
        let owned = inner.owned.get(&caller.id()).into_iter().flatten();
        let unseen = owned.filter(|ident| !inner.sighted.contains(&ident.kind));
        let possible = unseen.map(|ident| (inner.reference(ident), Drift::Possible));
        possible.chain(drifted.map(|ident| (inner.reference(ident), Drift::Known))).collect()
    }

    /// The objects of the resource that are not ready, each with the reason, in a fixed order.
    pub(super) fn unready(&self, caller: &Caller) -> Vec<String> {
        let inner = self.inner();
        let owned = inner.owned.get(&caller.id()).into_iter().flatten();
        let unready = owned.filter_map(|ident| Some((ident, inner.expected.get(ident)?.unready()?)));
        let mut told: Vec<String> = unready
            .map(|(ident, reason)| format!("{} {}: {reason}", inner.kinds[ident.kind as usize].1, ident.name))
            .collect();
        told.sort();
        told
    }

    fn watch(self: &Arc<Self>, kind: KindId) {
        for namespace in self.namespaces.clone() {
            let (api_version, kind_name) = self.inner().kinds[kind as usize].clone();
            let readiness = has_rule(&api_version, &kind_name);
            let scope =
                Scope { api_version, kind: kind_name, namespace, labels: Some(CHART_LABEL), readiness };
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                let mut listed = None;
                let observe = |event| match event {
                    Some(event) => this.observe(kind, scope.namespace.as_deref(), event, &mut listed),
                    None => drop(this.inner().sighted.remove(&kind)),
                };
                this.shutdown.run_until_cancelled(follow(&this.client, &scope, observe)).await;
            });
        }
    }

    fn observe(
        &self,
        kind: KindId,
        namespace: Option<&str>,
        event: Event<watching::Seen>,
        listed: &mut Option<HashSet<Ident>>,
    ) {
        if let Event::InitApply(object) | Event::Apply(object) | Event::Delete(object) = &event {
            let version = version(object.metadata.resource_version.as_deref());
            self.inner().reached(kind, namespace, version);
        }
        match event {
            Event::Init => *listed = Some(HashSet::new()),
            Event::InitApply(object) => {
                let ident = ident(kind, &object);
                if let Some(listed) = listed {
                    listed.insert(ident.clone());
                }
                self.applied(ident, object);
            }
            Event::InitDone => {
                self.inner().sighted.insert(kind);
                if let Some(listed) = listed.take() {
                    self.missing(kind, namespace, &listed);
                }
            }
            Event::Apply(object) => {
                // Only a watch that works tells of a change.
                self.inner().sighted.insert(kind);
                self.applied(ident(kind, &object), object);
            }
            Event::Delete(object) => {
                self.inner().sighted.insert(kind);
                let uid = object.metadata.uid.unwrap_or_default();
                self.inner().deleted(
                    &Ident {
                        kind,
                        namespace: object.metadata.namespace.map(Into::into),
                        name: object.metadata.name.unwrap_or_default().into(),
                    },
                    &uid,
                );
            }
        }
    }

    fn applied(&self, ident: Ident, object: watching::Seen) {
        let metadata = object.metadata;
        let entries = metadata.managed_fields.unwrap_or_default();
        let own = entries.into_iter().find(|entry| {
            entry.manager.as_deref() == Some(MANAGER)
                && entry.operation.as_deref() == Some("Apply")
                && entry.subresource.is_none()
        });
        let digest = own.and_then(|entry| entry.fields_v1).map(|fields| fields_digest(&fields.0));
        let seen = Seen {
            uid: metadata.uid.unwrap_or_default().into(),
            version: version(metadata.resource_version.as_deref()),
            digest,
            unready: object.unready.map(Into::into),
        };
        self.inner().seen(ident, seen);
    }

    /// A fresh list does not have these.
    fn missing(&self, kind: KindId, namespace: Option<&str>, listed: &HashSet<Ident>) {
        let mut inner = self.inner();
        let here = |ident: &Ident| {
            ident.kind == kind
                && namespace.is_none_or(|namespace| ident.namespace.as_deref() == Some(namespace))
        };
        inner.unclaimed.retain(|ident, _| !here(ident) || listed.contains(ident));
        let gone: Vec<(Ident, Box<str>)> = inner
            .expected
            .iter()
            .filter(|(ident, _)| here(ident) && !listed.contains(ident))
            .map(|(ident, entry)| (ident.clone(), entry.expected.uid.clone()))
            .collect();
        for (ident, uid) in gone {
            inner.deleted(&ident, &uid);
        }
    }
}

fn ident(kind: KindId, object: &watching::Seen) -> Ident {
    Ident {
        kind,
        namespace: object.metadata.namespace.as_deref().map(Into::into),
        name: object.metadata.name.as_deref().unwrap_or_default().into(),
    }
}

impl Entry {
    fn unready(&self) -> Option<&str> {
        self.seen.as_ref().unwrap_or(&self.expected).unready.as_deref()
    }
}

impl Inner {
    fn ident(&mut self, reference: &ObjectRef) -> Ident {
        let known =
            self.kinds.iter().position(|(at, kind)| *at == reference.api_version && *kind == reference.kind);
        let position = known.unwrap_or_else(|| {
            self.kinds.push((reference.api_version.clone(), reference.kind.clone()));
            self.kinds.len() - 1
        });
        Ident {
            kind: KindId::try_from(position).unwrap_or(KindId::MAX),
            namespace: reference.namespace.as_deref().map(Into::into),
            name: reference.name.as_str().into(),
        }
    }

    fn reference(&self, ident: &Ident) -> ObjectRef {
        let (api_version, kind) = self.kinds[ident.kind as usize].clone();
        ObjectRef {
            api_version,
            kind,
            namespace: ident.namespace.as_deref().map(str::to_owned),
            name: ident.name.to_string(),
        }
    }

    fn claim(&mut self, caller: &Caller, ident: &Ident, object: &Tracked) {
        let expected = Seen {
            uid: object.uid.as_str().into(),
            version: object.version,
            digest: object.digest,
            unready: object.unready.as_deref().map(Into::into),
        };
        self.expected.insert(ident.clone(), Entry { caller: caller.clone(), expected, seen: None });
        self.owned.entry(caller.id()).or_default().insert(ident.clone());
        // The watch may have been faster than the pass.
        if let Some(seen) = self.unclaimed.remove(ident) {
            self.seen(ident.clone(), seen);
        } else if self.has_passed(ident, object.version) {
            self.drift(caller, ident.clone());
        }
    }

    fn reached(&mut self, kind: KindId, namespace: Option<&str>, version: u64) {
        let told = self.told.entry((kind, namespace.map(Into::into))).or_default();
        *told = version.max(*told);
    }

    /// Whether a working watch told of this version or a newer one: what it does not have then is
    /// gone, even if that was told while nobody expected the object.
    fn has_passed(&self, ident: &Ident, version: u64) -> bool {
        let told = |namespace| self.told.get(&(ident.kind, namespace)).is_some_and(|told| *told >= version);
        self.sighted.contains(&ident.kind) && (told(None) || told(ident.namespace.clone()))
    }

    fn forget(&mut self, caller: &Caller) {
        for ident in self.owned.remove(&caller.id()).unwrap_or_default() {
            if let Some(seen) = self.expected.remove(&ident).and_then(|entry| entry.seen) {
                self.unclaimed.insert(ident, seen);
            }
        }
        self.drifted.remove(&caller.id());
    }

    fn seen(&mut self, ident: Ident, seen: Seen) {
        let Some(entry) = self.expected.get_mut(&ident) else {
            self.unclaimed.insert(ident, seen);
            return;
        };
        if seen.version < entry.expected.version {
            return;
        }
        let caller = entry.caller.clone();
        let same = seen.uid == entry.expected.uid && seen.digest == entry.expected.digest;
        if seen.unready.is_some() != entry.unready().is_some() {
            caller.call();
        }
        entry.seen = Some(seen);
        if same {
            if let Some(drifted) = self.drifted.get_mut(&caller.id()) {
                drifted.remove(&ident);
                if drifted.is_empty() {
                    self.drifted.remove(&caller.id());
                }
            }
        } else {
            self.drift(&caller, ident);
        }
    }

    fn deleted(&mut self, ident: &Ident, uid: &str) {
        self.unclaimed.remove(ident);
        if let Some(entry) = self.expected.get_mut(ident)
            && *entry.expected.uid == *uid
        {
            entry.seen = None;
            let caller = entry.caller.clone();
            self.drift(&caller, ident.clone());
        }
    }

    fn drift(&mut self, caller: &Caller, ident: Ident) {
        self.drifted.entry(caller.id()).or_default().insert(ident);
        caller.call();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(name: &str, version: u64, digest: u64) -> Tracked {
        Tracked {
            object: ObjectRef {
                api_version: "v1".into(),
                kind: "Service".into(),
                namespace: Some("demo".into()),
                name: name.into(),
            },
            uid: "u1".into(),
            version,
            digest: Some(digest),
            unready: None,
        }
    }

    fn seen(uid: &str, version: u64, digest: u64) -> Seen {
        Seen { uid: uid.into(), version, digest: Some(digest), unready: None }
    }

    fn claimed() -> (Inner, Caller, Ident) {
        let caller = Caller { queue: Arc::default(), key: Key::new(Some("demo"), "a") };
        let mut inner = Inner::default();
        let object = tracked("s", 5, 1);
        let ident = inner.ident(&object.object);
        inner.claim(&caller, &ident, &object);
        (inner, caller, ident)
    }

    #[test]
    fn changes_of_owned_fields_and_deletions_call_the_owner() {
        let (mut inner, caller, ident) = claimed();
        inner.seen(ident.clone(), seen("u1", 6, 1));
        assert!(inner.drifted.is_empty());
        inner.seen(ident.clone(), seen("u1", 7, 2));
        assert_eq!(inner.drifted[&caller.id()].len(), 1);
        assert_eq!(caller.queue.depth(), 1);
        inner.seen(ident.clone(), seen("u1", 8, 1));
        assert!(inner.drifted.is_empty());
        inner.deleted(&ident, "another");
        assert!(inner.drifted.is_empty());
        inner.deleted(&ident, "u1");
        assert_eq!(
            inner.reference(inner.drifted[&caller.id()].iter().next().unwrap()).to_string(),
            "Service demo/s"
        );
    }

    #[test]
    fn an_object_that_the_watch_saw_again_before_the_repair_was_told_is_no_drift() {
        let (mut inner, caller, ident) = claimed();
        inner.deleted(&ident, "u1");
        inner.seen(ident, seen("u2", 9, 1));
        inner.forget(&caller);
        let again = Tracked { uid: "u2".into(), version: 9, ..tracked("s", 9, 1) };
        let ident = inner.ident(&again.object);
        inner.claim(&caller, &ident, &again);
        assert!(inner.drifted.is_empty());
    }

    #[test]
    fn a_deletion_during_a_pass_is_not_forgotten_with_it() {
        let (mut inner, caller, ident) = claimed();
        inner.sighted.insert(ident.kind);
        // Told before the pass: the expectation is there, its end is drift.
        inner.seen(ident.clone(), seen("u1", 5, 1));
        inner.reached(ident.kind, None, 6);
        inner.deleted(&ident, "u1");
        inner.forget(&caller);
        inner.claim(&caller, &ident, &tracked("s", 5, 1));
        assert_eq!(inner.drifted[&caller.id()].len(), 1);
        // Made by the pass and deleted before it told.
        let object = tracked("t", 7, 1);
        let ident = inner.ident(&object.object);
        inner.seen(ident.clone(), seen("u1", 7, 1));
        inner.reached(ident.kind, None, 8);
        inner.deleted(&ident, "u1");
        inner.claim(&caller, &ident, &object);
        assert_eq!(inner.drifted[&caller.id()].len(), 2);
        // Made by the pass, and the watch is not there yet.
        let object = tracked("n", 9, 1);
        let ident = inner.ident(&object.object);
        inner.claim(&caller, &ident, &object);
        assert_eq!(inner.drifted[&caller.id()].len(), 2);
    }

    #[test]
    fn becoming_ready_calls_the_owner_once() {
        let (mut inner, caller, ident) = claimed();
        let waiting = |version| Seen { unready: Some("0 of 1".into()), ..seen("u1", version, 1) };
        inner.seen(ident.clone(), waiting(6));
        assert_eq!(caller.queue.depth(), 1);
        assert_eq!(inner.expected[&ident].unready(), Some("0 of 1"));
        inner.seen(ident.clone(), waiting(7));
        inner.seen(ident.clone(), seen("u1", 8, 1));
        assert_eq!(inner.expected[&ident].unready(), None);
        assert!(inner.drifted.is_empty());
    }

    #[test]
    fn old_news_are_no_drift() {
        let (mut inner, _, ident) = claimed();
        inner.seen(ident, seen("u0", 4, 9));
        assert!(inner.drifted.is_empty());
    }

    #[test]
    fn what_the_watch_saw_before_the_pass_told_counts() {
        let (mut inner, caller, _) = claimed();
        let object = tracked("t", 10, 3);
        let ident = inner.ident(&object.object);
        inner.seen(ident.clone(), seen("u1", 11, 4));
        inner.claim(&caller, &ident, &object);
        assert_eq!(inner.drifted[&caller.id()].len(), 1);
    }
}
