//! A chart watch: the resource's spec becomes values, the chart a release that the resource owns.
//!
//! Follows `internal/helm/controller/reconcile.go` of operator-sdk: names of annotations, finalizers,
//! conditions and reasons. A pass whose inputs did not change and whose objects did not drift asks
//! the cluster nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::conditions::{Condition, Conditions, Standing};
use super::controller::{Failure, Next, Pass, Reconcile};
use super::dependents::{CHART_LABEL, Caller};
use super::primary::Primary;
use super::queue::Key;
use super::{Shared, finalizer, status};
use crate::chart::{Capabilities, Chart};
use crate::cluster::{EventKind, ObjectRef};
use crate::release::{self, Action, Outcome, Spec, State};
use crate::traces;
use crate::watches::duration;

/// The finalizer of helm-operator, and the older name that it also honours.
const FINALIZER: &str = "helm.sdk.operatorframework.io/uninstall-release";
const LEGACY_FINALIZER: &str = "uninstall-helm-release";
/// Annotation: wait until everything is gone before the resource goes.
const UNINSTALL_WAIT: &str = "helm.sdk.operatorframework.io/uninstall-wait";
/// Annotation: a period of the resource's own.
const RECONCILE_PERIOD: &str = "helm.sdk.operatorframework.io/reconcile-period";
/// Pause before looking again at objects that are not ready and not watched.
const POLL: Duration = Duration::from_secs(5);
/// How long a hook may run, and how long `uninstall-wait` waits.
const TIMEOUT: Duration = Duration::from_secs(300);
/// helm-operator's hybrid default.
const HISTORY_LIMIT: usize = 10;
/// The longest name that leaves room for what charts append (`pkg/chart/v2/util/validate_name.go`).
const NAME_LIMIT: usize = 53;

/// Values that win over those of the resource.
pub(super) struct Override {
    pub(super) path: String,
    pub(super) text: String,
}

/// Serves a kind with a chart.
pub(super) struct ChartReconciler {
    pub(super) shared: Arc<Shared>,
    pub(super) chart: Arc<Chart>,
    pub(super) overrides: Vec<Override>,
    pub(super) watch_dependants: bool,
    pub(super) known: Mutex<HashMap<Key, Known>>,
}

/// What the last pass over a resource left.
pub(super) struct Known {
    state: Arc<State>,
    /// The resource whose status tells that all is ready, and what else decides: there is nothing to do for as long as
    /// that is the same and nothing drifts.
    settled: Option<(u64, Arc<Capabilities>)>,
}

/// A failed step and the condition that tells it.
struct Trouble {
    condition: &'static str,
    reason: &'static str,
    message: String,
    forbidden: bool,
}

impl Trouble {
    fn of(condition: &'static str, reason: &'static str) -> impl FnOnce(release::Error) -> Self {
        move |error| Self { condition, reason, forbidden: error.is_forbidden(), message: error.to_string() }
    }

    fn irreconcilable(message: impl Into<String>) -> Self {
        Self {
            condition: "Irreconcilable",
            reason: "ReconcileError",
            message: message.into(),
            forbidden: false,
        }
    }
}

impl From<crate::cluster::Error> for Trouble {
    fn from(error: crate::cluster::Error) -> Self {
        Self::of("Irreconcilable", "ReconcileError")(error.into())
    }
}

#[async_trait]
impl Reconcile for ChartReconciler {
    async fn reconcile(&self, pass: &Pass) -> Result<Next, Failure> {
        // On the heap what takes room: most passes have nothing to do.
        let result = if pass.primary.deleting {
            Box::pin(self.uninstall(pass)).await
        } else if self.is_settled(pass) {
            period(&pass.primary).map_err(Trouble::irreconcilable)
        } else {
            Box::pin(self.bring_up(pass)).await
        };
        match result {
            Ok(next) => Ok(next),
            Err(trouble) => Err(Box::pin(self.tell(pass, trouble)).await),
        }
    }

    fn forget(&self, caller: &Caller) {
        self.known().remove(&caller.key);
        self.shared.dependents.forget(caller);
        self.shared.records.forget(self.namespace(&caller.key), &caller.key.name);
    }
}

