//! Requests to the API server: one method per thing that one does to an object.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, Method, Request, StatusCode, header};
use kube::core::WatchEvent;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::Span;
use tracing::field::Empty;
use url::form_urlencoded::Serializer;

use super::discovery::Resources;
use super::discovery_cache::DiscoveryCache;
use super::error::{Call, Error, Reason, Refusal, Verb};
use super::openapi::Descriptions;
use super::{Fence, Object, ObjectRef, Resource, ServerVersion};
use crate::traces;

/// How long one request may take; watches are not requests in this sense.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a request is sent again that the server was too busy to look at, and the longest time that it may ask to
/// be left alone: whoever asked backs off then.
const BUSY_RETRIES: usize = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Objects per page of a list: bounds the memory that one answer takes.
const PAGE: usize = 250;

pub(super) const JSON: &str = "application/json";
pub(super) const APPLY_PATCH: &str = "application/apply-patch+yaml";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A connection to one cluster; cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// Writes pass it, when there is one.
    fence: Option<Arc<Fence>>,
    /// Whether writes are refused that have fields which the server does not know.
    strict: bool,
}

struct Inner {
    kube: kube::Client,
    resources: Resources,
    descriptions: Descriptions,
    requests: Family<RequestLabels, Counter>,
}

/// Labels of `rest_client_requests_total`, as client-go names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP status.
    pub code: u16,
    /// HTTP method.
    pub method: String,
}

/// How to apply an object (server-side apply).
#[derive(Clone, Copy, Debug)]
pub struct Apply<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Take fields that others own.
    pub force: bool,
    /// Ask the server only what would come of it.
    pub dry_run: bool,
}

/// Narrows a list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Label selector in its text form.
    pub labels: Option<String>,
    /// Field selector in its text form.
    pub fields: Option<String>,
    /// Only metadata.
    pub metadata_only: bool,
}

/// What becomes of an object's dependants when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// The object goes, its dependants follow.
    #[default]
    Background,
    /// The dependants go first.
    Foreground,
    /// The dependants stay.
    Orphan,
}

/// How to delete an object.
#[derive(Clone, Debug, Default)]
pub struct Deletion {
    /// What becomes of dependants.
    pub propagation: Propagation,
    /// Seconds of grace; the object's own when missing.
    pub grace_period: Option<i64>,
    /// Delete only the object of this UID.
    pub uid: Option<String>,
    /// Ask the server only what would come of it.
    pub dry_run: bool,
}

/// The ways to change a part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    /// RFC 7386.
    Merge,
    /// Kubernetes' own merge by keys of lists; built-in kinds only.
    Strategic,
    /// RFC 6902.
    Json,
}

impl Patch {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Merge => MERGE_PATCH,
            Self::Strategic => STRATEGIC_PATCH,
            Self::Json => JSON_PATCH,
        }
    }
}

/// One object, or its subresource, as the target of a request.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The kind.
    pub resource: &'a Resource,
    /// The namespace, for namespaced kinds.
    pub namespace: Option<&'a str>,
    /// The name.
    pub name: &'a str,
    /// `status`, `scale`, …
    pub subresource: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// An object.
    #[must_use]
    pub fn new(resource: &'a Resource, namespace: Option<&'a str>, name: &'a str) -> Self {
        Self { resource, namespace: namespace.filter(|_| resource.namespaced), name, subresource: None }
    }

    /// The object's subresource.
    #[must_use]
    pub fn subresource(self, subresource: &'a str) -> Self {
        Self { subresource: Some(subresource), ..self }
    }

    pub(super) fn call(&self, verb: Verb) -> Call {
        let mut resource = self.resource.full_name();
        if let Some(sub) = self.subresource {
            resource = match resource.split_once('.') {
                Some((plural, group)) => format!("{plural}/{sub}.{group}"),
                None => format!("{resource}/{sub}"),
            };
        }
        Call {
            verb,
            resource,
            namespace: self.namespace.map(str::to_owned),
            name: Some(self.name.to_owned()),
        }
    }

    pub(super) fn url(&self, query: &[(&str, &str)]) -> Result<String, Error> {
        if self.name.is_empty() || self.name.contains(['/', '%', '?', '#']) {
            return Err(Error::Malformed(format!(
                "{} has no valid name: {:?}",
                self.resource.kind, self.name
            )));
        }
        if self.resource.namespaced && self.namespace.is_none_or(str::is_empty) {
            return Err(Error::Malformed(format!(
                "{} {:?} needs a namespace",
                self.resource.kind, self.name
            )));
        }
        let mut url = format!("{}/{}", self.resource.path(self.namespace), self.name);
        if let Some(sub) = self.subresource {
            url.push('/');
            url.push_str(sub);
        }
        Ok(with_query(url, query))
    }
}

