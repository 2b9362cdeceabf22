//! What an operator talks to, on the loopback: just enough of an API server to serve two resources, and a collector
//! of traces that keeps what it gets.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

/// The kinds that are served: group, version, plural, kind.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("", "v1", "configmaps", "ConfigMap"),
    ("", "v1", "events", "Event"),
    ("", "v1", "secrets", "Secret"),
    ("events.k8s.io", "v1", "events", "Event"),
    ("test.daytwo.dev", "v1", "greetings", "Greeting"),
    ("test.daytwo.dev", "v1", "probes", "Probe"),
];

/// The objects by their paths.
pub(super) type Objects = Arc<Mutex<BTreeMap<String, Value>>>;
/// What a collector got: headers and content.
pub(super) type Collected = Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>;

/// Starts an API server that has these objects.
pub(super) async fn api(objects: Objects) -> SocketAddr {
    serve(Router::new().fallback(answer).with_state(objects)).await
}

/// Starts a collector.
pub(super) async fn collector(collected: Collected) -> SocketAddr {
    serve(Router::new().route("/v1/traces", axum::routing::post(collect)).with_state(collected)).await
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn collect(State(collected): State<Collected>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
    collected.lock().expect("no one panicked").push((headers, request));
    StatusCode::OK
}

async fn answer(State(objects): State<Objects>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path().trim_end_matches("/status");
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_list = KINDS.iter().any(|(_, _, plural, _)| *plural == last);
    let sent = || serde_json::from_slice::<Value>(&body).expect("JSON");
    let mut objects = objects.lock().expect("no one panicked");
    match (method.as_str(), path) {
        ("GET", "/version") => reply(&json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0"})),
        ("GET", "/api") => reply(&discovery(|group| group.is_empty())),
        ("GET", "/apis") => reply(&discovery(|group| !group.is_empty())),
        ("GET", _) if is_list && uri.query().is_some_and(|query| query.contains("watch=true")) => {
            Response::new(Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>()))
        }
        ("GET", _) if is_list => {
            let items: Vec<&Value> =
                objects.iter().filter(|(at, _)| at.starts_with(path)).map(|(_, object)| object).collect();
            reply(&json!({"metadata": {"resourceVersion": "1"}, "items": items}))
        }
        ("GET", _) => objects.get(path).map_or_else(not_found, reply),
        ("DELETE", _) => objects.remove(path).as_ref().map_or_else(not_found, reply),
        ("POST", _) => {
            let object = sent();
            let at = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or("generated"));
            reply(&store(&mut objects, &at, object))
        }
        _ => {
            let mut object = objects.get(path).cloned().unwrap_or_else(|| json!({}));
            merge(&mut object, sent());
            reply(&store(&mut objects, path, object))
        }
    }
}

fn store(objects: &mut BTreeMap<String, Value>, at: &str, mut object: Value) -> Value {
    let version = objects.len() + 100;
    object["metadata"]["resourceVersion"] = version.to_string().into();
    if object["metadata"]["uid"].is_null() {
        object["metadata"]["uid"] = format!("uid-{version}").into();
    }
    objects.insert(at.to_owned(), object.clone());
    object
}

fn merge(object: &mut Value, patch: Value) {
    match patch {
        Value::Object(patch) => {
            if !object.is_object() {
                *object = json!({});
            }
            patch.into_iter().for_each(|(key, value)| merge(&mut object[key.as_str()], value));
        }
        other => *object = other,
    }
}

fn discovery(wanted: impl Fn(&str) -> bool) -> Value {
    let groups = KINDS.iter().filter(|(group, ..)| wanted(group)).map(|(group, version, plural, kind)| {
        json!({
            "metadata": {"name": group},
            "versions": [{
                "version": version,
                "resources": [{
                    "resource": plural,
                    "responseKind": {"group": group, "version": version, "kind": kind},
                    "scope": "Namespaced",
                    "singularResource": kind.to_lowercase(),
                    "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
                    "subresources": [{"subresource": "status"}],
                }],
            }],
        })
    });
    json!({"kind": "APIGroupDiscoveryList", "items": groups.collect::<Vec<_>>()})
}

fn reply(object: &Value) -> Response {
    Response::new(Body::from(object.to_string()))
}

fn not_found() -> Response {
    let mut response = reply(&json!({"kind": "Status", "reason": "NotFound", "code": 404}));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
