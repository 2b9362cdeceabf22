//! Objects are brought into the cluster, in order, in parallel within a kind.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::objects::{Desired, ownership_problems};
use super::scope::{Method, Scope};
use super::{Error, MANAGER, client_side};
use crate::cluster::ready::{has_rule, readiness};
use crate::cluster::{self, Client, Object, ObjectRef, Reason, managed_digest};
use crate::traces;

/// Requests in flight for one release.
pub(super) const PARALLEL: usize = 8;

/// An object as it was after the last apply.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// Which object.
    pub object: ObjectRef,
    /// Its UID.
    pub uid: String,
    /// Its resource version, as a number.
    pub version: u64,
    /// The digest of the fields that the release owns; see [`managed_digest`].
    pub digest: Option<u64>,
    /// Why it was not ready, when it was not.
    pub unready: Option<String>,
}

/// How an object came to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// It is known not to be as it was left.
    Known,
    /// Nobody watches it.
    Possible,
}

impl Tracked {
    fn of(reference: &ObjectRef, live: &Object) -> Self {
        Self {
            object: reference.clone(),
            uid: live.uid().unwrap_or_default().to_owned(),
            version: live.resource_version().and_then(|version| version.parse().ok()).unwrap_or(0),
            unready: readiness(live).reason(),
            digest: live.0.get("metadata").and_then(|metadata| managed_digest(metadata, MANAGER)),
        }
    }
}

/// Refuses objects that exist and are not the release's, unless they are to be taken; gives those that
/// exist.
pub(super) async fn check_ownership<'a>(
    scope: &Scope<'_>,
    objects: impl IntoIterator<Item = &'a Desired>,
) -> Result<Vec<ObjectRef>, Error> {
    let mut checks = Vec::new();
    for desired in objects {
        checks.push(check_one(scope, desired));
    }
    let found: Vec<Option<ObjectRef>> = stream::iter(checks).buffered(PARALLEL).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn check_one(scope: &Scope<'_>, desired: &Desired) -> Result<Option<ObjectRef>, Error> {
    let Some(live) = scope.client.get_metadata(desired.target()).await? else { return Ok(None) };
    match ownership_problems(&live, scope) {
        Some(problems) if !scope.take_ownership => {
            Err(Error::Ownership { object: desired.reference.clone(), problems })
        }
        _ => Ok(Some(desired.reference.clone())),
    }
}

/// Applies objects in the order given; the next kind waits for the one before. `old` is what the
/// release's last manifest had.
pub(super) async fn apply(
    scope: &Scope<'_>,
    objects: &[&Desired],
    old: &[Desired],
) -> Result<Vec<Tracked>, Error> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let span = traces::span!("apply", helm.release.name = scope.name, helm.objects = objects.len() as i64);
    traces::step(span, apply_all(scope, objects, old)).await
}

async fn apply_all(scope: &Scope<'_>, objects: &[&Desired], old: &[Desired]) -> Result<Vec<Tracked>, Error> {
    let mut tracked = Vec::with_capacity(objects.len());
    for group in objects.chunk_by(|a, b| a.reference.kind == b.reference.kind) {
        let mut requests = Vec::with_capacity(group.len());
        for desired in group {
            requests.push(apply_one(scope, desired, old));
        }
        let applied: Vec<Result<Tracked, Error>> = stream::iter(requests).buffered(PARALLEL).collect().await;
        for result in applied {
            tracked.push(result?);
        }
    }
    Ok(tracked)
}

async fn apply_one(scope: &Scope<'_>, desired: &Desired, old: &[Desired]) -> Result<Tracked, Error> {
    Ok(Tracked::of(&desired.reference, &bring(scope, desired, old).await?))
}

/// Brings one object to where it should be; the object as it is then.
pub(super) async fn bring(scope: &Scope<'_>, desired: &Desired, old: &[Desired]) -> Result<Object, Error> {
    let old = || old.iter().find(|old| old.reference.is_same_object(&desired.reference));
    let mut pauses = CONTENTION.iter();
    loop {
        let result = match scope.method {
            Method::ServerSide { force } => {
                scope.client.apply(desired.target(), &desired.object, scope.apply_options(force)).await
            }
            Method::ClientSide { replace } => client_side::bring(scope, desired, old(), replace).await,
        };
        match (result, pauses.next()) {
            (Err(error), Some(pause)) if is_contention(&error) => tokio::time::sleep(*pause).await,
            (result, _) => return Ok(result?),
        }
    }
}

/// Pauses before an object that somebody else changed at the same moment is tried again.
const CONTENTION: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
];

/// Whether somebody else wrote at the same moment (to the object, or to a quota that it counts
/// towards), as opposed to owning a field.
fn is_contention(error: &cluster::Error) -> bool {
    error.is(Reason::Conflict)
        && error.refusal().is_some_and(|refusal| refusal.message.contains("the object has been modified"))
}

/// Looks at an object as it is.
pub(super) async fn look(client: &Client, desired: &Desired) -> Result<Option<Tracked>, Error> {
    let reference = &desired.reference;
    let live = if has_rule(&reference.api_version, &reference.kind) {
        client.get(desired.target()).await?
    } else {
        client.get_metadata(desired.target()).await?
    };
    Ok(live.map(|live| Tracked::of(reference, &live)))
}

/// Looks at objects as they are, in their order.
pub(super) async fn look_at(client: &Client, objects: &[Desired]) -> Result<Vec<Option<Tracked>>, Error> {
    let mut requests = Vec::with_capacity(objects.len());
    for desired in objects {
        requests.push(look(client, desired));
    }
    stream::iter(requests).buffered(PARALLEL).try_collect().await
}
