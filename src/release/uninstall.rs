//! A release leaves the cluster. Follows `pkg/action/uninstall.go`.

use futures::{StreamExt, TryStreamExt, stream};

use super::apply::PARALLEL;
use super::objects::{Desired, of_record, ownership_problems, place};
use super::record::{Record, Status};
use super::storage::Storage;
use super::{Error, Spec, hooks};
use crate::chart::{Compat, Order, hook::Event};
use crate::cluster::wait::{Goal, wait_for};
use crate::cluster::{self, Client, Deletion, ObjectRef};

/// Deletes everything that the release of that name consists of, and its records; nothing to do when
/// there are no records. With `spec.wait`, returns when the objects are gone.
///
/// # Errors
/// Refusals of the cluster; failed hooks. Running it again continues.
pub async fn uninstall(client: &Client, spec: &Spec) -> Result<Vec<ObjectRef>, Error> {
    let storage = Storage::new(client, &spec.namespace, spec.owner.as_ref()).await?;
    let history = storage.history(&spec.name).await?;
    let Some(last) = history.last() else { return Ok(Vec::new()) };
    let mut records = Vec::new();
    // An interrupted upgrade may have created objects that the deployed revision does not name.
    for stored in history.iter().rev().filter(|stored| stored.status != Status::Superseded) {
        records.extend(storage.read(&stored.secret).await?);
    }
    let mut gone = Vec::new();
    if let Some((newest, older)) = records.split_first_mut() {
        let notes = last.notes.clone().unwrap_or_default();
        newest.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
        newest.info.deleted = Some(jiff::Timestamp::now());
        storage.update(newest, &notes).await?;
        hooks::run(client, spec, &mut newest.hooks, Event::PreDelete).await?;
        gone = delete_objects(client, spec, std::iter::once(&*newest).chain(&*older)).await?;
        if let Some(timeout) = spec.wait {
            wait_for(client, &gone, &Goal::Deleted, timeout).await?;
        }
        hooks::run(client, spec, &mut newest.hooks, Event::PostDelete).await?;
    }
    for stored in &history {
        storage.delete(&stored.secret).await?;
    }
    Ok(gone)
}

async fn delete_objects(
    client: &Client,
    spec: &Spec,
    records: impl Iterator<Item = &Record>,
) -> Result<Vec<ObjectRef>, Error> {
    let mut objects: Vec<Desired> = Vec::new();
    for record in records {
        for document in of_record(&record.manifest)? {
            match place(client, &spec.namespace, document).await {
                Ok(desired) if objects.iter().all(|known| known.reference != desired.reference) => {
                    objects.push(desired);
                }
                // A kind that is no longer served has no objects any more.
                Ok(_) | Err(Error::Kind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Order::Uninstall.sort_by_kind(Compat::V4, &mut objects, |desired| &desired.reference.kind);
    let mut gone = Vec::new();
    for group in objects.chunk_by(|a, b| a.reference.kind == b.reference.kind) {
        let mut requests = Vec::with_capacity(group.len());
        for desired in group {
            requests.push(delete_own(client, spec, desired));
        }
        let deleted: Vec<bool> = stream::iter(requests).buffered(PARALLEL).try_collect().await?;
        let deleted = group.iter().zip(deleted).filter(|(_, deleted)| *deleted);
        gone.extend(deleted.map(|(desired, _)| desired.reference.clone()));
    }
    Ok(gone)
}

/// Deletes an object unless it is to be kept or belongs to somebody else by now.
pub(super) async fn delete_own(
    client: &Client,
    spec: &Spec,
    desired: &Desired,
) -> Result<bool, cluster::Error> {
    if desired.is_kept() {
        return Ok(false);
    }
    let Some(live) = client.get_metadata(desired.target()).await? else { return Ok(false) };
    let kept = live.annotation(super::objects::RESOURCE_POLICY) == Some("keep");
    if kept || ownership_problems(&live, spec).is_some() {
        return Ok(false);
    }
    let deletion = Deletion { uid: live.uid().map(str::to_owned), ..Deletion::default() };
    Ok(client.delete(desired.target(), &deletion).await?.is_some())
}
