//! The controller: watches -> queue -> one reconcile at a time per resource.
//!
//! ```text
//! Watch ─> Controller ── watch of the kind ──> Primaries, Queue ──> pass ──> Reconcile
//!                                                 ▲                          ├ chart: release
//!             Dependents ── metadata watches ─────┘                          ├ role:  executor
//!                                                                            └ broken: says why
//! a pass ends in: status conditions, Events, metrics, log, and the time of the next one
//! ```
//!
//! One controller per watched kind. Dependants are watched once per kind, however many resources own
//! some, by their metadata only.

mod ansible_status;
mod broken;
mod chart;
mod conditions;
pub mod content;
mod controller;
mod dependents;
mod finalizer;
mod metrics;
mod options;
mod owned;
mod parameters;
mod primary;
mod proxy;
mod queue;
mod records;
mod role;
mod run_log;
mod serve;
mod status;
mod tasks;
mod tls;
mod values;
mod watching;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use futures::future::join_all;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::broken::BrokenReconciler;
use self::chart::ChartReconciler;
use self::controller::{Controller, Reconcile};
use self::dependents::Dependents;
use self::metrics::Metrics;
use self::owned::Owned;
use self::primary::Primary;
use self::proxy::Proxy;
use self::records::Records;
use self::role::RoleReconciler;
use self::tasks::Tasks;
use crate::chart::{Capabilities, Chart, Compat};
use crate::cluster::{self, Client, Election, EventKind, Recorder};
use crate::modules::operator_sdk_util::UserMetrics;
use crate::release;
use crate::repository;
use crate::watches::{self, AnsibleContent, ChartContent, Content, Watch};

pub use options::{AnsibleOptions, LeaderElection, Options};
pub use serve::{Endpoint, MetricsAccess};

/// The field manager of what the operator writes on the watched resources.
const MANAGER: &str = "daytwo";
/// How often the list of API versions that charts see is read again.
const CAPABILITIES_PERIOD: Duration = Duration::from_secs(600);
/// How long to wait before a server that is needed to begin is asked again, each time.
const START_DELAYS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)];

