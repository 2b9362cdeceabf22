//! A role or playbook watch: the resource's spec becomes variables, ordered tasks do the work.
//!
//! Follows `internal/ansible/controller/reconcile.go` of ansible-operator-plugins, with its known
//! faults put right: rescued failures do not fail the resource, `requeue_after` ends like any run.
//! A run that a crash or shutdown interrupts begins again with the next start: tasks are idempotent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;

use super::ansible_status::{Report, result, status};
use super::content::Loaded;
use super::controller::{Failure, Next, Pass, Reconcile};
use super::dependents::Caller;
use super::parameters::extra_vars;
use super::primary::Primary;
use super::proxy::Access;
use super::run_log::RunLog;
use super::status::write;
use super::{Shared, finalizer};
use crate::cluster::{EventKind, Object};
use crate::executor::{Context, Outcome, Run, RunError, RunOptions, run_to_end};
use crate::inventory::Inventory;
use crate::jinja::{self, Extensions};
use crate::modules::external::python_here;
use crate::modules::jobs::Jobs;
use crate::modules::session::Session;
use crate::watches::{AnsibleContent, Gvk, Watch, duration};

/// Annotation: a period of the resource's own.
const RECONCILE_PERIOD: &str = "ansible.sdk.operatorframework.io/reconcile-period";
/// Annotation: how much the run tells.
const VERBOSITY: &str = "ansible.sdk.operatorframework.io/verbosity";
/// A run that is over before this is not announced as running, so that a run with nothing to do
/// writes nothing.
const ANNOUNCE_AFTER: Duration = Duration::from_secs(1);
/// The host that every run is for.
const HOST: &str = "localhost";

/// Serves a kind with a role or playbook.
pub(super) struct RoleReconciler {
    pub(super) shared: Arc<Shared>,
    pub(super) watch: Watch,
    pub(super) ansible: AnsibleContent,
    pub(super) loaded: Loaded,
    /// Whether tasks run programs that look for the cluster and are let in.
    pub(super) runs_programs: bool,
}

/// A run that came to an end.
struct Ended {
    outcome: Outcome,
    /// Whether the access rules were in the way of a task.
    forbidden: bool,
}

#[async_trait]
impl Reconcile for RoleReconciler {
    async fn reconcile(&self, pass: &Pass) -> Result<Next, Failure> {
        let primary = &pass.primary;
        let own_finalizer = self.ansible.finalizer.as_ref();
        let finalizing =
            primary.deleting && own_finalizer.is_some_and(|own| primary.has_finalizer(&own.name));
        if primary.deleting && !finalizing {
            return Ok(Next::Done);
        }
        let period = match self.period(pass) {
            Ok(period) => period,
            Err(message) => return Err(self.fail(pass, message, None, false).await),
        };
        match self.pass(pass, finalizing).await {
            Ok(None) => Ok(Next::Done),
            Ok(Some(ended)) => self.conclude(pass, ended, finalizing, period).await,
            Err(error) => {
                let forbidden = error.is(crate::cluster::Reason::Forbidden);
                Err(self.fail(pass, error.to_string(), None, forbidden).await)
            }
        }
    }

    fn forget(&self, caller: &Caller) {
        self.shared.owned.forget(caller);
    }

    fn runs_programs(&self) -> bool {
        self.runs_programs
    }
}

impl RoleReconciler {
    fn period(&self, pass: &Pass) -> Result<Next, String> {
        match pass.primary.annotation(RECONCILE_PERIOD) {
            None => Ok(Next::Period),
            Some(text) => duration::parse(text)
                .map(Next::After)
                .map_err(|error| format!("Unable to parse reconcile period annotation: {error}")),
        }
    }

    /// When a run that begins now must have ended, if ever.
    fn deadline(&self) -> Option<Instant> {
        let timeout = self.ansible.run_timeout.unwrap_or(self.shared.options.run_timeout);
        (!timeout.is_zero()).then(|| Instant::now() + timeout)
    }

