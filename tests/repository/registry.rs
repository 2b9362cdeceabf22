//! A registry in this process: as much of the distribution API as clients of charts use.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::ServerConfig;

use crate::server::{authorization, basic, listen};

/// What the registry wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Open,
    /// `user:password` with each request.
    Basic,
    /// A token of the registry's own token server, which wants `user:password` or the refresh token `refresh`.
    Bearer,
}

pub const PASSWORD: &str = "user:password";

/// A registry; it ends with the value.
pub struct Registry {
    pub address: SocketAddr,
    state: Arc<Content>,
    task: tokio::task::JoinHandle<()>,
}

/// Repository and tag or digest.
type Reference = (String, String);
/// Media type and content.
type Manifest = (String, Vec<u8>);

struct Content {
    guard: Guard,
    base: Mutex<String>,
    blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    /// By repository and tag or digest: the media type and the content.
    manifests: Mutex<BTreeMap<Reference, Manifest>>,
    requests: Mutex<Vec<String>>,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Registry {
    pub async fn start(guard: Guard, tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(Content {
            guard,
            base: Mutex::default(),
            blobs: Mutex::default(),
            manifests: Mutex::default(),
            requests: Mutex::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&state));
        let (address, task) = listen(router, tls).await;
        *state.base.lock().unwrap() = format!("{scheme}://localhost:{}", address.port());
        Self { address, state, task }
    }

    /// `localhost:PORT`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.requests.lock().unwrap())
    }

    pub fn manifest(&self, repository: &str, tag: &str) -> Vec<u8> {
        let manifests = self.state.manifests.lock().unwrap();
        manifests[&(repository.to_owned(), tag.to_owned())].1.clone()
    }

    /// Puts a manifest there without a client.
    pub fn put_manifest(&self, repository: &str, tag: &str, media_type: &str, data: &[u8]) {
        self.state.put_manifest(repository, tag, media_type, data);
    }

    /// Changes a blob behind its digest.
    pub fn corrupt(&self, digest: &str) {
        self.state.blobs.lock().unwrap().get_mut(digest).unwrap().push(0);
    }
}

pub fn digest(data: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(data)))
}

impl Content {
    fn put_manifest(&self, repository: &str, tag: &str, media_type: &str, data: &[u8]) {
        let mut manifests = self.manifests.lock().unwrap();
        for name in [tag.to_owned(), digest(data)] {
            manifests.insert((repository.to_owned(), name), (media_type.to_owned(), data.to_vec()));
        }
    }

    /// The challenge, unless what is shown suffices.
    fn challenge(&self, shown: Option<&str>, repository: &str, right: &str) -> Option<String> {
        let base = self.base.lock().unwrap().clone();
        match self.guard {
            Guard::Open => None,
            Guard::Basic => (shown != Some(&basic(PASSWORD))).then(|| "Basic realm=\"test\"".to_owned()),
            Guard::Bearer => {
                let scope = format!("repository:{repository}:{right}");
                let token = shown.and_then(|shown| shown.strip_prefix("Bearer "));
                let may = token.and_then(|token| token.strip_prefix("for ")).is_some_and(|granted| {
                    granted.strip_prefix(&format!("repository:{repository}:")).is_some_and(|rights| {
                        right.split(',').all(|right| rights.split(',').any(|own| own == right))
                    })
                });
                (!may).then(|| format!("Bearer realm=\"{base}/token\",service=\"test\",scope=\"{scope}\""))
            }
        }
    }

    /// The token server: the token tells what it is for.
    async fn token(&self, request: Request) -> Response<Body> {
        let shown = authorization(request.headers());
        let is_get = request.method() == Method::GET;
        let query = match is_get {
            true => request.uri().query().unwrap_or_default().as_bytes().to_vec(),
            false => to_bytes(request.into_body(), 1 << 20).await.unwrap().to_vec(),
        };
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(&query).into_owned().collect();
        let is_known = match is_get {
            true => shown == Some(basic(PASSWORD)),
            false => pairs.get("refresh_token").is_some_and(|token| token == "refresh"),
        };
        if !is_known || pairs.get("service").is_none_or(|service| service != "test") {
            return status(StatusCode::UNAUTHORIZED);
        }
        let token = serde_json::json!({ "token": format!("for {}", pairs["scope"]) });
        Response::new(Body::from(token.to_string()))
    }
}

