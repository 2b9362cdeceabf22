//! A release leaves the cluster. Follows `pkg/action/uninstall.go`.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::apply::PARALLEL;
use super::objects::{Desired, RESOURCE_POLICY, ownership_problems, stored};
use super::options::Options;
use super::record::Status;
use super::scope::{Scope, Step};
use super::storage::{Beside, Storage, Stored};
use super::{Error, Spec, hooks};
use crate::chart::{Compat, Order, hook::Event};
use crate::cluster::wait::Goal;
use crate::cluster::{self, Client, Deletion, ObjectRef, Propagation};

/// How a release is uninstalled, beside the [`Options`] of every operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Removal {
    /// Keep the records, as `uninstalled`.
    pub keep_history: bool,
    /// What becomes of the dependants of its objects.
    pub propagation: Propagation,
}

/// What an uninstallation did.
#[derive(Clone, Debug, Default)]
pub struct Uninstalled {
    /// The objects that were deleted.
    pub deleted: Vec<ObjectRef>,
    /// The objects that `helm.sh/resource-policy: keep` kept.
    pub kept: Vec<ObjectRef>,
}

/// Deletes everything that the release of that name consists of, and its records; nothing to do when
/// there are no records. With `spec.wait`, returns when the objects are gone.
///
/// # Errors
/// Refusals of the cluster; failed hooks. Running it again continues.
pub async fn uninstall(client: &Client, spec: &Spec) -> Result<Vec<ObjectRef>, Error> {
    let scope = Scope::of_spec(client, spec);
    let storage = Storage::new(client, &spec.namespace, spec.owner.as_ref()).await?;
    let history = storage.checked_history(&spec.name).await?;
    let work = Work { scope: &scope, storage: &storage, history: &history, removal: Removal::default() };
    Ok(work.remove("Uninstallation complete").await?.deleted)
}

/// Uninstalls a release as `helm uninstall` does.
///
/// # Errors
/// [`Error::NotFound`], [`Error::AlreadyUninstalled`]; refusals of the cluster; failed hooks. Running it
/// again continues.
pub async fn remove(client: &Client, options: &Options, removal: Removal) -> Result<Uninstalled, Error> {
    let scope = options.scope(client, None)?;
    let storage = Storage::new(client, &options.namespace, None).await?;
    let history = storage.history(&options.name).await?;
    let Some(last) = history.last() else { return Err(Error::NotFound) };
    if last.status == Status::Uninstalled {
        if removal.keep_history {
            return Err(Error::AlreadyUninstalled(options.name.clone()));
        }
        forget(&storage, &history).await?;
        return Ok(Uninstalled::default());
    }
    if options.dry_run {
        let record = storage.read(&last.secret).await?.ok_or(Error::NotFound)?;
        let objects = stored(&scope, &[&record.manifest]).await?;
        let (kept, deleted) = objects.into_iter().partition::<Vec<_>, _>(Desired::is_kept);
        let names = |objects: Vec<Desired>| objects.into_iter().map(|object| object.reference).collect();
        return Ok(Uninstalled { deleted: names(deleted), kept: names(kept) });
    }
    let work = Work { scope: &scope, storage: &storage, history: &history, removal };
    work.remove(options.description.as_deref().unwrap_or("Uninstallation complete")).await
}

async fn forget(storage: &Storage<'_>, history: &[Stored]) -> Result<(), Error> {
    for stored in history {
        storage.delete(&stored.secret).await?;
    }
    Ok(())
}

/// One uninstallation.
struct Work<'a> {
    scope: &'a Scope<'a>,
    storage: &'a Storage<'a>,
    history: &'a [Stored],
    removal: Removal,
}

impl Work<'_> {
    async fn remove(&self, description: &str) -> Result<Uninstalled, Error> {
        let mut records = Vec::new();
        // An interrupted upgrade may have created objects that the deployed revision does not name.
        for stored in self.history.iter().rev().filter(|stored| stored.status != Status::Superseded) {
            records.extend(self.storage.read(&stored.secret).await?);
        }
        let mut done = Uninstalled::default();
        if let Some((newest, older)) = records.split_first_mut() {
            newest.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
            newest.info.deleted = Some(Timestamp::now());
            self.storage.update(newest, Beside::AsIs).await?;
            hooks::run(self.scope, &mut newest.hooks, Event::PreDelete).await?;
            let mut manifests = vec![newest.manifest.as_str()];
            manifests.extend(older.iter().map(|record| record.manifest.as_str()));
            done = self.delete_objects(&manifests).await?;
            if let Some(wait) = self.scope.wait {
                tracing::info!("Waiting until all resources are deleted");
                self.scope.wait_for(&done.deleted, &Goal::Deleted, wait.timeout).await?;
            }
            hooks::run(self.scope, &mut newest.hooks, Event::PostDelete).await?;
            if self.removal.keep_history {
                newest.set_status(Status::Uninstalled, description);
                self.storage.update(newest, Beside::Nothing).await?;
                for old in older.iter_mut().filter(|record| record.info.status == Status::Deployed) {
                    old.info.status = Status::Superseded;
                    self.storage.update(old, Beside::AsIs).await?;
                }
                return Ok(done);
            }
        }
        forget(self.storage, self.history).await?;
        Ok(done)
    }

    async fn delete_objects(&self, manifests: &[&str]) -> Result<Uninstalled, Error> {
        let objects = stored(self.scope, manifests).await?;
        let (kept, mut objects) = objects.into_iter().partition::<Vec<_>, _>(Desired::is_kept);
        let kept: Vec<ObjectRef> = kept.into_iter().map(|desired| desired.reference).collect();
        kept.iter().for_each(|object| (self.scope.observer)(&Step::Kept { object }));
        Order::Uninstall.sort_by_kind(Compat::V4, &mut objects, |desired| &desired.reference.kind);
        let mut deleted = Vec::new();
        for group in objects.chunk_by(|a, b| a.reference.kind == b.reference.kind) {
            let mut requests = Vec::with_capacity(group.len());
            for desired in group {
                requests.push(delete_own(self.scope, desired, self.removal.propagation));
            }
            let gone: Vec<bool> = stream::iter(requests).buffered(PARALLEL).try_collect().await?;
            let gone = group.iter().zip(gone).filter(|(_, gone)| *gone);
            deleted.extend(gone.map(|(desired, _)| desired.reference.clone()));
        }
        Ok(Uninstalled { deleted, kept })
    }
}

/// Deletes an object unless it is to be kept or belongs to somebody else by now.
pub(super) async fn delete_own(
    scope: &Scope<'_>,
    desired: &Desired,
    propagation: Propagation,
) -> Result<bool, cluster::Error> {
    if desired.is_kept() {
        return Ok(false);
    }
    let Some(live) = scope.client.get_metadata(desired.target()).await? else { return Ok(false) };
    let kept = live.annotation(RESOURCE_POLICY) == Some("keep");
    if kept || ownership_problems(&live, scope).is_some() {
        (scope.observer)(&Step::Kept { object: &desired.reference });
        return Ok(false);
    }
    let deletion = Deletion { uid: live.uid().map(str::to_owned), propagation, ..Deletion::default() };
    Ok(scope.client.delete(desired.target(), &deletion).await?.is_some())
}
