//! Reading what is recorded: releases, revisions. Follows `pkg/action/{list,get,history}.go`.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::Error;
use super::apply::PARALLEL;
use super::record::{Record, Status};
use super::storage::Storage;
use crate::cluster::{Client, ListQuery, Object};

/// Which releases are listed.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// Only releases in one of these states; all when empty.
    pub statuses: Vec<Status>,
    /// Label selector over the labels of the records.
    pub selector: Option<String>,
}

/// The releases, by name: of each its newest revision, or every superseded one when only those are wanted.
///
/// # Errors
/// Refusals of the cluster; records that cannot be read.
pub async fn releases(
    client: &Client,
    filter: &ReleaseFilter,
    named: impl Fn(&str) -> bool,
) -> Result<Vec<Record>, Error> {
    let secrets = client.resource("v1", "Secret").await?;
    let own = filter.selector.iter().map(String::as_str).filter(|selector| !selector.is_empty());
    let labels: Vec<&str> = std::iter::once("owner=helm").chain(own).collect();
    let query = ListQuery { labels: Some(labels.join(",")), metadata_only: true, ..ListQuery::default() };
    let found = client.list(&secrets, filter.namespace.as_deref(), &query).await?;
    let revisions = found.iter().filter_map(Revision::of).filter(|revision| named(revision.name));
    let wanted =
        |revision: &Revision| filter.statuses.is_empty() || filter.statuses.contains(&revision.status);
    let mut chosen: Vec<Revision> = if filter.statuses == [Status::Superseded] {
        revisions.collect()
    } else {
        let mut newest: BTreeMap<(&str, &str), Revision> = BTreeMap::new();
        for revision in revisions {
            let known = newest.entry((revision.name, revision.namespace)).or_insert(revision);
            if known.number < revision.number {
                *known = revision;
            }
        }
        newest.into_values().collect()
    };
    chosen.retain(wanted);
    chosen.sort_by_key(|revision| (revision.name, revision.namespace, revision.number));
    let reads = chosen.into_iter().map(|revision| read(client, revision.namespace, revision.secret));
    let records: Vec<Option<Record>> = stream::iter(reads).buffered(PARALLEL).try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}

/// What the metadata of a record tell, when many are looked through.
#[derive(Clone, Copy)]
struct Revision<'a> {
    name: &'a str,
    namespace: &'a str,
    number: i64,
    status: Status,
    secret: &'a str,
}

impl<'a> Revision<'a> {
    fn of(secret: &'a Object) -> Option<Self> {
        Some(Self {
            name: secret.label("name")?,
            namespace: secret.namespace()?,
            number: secret.label("version")?.parse().ok()?,
            status: Status::parse(secret.label("status")?),
            secret: secret.name(),
        })
    }
}

async fn read(client: &Client, namespace: &str, secret: &str) -> Result<Option<Record>, Error> {
    Storage::new(client, namespace, None).await?.read(secret).await
}

/// One revision of a release, the newest for 0.
///
/// # Errors
/// [`Error::NotFound`]; refusals of the cluster; a record that cannot be read.
pub async fn revision(client: &Client, namespace: &str, name: &str, number: i64) -> Result<Record, Error> {
    let storage = Storage::new(client, namespace, None).await?;
    let history = storage.history(name).await?;
    let wanted = |revision: i64| number == 0 || revision == number;
    let stored = history.iter().rev().find(|stored| wanted(stored.revision)).ok_or(Error::NotFound)?;
    storage.read(&stored.secret).await?.ok_or(Error::NotFound)
}

/// The newest `limit` revisions of a release, oldest first.
///
/// # Errors
/// [`Error::NotFound`]; refusals of the cluster; records that cannot be read.
pub async fn history(
    client: &Client,
    namespace: &str,
    name: &str,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    let storage = Storage::new(client, namespace, None).await?;
    let history = storage.history(name).await?;
    if history.is_empty() {
        return Err(Error::NotFound);
    }
    let newest = &history[history.len().saturating_sub(limit)..];
    let reads = newest.iter().map(|stored| read(client, namespace, &stored.secret));
    let records: Vec<Option<Record>> = stream::iter(reads).buffered(PARALLEL).try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}

/// The state of a release's newest revision; `None` when there is no release.
///
/// # Errors
/// Refusals of the cluster.
pub async fn last_status(client: &Client, namespace: &str, name: &str) -> Result<Option<Status>, Error> {
    let storage = Storage::new(client, namespace, None).await?;
    Ok(storage.history(name).await?.last().map(|stored| stored.status))
}
