//! The way to the cluster for programs that tasks run: `kubectl`, modules in other languages, whatever asks an address.
//!
//! ```text
//! program ── kubeconfig of its run ──> localhost:8888 ── with the operator's credentials ──> API server
//!                                      │ an object that it creates: marked with the resource as its owner
//!                                      └ the kinds of what the resource owns: watched, as for modules of this program
//! ```
//!
//! Follows `internal/ansible/proxy` of ansible-operator, but reads from the API server instead of a cache,
//! and marks what server-side apply creates as well. It is on where a role runs programs.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header, request};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::serve::{self, serve_on};
use crate::cluster::{Client, Object, Owner, OwnerStyle, Patch, Resource, Target, Write};
use crate::modules::ProcessEnvironment;
use crate::modules::session::{FIELD_MANAGER, Session};
use crate::yaml::go::{Numbers, parse};

/// The greatest request: etcd takes far less.
const MAX_BODY: usize = 16 << 20;
/// What stands before the UID of a run's resource in the addresses of its programs, then comes the path.
const RUN: &str = "/run/";
/// What server-side apply sends.
const APPLY: &str = "application/apply-patch+yaml";
/// What is meant for the next hop alone, or for us.
const OWN_HEADERS: [header::HeaderName; 5] = [
    header::AUTHORIZATION,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
];

/// The proxy.
pub(super) struct Proxy {
    client: Client,
    address: SocketAddr,
    /// The runs under way, by the UID of their resource.
    runs: Mutex<HashMap<String, Arc<Session>>>,
}

/// One run's way through the proxy; it ends with the value.
pub(super) struct Access {
    proxy: Arc<Proxy>,
    uid: String,
    kubeconfig: NamedTempFile,
}

impl Drop for Access {
    fn drop(&mut self) {
        self.proxy.runs().remove(&self.uid);
    }
}

impl Access {
    /// What programs of the run find in their environment.
    pub(super) fn environment(&self) -> ProcessEnvironment {
        let path = self.kubeconfig.path().display().to_string();
        ProcessEnvironment(
            ["K8S_AUTH_KUBECONFIG", "KUBECONFIG"].map(|name| (name.to_owned(), path.clone())).into(),
        )
    }
}

impl Proxy {
    fn runs(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the programs of a run in: what they create belongs to the session's owner.
    pub(super) fn admit(self: &Arc<Self>, owner: &Owner, session: &Arc<Session>) -> std::io::Result<Access> {
        let mut kubeconfig = NamedTempFile::new()?;
        kubeconfig.write_all(self.kubeconfig(owner).to_string().as_bytes())?;
        self.runs().insert(owner.uid.clone(), Arc::clone(session));
        Ok(Access { proxy: Arc::clone(self), uid: owner.uid.clone(), kubeconfig })
    }

    fn kubeconfig(&self, owner: &Owner) -> Value {
        let namespace = owner.namespace.as_deref().unwrap_or("default");
        // Not as a user's name: Go's clients send none where nothing is encrypted.
        let server = format!("http://{}{RUN}{}", self.address, owner.uid);
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy-server", "cluster": {"server": server}}],
            "users": [{"name": "admin", "user": {}}],
            "contexts": [{
                "name": "admin",
                "context": {"cluster": "proxy-server", "user": "admin", "namespace": namespace},
            }],
            "current-context": "admin",
        })
    }

    /// The run whose programs send a request, and what they ask of the API server.
    fn of_run<'u>(&self, path: &'u str) -> (Option<Arc<Session>>, &'u str) {
        let Some(rest) = path.strip_prefix(RUN) else { return (None, path) };
        let (uid, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        (self.runs().get(uid).cloned(), path)
    }

    /// What the request of a run is about, if that is one object, of a kind that is kept: others are only asked by a POST.
    async fn subject(&self, session: Option<Arc<Session>>, head: &request::Parts) -> Option<Subject> {
        let (session, place) = (session?, Place::of(head.uri.path())?);
        let owner = session.owner.clone()?;
        let watches = head.uri.query().is_some_and(|query| query.contains("watch="));
        let is_one = place.name.is_some() || head.method == Method::POST;
        if watches || !is_one || place.subresource.is_some() {
            return None;
        }
        let resource = self.client.find_resource(&place.api_version, &place.plural).await.ok()?;
        resource.watchable.then_some(Subject { session, owner, place, resource })
    }
}

/// One object that a program of a run asks for or writes.
struct Subject {
    session: Arc<Session>,
    owner: Owner,
    place: Place,
    resource: Arc<Resource>,
}

impl Subject {
    /// Whether a request makes an object that may not be there yet.
    fn is_created_by(&self, head: &request::Parts) -> bool {
        let applies = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == APPLY);
        match head.method {
            Method::POST => self.place.name.is_none(),
            Method::PATCH => applies,
            _ => false,
        }
    }

    /// The body of a request that creates the object, with its owner; none where only the answer will be legible.
    fn owned(&self, body: &[u8]) -> Option<Bytes> {
        let Ok(object @ Value::Object(_)) = parse(body, Numbers::Json) else { return None };
        let mut object = Object(object);
        let namespace = self.place.namespace.as_deref().filter(|_| self.resource.namespaced);
        self.owner.mark(&mut object, namespace, OwnerStyle::Plain);
        Some(object.0.to_string().into())
    }

    /// Gives the object that was created its owner.
    async fn own(&self, client: &Client, mut object: Object) -> Option<Object> {
        self.session.own(&mut object, &self.resource);
        let metadata = &object.0["metadata"];
        let patch = json!({"metadata": {
            "ownerReferences": metadata["ownerReferences"], "annotations": metadata["annotations"],
        }});
        let target = Target::new(&self.resource, object.namespace(), object.name());
        let patched = client.patch(target, Patch::Merge, &patch, Write::by(FIELD_MANAGER)).await;
        patched.inspect_err(|error| tracing::warn!(%error, "what a program made has no owner")).ok()
    }
}