pub(super) fn with_query(mut url: String, query: &[(&str, &str)]) -> String {
    if !query.is_empty() {
        url.push('?');
        let start = url.len();
        url = Serializer::for_suffix(url, start).extend_pairs(query).finish();
    }
    url
}

impl Client {
    /// Connects as the environment says: `KUBECONFIG`, `~/.kube/config`, or a pod's service account.
    ///
    /// # Errors
    /// [`Error::Config`] when there is no usable configuration.
    pub async fn from_environment() -> Result<Self, Error> {
        let config = kube::Config::infer().await.map_err(|error| Error::Config(error.to_string()))?;
        Self::new(config)
    }

    /// Connects by given settings.
    ///
    /// # Errors
    /// [`Error::Config`] when the credentials cannot be used.
    pub fn new(config: kube::Config) -> Result<Self, Error> {
        Self::with(config, Resources::default())
    }

    /// The same for a short command: what the cluster serves is remembered from one to the next.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn remembering(config: kube::Config) -> Result<Self, Error> {
        let cache = DiscoveryCache::of(&config);
        Self::with(config, Resources::cached(cache))
    }

    fn with(mut config: kube::Config, resources: Resources) -> Result<Self, Error> {
        // The operator backs off by itself and must be able to stop while it does.
        config.default_retry = false;
        let kube = kube::Client::try_from(config).map_err(|error| Error::Config(error.to_string()))?;
        let inner =
            Inner { kube, resources, descriptions: Descriptions::default(), requests: Family::default() };
        Ok(Self { inner: Arc::new(inner), fence: None, strict: false })
    }

    /// The same connection, on which writes are sent only while the fence is open.
    #[must_use]
    pub fn fenced(&self, fence: Arc<Fence>) -> Self {
        Self { fence: Some(fence), ..self.clone() }
    }

    /// The same connection for what may be sent without leading: questions that are asked by a POST.
    #[must_use]
    pub fn unfenced(&self) -> Self {
        Self { fence: None, ..self.clone() }
    }

    /// The same connection, whose writes are refused when they have fields that the server does not know.
    #[must_use]
    pub fn strict(&self) -> Self {
        Self { strict: true, ..self.clone() }
    }

    fn query<'w>(&self, write: Write<'w>) -> Vec<(&'static str, &'w str)> {
        let mut query = write.query();
        if self.strict {
            query.push(("fieldValidation", "Strict"));
        }
        query
    }

    /// The client underneath, for watchers.
    #[must_use]
    pub fn kube(&self) -> &kube::Client {
        &self.inner.kube
    }

    /// The namespace that the configuration names, `default` without one.
    #[must_use]
    pub fn default_namespace(&self) -> &str {
        self.inner.kube.default_namespace()
    }

    /// Requests sent so far, by status and method.
    #[must_use]
    pub fn requests(&self) -> &Family<RequestLabels, Counter> {
        &self.inner.requests
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.inner.resources
    }

    pub(super) fn descriptions(&self) -> &Descriptions {
        &self.inner.descriptions
    }

    async fn send(&self, call: Call, request: Request<Vec<u8>>) -> Result<Bytes, Error> {
        Ok(self.exchange(call, request).await?.1)
    }

    /// A write is refused when somebody else may lead meanwhile.
    pub(super) fn may_write(&self, call: &Call) -> Result<(), Error> {
        match &self.fence {
            Some(fence) if !fence.is_open() => Err(Error::NotLeading { call: Box::new(call.clone()) }),
            _ => Ok(()),
        }
    }

    /// Sends a request; the head and the body of the answer. Where the server has no time for it and says when to come
    /// again, it is sent again, as client-go does.
    pub(super) async fn exchange(
        &self,
        call: Call,
        request: Request<Vec<u8>>,
    ) -> Result<(HeaderMap, Bytes), Error> {
        let mut retries = 0..BUSY_RETRIES;
        loop {
            let (status, head, body) = self.exchange_once(&call, request.clone()).await?;
            if let Some(pause) = pause(status, &head).filter(|_| retries.next().is_some()) {
                tokio::time::sleep(pause).await;
                continue;
            }
            return match status.is_success() {
                true => Ok((head, body)),
                false => Err(Error::Refused(Box::new(Refusal::from_body(call, status.as_u16(), &body)))),
            };
        }
    }

    async fn exchange_once(
        &self,
        call: &Call,
        request: Request<Vec<u8>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Error> {
        if request.method() != Method::GET {
            self.may_write(call)?;
        }
        let method = request.method().to_string();
        let span = request_span(call, &request);
        let answer = deadline(call, async {
            let (parts, body) = self.inner.kube.send(request.map(Into::into)).await?.into_parts();
            Ok((parts.status, parts.headers, body.collect_bytes().await?))
        });
        let answer = traces::step(span.clone(), answer).await?;
        let code = answer.0.as_u16();
        tell_status(&span, answer.0);
        self.inner.requests.get_or_create(&RequestLabels { code, method }).inc();
        tracing::trace!(%call, status = code, "request");
        Ok(answer)
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call, request: Request<Vec<u8>>) -> Result<T, Error> {
        let body = self.send(call.clone(), request).await?;
        serde_json::from_slice(&body).map_err(|source| Error::Decode { call: Box::new(call), source })
    }

    pub(super) async fn discover<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let call = Call { verb: Verb::Get, resource: path.to_owned(), namespace: None, name: None };
        self.ask(call, request(Method::GET, path.to_owned(), DISCOVERY, None)?).await
    }

    /// A document of `/openapi/v3`.
    pub(super) async fn describe(&self, path: &str) -> Result<Value, Error> {
        let call = Call { verb: Verb::Get, resource: path.to_owned(), namespace: None, name: None };
        self.ask(call, request(Method::GET, path.to_owned(), JSON, None)?).await
    }

    /// The server's version.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        let call = Call { verb: Verb::Get, resource: "/version".into(), namespace: None, name: None };
        self.ask(call, request(Method::GET, "/version".into(), JSON, None)?).await
    }

    /// Reads an object; `None` when there is none of that name.
    ///
    /// # Errors
    /// Every refusal but "not found".
    pub async fn get(&self, target: Target<'_>) -> Result<Option<Object>, Error> {
        self.read(target, JSON).await
    }

    /// Reads an object's metadata only.
    ///
    /// # Errors
    /// Every refusal but "not found".
    pub async fn get_metadata(&self, target: Target<'_>) -> Result<Option<Object>, Error> {
        self.read(target, METADATA_ONLY).await
    }

    async fn read(&self, target: Target<'_>, accept: &str) -> Result<Option<Object>, Error> {
        let request = request(Method::GET, target.url(&[])?, accept, None)?;
        match self.ask(target.call(Verb::Get), request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is(Reason::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the object that a reference names; `None` when there is none.
    ///
    /// # Errors
    /// Unknown kinds; every refusal but "not found".
    pub async fn find(&self, reference: &ObjectRef) -> Result<Option<Object>, Error> {
        let resource = self.resource(&reference.api_version, &reference.kind).await?;
        self.get(Target::new(&resource, reference.namespace.as_deref(), &reference.name)).await
    }

    /// Lists objects of one namespace, or of all, page by page; kinds and API versions are filled in.
    ///
    /// # Errors
    /// Every refusal.
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
    ) -> Result<Vec<Object>, Error> {
        self.pages(resource, namespace, query, ("limit", &PAGE.to_string())).await
    }

    /// Lists objects as the API server remembers them: what was written last may be missing, but the server
    /// need not read all of the namespace to find the few that are asked for.
    ///
    /// # Errors
    /// Every refusal.
    pub async fn list_remembered(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
    ) -> Result<Vec<Object>, Error> {
        self.pages(resource, namespace, query, ("resourceVersion", "0")).await
    }

    async fn pages(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        first: (&str, &str),
    ) -> Result<Vec<Object>, Error> {
        let call = Call {
            verb: Verb::List,
            resource: resource.full_name(),
            namespace: namespace.filter(|_| resource.namespaced).map(str::to_owned),
            name: None,
        };
        let accept = if query.metadata_only {
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        } else {
            JSON
        };
        let mut objects = Vec::new();
        let mut token = String::new();
        loop {
            let mut pairs = vec![first];
            pairs.extend(query.labels.as_deref().map(|labels| ("labelSelector", labels)));
            pairs.extend(query.fields.as_deref().map(|fields| ("fieldSelector", fields)));
            if !token.is_empty() {
                pairs.push(("continue", &token));
            }
            let url = with_query(resource.path(namespace), &pairs);
            let page: Page = self.ask(call.clone(), request(Method::GET, url, accept, None)?).await?;
            objects.extend(page.items.unwrap_or_default().into_iter().map(|item| named(item, resource)));
            token = page.metadata.r#continue.unwrap_or_default();
            if token.is_empty() {
                return Ok(objects);
            }
        }
    }

    /// Creates an object.
    ///
    /// # Errors
    /// Every refusal; [`Reason::AlreadyExists`] among them.
    pub async fn create(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        object: &Object,
        write: Write<'_>,
    ) -> Result<Object, Error> {
        let namespace = namespace.filter(|_| resource.namespaced);
        let call = Call {
            verb: Verb::Create,
            resource: resource.full_name(),
            namespace: namespace.map(str::to_owned),
            name: Some(object.name().to_owned()).filter(|name| !name.is_empty()),
        };
        let url = with_query(resource.path(namespace), &self.query(write));
        self.ask(call, request(Method::POST, url, JSON, Some((JSON, encode(&object.0)?)))?).await
    }

    /// Applies an object server-side: the server merges, creates it when it is missing, and remembers
    /// which fields this manager wants.
    ///
    /// # Errors
    /// Every refusal; [`Reason::Conflict`] when others own fields and `force` is off.
    pub async fn apply(
        &self,
        target: Target<'_>,
        object: &Object,
        apply: Apply<'_>,
    ) -> Result<Object, Error> {
        let mut query = self.query(Write { manager: apply.manager, dry_run: apply.dry_run });
        if apply.force {
            query.push(("force", "true"));
        }
        let body = Some((APPLY_PATCH, encode(&object.0)?));
        self.ask(target.call(Verb::Patch), request(Method::PATCH, target.url(&query)?, JSON, body)?).await
    }

    /// Changes a part of an object.
    ///
    /// # Errors
    /// Every refusal.
    pub async fn patch(
        &self,
        target: Target<'_>,
        kind: Patch,
        patch: &Value,
        write: Write<'_>,
    ) -> Result<Object, Error> {
        let body = Some((kind.content_type(), encode(patch)?));
        self.ask(
            target.call(Verb::Patch),
            request(Method::PATCH, target.url(&self.query(write))?, JSON, body)?,
        )
        .await
    }

    /// Replaces an object as a whole.
    ///
    /// # Errors
    /// Every refusal; [`Reason::Conflict`] when the object's resource version is not the newest.
    pub async fn replace(
        &self,
        target: Target<'_>,
        object: &Object,
        write: Write<'_>,
    ) -> Result<Object, Error> {
        let body = Some((JSON, encode(&object.0)?));
        self.ask(
            target.call(Verb::Update),
            request(Method::PUT, target.url(&self.query(write))?, JSON, body)?,
        )
        .await
    }

    /// Deletes an object; the server's answer, `None` when there was nothing to delete.
    ///
    /// # Errors
    /// Every refusal but "not found".
    pub async fn delete(&self, target: Target<'_>, deletion: &Deletion) -> Result<Option<Object>, Error> {
        let body = Some((JSON, encode(&deletion.options())?));
        let request = request(Method::DELETE, target.url(&[])?, JSON, body)?;
        match self.ask(target.call(Verb::Delete), request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is(Reason::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Watches one object from a resource version on (from now when empty) for so many seconds.
    ///
    /// # Errors
    /// When the watch cannot be started; later failures come through the stream.
    pub async fn watch(
        &self,
        target: Target<'_>,
        version: &str,
        seconds: u64,
    ) -> Result<BoxStream<'static, Result<WatchEvent<Object>, kube::Error>>, Error> {
        let field = format!("metadata.name={}", target.name);
        let seconds = seconds.to_string();
        let mut query = vec![("watch", "true"), ("fieldSelector", &field), ("timeoutSeconds", &seconds)];
        if !version.is_empty() {
            query.push(("resourceVersion", version));
        }
        let url = with_query(target.resource.path(target.namespace), &query);
        let request = request(Method::GET, url, JSON, None)?;
        let events = deadline(&target.call(Verb::Watch), self.inner.kube.request_events(request)).await?;
        Ok(events.boxed())
    }

    /// The last lines of the log of a pod's container.
    ///
    /// # Errors
    /// Every refusal.
    pub async fn logs(&self, namespace: &str, pod: &str, query: &LogQuery) -> Result<String, Error> {
        let pods = self.resource("v1", "Pod").await?;
        let target = Target::new(&pods, Some(namespace), pod).subresource("log");
        let pairs = query.pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let body = self.send(target.call(Verb::Get), request(Method::GET, target.url(&pairs)?, "*/*", None)?);
        Ok(String::from_utf8_lossy(&body.await?).into_owned())
    }
}

/// Which part of a log.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The container; the pod's only one when missing.
    pub container: Option<String>,
    /// Only lines of the last so many seconds.
    pub since_seconds: Option<u64>,
    /// The log of the container before the last restart.
    pub previous: bool,
    /// The last lines only.
    pub tail_lines: Option<u64>,
}

impl LogQuery {
    /// The last lines of the pod's only container.
    #[must_use]
    pub fn tail(lines: u64) -> Self {
        Self { tail_lines: Some(lines), ..Self::default() }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.container.clone().map(|container| ("container", container)));
        pairs.extend(self.since_seconds.map(|seconds| ("sinceSeconds", seconds.to_string())));
        pairs.extend(self.previous.then(|| ("previous", "true".to_owned())));
        pairs.extend(self.tail_lines.map(|lines| ("tailLines", lines.to_string())));
        pairs
    }
}

/// Who writes, and whether for real.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Ask the server only what would come of it.
    pub dry_run: bool,
}

