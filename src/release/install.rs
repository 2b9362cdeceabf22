//! A chart becomes a release. Follows `pkg/action/install.go`.

use std::sync::Arc;

use serde_json::json;

use super::objects::{desired, of_rendering, stored};
use super::operation::{INSTALL, Operation};
use super::options::{Options, Source};
use super::record::{Record, Status};
use super::rendering::{Moment, create_crds, record, render};
use super::revisions::{is_at_work, prune};
use super::scope::Scope;
use super::storage::{Beside, Storage, Stored};
use super::uninstall::{Removal, remove};
use super::{Error, MANAGER, capabilities};
use crate::chart::{Capabilities, Compat, Rendered};
use crate::cluster::{Client, Object, Reason, Write};

/// What an installation does beside the [`Options`] of every operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Installation {
    /// Make the namespace when it is missing.
    pub create_namespace: bool,
    /// Take a name whose release failed or was uninstalled and is still in the history.
    pub replace: bool,
}

/// Installs a chart as a new release; the record of its first revision.
///
/// # Errors
/// [`Error::NameInUse`]; whatever [`Error`] tells; the record says `failed` then, unless nothing was
/// begun or the failure was undone.
pub async fn install(
    client: &Client,
    options: &Options,
    source: &Source,
    installation: Installation,
) -> Result<Record, Error> {
    let strict = client.strict();
    let client = if options.strict { &strict } else { client };
    let scope = options.scope(client, None)?;
    let storage = Storage::new(client, &options.namespace, None).await?;
    let history = storage.history(&options.name).await?;
    let interrupted = interrupted(&history)?;
    if !options.dry_run && interrupted.is_none() {
        check_name(&history, installation.replace)?;
    }
    let revision = match (interrupted, history.last()) {
        (Some(stored), _) => stored.revision,
        (None, last) => last.map_or(1, |last| last.revision + 1),
    };
    let mut capabilities = Arc::new(capabilities(client, Compat::V4).await?);
    let mut rendered = render(&scope, source, first(revision, &capabilities))?;
    let mut new = build(&scope, options, source, first(revision, &capabilities), &rendered);
    Storage::check_size(&new)?;
    if !options.dry_run && !source.skip_crds && !rendered.crds.is_empty() {
        create_crds(&scope, &rendered).await?;
        let known = std::mem::replace(&mut capabilities, fresh(client).await?);
        if known.api_versions != capabilities.api_versions {
            rendered = render(&scope, source, first(revision, &capabilities))?;
            new = build(&scope, options, source, first(revision, &capabilities), &rendered);
        }
    }
    let objects = match desired(&scope, of_rendering(&rendered.manifests)?).await {
        // The kinds of definitions that a dry run does not create are not there.
        Err(Error::Kind { .. }) if options.dry_run && !rendered.crds.is_empty() => Vec::new(),
        objects => objects?,
    };
    if options.dry_run {
        new.info.description = "Dry run complete".into();
        return Ok(new);
    }
    if installation.create_namespace {
        create_namespace(&scope).await?;
    }
    let left = left_behind(&storage, &history).await?;
    let left: Vec<&str> = left.iter().map(|record| record.manifest.as_str()).collect();
    let left = stored(&scope, &left).await?;
    let holder = options.holder();
    let operation = Operation {
        scope: &scope,
        storage: &storage,
        change: INSTALL,
        pending: Beside::Holder(&holder),
        failed: Beside::Nothing,
        replace: interrupted.is_some(),
        clean_up: false,
    };
    if let Err(error) = operation.run(&mut new, &objects, &left).await {
        let begun = new.info.status == Status::Failed;
        return Err(if options.rollback_on_failure && begun {
            undo(client, options, error).await
        } else {
            error
        });
    }
    let description = options.description.clone().unwrap_or_else(|| "Install complete".into());
    new.set_status(Status::Deployed, description);
    storage.update(&new, Beside::Nothing).await?;
    prune(&storage, &history, revision, options.history_limit).await?;
    Ok(new)
}

fn build(
    scope: &Scope<'_>,
    options: &Options,
    source: &Source,
    moment: Moment<'_>,
    rendered: &Rendered,
) -> Record {
    let mut new = record(scope, (&source.chart, &source.values), moment, rendered, None);
    new.labels = options.labels_over(&new.labels);
    new
}

fn first(revision: i64, capabilities: &Arc<Capabilities>) -> Moment<'_> {
    Moment { revision, is_upgrade: false, capabilities }
}

async fn fresh(client: &Client) -> Result<Arc<Capabilities>, Error> {
    client.forget_resources();
    Ok(Arc::new(capabilities(client, Compat::V4).await?))
}

/// The first installation of that name, when it was interrupted: it is carried on with.
fn interrupted(history: &[Stored]) -> Result<Option<&Stored>, Error> {
    let Some(last) = history.last().filter(|last| last.status == Status::PendingInstall) else {
        return Ok(None);
    };
    if is_at_work(last) {
        return Err(Error::InProgress { revision: last.revision, status: last.status.as_str() });
    }
    Ok(Some(last))
}

fn check_name(history: &[Stored], replace: bool) -> Result<(), Error> {
    let Some(last) = history.last() else { return Ok(()) };
    let free = replace && matches!(last.status, Status::Uninstalled | Status::Failed);
    if free { Ok(()) } else { Err(Error::NameInUse) }
}

/// The record of an installation that was interrupted or failed: its objects may be there.
async fn left_behind(storage: &Storage<'_>, history: &[Stored]) -> Result<Option<Record>, Error> {
    let unfinished = |last: &&Stored| matches!(last.status, Status::Failed | Status::PendingInstall);
    match history.last().filter(unfinished) {
        Some(last) => storage.read(&last.secret).await,
        None => Ok(None),
    }
}

/// The namespace, as `helm install --create-namespace` makes it.
async fn create_namespace(scope: &Scope<'_>) -> Result<(), Error> {
    let namespace = Object(json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": scope.namespace, "labels": {"name": scope.namespace}},
    }));
    let resource = scope.client.resource("v1", "Namespace").await?;
    match scope.client.create(&resource, None, &namespace, Write::by(MANAGER)).await {
        Err(error) if !error.is(Reason::AlreadyExists) => Err(error.into()),
        _ => Ok(()),
    }
}

/// A failed installation leaves nothing behind.
async fn undo(client: &Client, options: &Options, error: Error) -> Error {
    let options = Options { description: None, ..options.clone() };
    let source = Box::new(error);
    match remove(client, &options, Removal::default()).await {
        Ok(_) => Error::Undone { name: options.name, done: "uninstalled", source },
        Err(second) => Error::NotUndone { undoing: "uninstalling", source, second: Box::new(second) },
    }
}
