//! A release goes back to an earlier revision. Follows `pkg/action/rollback.go`.

use jiff::Timestamp;

use super::Error;
use super::objects::{desired, of_record, stored};
use super::operation::{Operation, ROLLBACK};
use super::options::Options;
use super::record::{HookRun, Record, Status};
use super::revisions::{prune, settle, supersede};
use super::storage::{Beside, Storage};
use super::takeover::take_over;
use crate::cluster::Client;

/// Makes a new revision of what `revision` was (of the one before the last for 0); its record.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NoRevision`], [`Error::InProgress`]; whatever [`Error`] tells; the record
/// says `failed` then.
pub async fn rollback(client: &Client, options: &Options, revision: i64) -> Result<Record, Error> {
    let storage = Storage::new(client, &options.namespace, None).await?;
    let mut history = storage.history(&options.name).await?;
    if !options.dry_run {
        settle(&storage, &mut history).await?;
    }
    let last = history.last().ok_or(Error::NotFound)?;
    let wanted = if revision == 0 { last.revision - 1 } else { revision };
    let target = history.iter().find(|stored| stored.revision == wanted).ok_or(Error::NoRevision(wanted))?;
    let target = storage.read(&target.secret).await?.ok_or(Error::NoRevision(wanted))?;
    let scope = options.scope(client, Some(&target))?;
    let mut currents = Vec::new();
    // What stands in the cluster: the deployed revision, and what failed after it.
    let deployed = history.iter().rposition(|stored| stored.status == Status::Deployed);
    for stored in &history[deployed.unwrap_or(history.len() - 1)..] {
        currents.extend(storage.read(&stored.secret).await?);
    }
    let mut new = revived(&target, options, last.revision + 1, currents.last());
    new.apply_method = scope.method.as_str().into();
    if options.dry_run {
        return Ok(new);
    }
    Storage::check_size(&new)?;
    let objects = desired(&scope, of_record(&new.manifest)?).await?;
    let manifests: Vec<&str> = currents.iter().map(|record| record.manifest.as_str()).collect();
    let old = stored(&scope, &manifests).await?;
    if new.is_server_side() && currents.iter().any(|record| !record.is_server_side()) {
        take_over(client, &old).await?;
    }
    let description = new.info.description.clone();
    let holder = options.holder();
    let operation = Operation {
        scope: &scope,
        storage: &storage,
        change: ROLLBACK,
        pending: Beside::Holder(&holder),
        failed: Beside::Nothing,
        replace: false,
        clean_up: options.clean_up_on_failure,
    };
    operation.run(&mut new, &objects, &old).await?;
    new.set_status(Status::Deployed, description);
    storage.update(&new, Beside::Nothing).await?;
    supersede(&storage, &history, new.version).await?;
    prune(&storage, &history, new.version, options.history_limit).await?;
    Ok(new)
}

/// The new revision: what `target` was, with runs of hooks forgotten.
fn revived(target: &Record, options: &Options, revision: i64, current: Option<&Record>) -> Record {
    let mut new = target.clone();
    new.version = revision;
    new.info.first_deployed = current.map_or(target.info.first_deployed, |record| record.info.first_deployed);
    new.info.last_deployed = Some(Timestamp::now());
    new.info.deleted = None;
    new.info.rollback_revision = target.version;
    let description =
        options.description.clone().unwrap_or_else(|| format!("Rollback to {}", target.version));
    new.set_status(Status::PendingRollback, description);
    new.hooks.iter_mut().for_each(|hook| hook.last_run = HookRun::default());
    new
}