/// Where programs send metrics of their own.
const USER_METRICS: u16 = 5050;

/// Begins to serve the programs of roles. Where a port is taken, they do without.
pub(super) async fn start(shared: &Arc<Shared>, shutdown: &CancellationToken) {
    let listen = async |port| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await;
        listener
            .inspect_err(|error| tracing::warn!(%address, %error, "programs of roles are not served"))
            .ok()
    };
    if let Some(listener) = listen(shared.options.proxy_port).await
        && let Ok(address) = listener.local_addr()
    {
        let proxy = Arc::new(Proxy { client: shared.client.clone(), address, runs: Mutex::default() });
        let router = Router::new().fallback(forward).with_state(Arc::clone(&proxy));
        tokio::spawn(serve_on(listener, router, shutdown.clone()));
        let _ = shared.proxy.set(proxy);
    }
    if let Some(listener) = listen(USER_METRICS).await {
        let router = serve::user_metrics(Arc::clone(&shared.user_metrics));
        tokio::spawn(serve_on(listener, router, shutdown.clone()));
    }
}

/// What a path of the API server names.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    api_version: String,
    namespace: Option<String>,
    plural: String,
    name: Option<String>,
    subresource: Option<String>,
}

impl Place {
    /// None for paths that name no resource.
    fn of(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/').map(str::to_owned);
        let api_version = match parts.next()?.as_str() {
            "api" => parts.next()?,
            "apis" => format!("{}/{}", parts.next()?, parts.next()?),
            _ => return None,
        };
        let mut plural = parts.next()?;
        let mut name = parts.next();
        let mut namespace = None;
        let mut subresource = parts.next();
        // A namespace is an object as well as the place of others.
        if plural == "namespaces" && !matches!(subresource.as_deref(), None | Some("status" | "finalize")) {
            (namespace, plural) = (name, subresource.unwrap_or_default());
            (name, subresource) = (parts.next(), parts.next());
        }
        Some(Self { api_version, namespace, plural, name, subresource })
    }
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    pass(&proxy, request).await.unwrap_or_else(|message| {
        tracing::warn!(%message, "a program's request to the cluster failed");
        let code = StatusCode::BAD_GATEWAY;
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code.as_u16(),
        });
        (code, [(header::CONTENT_TYPE, "application/json")], status.to_string()).into_response()
    })
}

async fn pass(proxy: &Proxy, mut request: Request) -> Result<Response, String> {
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let mut body = to_bytes(body, MAX_BODY).await.map_err(|error| error.to_string())?;
    let address = head.uri.path_and_query().map_or("/", |address| address.as_str());
    let (session, address) = proxy.of_run(address);
    head.uri = address.parse::<Uri>().map_err(|error| error.to_string())?;
    let subject = proxy.subject(session, &head).await;
    let mut owned = true;
    if let Some(subject) = subject.as_ref().filter(|subject| subject.is_created_by(&head)) {
        match subject.owned(&body) {
            Some(marked) => body = marked,
            // Of clients that write protobuf, all read JSON.
            None => {
                owned = false;
                head.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            }
        }
    }
    OWN_HEADERS.iter().for_each(|name| drop(head.headers.remove(name)));
    let asked = axum::http::Request::from_parts(head, kube::client::Body::from(body));
    let mut response = proxy.client.forward(asked).await.map_err(|error| error.to_string())?;
    if let Some(upgrade) = upgrade.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
        tokio::spawn(tunnel(upgrade, hyper::upgrade::on(&mut response)));
    }
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::TRANSFER_ENCODING);
    let Some(subject) = subject.filter(|_| head.status.is_success()) else {
        return Ok(Response::from_parts(head, Body::new(body)));
    };
    let body = body.collect_bytes().await.map_err(|error| error.to_string())?;
    let mut object = serde_json::from_slice(&body).ok().map(Object);
    if !owned && let Some(created) = object.take() {
        object = subject.own(&proxy.client, created).await;
    }
    if let Some(object) = object {
        subject.session.remember(&object, &subject.resource);
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Hands on what both sides say until both are done.
async fn tunnel(program: hyper::upgrade::OnUpgrade, server: hyper::upgrade::OnUpgrade) {
    let (Ok(program), Ok(server)) = tokio::join!(program, server) else { return };
    // That one of them goes away is how a tunnel ends.
    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(program), &mut TokioIo::new(server)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let place = |path: &str| {
            Place::of(path).map(|place| {
                let text = |text: Option<String>| text.unwrap_or_default();
                [
                    place.api_version,
                    text(place.namespace),
                    place.plural,
                    text(place.name),
                    text(place.subresource),
                ]
                .join(" ")
            })
        };
        for (path, expected) in [
            ("/api/v1/namespaces/demo/pods", "v1 demo pods  "),
            ("/api/v1/namespaces/demo/pods/a/log", "v1 demo pods a log"),
            ("/api/v1/namespaces/demo", "v1  namespaces demo "),
            ("/api/v1/namespaces/demo/finalize", "v1  namespaces demo finalize"),
            ("/apis/apps/v1/deployments", "apps/v1  deployments  "),
        ] {
            assert_eq!(place(path).as_deref(), Some(expected));
        }
        assert_eq!(place("/version"), None);
        assert_eq!(place("/apis/apps/v1"), None);
    }
}
