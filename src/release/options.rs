//! How people want an operation on a release to be done: the flags of Helm's command line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::record::Record;
use super::scope::{Method, Observer, Scope, Wait, unobserved};
use super::storage::is_system_label;
use super::{Error, Holder};
use crate::chart::{Chart, release_name};
use crate::cluster::Client;

/// Helm's default of `--timeout`.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// Helm's default of `--history-max`.
pub const DEFAULT_HISTORY: usize = 10;
/// An operation waits for hooks before, for its objects, and for hooks after.
const WAITS: u32 = 3;

/// Whether objects are applied server-side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerSide {
    /// As the release was made; a new one server-side.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never: patches are made here, as Helm 3 does.
    Off,
}

/// What an operation waits for besides its hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// Nothing.
    #[default]
    Hooks,
    /// Its objects are ready.
    Ready,
    /// Its objects are ready and its Jobs complete.
    ReadyAndJobs,
}

impl WaitFor {
    /// At least readiness.
    pub(super) fn max_ready(self) -> Self {
        if self == Self::Hooks { Self::Ready } else { self }
    }
}

/// How to do an operation. The defaults are those of Helm's command line.
#[derive(Clone)]
pub struct Options {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// How objects are applied.
    pub server_side: ServerSide,
    /// Take fields that other field managers own.
    pub force_conflicts: bool,
    /// Replace objects instead of patching them; not server-side.
    pub force_replace: bool,
    /// Take objects that belong to nobody or to others.
    pub take_ownership: bool,
    /// Whether hooks run.
    pub hooks: bool,
    /// What is waited for.
    pub wait: WaitFor,
    /// How long each waiting may take.
    pub timeout: Duration,
    /// Revisions to keep; 0 for all.
    pub history_limit: usize,
    /// A description in place of Helm's.
    pub description: Option<String>,
    /// Labels of the record; `None` removes one that the release has.
    pub labels: BTreeMap<String, Option<String>>,
    /// Undo what fails: uninstall what was installed, roll back what was upgraded.
    pub rollback_on_failure: bool,
    /// Delete what a failed change created.
    pub clean_up_on_failure: bool,
    /// Refuse fields that the cluster does not know.
    pub strict: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// Sees the steps.
    pub observer: Arc<Observer>,
}

/// What to render.
#[derive(Clone)]
pub struct Source {
    /// The chart.
    pub chart: Arc<Chart>,
    /// The values over the chart's own.
    pub values: Map<String, Value>,
    /// Whether `crds/` is left alone.
    pub skip_crds: bool,
    /// Whether notes of subcharts are part of the notes.
    pub sub_notes: bool,
    /// Whether templates may ask name servers.
    pub enable_dns: bool,
    /// Whether values are accepted that the schemas refuse.
    pub skip_schema_validation: bool,
}

impl Source {
    /// A chart and values, with Helm's defaults otherwise.
    #[must_use]
    pub fn new(chart: Arc<Chart>, values: Map<String, Value>) -> Self {
        Self {
            chart,
            values,
            skip_crds: false,
            sub_notes: false,
            enable_dns: false,
            skip_schema_validation: false,
        }
    }
}

impl Options {
    /// Helm's defaults for a release.
    #[must_use]
    pub fn new(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            server_side: ServerSide::default(),
            force_conflicts: false,
            force_replace: false,
            take_ownership: false,
            hooks: true,
            wait: WaitFor::default(),
            timeout: DEFAULT_TIMEOUT,
            history_limit: DEFAULT_HISTORY,
            description: None,
            labels: BTreeMap::new(),
            rollback_on_failure: false,
            clean_up_on_failure: false,
            strict: true,
            dry_run: false,
            observer: Arc::new(unobserved),
        }
    }

    /// Where and how to work; `before` is the revision whose method is kept.
    ///
    /// # Errors
    /// Names that cannot be those of releases; flags that exclude each other.
    pub(super) fn scope<'a>(
        &'a self,
        client: &'a Client,
        before: Option<&Record>,
    ) -> Result<Scope<'a>, Error> {
        release_name::validate(&self.name).map_err(|error| Error::Name(error.to_string()))?;
        if let Some(label) = self.labels.keys().find(|label| is_system_label(label)) {
            let message = format!("user supplied labels contains system reserved label name: {label:?}");
            return Err(Error::Options(message));
        }
        // Undoing needs to know whether things went well.
        let wait = if self.rollback_on_failure { self.wait.max_ready() } else { self.wait };
        let wait = (wait != WaitFor::Hooks)
            .then_some(Wait { timeout: self.timeout, jobs: wait == WaitFor::ReadyAndJobs });
        Ok(Scope {
            client,
            name: &self.name,
            namespace: &self.namespace,
            owner: None,
            labels: &[],
            method: self.method(before)?,
            hooks: self.hooks,
            hook_timeout: self.timeout,
            wait,
            take_ownership: self.take_ownership,
            dry_run: self.dry_run,
            observer: &*self.observer,
        })
    }

    fn method(&self, before: Option<&Record>) -> Result<Method, Error> {
        let server_side = match self.server_side {
            ServerSide::On => true,
            ServerSide::Off => false,
            ServerSide::Auto => before.is_none_or(Record::is_server_side),
        };
        let refuse = |message: &str| Err(Error::Options(message.to_owned()));
        match (server_side, self.force_conflicts, self.force_replace) {
            (_, true, true) => {
                refuse("invalid operation: cannot use force conflicts and force replace together")
            }
            (true, _, true) => {
                refuse("invalid operation: cannot use server-side apply and force replace together")
            }
            (false, true, _) => {
                refuse("invalid operation: force conflicts can only be used with server-side apply")
            }
            (true, force, false) => Ok(Method::ServerSide { force }),
            (false, false, replace) => Ok(Method::ClientSide { replace }),
        }
    }

    /// The labels of a new record, from those of the one before.
    pub(super) fn labels_over(&self, before: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut labels = before.clone();
        for (name, value) in &self.labels {
            match value {
                Some(value) => labels.insert(name.clone(), value.clone()),
                None => labels.remove(name),
            };
        }
        labels
    }

    /// This process, for as long as an operation may take.
    pub(super) fn holder(&self) -> Holder {
        Holder::this_process(self.timeout.saturating_mul(WAITS))
    }
}
