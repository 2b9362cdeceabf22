//! A client that does nothing but create what the operator creates for so many resources of the tiny chart: three
//! objects and a record of the release each, eight at a time. `tests/scale/run` measures it beside the operator.
//!
//! Usage: `scale_bare NAMESPACE COUNT`

#![allow(clippy::unwrap_used)]

use futures::StreamExt;
use serde_json::{Value, json};

/// Requests at the same time, as the operator has passes.
const PARALLEL: usize = 8;
/// Bytes of a record of the release, encoded.
const RECORD: usize = 1400;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (namespace, count) = (&arguments[1], arguments[2].parse::<usize>().unwrap());
    let client = kube::Client::try_default().await.unwrap();
    let objects = (0..count).flat_map(|number| objects(&format!("bare{number}")));
    let created = futures::stream::iter(objects).map(|(api, plural, object)| {
        let (client, body) = (client.clone(), object.to_string().into_bytes());
        let request = http::Request::post(format!("/{api}/namespaces/{namespace}/{plural}"))
            .header("content-type", "application/json");
        async move { client.request::<Value>(request.body(body).unwrap()).await.unwrap() }
    });
    let created = created.buffer_unordered(PARALLEL).count().await;
    assert_eq!(created, 4 * count);
}

fn objects(name: &str) -> [(&'static str, &'static str, Value); 4] {
    let metadata = json!({"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}});
    let record = json!({"name": format!("sh.helm.release.v1.{name}.v1"), "labels": {"owner": "helm"}});
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]);
    [
        ("api/v1", "serviceaccounts", json!({"metadata": metadata})),
        ("api/v1", "configmaps", json!({"metadata": metadata, "data": {"greeting": "hello"}})),
        ("apis/rbac.authorization.k8s.io/v1", "roles", json!({"metadata": metadata, "rules": rules})),
        (
            "api/v1",
            "secrets",
            json!({"metadata": record, "type": "helm.sh/release.v1", "stringData": {"release": "x".repeat(RECORD)}}),
        ),
    ]
}
