//! Objects are brought into the cluster, in order, in parallel within a kind.

use futures::{StreamExt, TryStreamExt, stream};

use super::objects::{Desired, ownership_problems};
use super::{Error, MANAGER, Spec};
use crate::cluster::ready::{has_rule, readiness};
use crate::cluster::{Apply, Client, Object, ObjectRef, managed_digest};

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

/// Refuses objects that exist and are not the release's.
pub(super) async fn check_ownership<'a>(
    client: &Client,
    spec: &Spec,
    objects: impl IntoIterator<Item = &'a Desired>,
) -> Result<(), Error> {
    let mut checks = Vec::new();
    for desired in objects {
        checks.push(check_one(client, spec, desired));
    }
    stream::iter(checks).buffer_unordered(PARALLEL).try_collect().await
}

async fn check_one(client: &Client, spec: &Spec, desired: &Desired) -> Result<(), Error> {
    let live = client.get_metadata(desired.target()).await?;
    match live.and_then(|live| ownership_problems(&live, spec)) {
        None => Ok(()),
        Some(problems) => Err(Error::Ownership { object: desired.reference.to_string(), problems }),
    }
}

/// Applies objects in the order given; the next kind waits for the one before.
pub(super) async fn apply(client: &Client, objects: &[&Desired]) -> Result<Vec<Tracked>, Error> {
    let mut tracked = Vec::with_capacity(objects.len());
    for group in objects.chunk_by(|a, b| a.reference.kind == b.reference.kind) {
        let mut requests = Vec::with_capacity(group.len());
        for desired in group {
            requests.push(apply_one(client, desired));
        }
        let applied: Vec<Result<Tracked, Error>> = stream::iter(requests).buffered(PARALLEL).collect().await;
        for result in applied {
            tracked.push(result?);
        }
    }
    Ok(tracked)
}

async fn apply_one(client: &Client, desired: &Desired) -> Result<Tracked, Error> {
    // The release's manifest is the authority on the fields that it sets: whoever changed them is
    // overruled, as helm-operator's three-way patch does.
    let how = Apply { manager: MANAGER, force: true, dry_run: false };
    let live = client.apply(desired.target(), &desired.object, how).await?;
    Ok(Tracked::of(&desired.reference, &live))
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
