//! Following one kind by its metadata, for as long as the program runs.

use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};

use crate::cluster::{Client, Resource};

/// Objects per page of an initial list.
const PAGE: u32 = 100;
/// Pause before a kind is looked up again.
const RETRY: Duration = Duration::from_secs(5);

/// An object without its content.
pub(super) type Meta = PartialObjectMeta<DynamicObject>;

/// A kind in one namespace scope, `None` being all namespaces.
pub(super) struct Scope {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    /// Only objects with these labels.
    pub(super) labels: Option<&'static str>,
}

/// Follows a kind; returns only when there is nothing to follow: a kind that cannot be watched, or a
/// cluster-scoped one in a namespace.
pub(super) async fn follow(client: &Client, scope: &Scope, mut observe: impl FnMut(Event<Meta>)) {
    loop {
        match client.resource(&scope.api_version, &scope.kind).await {
            Ok(resource) if !resource.watchable => return,
            Ok(resource) if !resource.namespaced && scope.namespace.is_some() => return,
            Ok(resource) => follow_resource(client, scope, &resource, &mut observe).await,
            Err(error) => tracing::warn!(%error, "cannot watch dependants yet"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow_resource(
    client: &Client,
    scope: &Scope,
    resource: &Resource,
    observe: &mut impl FnMut(Event<Meta>),
) {
    let kube = client.kube().clone();
    let api: Api<Meta> = match &scope.namespace {
        Some(namespace) => Api::namespaced_with(kube, namespace, &resource.to_kube()),
        None => Api::all_with(kube, &resource.to_kube()),
    };
    let mut config = Config::default().page_size(PAGE);
    config.label_selector = scope.labels.map(str::to_owned);
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut complained = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                complained = false;
                observe(event);
            }
            Err(error) if !complained => {
                complained = true;
                let namespace = scope.namespace.as_deref();
                tracing::warn!(resource = %resource.full_name(), namespace, %error, "cannot watch dependants");
            }
            Err(_) => {}
        }
    }
}
