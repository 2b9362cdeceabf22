//! `kubernetes.core.k8s_cluster_info`: what the cluster serves, and how it is reached
//! (`plugins/modules/k8s_cluster_info.py`).

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::connection::{AUTH, Connection};
use super::super::session::{Session, failure};
use crate::cluster::Client;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sClusterInfo;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "kubernetes.core.k8s_cluster_info",
        &[Opt::new("invalidate_cache", Kind::Bool).default("true")],
    )
};

#[async_trait]
impl Module for K8sClusterInfo {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        if args.flag("invalidate_cache") {
            session.client.forget_resources();
        }
        let resources = session.client.all_resources().await;
        let resources =
            resources.map_err(|error| failure("Failed to discover the kinds of the cluster", &error))?;
        let mut apis = Map::new();
        for resource in resources {
            let kinds = apis.entry(resource.api_version()).or_insert_with(|| json!({}));
            kinds[&resource.kind] = json!({
                "categories": resource.categories,
                "name": resource.plural,
                "namespaced": resource.namespaced,
                "preferred": resource.preferred,
                "short_names": resource.short_names,
                "singular_name": resource.singular,
            });
        }
        let version =
            json!({"client": env!("CARGO_PKG_VERSION"), "server": server_version(&session.client).await?});
        Ok(TaskResult::changed(false)
            .with_json("apis", Value::Object(apis))
            .with_json("connection", Connection::of_task(context, &args)?.describe().await?)
            .with_json("version", version))
    }
}

/// The server's version, as the Python client tells it.
pub(super) async fn server_version(client: &Client) -> Result<Value, ModuleError> {
    let version = client.server_version().await;
    let version = version.map_err(|error| failure("Failed to read the version of the cluster", &error))?;
    let mut told = json!({"gitVersion": version.git_version, "major": version.major, "minor": version.minor});
    if let Some(told) = told.as_object_mut() {
        told.extend(version.more);
    }
    Ok(json!({"kubernetes": told}))
}