impl ChartReconciler {
    fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The namespace of a resource's release.
    fn namespace<'a>(&'a self, key: &'a Key) -> &'a str {
        key.namespace().unwrap_or(self.shared.client.default_namespace())
    }

    /// Whether all is as it was when the last pass left nothing to do.
    fn is_settled(&self, pass: &Pass) -> bool {
        let key = &pass.caller.key;
        let same = self.known().get(key).and_then(|known| known.settled.as_ref()).is_some_and(
            |(version, capabilities)| {
                *version == pass.primary.version && Arc::ptr_eq(capabilities, &self.shared.capabilities())
            },
        );
        same && self.shared.records.agree(self.namespace(key), &key.name) && self.is_clean_and_ready(pass)
    }

    fn is_clean_and_ready(&self, pass: &Pass) -> bool {
        let dependents = &self.shared.dependents;
        dependents.is_clean(&pass.caller) && dependents.unready(&pass.caller).is_empty()
    }

    /// The pass left nothing to do, and the status of this version of the resource tells that all is ready.
    fn settle(&self, pass: &Pass, spec: &Spec, version: u64) {
        // What was changed meanwhile is for the next pass.
        let same = pass
            .primaries
            .get(&pass.primary.key)
            .is_some_and(|newest| newest.version == version && !newest.asks_for_pass(&pass.primary, true));
        if version > 0
            && same
            && let Some(known) = self.known().get_mut(&pass.caller.key)
        {
            known.settled = Some((version, Arc::clone(&spec.capabilities)));
        }
    }

    async fn bring_up(&self, pass: &Pass) -> Result<Next, Trouble> {
        let primary = &pass.primary;
        let period = period(primary).map_err(Trouble::irreconcilable)?;
        let spec = self.spec(primary).map_err(Trouble::irreconcilable)?;
        let state = self.known().get(&pass.caller.key).map(|known| Arc::clone(&known.state));
        let agreed = self.shared.records.agree(&spec.namespace, &spec.name);
        let current = state.filter(|state| agreed && state.inputs == release::inputs(&spec));
        if let Some(state) = &current
            && self.shared.dependents.is_clean(&pass.caller)
        {
            self.report(pass, &spec, &Action::Unchanged, state.revision, None).await?;
            return Ok(self.next(pass, period));
        }
        finalizer::add(&self.shared, &pass.primaries, primary, FINALIZER).await?;
        let outcome = match current {
            Some(state) => {
                let drifted = self.shared.dependents.drifted(&pass.caller);
                let repair = release::repair(&self.shared.client, &spec, &state, &drifted);
                let span = traces::span!("repair", helm.release.name = spec.name.as_str());
                traces::step(span, repair).await.map_err(Trouble::of("Irreconcilable", "ReconcileError"))?
            }
            None => match self.deploy(&spec).await {
                Ok(outcome) => outcome,
                // Helm's command line is at work: no failure, but nothing to do for us now.
                Err(error @ release::Error::InProgress { .. }) => {
                    tracing::info!("{error}");
                    return Ok(Next::After(POLL));
                }
                Err(error) => return Err(self.failed_release(pass)(error)),
            },
        };
        self.remember(pass, &spec, &outcome);
        self.announce(pass, &outcome);
        self.report(pass, &spec, &outcome.action, outcome.state.revision, outcome.record.as_deref()).await?;
        Ok(self.next(pass, period))
    }

    async fn deploy(&self, spec: &Spec) -> Result<Outcome, release::Error> {
        let span = traces::span!("deploy", helm.release.name = spec.name.as_str());
        traces::step(span, release::deploy(&self.shared.client, spec)).await
    }

    /// What no watch tells has to be asked for.
    fn next(&self, pass: &Pass, period: Next) -> Next {
        let dependents = &self.shared.dependents;
        let waiting = !dependents.unready(&pass.caller).is_empty() && dependents.is_blind(&pass.caller);
        if waiting { Next::After(POLL) } else { period }
    }

    fn failed_release(&self, pass: &Pass) -> impl FnOnce(release::Error) -> Trouble {
        let conditions = Conditions::of(&pass.primary.status());
        let reason = if conditions.get("Deployed").is_some() { "UpgradeError" } else { "InstallError" };
        Trouble::of("ReleaseFailed", reason)
    }