impl<'a> Write<'a> {
    /// Writes for real, as this manager.
    #[must_use]
    pub fn by(manager: &'a str) -> Self {
        Self { manager, dry_run: false }
    }

    fn query(self) -> Vec<(&'static str, &'a str)> {
        let mut query = vec![("fieldManager", self.manager)];
        if self.dry_run {
            query.push(("dryRun", "All"));
        }
        query
    }
}

impl Deletion {
    fn options(&self) -> Value {
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": match self.propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            },
        });
        if let Some(seconds) = self.grace_period {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if let Some(uid) = &self.uid {
            options["preconditions"] = json!({"uid": uid});
        }
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        options
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    /// Lists of metadata say `null` for none.
    #[serde(default)]
    items: Option<Vec<Object>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

fn named(mut object: Object, resource: &Resource) -> Object {
    if let Value::Object(map) = &mut object.0 {
        map.insert("apiVersion".into(), resource.api_version().into());
        map.insert("kind".into(), resource.kind.clone().into());
    }
    object
}

pub(super) fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Malformed(error.to_string()))
}

pub(super) fn request(
    method: Method,
    url: String,
    accept: &str,
    body: Option<(&str, Vec<u8>)>,
) -> Result<Request<Vec<u8>>, Error> {
    let mut builder = Request::builder().method(method).uri(url).header(header::ACCEPT, accept);
    let bytes = match body {
        Some((content_type, bytes)) => {
            builder = builder.header(header::CONTENT_TYPE, content_type);
            bytes
        }
        None => Vec::new(),
    };
    builder.body(bytes).map_err(|error| Error::Malformed(error.to_string()))
}

