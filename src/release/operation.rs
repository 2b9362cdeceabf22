//! One change of a release: from a pending record to a deployed or a failed one.
//!
//! Installs, upgrades and rollbacks differ in where their objects come from; what is done with them is
//! the same: record pending, hooks, apply, remove what is wanted no more, wait, hooks.

use super::Error;
use super::apply::{Tracked, apply, check_ownership};
use super::hooks;
use super::objects::Desired;
use super::record::{Record, Status};
use super::scope::Scope;
use super::storage::{Beside, Storage};
use super::uninstall::delete_own;
use crate::chart::hook::Event;
use crate::cluster::Propagation;

/// What kind of change it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    before: Event,
    after: Event,
    /// How the description of a failure begins.
    noun: &'static str,
    /// What a refusal stops.
    stops: &'static str,
}

pub(super) const INSTALL: Change =
    Change { before: Event::PreInstall, after: Event::PostInstall, noun: "Release", stops: "install" };
pub(super) const UPGRADE: Change =
    Change { before: Event::PreUpgrade, after: Event::PostUpgrade, noun: "Upgrade", stops: "update" };
pub(super) const ROLLBACK: Change =
    Change { before: Event::PreRollback, after: Event::PostRollback, noun: "Rollback", stops: "rollback" };

/// One change of one release.
pub(super) struct Operation<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) storage: &'a Storage<'a>,
    pub(super) change: Change,
    /// What is noted beside the pending record.
    pub(super) pending: Beside<'a>,
    /// What is noted beside the record of a failure.
    pub(super) failed: Beside<'a>,
    /// Whether a record of the same number is left from an interrupted operation, and replaced.
    pub(super) replace: bool,
    /// Whether what a failed change created is deleted again.
    pub(super) clean_up: bool,
}

impl Operation<'_> {
    /// Stores `record` as pending and brings the cluster from `old` to `objects`.
    ///
    /// # Errors
    /// Whatever stops it; once the record is stored, it says `failed` then.
    pub(super) async fn run(
        &self,
        record: &mut Record,
        objects: &[Desired],
        old: &[Desired],
    ) -> Result<Vec<Tracked>, Error> {
        let is_new =
            |desired: &&Desired| old.iter().all(|old| !old.reference.is_same_object(&desired.reference));
        let new = objects.iter().filter(is_new);
        let existing = if self.scope.take_ownership && !self.clean_up {
            Vec::new()
        } else {
            check_ownership(self.scope, new.clone()).await.map_err(|error| self.stopped(error))?
        };
        let stored = if self.replace {
            self.storage.create(record, self.pending).await
        } else {
            self.storage.create_new(record, self.pending).await
        };
        stored.map_err(|error| in_progress(error, record))?;
        let result = self.carry_out(record, objects, old).await;
        if let Err(error) = &result {
            let words = format!("{} {:?} failed: {error}", self.change.noun, self.scope.name);
            record.set_status(Status::Failed, words);
            if self.clean_up {
                self.delete_created(new.filter(|desired| !existing.contains(&desired.reference))).await?;
            }
            self.storage.update(record, self.failed).await?;
        }
        result
    }

    fn stopped(&self, error: Error) -> Error {
        match error {
            error @ Error::Ownership { .. } => {
                Error::Stopped { what: self.change.stops, source: Box::new(error) }
            }
            error => error,
        }
    }

    async fn carry_out(
        &self,
        record: &mut Record,
        objects: &[Desired],
        old: &[Desired],
    ) -> Result<Vec<Tracked>, Error> {
        hooks::run(self.scope, &mut record.hooks, self.change.before).await?;
        let tracked = apply(self.scope, &objects.iter().collect::<Vec<_>>(), old).await?;
        let is_gone =
            |old: &&Desired| objects.iter().all(|new| !new.reference.is_same_object(&old.reference));
        for gone in old.iter().filter(is_gone) {
            if delete_own(self.scope, gone, Propagation::Background).await? {
                tracing::info!(object = %gone.reference, "removed: the new manifest has it no more");
            }
        }
        self.scope.wait_ready(tracked.iter().map(|tracked| &tracked.object)).await?;
        hooks::run(self.scope, &mut record.hooks, self.change.after).await?;
        Ok(tracked)
    }

    async fn delete_created<'d>(&self, created: impl Iterator<Item = &'d Desired>) -> Result<(), Error> {
        let mut created: Vec<&Desired> = created.collect();
        created.reverse();
        for desired in created {
            delete_own(self.scope, desired, Propagation::Background).await?;
        }
        Ok(())
    }
}

/// Somebody else made a record of the same number in the meantime.
fn in_progress(error: Error, record: &Record) -> Error {
    match &error {
        Error::Cluster(refused) if refused.is(crate::cluster::Reason::AlreadyExists) => {
            Error::InProgress { revision: record.version, status: record.info.status.as_str() }
        }
        _ => error,
    }
}
