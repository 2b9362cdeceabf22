//! What every step of an operation on one release knows: where, for whom, and how it works.

use std::time::Duration;

use super::{Error, MANAGER, Spec};
use crate::cluster::wait::{Goal, wait_observed};
use crate::cluster::{Apply, Client, ObjectRef, Owner, Write};
use crate::traces;

/// How objects are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Server-side apply.
    ServerSide {
        /// Take fields that other managers own.
        force: bool,
    },
    /// A three-way patch made here, as Helm 3 does it.
    ClientSide {
        /// Replace objects instead of patching them.
        replace: bool,
    },
}

impl Method {
    /// The name in records.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ServerSide { .. } => "ssa",
            Self::ClientSide { .. } => "csa",
        }
    }
}

/// What to wait for after objects were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// How long.
    pub(super) timeout: Duration,
    /// Whether Jobs must have run to their end, too.
    pub(super) jobs: bool,
}

/// A step that people may want to see while an operation runs.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// An object is waited for, for this reason.
    Waiting {
        /// Which object.
        object: &'a ObjectRef,
        /// Why it is not there yet; `None` when it got there.
        reason: Option<&'a str>,
    },
    /// A hook starts to run.
    Hook {
        /// When it runs.
        event: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// What a hook printed, as its `helm.sh/hook-output-log-policy` asks.
    HookLog {
        /// The text.
        text: &'a str,
    },
    /// An object that was to be kept, or is somebody else's by now, was not deleted.
    Kept {
        /// Which object.
        object: &'a ObjectRef,
    },
}

/// Sees the steps of an operation.
pub type Observer = dyn Fn(&Step<'_>) + Send + Sync;

/// Sees nothing.
pub(super) fn unobserved(_: &Step<'_>) {}

/// One release in one cluster, and how to work on it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) client: &'a Client,
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
    pub(super) owner: Option<&'a Owner>,
    /// Labels for every object beside Helm's.
    pub(super) labels: &'a [(String, String)],
    pub(super) method: Method,
    pub(super) hooks: bool,
    pub(super) hook_timeout: Duration,
    pub(super) wait: Option<Wait>,
    /// Whether objects of others are taken instead of refused.
    pub(super) take_ownership: bool,
    /// Ask the server only what would come of it.
    pub(super) dry_run: bool,
    pub(super) observer: &'a Observer,
}

impl<'a> Scope<'a> {
    /// The operator's way: its manifests are the authority on the fields that they set, so whoever
    /// changed one is overruled, as helm-operator's three-way patch does.
    pub(super) fn of_spec(client: &'a Client, spec: &'a Spec) -> Self {
        Self {
            client,
            name: &spec.name,
            namespace: &spec.namespace,
            owner: spec.owner.as_ref(),
            labels: &spec.labels,
            method: Method::ServerSide { force: true },
            hooks: true,
            hook_timeout: spec.hook_timeout,
            wait: spec.wait.map(|timeout| Wait { timeout, jobs: true }),
            take_ownership: false,
            dry_run: false,
            observer: &unobserved,
        }
    }

    /// Waits until every object reaches the goal, and tells the observer how it goes.
    pub(super) async fn wait_for(
        &self,
        objects: &[ObjectRef],
        goal: &Goal,
        timeout: Duration,
    ) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let seen = |object: &ObjectRef, reason: Option<&str>| {
            (self.observer)(&Step::Waiting { object, reason });
        };
        let span = traces::span!("wait", helm.release.name = self.name, helm.objects = objects.len() as i64);
        traces::step(span, wait_observed(self.client, objects, goal, timeout, &seen)).await?;
        Ok(())
    }

    /// Waits until what an operation changed is ready, when that is wanted.
    pub(super) async fn wait_ready(&self, objects: impl Iterator<Item = &ObjectRef>) -> Result<(), Error> {
        let Some(wait) = self.wait else { return Ok(()) };
        let counts = |object: &&ObjectRef| wait.jobs || object.kind != "Job";
        let objects: Vec<ObjectRef> = objects.filter(counts).cloned().collect();
        self.wait_for(&objects, &Goal::Ready, wait.timeout).await
    }

    pub(super) fn apply_options(&self, force: bool) -> Apply<'static> {
        Apply { manager: MANAGER, force, dry_run: self.dry_run }
    }

    pub(super) fn write(&self) -> Write<'static> {
        Write { manager: MANAGER, dry_run: self.dry_run }
    }
}
