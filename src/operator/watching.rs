//! Following one kind for as long as the program runs: by its metadata, and for workloads by how
//! far they are.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicObject, DynamicResourceScope, PartialObjectMeta, TypeMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Resource as KubeResource};

use crate::cluster::ready::readiness;
use crate::cluster::{Client, Object, Resource};

/// Objects per page of an initial list.
const PAGE: u32 = 100;
/// Pause before a kind is looked up again.
const RETRY: Duration = Duration::from_secs(5);

/// What is known of an object.
pub(super) struct Seen {
    pub(super) metadata: ObjectMeta,
    /// Why it is not ready, when it is known and not ready.
    pub(super) unready: Option<String>,
}

/// A kind in one namespace scope, `None` being all namespaces.
pub(super) struct Scope {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    /// Only objects with these labels.
    pub(super) labels: Option<&'static str>,
    /// Whether to read whole objects, to see how far they are.
    pub(super) readiness: bool,
}

/// Follows a kind; `observe` gets what happens, and `None` when the watch does not work for a while.
/// Returns only when there is nothing to follow: a kind that cannot be watched, or a
/// cluster-scoped one in a namespace.
pub(super) async fn follow(client: &Client, scope: &Scope, mut observe: impl FnMut(Option<Event<Seen>>)) {
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
    observe: &mut impl FnMut(Option<Event<Seen>>),
) {
    let mut config = Config::default().page_size(PAGE);
    config.label_selector = scope.labels.map(str::to_owned);
    let mut events = if scope.readiness {
        let events = watcher(api::<DynamicObject>(client, scope, resource), config).default_backoff();
        events.map(|event| event.map(|event| converted(event, |object| whole(object, scope)))).boxed()
    } else {
        let events = watcher(api::<PartialObjectMeta>(client, scope, resource), config).default_backoff();
        events.map(|event| event.map(|event| converted(event, metadata_only))).boxed()
    };
    let mut complained = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                complained = false;
                observe(Some(event));
            }
            // Broken off, as servers and networks do: it goes on at once from where it was.
            Err(watcher::Error::WatchFailed(_)) => {}
            Err(error) if !complained => {
                complained = true;
                observe(None);
                let namespace = scope.namespace.as_deref();
                tracing::warn!(resource = %resource.full_name(), namespace, %error, "cannot watch dependants");
            }
            Err(_) => {}
        }
    }
}

fn api<K>(client: &Client, scope: &Scope, resource: &Resource) -> Api<K>
where
    K: KubeResource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    let kube = client.kube().clone();
    match &scope.namespace {
        Some(namespace) => Api::namespaced_with(kube, namespace, &resource.to_kube()),
        None => Api::all_with(kube, &resource.to_kube()),
    }
}

fn converted<K>(event: Event<K>, convert: impl Fn(K) -> Seen) -> Event<Seen> {
    match event {
        Event::Apply(object) => Event::Apply(convert(object)),
        Event::Delete(object) => Event::Delete(convert(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(convert(object)),
        Event::InitDone => Event::InitDone,
    }
}

fn metadata_only(object: PartialObjectMeta) -> Seen {
    Seen { metadata: object.metadata, unready: None }
}

fn whole(mut object: DynamicObject, scope: &Scope) -> Seen {
    // Items of a list do not tell their kind, by which they are judged.
    object
        .types
        .get_or_insert_with(|| TypeMeta { api_version: scope.api_version.clone(), kind: scope.kind.clone() });
    let metadata = object.metadata.clone();
    let object = serde_json::to_value(object).map(Object).unwrap_or_default();
    Seen { metadata, unready: readiness(&object).reason() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_of_a_list_is_judged_by_its_kind() {
        let scope = Scope {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: None,
            labels: None,
            readiness: true,
        };
        let item = json!({"metadata": {"name": "shop", "generation": 1}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1}});
        let seen = whole(serde_json::from_value(item).unwrap(), &scope);
        assert!(seen.unready.is_some_and(|reason| reason.contains("0 of 1")), "it is not ready");
    }
}
