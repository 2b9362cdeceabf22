//! One controller: the resources of one kind, their queue, and the passes over them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use kube::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::Shared;
use super::dependents::Caller;
use super::primary::{Primaries, Primary, Stored};
use super::queue::{Key, Queue};
use super::tasks::Tasks;
use crate::cluster::Resource;
use crate::traces;
use crate::watches::{Content, Gvk, Watch};

/// Objects per page of an initial list.
const PAGE: u32 = 100;
/// The moments of a period at which resources come round together.
const MOMENTS: u32 = 32;
/// Pause before a kind that is not served yet is looked up again.
const RETRY: Duration = Duration::from_secs(3);
/// The first pause after a failed pass, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(300));
/// The longest pause when the access rules are in the way: a grant should heal soon.
const FORBIDDEN_BACKOFF: Duration = Duration::from_secs(8);

/// What serves a kind: brings one resource to where it asks to be.
#[async_trait]
pub(super) trait Reconcile: Send + Sync {
    async fn reconcile(&self, pass: &Pass) -> Result<Next, Failure>;

    /// The resource is gone for good.
    fn forget(&self, caller: &Caller);

    /// Whether a pass may run programs that look for the cluster.
    fn runs_programs(&self) -> bool {
        false
    }
}

/// One pass over one resource.
pub(super) struct Pass {
    pub(super) primary: Arc<Primary>,
    pub(super) primaries: Arc<Primaries>,
    pub(super) caller: Caller,
    /// Ends a run when the program ends, the resource changes, or goes.
    pub(super) cancel: CancellationToken,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// After the kind's period.
    Period,
    /// After this time; never when it is zero.
    After(Duration),
    /// After this time and no other: a schedule's.
    Exactly(Duration),
    /// Only when something happens.
    Done,
}

/// A pass that failed; status and Event have told already.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    /// Whether the access rules are in the way.
    pub(super) forbidden: bool,
}

/// The controller of one watch.
pub(super) struct Controller {
    pub(super) name: String,
    pub(super) watch: Watch,
    pub(super) kind: Arc<Gvk>,
    pub(super) primaries: Arc<Primaries>,
    pub(super) queue: Arc<Queue>,
    reconciler: Arc<dyn Reconcile>,
    shared: Arc<Shared>,
    /// Watches that have not listed their resources yet.
    starting: AtomicUsize,
    /// What ends the passes that run now.
    running: Mutex<HashMap<Key, CancellationToken>>,
}