    fn remember(&self, pass: &Pass, spec: &Spec, outcome: &Outcome) {
        let state = outcome.state.clone();
        self.shared.dependents.expect(&pass.caller, &state.tracked, self.watch_dependants);
        self.shared.records.claim(&pass.caller, &spec.namespace, &spec.name, state.revision);
        let known = Known { state: Arc::new(state), settled: None };
        self.known().insert(pass.caller.key.clone(), known);
    }

    fn spec(&self, primary: &Primary) -> Result<Spec, String> {
        let mut values = match primary.spec() {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            _ => return Err("the resource's spec is no map of values".into()),
        };
        for Override { path, text } in &self.overrides {
            super::values::set(&mut values, path, text)?;
        }
        let name = primary.key.name.to_string();
        if name.len() > NAME_LIMIT {
            return Err(format!(
                "the name is the release's name, which may have at most {NAME_LIMIT} characters: it has {}",
                name.len()
            ));
        }
        Ok(Spec {
            name,
            namespace: self.namespace(&primary.key).to_owned(),
            chart: Arc::clone(&self.chart),
            values,
            capabilities: self.shared.capabilities(),
            owner: Some(primary.owner()),
            labels: vec![(CHART_LABEL.to_owned(), self.chart.name().to_owned())],
            wait: None,
            hook_timeout: TIMEOUT,
            history_limit: HISTORY_LIMIT,
        })
    }

    async fn uninstall(&self, pass: &Pass) -> Result<Next, Trouble> {
        let primary = &pass.primary;
        if !primary.has_finalizer(FINALIZER) && !primary.has_finalizer(LEGACY_FINALIZER) {
            return Ok(Next::Done);
        }
        let mut spec = self
            .spec(primary)
            .or_else(|_| self.spec_without_values(primary))
            .map_err(Trouble::irreconcilable)?;
        if primary.annotation(UNINSTALL_WAIT).is_some_and(|value| value == "true") {
            tracing::info!("Uninstall wait");
            spec.wait = Some(TIMEOUT);
        }
        // What goes now is no drift.
        self.forget(&pass.caller);
        let span = traces::span!("uninstall", helm.release.name = spec.name.as_str());
        let gone = traces::step(span, release::uninstall(&self.shared.client, &spec))
            .await
            .map_err(Trouble::of("ReleaseFailed", "UninstallError"))?;
        tracing::info!(objects = gone.len(), "Uninstalled release");
        self.shared.event(primary, EventKind::Normal, "UninstallSuccessful", "the release is uninstalled");
        let names = [FINALIZER, LEGACY_FINALIZER];
        tracing::info!("Removing finalizer");
        finalizer::remove(&self.shared, &pass.primaries, primary, &names).await?;
        Ok(Next::Done)
    }

    /// A release can be removed whatever the spec says.
    fn spec_without_values(&self, primary: &Primary) -> Result<Spec, String> {
        let mut bare = primary.clone();
        bare.clear_spec();
        self.spec(&bare)
    }

    fn announce(&self, pass: &Pass, outcome: &Outcome) {
        let revision = outcome.state.revision;
        // In the log, helm-operator's own words: pipelines look for them.
        let (logged, reason, message) = match &outcome.action {
            Action::Unchanged => return,
            Action::Installed => {
                ("Installed release", "InstallSuccessful", format!("installed revision {revision}"))
            }
            Action::Upgraded => {
                ("Upgraded release", "UpgradeSuccessful", format!("upgraded to revision {revision}"))
            }
            Action::Repaired(objects) => {
                ("Reconciled release", "Repaired", format!("put back {}", list(objects)))
            }
        };
        tracing::info!(revision, detail = message, "{logged}");
        let primary = &pass.primary;
        self.shared.event(primary, EventKind::Normal, reason, &message);
        if matches!(outcome.action, Action::Installed | Action::Upgraded) {
            for Override { path, text } in &self.overrides {
                let message =
                    format!("Chart value {path:?} overridden to {text:?} by operator's watches.yaml");
                self.shared.event(primary, EventKind::Warning, "OverrideValuesInUse", &message);
            }
        }
    }