/// A request is told where it is part of something: nobody asks for traces of leases.
fn request_span(call: &Call, request: &Request<Vec<u8>>) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    traces::span!(
        "request",
        otel.name = format_args!("{} {}", request.method(), call.resource),
        otel.kind = "client",
        http.request.method = request.method().as_str(),
        http.response.status_code = Empty,
        url.path = request.uri().path(),
    )
}

/// That there is no such object is an answer.
fn tell_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if !status.is_success() && status != StatusCode::NOT_FOUND {
        traces::failed(span, &status);
    }
}

/// When to send a request again that the server did not look at.
fn pause(status: StatusCode, head: &HeaderMap) -> Option<Duration> {
    let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let seconds = head.get(header::RETRY_AFTER).filter(|_| busy)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|pause| *pause <= LONGEST_PAUSE)
}

async fn deadline<T>(call: &Call, answer: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
    match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(Error::Unreachable { call: Box::new(call.clone()), source: Box::new(source) }),
        Err(_) => Err(Error::Timeout { call: Box::new(call.clone()), seconds: REQUEST_TIMEOUT.as_secs() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::discovery::deployments;

    #[test]
    fn targets_make_urls_and_calls() {
        let resource = deployments();
        let target = Target::new(&resource, Some("demo"), "web").subresource("scale");
        assert_eq!(
            target.url(&[("fieldManager", "a b")]).unwrap(),
            "/apis/apps/v1/namespaces/demo/deployments/web/scale?fieldManager=a+b"
        );
        assert_eq!(target.call(Verb::Patch).resource, "deployments/scale.apps");
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_says_so_and_soon() {
        let of = |status, after: Option<&'static str>| {
            let head = after.map(|text| (header::RETRY_AFTER, http::HeaderValue::from_static(text)));
            pause(status, &head.into_iter().collect())
        };
        let busy = StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(of(busy, Some("1")), Some(Duration::from_secs(1)));
        assert_eq!(of(busy, Some("60")), None);
        assert_eq!(of(busy, None), None);
        assert_eq!(of(StatusCode::INTERNAL_SERVER_ERROR, Some("1")), None);
    }

    #[test]
    fn names_and_namespaces_are_checked_before_anything_is_sent() {
        let resource = deployments();
        assert!(Target::new(&resource, None, "web").url(&[]).is_err());
        assert!(Target::new(&resource, Some("demo"), "a/b").url(&[]).is_err());
        assert!(Target::new(&resource, Some("demo"), "").url(&[]).is_err());
    }
}
