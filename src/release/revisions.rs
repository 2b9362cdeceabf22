//! The revisions of a release between two operations: which one is current, whether somebody is at
//! work, which records are too many.

use jiff::Timestamp;

use super::Error;
use super::holder::Life;
use super::record::{Record, Status};
use super::storage::{Beside, Storage, Stored};

/// How many seconds an operation of somebody who leaves no name is left alone (Helm's default timeout).
const FOREIGN_OPERATION: i64 = 300;
/// What a record says whose operation did not come to its end.
const INTERRUPTED: &str = "Interrupted";

/// Refuses to work beside somebody else; a pending revision whose work is over is made a failed one.
///
/// # Errors
/// [`Error::InProgress`]; refusals of the cluster.
pub(super) async fn settle(storage: &Storage<'_>, history: &mut [Stored]) -> Result<(), Error> {
    let Some(last) = history.last_mut().filter(|last| last.status.is_pending()) else { return Ok(()) };
    if is_at_work(last) {
        return Err(Error::InProgress { revision: last.revision, status: last.status.as_str() });
    }
    if let Some(mut record) = storage.read(&last.secret).await? {
        record.set_status(Status::Failed, format!("{INTERRUPTED} while {}", last.status.as_str()));
        storage.update(&record, Beside::Nothing).await?;
    }
    (last.status, last.notes, last.holder) = (Status::Failed, None, None);
    Ok(())
}

/// Whether the operation of a pending revision may still go on.
pub(super) fn is_at_work(pending: &Stored) -> bool {
    match &pending.holder {
        Some(holder) => holder.life() == Life::AtWork,
        None => Timestamp::now().as_second() - pending.written < FOREIGN_OPERATION,
    }
}

/// A pending revision that the operator did not make may be an operation that still runs.
pub(super) fn yield_to_others(history: &[Stored]) -> Result<(), Error> {
    let Some(last) = history.last().filter(|last| last.status.is_pending()) else { return Ok(()) };
    let is_own = last.holder.is_none() && last.notes.is_some();
    if !is_own && is_at_work(last) {
        return Err(Error::InProgress { revision: last.revision, status: last.status.as_str() });
    }
    Ok(())
}

/// The revision that an upgrade starts from: the deployed one, or the last one when it failed.
pub(super) async fn current(storage: &Storage<'_>, history: &[Stored], name: &str) -> Result<Record, Error> {
    let not_deployed = || Error::NotDeployed(name.to_owned());
    let last = history.last().ok_or_else(not_deployed)?;
    let deployed = history.iter().rev().find(|stored| stored.status == Status::Deployed);
    let current = match deployed {
        Some(deployed) => deployed,
        None if matches!(last.status, Status::Failed | Status::Superseded) => last,
        None => return Err(not_deployed()),
    };
    storage.read(&current.secret).await?.ok_or_else(not_deployed)
}

/// Every deployed revision but `revision` steps back. Done after `revision` is deployed, so that an
/// interruption leaves a deployed one.
pub(super) async fn supersede(storage: &Storage<'_>, history: &[Stored], revision: i64) -> Result<(), Error> {
    let deployed = |stored: &&Stored| stored.status == Status::Deployed && stored.revision != revision;
    for stored in history.iter().filter(deployed) {
        if let Some(mut record) = storage.read(&stored.secret).await? {
            record.info.status = Status::Superseded;
            storage.update(&record, Beside::AsIs).await?;
        }
    }
    Ok(())
}

/// Forgets the oldest revisions beyond `limit` (0 for none), those of `history` and `revision` counted
/// together; never a deployed one.
pub(super) async fn prune(
    storage: &Storage<'_>,
    history: &[Stored],
    revision: i64,
    limit: usize,
) -> Result<(), Error> {
    for secret in surplus(history, revision, limit) {
        storage.delete(secret).await?;
    }
    Ok(())
}

fn surplus(history: &[Stored], revision: i64, limit: usize) -> impl Iterator<Item = &str> {
    let older = || history.iter().filter(move |stored| stored.revision != revision);
    let too_many = if limit == 0 { 0 } else { (older().count() + 1).saturating_sub(limit) };
    // What was deployed before `revision` is superseded by now; when `revision` failed it still is.
    older()
        .filter(|stored| stored.status != Status::Deployed)
        .map(|stored| stored.secret.as_str())
        .take(too_many)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(revision: i64, status: Status) -> Stored {
        Stored { revision, status, notes: None, secret: format!("v{revision}"), written: 0, holder: None }
    }

    #[test]
    fn the_oldest_go_but_never_the_deployed() {
        let history = [
            stored(1, Status::Deployed),
            stored(2, Status::Failed),
            stored(3, Status::Failed),
            stored(4, Status::Failed),
        ];
        let gone = |limit| surplus(&history, 5, limit).collect::<Vec<_>>();
        assert_eq!(gone(0), Vec::<&str>::new());
        assert_eq!(gone(10), Vec::<&str>::new());
        assert_eq!(gone(4), ["v2"]);
        assert_eq!(gone(2), ["v2", "v3", "v4"]);
        assert_eq!(gone(1), ["v2", "v3", "v4"]);
    }

    #[test]
    fn the_operators_own_pending_revision_is_not_somebody_elses() {
        let mut own = stored(1, Status::PendingInstall);
        own.notes = Some(super::super::Notes::default());
        assert!(yield_to_others(&[own]).is_ok());
        let mut foreign = stored(1, Status::PendingUpgrade);
        foreign.written = Timestamp::now().as_second();
        assert!(matches!(yield_to_others(&[foreign]), Err(Error::InProgress { revision: 1, .. })));
    }
}