    /// Runs the content over the resource; nothing came of it when the program stops, or the resource changes or is gone.
    async fn pass(&self, pass: &Pass, finalizing: bool) -> Result<Option<Ended>, crate::cluster::Error> {
        let primary = &pass.primary;
        if let Some(own) = &self.ansible.finalizer
            && !primary.deleting
        {
            finalizer::add(&self.shared, &pass.primaries, primary, &own.name).await?;
        }
        let newest = pass.primaries.get(&primary.key).filter(|newest| newest.uid == primary.uid);
        let Some(resource) = newest.map(|newest| newest.resource()) else { return Ok(None) };
        let announced = async {
            if primary.status()["conditions"].is_array() {
                tokio::time::sleep(ANNOUNCE_AFTER).await;
            }
            self.report(pass, &Report::Running).await;
        };
        let mut run = std::pin::pin!(self.run(pass, &resource, finalizing));
        let ended = tokio::select! {
            ended = &mut run => ended,
            () = announced => run.await,
        };
        match ended {
            Ok(ended) => Ok(Some(ended)),
            Err(RunError::Cancelled) => Ok(None),
            Err(error) => {
                let failure = crate::executor::Failure {
                    host: HOST.into(),
                    task: String::new(),
                    path: String::new(),
                    message: error.to_string(),
                    rescued: false,
                };
                Ok(Some(Ended {
                    outcome: Outcome { failures: vec![failure], ..Outcome::default() },
                    forbidden: false,
                }))
            }
        }
    }

    async fn run(&self, pass: &Pass, resource: &Object, finalizing: bool) -> Result<Ended, RunError> {
        let primary = &pass.primary;
        let own = self.ansible.finalizer.as_ref().filter(|_| finalizing);
        let content = match &self.loaded.finalizer {
            Some(content) if finalizing => content,
            _ => &self.loaded.main,
        };
        let mut vars = self.shared.options.ansible.extra_vars.clone();
        vars.extend(extra_vars(&self.ansible, &primary.kind, resource, own.map(|own| &own.vars)));
        let owner = self.shared.options.inject_owner.then(|| primary.owner());
        if let Some(owner) = &owner {
            self.shared.owned.claim(&pass.caller, owner);
        }
        let session =
            Arc::new(Session::new(self.shared.client.clone(), owner).watched(self.shared.owned.clone()));
        let mut extensions = Extensions::default();
        let access = self.admit_programs(primary, &session);
        if let Some(access) = &access {
            extensions.insert(Arc::new(access.environment()));
        }
        extensions.insert(Arc::clone(&session));
        extensions.insert(Arc::clone(&self.shared.user_metrics));
        let context = Context {
            modules: Arc::clone(&self.loaded.modules),
            extensions,
            cancel: pass.cancel.clone(),
            deadline: self.deadline(),
            jobs: Jobs::default(),
            inventory: None,
            fact_cache: None,
        };
        let mut log = RunLog::default();
        let mut run = Run::new(Arc::clone(content), vars, self.options(pass));
        let outcome = run_to_end(&mut run, &context, &mut log).await;
        self.watch_dependants(&session, &pass.caller);
        Ok(Ended { outcome: outcome?, forbidden: log.forbidden })
    }

    /// The way to the cluster for the programs of a run, as long as it is kept.
    fn admit_programs(&self, primary: &Primary, session: &Arc<Session>) -> Option<Access> {
        let proxy = self.shared.proxy.get().filter(|_| self.runs_programs)?;
        let access = proxy.admit(&primary.owner(), session);
        access.inspect_err(|error| tracing::warn!(%error, "programs get no kubeconfig")).ok()
    }

    fn options(&self, pass: &Pass) -> RunOptions {
        let primary = &pass.primary;
        let run = &self.shared.options.ansible.run;
        RunOptions {
            verbosity: primary
                .annotation(VERBOSITY)
                .and_then(|text| text.parse().ok())
                .unwrap_or(run.verbosity),
            inventory: inventory(&primary.kind, &primary.key.namespace, &primary.key.name),
            ..run.clone()
        }
    }

    fn watch_dependants(&self, session: &Session, caller: &Caller) {
        if !self.watch.watch_dependent_resources || session.owner.is_none() {
            return;
        }
        let namespaced_owner = session.owner.as_ref().is_some_and(|owner| owner.namespace.is_some());
        for dependant in session.dependants() {
            let (group, version) =
                dependant.api_version.split_once('/').unwrap_or(("", dependant.api_version.as_str()));
            let kind =
                Gvk { group: group.to_owned(), version: version.to_owned(), kind: dependant.kind.clone() };
            let unwanted = dependant.namespace.is_none()
                && namespaced_owner
                && !self.watch.watch_cluster_scoped_resources;
            if !unwanted && !self.ansible.blacklist.contains(&kind) {
                self.shared.owned.watch(&kind, caller);
            }
        }
    }

