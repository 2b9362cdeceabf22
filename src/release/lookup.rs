//! The template function `lookup`, answered by the cluster.

use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use crate::chart::Lookup;
use crate::cluster::{Client, Error, ListQuery, Target};

/// Asks the cluster from inside a rendering, which must run where blocking is allowed.
pub(super) struct ClusterLookup {
    pub(super) client: Client,
    pub(super) runtime: Handle,
}

impl Lookup for ClusterLookup {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Map<String, Value>, String> {
        self.runtime
            .block_on(find(&self.client, api_version, kind, namespace, name))
            .map_err(|error| error.to_string())
    }
}

async fn find(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Map<String, Value>, Error> {
    let resource = client.resource(api_version, kind).await?;
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    let found = if name.is_empty() {
        let items = client.list(&resource, namespace, &ListQuery::default()).await?;
        let items: Vec<Value> = items.into_iter().map(|item| item.0).collect();
        Some(
            json!({"apiVersion": api_version, "kind": format!("{kind}List"), "metadata": {}, "items": items}),
        )
    } else {
        client.get(Target::new(&resource, namespace, name)).await?.map(|object| object.0)
    };
    match found {
        Some(Value::Object(map)) => Ok(map),
        _ => Ok(Map::new()),
    }
}