impl Controller {
    pub(super) fn new(watch: Watch, reconciler: Arc<dyn Reconcile>, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            name: format!("{}-{}-controller", watch.kind.kind, watch.kind.version).to_lowercase(),
            kind: Arc::new(watch.kind.clone()),
            starting: AtomicUsize::new(shared.options.namespaces().len()),
            primaries: Arc::new(Primaries::new(matches!(watch.content, Content::Ansible(_)))),
            queue: Arc::default(),
            running: Mutex::default(),
            watch,
            reconciler,
            shared,
        })
    }

    /// Whether the resources have been listed once.
    pub(super) fn is_ready(&self) -> bool {
        self.starting.load(Ordering::Relaxed) == 0
    }

    /// Whether a pass may run programs that look for the cluster.
    pub(super) fn runs_programs(&self) -> bool {
        self.reconciler.runs_programs()
    }

    /// Starts watching and working.
    pub(super) fn start(self: &Arc<Self>, tasks: &Tasks, shutdown: &CancellationToken) {
        for namespace in self.shared.options.namespaces() {
            let (this, shutdown) = (Arc::clone(self), shutdown.clone());
            tasks.spawn(async move { shutdown.run_until_cancelled(this.follow(namespace)).await });
        }
        tasks.spawn(Arc::clone(self).work(tasks.clone(), shutdown.clone()));
    }

    /// Follows the resources in one namespace scope for as long as the program runs.
    async fn follow(self: Arc<Self>, namespace: Option<String>) {
        let mut complained = false;
        loop {
            match self.shared.client.resource(&self.kind.api_version(), &self.kind.kind).await {
                Ok(resource) => self.follow_resource(&resource, namespace.as_deref()).await,
                Err(error) if !complained => {
                    complained = true;
                    tracing::warn!(kind = %self.kind, %error, "waiting for the kind to be served");
                }
                Err(_) => {}
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Ends when the kind is served no more.
    async fn follow_resource(&self, resource: &Resource, namespace: Option<&str>) {
        let kube = self.shared.client.kube().clone();
        let api: Api<DynamicObject> = match namespace.filter(|_| resource.namespaced) {
            Some(namespace) => Api::namespaced_with(kube, namespace, &resource.to_kube()),
            None => Api::all_with(kube, &resource.to_kube()),
        };
        let mut config = Config::default().page_size(PAGE);
        config.label_selector.clone_from(&self.watch.selector);
        let mut events = watcher(api, config).default_backoff().boxed();
        let mut listed = None;
        let mut complained = false;
        tracing::info!(kind = %self.kind, namespace, "watching");
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    complained = false;
                    self.observe(namespace, event, &mut listed);
                }
                Err(error) => {
                    if !complained {
                        complained = true;
                        tracing::warn!(kind = %self.kind, namespace, %error, "the watch failed; trying again");
                    }
                    if is_not_found(&error) {
                        self.shared.client.forget_resources();
                        return;
                    }
                }
            }
        }
    }

    fn observe(&self, namespace: Option<&str>, event: Event<DynamicObject>, listed: &mut Option<Vec<Key>>) {
        match event {
            Event::Init => *listed = Some(Vec::new()),
            Event::InitApply(object) | Event::Apply(object) => {
                let primary = self.primaries.read(&self.kind, object);
                if let Some(listed) = listed {
                    listed.push(primary.key.clone());
                }
                self.seen(primary);
            }
            Event::InitDone => {
                for key in self.unlisted(namespace, listed.take().unwrap_or_default()) {
                    self.gone(&key);
                }
                // A later relist finds nothing to count down.
                let _ =
                    self.starting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            }
            Event::Delete(object) => self.gone(&Primary::of(&self.kind, object).key),
        }
    }

    fn unlisted(&self, namespace: Option<&str>, mut listed: Vec<Key>) -> Vec<Key> {
        listed.sort();
        let here = |key: &Key| namespace.is_none_or(|namespace| key.namespace() == Some(namespace));
        let mut known = self.primaries.keys();
        known.retain(|key| here(key) && listed.binary_search(key).is_err());
        known
    }

    fn seen(&self, primary: Primary) {
        let key = primary.key.clone();
        let new = primary.clone();
        let annotations_count = match &self.watch.content {
            Content::Chart(_) => true,
            Content::Ansible(content) => content.watch_annotations_changes,
        };
        match self.primaries.put(primary) {
            Stored::Known => {}
            Stored::New => self.queue.push(&key),
            Stored::Replaced(old) if new.asks_for_pass(&old, annotations_count) => {
                // In this order: the pass that follows must not be the one that is cancelled.
                self.cancel(&key);
                self.queue.succeeded(&key);
                self.queue.push(&key);
            }
            Stored::Replaced(_) => {}
        }
    }

    fn gone(&self, key: &Key) {
        self.primaries.remove(key);
        self.queue.forget(key);
        self.cancel(key);
        self.reconciler.forget(&self.caller(key));
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Key, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run of a pass, if one runs: what it works from is no longer so.
    fn cancel(&self, key: &Key) {
        if let Some(token) = self.running().get(key) {
            token.cancel();
        }
    }

    fn caller(&self, key: &Key) -> Caller {
        Caller { queue: Arc::clone(&self.queue), key: key.clone() }
    }

    async fn work(self: Arc<Self>, tasks: Tasks, shutdown: CancellationToken) {
        let workers = Arc::new(Semaphore::new(self.workers()));
        loop {
            let next = async {
                let permit = Arc::clone(&workers).acquire_owned().await;
                (permit, self.queue.next().await)
            };
            let Some((permit, key)) = shutdown.run_until_cancelled(next).await else { return };
            let (this, cancel) = (Arc::clone(&self), shutdown.child_token());
            tasks.spawn(async move {
                // First come, first served among the workers of all kinds: none can starve another.
                let turn = this.shared.turns.acquire().await;
                this.pass(&key, cancel).await;
                this.queue.done(&key);
                drop((turn, permit));
            });
        }
    }

    fn workers(&self) -> usize {
        let from_environment = ["MAX_CONCURRENT_RECONCILES", "WORKER"].iter().find_map(|prefix| {
            std::env::var(format!("{prefix}_{}", self.kind.variable_suffix())).ok()?.parse().ok()
        });
        from_environment
            .filter(|number: &usize| *number > 0)
            .or(self.watch.max_concurrent_reconciles)
            .unwrap_or(self.shared.options.max_concurrent_reconciles)
            .max(1)
    }

    async fn pass(&self, key: &Key, cancel: CancellationToken) {
        // Registered first: a change that comes after the look at the resource is not missed.
        self.running().insert(key.clone(), cancel.clone());
        if let Some(primary) = self.primaries.get(key) {
            self.pass_over(key, primary, cancel).await;
        }
        self.running().remove(key);
    }

    async fn pass_over(&self, key: &Key, primary: Arc<Primary>, cancel: CancellationToken) {
        let span = tracing::info_span!("reconcile", kind = %self.kind.kind, namespace = %key.namespace, resource = %key.name);
        let trace = self.trace(&primary);
        let pass = Pass { primary, primaries: Arc::clone(&self.primaries), caller: self.caller(key), cancel };
        let started = Instant::now();
        let work = self.reconciler.reconcile(&pass).instrument(span.clone());
        let result = work.instrument(trace.clone()).await;
        let _entered = span.enter();
        let label = match result {
            Ok(next) => {
                self.queue.succeeded(key);
                self.schedule(key, next);
                "success"
            }
            Err(failure) => {
                traces::failed(&trace, &failure.message);
                let delay = backoff(self.queue.failed(key), failure.forbidden);
                tracing::error!(error = %failure.message, retry_in = ?delay, "failed");
                self.queue.push_after(key, delay);
                "error"
            }
        };
        self.shared.metrics.pass(&self.name, label, started.elapsed());
    }

    /// The root of a pass's trace. Attributes of the resource are named as by the collector's receivers of objects.
    fn trace(&self, primary: &Primary) -> Span {
        traces::span!(
            "reconcile",
            daytwo.controller = self.name.as_str(),
            k8s.namespace.name = primary.key.namespace(),
            k8s.object.api_version = %self.kind.api_version(),
            k8s.object.kind = self.kind.kind.as_str(),
            k8s.object.name = &*primary.key.name,
            k8s.object.uid = &*primary.uid,
            k8s.object.generation = primary.generation,
        )
    }

    fn schedule(&self, key: &Key, next: Next) {
        let period = match next {
            Next::Period => self.shared.options.period(&self.watch),
            Next::After(period) => period,
            Next::Exactly(time) => return self.queue.push_after(key, time),
            Next::Done => Duration::ZERO,
        };
        if !period.is_zero() {
            self.queue.push_about(key, jittered(period), period / MOMENTS);
        }
    }
}

fn is_not_found(error: &kube::runtime::watcher::Error) -> bool {
    use kube::runtime::watcher::Error;
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status)) => status.is_not_found(),
        _ => false,
    }
}

/// Spread, so that resources that were created together do not come together for ever.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(0.9 + 0.2 * rand::random::<f64>())
}

fn backoff(failures: u32, forbidden: bool) -> Duration {
    let (first, longest) = BACKOFF;
    let longest = if forbidden { FORBIDDEN_BACKOFF } else { longest };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    jittered(doubled.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_short_for_access_rules() {
        assert!(backoff(1, false) < Duration::from_millis(600));
        assert!(backoff(40, false) > Duration::from_secs(250));
        assert!(backoff(40, true) < Duration::from_secs(9));
    }
}