    async fn conclude(
        &self,
        pass: &Pass,
        ended: Ended,
        finalizing: bool,
        period: Next,
    ) -> Result<Next, Failure> {
        let Ended { outcome, forbidden } = ended;
        let stats = outcome.stats.hosts.get(HOST).copied().unwrap_or_default();
        let counts = outcome.stats.hosts.get(HOST).map(result);
        let failed: Vec<&str> =
            outcome.failures.iter().filter(|failure| !failure.rescued).map(|f| f.message.as_str()).collect();
        let primary = &pass.primary;
        self.shared.metrics.ansible_result(&primary.kind.to_string(), failed.is_empty());
        if !failed.is_empty() {
            return Err(self.fail(pass, failed.join("\n"), counts, forbidden).await);
        }
        // ansible-operator's own words: pipelines look for them.
        tracing::info!(
            ok = stats.ok,
            changed = stats.changed,
            skipped = stats.skipped,
            "Ansible-runner exited successfully"
        );
        if let Some(own) = self.ansible.finalizer.as_ref().filter(|_| finalizing) {
            let removed = finalizer::remove(&self.shared, &pass.primaries, primary, &[&own.name]).await;
            return match removed {
                Ok(()) => Ok(Next::Done),
                Err(error) => Err(self.fail(pass, error.to_string(), counts, false).await),
            };
        }
        self.report(pass, &Report::Successful(counts.unwrap_or_default())).await;
        let next = match outcome.requeue_after.as_deref().map(duration::parse) {
            Some(Ok(after)) => Next::After(after),
            _ => period,
        };
        Ok(match outcome.come_back {
            Some(at) => self.at_the_latest(next, at),
            None => next,
        })
    }

    /// The next pass, or sooner when a schedule wants it sooner.
    fn at_the_latest(&self, next: Next, unix_second: i64) -> Next {
        let seconds = unix_second.saturating_sub(jiff::Timestamp::now().as_second());
        let wanted = Duration::from_secs(u64::try_from(seconds).unwrap_or(0).max(1));
        let period = match next {
            Next::Period => self.shared.options.period(&self.watch),
            Next::After(period) | Next::Exactly(period) => period,
            Next::Done => Duration::ZERO,
        };
        if period.is_zero() || wanted <= period { Next::Exactly(wanted) } else { next }
    }

    async fn fail(&self, pass: &Pass, message: String, counts: Option<Value>, forbidden: bool) -> Failure {
        self.shared.event(&pass.primary, EventKind::Warning, "Failed", &message);
        self.report(pass, &Report::Failed(message.clone(), counts)).await;
        Failure { message, forbidden }
    }

    async fn report(&self, pass: &Pass, report: &Report) {
        if !self.ansible.manage_status {
            return;
        }
        let generation = pass.primary.generation;
        let written =
            write(&self.shared, &pass.primaries, &pass.primary, |old| status(old, report, generation)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write the status");
        }
    }
}

/// The inventory that ansible-operator makes: this machine, listed, in a file from whose path roles take
/// the kind of the resource.
fn inventory(kind: &Gvk, namespace: &str, name: &str) -> Inventory {
    let mut directory = PathBuf::from("/tmp/ansible-operator/runner");
    for part in [&kind.group, &kind.version, &kind.kind, namespace, name, "inventory"] {
        directory.push(part);
    }
    let text = |path: &Path| jinja::Value::from(path.display().to_string());
    let vars = [
        ("ansible_connection".into(), jinja::Value::from("local")),
        ("inventory_file".into(), text(&directory.join("hosts"))),
        ("inventory_dir".into(), text(&directory)),
    ];
    let mut inventory = Inventory::default();
    if let Some(python) = python_here() {
        inventory.set_python(&python.display().to_string());
    }
    // A host with a name can always be added.
    let _ = inventory.add_host(HOST, &[], vars.into_iter());
    inventory
}