/// Why the operator cannot run.
#[derive(Debug, Error)]
pub enum Error {
    /// The watches file.
    #[error("{0}")]
    Watches(#[from] watches::Problems),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// What charts may know of the cluster.
    #[error(transparent)]
    Capabilities(#[from] release::Error),
    /// Another instance may lead by now; this one must not go on.
    #[error("leader election lost")]
    LeadershipLost,
    /// A port is taken, or the like.
    #[error("cannot serve on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// What all controllers share.
struct Shared {
    client: Client,
    events: Recorder,
    dependents: Arc<Dependents>,
    owned: Arc<Owned>,
    records: Arc<Records>,
    metrics: Metrics,
    /// What roles count.
    user_metrics: Arc<UserMetrics>,
    /// For programs that tasks run, where a role has such tasks.
    proxy: OnceLock<Arc<Proxy>>,
    capabilities: RwLock<Arc<Capabilities>>,
    /// One for each pass that may run at the same time.
    turns: Semaphore,
    options: Options,
}

impl Shared {
    fn capabilities(&self) -> Arc<Capabilities> {
        Arc::clone(&self.capabilities.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells about a resource, beside the pass: nothing depends on whether and when that works.
    fn event(self: &Arc<Self>, primary: &Primary, kind: EventKind, reason: &'static str, message: &str) {
        let (this, identity, message) = (Arc::clone(self), primary.identity(), message.to_owned());
        tokio::spawn(async move {
            if let Err(error) = this.events.record(&identity, kind, reason, &message).await {
                tracing::debug!(%error, "cannot write an Event");
            }
        });
    }
}

/// Runs the operator until `shutdown`; then running passes get their grace.
///
/// # Errors
/// When it cannot begin: a watches file with errors, no cluster, a port that is taken. Charts and
/// roles that do not load are told in the status of their resources instead.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    let loaded = watches::load(&options.watches_file)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let client = Client::from_environment().await?;
    let mut election = options.leader_election.as_ref().map(|wanted| wanted.election(&client));
    let client = election.as_ref().map_or_else(|| client.clone(), |election| client.fenced(election.fence()));
    let (tasks, drained) = Tasks::new();
    let shared = share(client, options, &tasks, &shutdown).await?;
    let controllers: Vec<Arc<Controller>> =
        join_all(loaded.watches.into_iter().map(|watch| controller(watch, &shared))).await;
    if controllers.iter().any(|controller| controller.runs_programs()) {
        proxy::start(&shared, &shutdown).await;
    }
    let working = Arc::new(AtomicBool::new(false));
    let servers = endpoints(&shared, &controllers, &working, &shutdown);
    let work = async {
        if let Some(election) = &mut election {
            election.acquire().await;
            shared.metrics.leads(election.name());
        }
        working.store(true, Ordering::Relaxed);
        start(&shared, &controllers, &tasks, &shutdown);
        held(&mut election).await;
    };
    let result = tokio::select! {
        result = servers => result,
        () = work => Err(Error::LeadershipLost),
        () = shutdown.cancelled() => Ok(()),
    };
    shutdown.cancel();
    tracing::info!("stopping");
    let grace = shared.options.grace;
    drop((tasks, shared, controllers));
    // The lease is renewed until the last pass has ended, so that nobody else begins before.
    let drained = tokio::select! {
        drained = tokio::time::timeout(grace, drained.wait()) => drained.is_ok(),
        () = held(&mut election) => false,
    };
    if !drained {
        tracing::warn!("passes are still running after the grace period; the next start finishes them");
    }
    if let Some(election) = &mut election {
        election.release().await;
    }
    result
}

/// Returns when the lease is lost; never when there is no election.
async fn held(election: &mut Option<Election>) {
    match election {
        Some(election) => election.hold().await,
        None => std::future::pending().await,
    }
}

/// Begins to watch and to work.
fn start(shared: &Arc<Shared>, controllers: &[Arc<Controller>], tasks: &Tasks, shutdown: &CancellationToken) {
    if controllers.iter().any(|controller| matches!(controller.watch.content, Content::Chart(_))) {
        shared.records.start(&shared.client, shared.options.namespaces(), tasks, shutdown);
    }
    for controller in controllers {
        shared.metrics.add(controller);
        controller.start(tasks, shutdown);
    }
    tasks.spawn(refresh_capabilities(Arc::clone(shared), shutdown.clone()));
}

async fn share(
    client: Client,
    options: Options,
    tasks: &Tasks,
    shutdown: &CancellationToken,
) -> Result<Arc<Shared>, Error> {
    let capabilities = capabilities(&client).await?;
    let dependents = Dependents::new(client.clone(), options.namespaces(), tasks.clone(), shutdown.clone());
    let owned = Owned::new(client.clone(), options.namespaces(), tasks.clone(), shutdown.clone());
    Ok(Arc::new(Shared {
        owned,
        records: Arc::default(),
        events: Recorder::new(client.clone(), MANAGER),
        dependents,
        metrics: Metrics::new(&client),
        user_metrics: Arc::default(),
        proxy: OnceLock::new(),
        capabilities: RwLock::new(Arc::new(capabilities)),
        turns: Semaphore::new(options.max_passes.max(1)),
        client,
        options,
    }))
}

/// What charts may know of the cluster. An API server that does not answer well is asked again, as it may start at the
/// same time as the operator.
async fn capabilities(client: &Client) -> Result<Capabilities, release::Error> {
    until_answered(
        || release::capabilities(client, Compat::V4),
        |error| error.cluster().is_some_and(cluster::Error::is_transient),
        |error| tracing::warn!(%error, "the cluster cannot be asked yet"),
    )
    .await
}

/// Asks a server that is needed to begin until it answers: it may start at the same time as the operator.
async fn until_answered<T, E, F: Future<Output = Result<T, E>>>(
    ask: impl Fn() -> F,
    is_transient: impl Fn(&E) -> bool,
    complain: impl Fn(&E),
) -> Result<T, E> {
    for delay in START_DELAYS {
        match ask().await {
            Err(error) if is_transient(&error) => complain(&error),
            answer => return answer,
        }
        tokio::time::sleep(delay).await;
    }
    ask().await
}

async fn controller(watch: Watch, shared: &Arc<Shared>) -> Arc<Controller> {
    let reconciler: Arc<dyn Reconcile> = match &watch.content {
        Content::Chart(content) => chart_reconciler(&watch, content, shared).await,
        Content::Ansible(content) => role_reconciler(&watch, content, shared),
    };
    Controller::new(watch, reconciler, Arc::clone(shared))
}

async fn chart_reconciler(watch: &Watch, content: &ChartContent, shared: &Arc<Shared>) -> Arc<dyn Reconcile> {
    let loaded = load_chart(&content.chart).await;
    let loaded = loaded.and_then(|chart| Ok((chart, values::overrides(&content.override_values)?)));
    match loaded {
        Ok((chart, overrides)) => {
            tracing::info!(kind = %watch.kind, chart = chart.name(), version = chart.version(), "chart loaded");
            Arc::new(ChartReconciler {
                shared: Arc::clone(shared),
                chart: Arc::new(chart),
                overrides,
                watch_dependants: watch.watch_dependent_resources,
                known: Mutex::default(),
            })
        }
        Err(error) => {
            let message = format!("chart {}: {error}", content.chart.display());
            tracing::error!(kind = %watch.kind, at = %watch.location, "{message}");
            Arc::new(BrokenReconciler {
                shared: Arc::clone(shared),
                condition: "Irreconcilable",
                reason: "ReconcileError",
                message,
            })
        }
    }
}

/// The chart of a watch: on disk, or wherever else its reference points to. A server that does not answer
/// is asked again, as it may start at the same time as the operator.
async fn load_chart(chart: &Path) -> Result<Chart, String> {
    let reference = chart.to_string_lossy();
    if chart.exists() || !repository::is_remote(&reference) && !names_added_repository(&reference) {
        return Chart::load(chart).map_err(|error| error.to_string());
    }
    let options =
        repository::Options { settings: repository::Settings::from_environment(), ..Default::default() };
    let chart = until_answered(
        || repository::load(&reference, &options),
        repository::Error::is_fetch,
        |error| tracing::warn!(chart = %reference, %error, "the chart cannot be fetched yet"),
    );
    chart.await.map_err(|error| error.to_string())
}

/// Whether a reference is `repo/chart` of a repository that the user has added.
fn names_added_repository(reference: &str) -> bool {
    let entries = repository::Entries::load(&repository::Settings::from_environment());
    let Some((name, _)) = reference.split_once('/') else { return false };
    entries.is_ok_and(|entries| entries.get(name).is_some())
}

fn role_reconciler(watch: &Watch, ansible: &AnsibleContent, shared: &Arc<Shared>) -> Arc<dyn Reconcile> {
    let options = &shared.options;
    // The warnings are shown.
    let wanted = crate::playbook::Options { ahead: true, ..options.ansible.content.clone() };
    match content::load(ansible, &options.watches_file, &wanted) {
        Ok(loaded) => {
            loaded.main.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            tracing::info!(kind = %watch.kind, "role or playbook loaded");
            let runs_programs = options.proxy_port != 0 && loaded.runs_programs();
            let (shared, watch, ansible) = (Arc::clone(shared), watch.clone(), ansible.clone());
            Arc::new(RoleReconciler { shared, watch, ansible, loaded, runs_programs })
        }
        Err(errors) => {
            let message = errors.to_string();
            tracing::error!(kind = %watch.kind, at = %watch.location, "{message}");
            Arc::new(BrokenReconciler {
                shared: Arc::clone(shared),
                condition: "Failure",
                reason: "Failed",
                message,
            })
        }
    }
}

async fn endpoints(
    shared: &Arc<Shared>,
    controllers: &[Arc<Controller>],
    working: &Arc<AtomicBool>,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let (watched, working) = (controllers.to_vec(), Arc::clone(working));
    // An instance that waits to lead is ready to do so: a rollout would wait for it for ever otherwise.
    let ready =
        move || !working.load(Ordering::Relaxed) || watched.iter().all(|controller| controller.is_ready());
    let health = async {
        match shared.options.health_address.0 {
            Some(address) => serve::health(address, ready, shutdown.clone()).await,
            None => std::future::pending().await,
        }
    };
    let metrics = async {
        match shared.options.metrics_address.0 {
            Some(address) => serve::metrics(address, Arc::clone(shared), shutdown.clone()).await,
            None => std::future::pending().await,
        }
    };
    tokio::try_join!(health, metrics).map(|_| ())
}

async fn refresh_capabilities(shared: Arc<Shared>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(CAPABILITIES_PERIOD)).await.is_some() {
        shared.client.forget_resources();
        match release::capabilities(&shared.client, Compat::V4).await {
            Ok(fresh) => {
                *shared.capabilities.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh)
            }
            Err(error) => tracing::warn!(%error, "cannot read what the cluster serves"),
        }
    }
}