fn status(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn failure(code: StatusCode, name: &str) -> Response<Body> {
    let said = serde_json::json!({ "errors": [{ "code": name, "message": "it is not here" }] });
    Response::builder().status(code).body(Body::from(said.to_string())).unwrap()
}

async fn serve(State(content): State<Arc<Content>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    content.requests.lock().unwrap().push(format!("{} {path}", request.method()));
    if path == "/token" {
        return content.token(request).await;
    }
    let Some(rest) = path.strip_prefix("/v2/") else { return status(StatusCode::NOT_FOUND) };
    let found = ["/manifests/", "/blobs/", "/tags/"].iter().find_map(|kind| {
        rest.rsplit_once(kind).map(|(repository, name)| (repository.to_owned(), *kind, name.to_owned()))
    });
    let Some((repository, kind, name)) = found else {
        // The base of the API, which tells whether this is a registry.
        return match content.challenge(authorization(request.headers()).as_deref(), "", "pull") {
            Some(challenge) => challenged(&challenge),
            None => status(StatusCode::OK),
        };
    };
    let right = if matches!(*request.method(), Method::GET | Method::HEAD) { "pull" } else { "pull,push" };
    let shown = authorization(request.headers());
    if let Some(challenge) = content.challenge(shown.as_deref(), &repository, right) {
        return challenged(&challenge);
    }
    match kind {
        "/tags/" => tags(&content, &repository, request.uri().query()),
        "/blobs/" => blob(&content, &repository, &name, request).await,
        _ => manifest(&content, &repository, &name, request).await,
    }
}

fn challenged(challenge: &str) -> Response<Body> {
    let builder = Response::builder().status(StatusCode::UNAUTHORIZED);
    builder.header(header::WWW_AUTHENTICATE, challenge).body(Body::empty()).unwrap()
}

/// Two tags per page.
fn tags(content: &Content, repository: &str, query: Option<&str>) -> Response<Body> {
    let manifests = content.manifests.lock().unwrap();
    let own = manifests.keys().filter(|(own, name)| own == repository && !name.starts_with("sha256:"));
    let names: Vec<&str> = own.map(|(_, name)| name.as_str()).collect();
    if names.is_empty() {
        return failure(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
    }
    let last = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("last=")));
    let start = last.map_or(0, |last| names.iter().position(|name| *name == last).unwrap() + 1);
    let page: Vec<&str> = names[start..].iter().take(2).copied().collect();
    let mut response = Response::builder();
    if start + page.len() < names.len() {
        let next = format!("</v2/{repository}/tags/list?n=2&last={}>; rel=\"next\"", page[page.len() - 1]);
        response = response.header(header::LINK, next);
    }
    let said = serde_json::json!({ "name": repository, "tags": page });
    response.body(Body::from(said.to_string())).unwrap()
}

async fn blob(content: &Content, repository: &str, name: &str, request: Request) -> Response<Body> {
    match *request.method() {
        Method::GET | Method::HEAD => match content.blobs.lock().unwrap().get(name) {
            Some(data) => Response::new(Body::from(data.clone())),
            None => failure(StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
        },
        Method::POST => {
            let place = format!("/v2/{repository}/blobs/uploads/1?state=x");
            let builder = Response::builder().status(StatusCode::ACCEPTED).header(header::LOCATION, place);
            builder.body(Body::empty()).unwrap()
        }
        _ => {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let wanted: BTreeMap<String, String> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let data = to_bytes(request.into_body(), 1 << 30).await.unwrap().to_vec();
            if wanted.get("digest") != Some(&digest(&data)) || !wanted.contains_key("state") {
                return failure(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
            }
            let location = format!("/v2/{repository}/blobs/{}", digest(&data));
            content.blobs.lock().unwrap().insert(digest(&data), data);
            let builder = Response::builder().status(StatusCode::CREATED).header(header::LOCATION, location);
            builder.body(Body::empty()).unwrap()
        }
    }
}

async fn manifest(content: &Content, repository: &str, name: &str, request: Request) -> Response<Body> {
    if request.method() == Method::PUT {
        let media_type = request.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let data = to_bytes(request.into_body(), 1 << 22).await.unwrap().to_vec();
        content.put_manifest(repository, name, &media_type, &data);
        let builder = Response::builder().status(StatusCode::CREATED);
        return builder.header("Docker-Content-Digest", digest(&data)).body(Body::empty()).unwrap();
    }
    match content.manifests.lock().unwrap().get(&(repository.to_owned(), name.to_owned())) {
        Some((media_type, data)) => Response::builder()
            .header(header::CONTENT_TYPE, media_type)
            .header("Docker-Content-Digest", digest(data))
            .body(Body::from(data.clone()))
            .unwrap(),
        None => failure(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
    }
}