    /// Writes the status. When it tells that all is ready, nothing is left to do; what is on its way must be told when
    /// it arrives.
    async fn report(
        &self,
        pass: &Pass,
        spec: &Spec,
        action: &Action,
        revision: i64,
        record: Option<&release::record::Record>,
    ) -> Result<(), Trouble> {
        let primary = &pass.primary;
        let readiness = Readiness::of(revision, &self.shared.dependents.unready(&pass.caller));
        let version = status::write(&self.shared, &pass.primaries, primary, |old| {
            let mut conditions = Conditions::of(old);
            conditions.set(Condition { kind: "Initialized", status: "True", reason: "", message: "" });
            let deployed = conditions.get("Deployed");
            let known = |field: &str| deployed.and_then(|c| c.get(field)?.as_str()).map(str::to_owned);
            let reason = match action {
                Action::Upgraded => "UpgradeSuccessful".to_owned(),
                Action::Installed => "InstallSuccessful".to_owned(),
                _ => known("reason").unwrap_or_else(|| "InstallSuccessful".into()),
            };
            let notes = record
                .map(|record| record.info.notes.clone())
                .or_else(|| known("message"))
                .unwrap_or_default();
            conditions.set(Condition { kind: "Deployed", status: "True", reason: &reason, message: &notes });
            conditions.remove("ReleaseFailed");
            conditions.remove("Irreconcilable");
            readiness.tell(&mut conditions);
            let mut new = fields(old);
            new.insert("conditions".into(), conditions.into_value());
            new.insert("observedGeneration".into(), primary.generation.into());
            let rewritten = old["deployedRelease"]["name"].is_null() || *action != Action::Unchanged;
            if let Some(record) = record.filter(|_| rewritten) {
                let manifest = release::public_manifest(&record.manifest);
                new.insert("deployedRelease".into(), json!({"name": record.name, "manifest": manifest}));
            }
            Value::Object(new)
        })
        .await?;
        if let Some(version) = version.filter(|_| readiness.ready) {
            self.settle(pass, spec, version);
        }
        Ok(())
    }

    async fn tell(&self, pass: &Pass, trouble: Trouble) -> Failure {
        let primary = &pass.primary;
        self.shared.event(primary, EventKind::Warning, trouble.reason, &trouble.message);
        let written = status::write(&self.shared, &pass.primaries, primary, |old| {
            let mut conditions = Conditions::of(old);
            let Trouble { condition, reason, message, .. } = &trouble;
            conditions.set(Condition { kind: "Initialized", status: "True", reason: "", message: "" });
            if *condition == "ReleaseFailed" {
                conditions.remove("Irreconcilable");
            }
            conditions.set(Condition { kind: condition, status: "True", reason, message });
            conditions.stand(Standing::Stalled, reason, message);
            let mut new = fields(old);
            new.insert("conditions".into(), conditions.into_value());
            new.insert("observedGeneration".into(), primary.generation.into());
            Value::Object(new)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot write the status");
        }
        Failure { message: trouble.message, forbidden: trouble.forbidden }
    }
}

/// The condition `Ready`: the release is deployed and all its objects are ready.
struct Readiness {
    ready: bool,
    message: String,
}

impl Readiness {
    fn of(revision: i64, unready: &[String]) -> Self {
        let ready = unready.is_empty();
        let message = if ready {
            format!("revision {revision} is deployed and ready")
        } else {
            format!("revision {revision} is deployed, waiting for {}", unready.join("; "))
        };
        Self { ready, message }
    }

    fn tell(&self, conditions: &mut Conditions) {
        let (standing, reason) =
            if self.ready { (Standing::Ready, "Ready") } else { (Standing::Reconciling, "Progressing") };
        conditions.stand(standing, reason, &self.message);
    }
}

fn fields(status: &Value) -> Map<String, Value> {
    status.as_object().cloned().unwrap_or_default()
}

fn list(objects: &[ObjectRef]) -> String {
    objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn period(primary: &Primary) -> Result<Next, String> {
    match primary.annotation(RECONCILE_PERIOD) {
        None => Ok(Next::Period),
        Some(text) => duration::parse(text)
            .map(Next::After)
            .map_err(|error| format!("annotation {RECONCILE_PERIOD}: {error}")),
    }
}
