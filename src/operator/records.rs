//! The release records in the cluster: when somebody else (`helm upgrade`, `helm rollback`, a deleted
//! Secret) changed what is deployed, the resource that owns the release is called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher::Event;
use tokio_util::sync::CancellationToken;

use super::dependents::Caller;
use super::tasks::Tasks;
use super::watching::{Scope, Seen, follow};
use crate::cluster::Client;
use crate::release::RECORD_INPUTS;

/// A release: namespace and name.
type Release = (String, String);

/// The newest revisions that others made, and those that passes know.
#[derive(Default)]
pub(super) struct Records {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    newest: HashMap<Release, i64>,
    known: HashMap<Release, Known>,
}

/// What a pass left.
struct Known {
    caller: Caller,
    revision: i64,
    /// Whether its record was deleted since.
    lost: bool,
}

impl Records {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the records for as long as the program runs.
    pub(super) fn start(
        self: &Arc<Self>,
        client: &Client,
        namespaces: Vec<Option<String>>,
        tasks: &Tasks,
        shutdown: &CancellationToken,
    ) {
        for namespace in namespaces {
            let scope = Scope {
                api_version: "v1".into(),
                kind: "Secret".into(),
                namespace,
                labels: Some("owner=helm"),
                readiness: false,
            };
            let (this, client, shutdown) = (Arc::clone(self), client.clone(), shutdown.clone());
            tasks.spawn(async move {
                let observe = |event: Option<_>| {
                    if let Some(event) = event {
                        this.observe(event);
                    }
                };
                shutdown.run_until_cancelled(follow(&client, &scope, observe)).await;
            });
        }
    }

    fn observe(&self, event: Event<Seen>) {
        match event {
            // What we wrote ourselves calls nobody: a failed pass would follow itself without a pause.
            Event::InitApply(seen) | Event::Apply(seen) if is_ours(&seen) => {}
            Event::InitApply(seen) | Event::Apply(seen) => {
                if let Some((release, revision)) = revision(&seen) {
                    self.inner().stored(release, revision);
                }
            }
            Event::Delete(seen) => {
                if let Some((release, revision)) = revision(&seen) {
                    self.inner().deleted(&release, revision);
                }
            }
            Event::Init | Event::InitDone => {}
        }
    }

    /// A pass left the release at this revision.
    pub(super) fn claim(&self, caller: &Caller, namespace: &str, name: &str, revision: i64) {
        let known = Known { caller: caller.clone(), revision, lost: false };
        self.inner().known.insert((namespace.to_owned(), name.to_owned()), known);
    }

    /// The release is no concern any more.
    pub(super) fn forget(&self, namespace: &str, name: &str) {
        let release = (namespace.to_owned(), name.to_owned());
        self.inner().known.remove(&release);
    }

    /// Whether the release is at the revision that the last pass left, as far as the watch has seen.
    pub(super) fn agree(&self, namespace: &str, name: &str) -> bool {
        let inner = self.inner();
        let release = (namespace.to_owned(), name.to_owned());
        let newest = inner.newest.get(&release).copied().unwrap_or(0);
        inner.known.get(&release).is_some_and(|known| !known.lost && newest <= known.revision)
    }
}

fn is_ours(seen: &Seen) -> bool {
    seen.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(RECORD_INPUTS))
}

fn revision(seen: &Seen) -> Option<(Release, i64)> {
    let labels = seen.metadata.labels.as_ref()?;
    let namespace = seen.metadata.namespace.clone()?;
    Some(((namespace, labels.get("name")?.clone()), labels.get("version")?.parse().ok()?))
}

impl Inner {
    fn stored(&mut self, release: Release, revision: i64) {
        if let Some(known) = self.known.get(&release)
            && revision > known.revision
        {
            known.caller.call();
        }
        let newest = self.newest.entry(release).or_insert(revision);
        *newest = revision.max(*newest);
    }

    fn deleted(&mut self, release: &Release, revision: i64) {
        if self.newest.get(release).is_some_and(|newest| *newest <= revision) {
            self.newest.remove(release);
        }
        if let Some(known) = self.known.get_mut(release)
            && known.revision == revision
        {
            known.lost = true;
            known.caller.call();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::queue::Key;

    #[test]
    fn revisions_of_others_and_lost_records_call_the_owner() {
        let caller = Caller { queue: Arc::default(), key: Key::new(Some("demo"), "a") };
        let records = Records::default();
        let release = || ("demo".to_owned(), "a".to_owned());
        records.inner().stored(release(), 1);
        assert!(!records.agree("demo", "a"));
        records.claim(&caller, "demo", "a", 1);
        assert!(records.agree("demo", "a"));
        records.inner().stored(release(), 2);
        assert!(!records.agree("demo", "a"));
        assert_eq!(caller.queue.depth(), 1);
        records.claim(&caller, "demo", "a", 3);
        assert!(records.agree("demo", "a"));
        records.inner().deleted(&release(), 2);
        assert!(records.agree("demo", "a"));
        records.inner().deleted(&release(), 3);
        assert!(!records.agree("demo", "a"));
    }
}
