//! The API of a registry: manifests, blobs, tags.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LINK, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::Reference;
use super::auth::{self, Challenge};
use super::credentials::{self, Credential};
use crate::repository::cache::Digest;
use crate::repository::transport::{LARGE, SMALL, Transport, body};
use crate::repository::{Access, Error, Settings, urls, version};

/// The media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of manifests.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// How many pages of tags are read.
const MAX_PAGES: usize = 200;

/// The registries that one command talks to, and what they want to be shown.
pub(in crate::repository) struct Registry {
    transport: Transport,
    access: Access,
    settings: Settings,
    /// The header that a registry accepted for a scope.
    answers: Mutex<HashMap<(String, String), HeaderValue>>,
}

/// What is done to a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Pull,
    Push,
}

/// The answer to a request for a manifest.
pub(super) struct Manifest {
    pub(super) media_type: String,
    pub(super) data: Vec<u8>,
    pub(super) digest: Digest,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tags {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Failures {
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Registry {
    /// Reads the certificates; asks nobody.
    pub(in crate::repository) fn new(access: &Access, settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            transport: Transport::new(access)?,
            access: access.clone(),
            settings: settings.clone(),
            answers: Mutex::default(),
        })
    }

    /// The tag or digest that a reference means for a version or a constraint on versions.
    pub(in crate::repository) async fn choose(
        &self,
        reference: &Reference,
        wanted: &str,
    ) -> Result<Reference, Error> {
        let wanted = match (&reference.tag, wanted) {
            (Some(tag), "") => tag,
            (Some(tag), wanted) if tag != wanted => {
                return Err(Error::Refused(format!(
                    "chart reference and version mismatch: {wanted} is not {tag}"
                )));
            }
            (_, wanted) => wanted,
        };
        if let Some(digest) = &reference.digest {
            if !wanted.is_empty() {
                self.check_tag(&reference.with_tag(wanted), digest).await?;
            }
            return Ok(reference.clone());
        }
        if version::is_version(wanted) {
            return Ok(reference.with_tag(wanted));
        }
        let tags = self.tags(reference).await?;
        if tags.is_empty() {
            return Err(Error::NotFound(format!(
                "unable to locate any tags in provided repository: oci://{reference}"
            )));
        }
        let constraint = if wanted.is_empty() { "*" } else { wanted };
        version::check_constraint(constraint)?;
        let exact = tags.iter().find(|tag| *tag == wanted);
        let chosen = exact.or_else(|| tags.iter().find(|tag| version::admits(constraint, tag)));
        chosen.map(|tag| reference.with_tag(tag)).ok_or_else(|| {
            Error::NotFound(format!("could not locate a version matching provided version string {wanted}"))
        })
    }

    /// Refuses a tag that means something else than the digest; it may be missing.
    async fn check_tag(&self, tagged: &Reference, digest: &str) -> Result<(), Error> {
        let tagged = Reference { digest: None, ..tagged.clone() };
        match self.manifest(&tagged).await {
            Ok(manifest) if manifest.digest.to_string() != digest => Err(Error::Refused(format!(
                "chart reference digest mismatch: {} is not {digest}",
                manifest.digest
            ))),
            _ => Ok(()),
        }
    }

    /// The versions among the tags, the newest first.
    pub(in crate::repository) async fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error> {
        let mut url = self.url(reference, "tags/list")?;
        let mut tags = Vec::new();
        for _ in 0..MAX_PAGES {
            let response = self.call(reference, Right::Pull, Method::GET, &url, |request| request).await?;
            let response = accepted(response, &url, &[StatusCode::OK]).await?;
            let link = response.headers().get(LINK).and_then(|link| link.to_str().ok()).map(str::to_owned);
            let page: Tags = serde_json::from_slice(&body(response, &url, SMALL).await?)
                .map_err(|error| Error::Malformed { what: urls::shown(&url), message: error.to_string() })?;
            tags.extend(page.tags.unwrap_or_default());
            match link.as_deref().and_then(next_page).and_then(|next| url.join(next).ok()) {
                Some(next) => url = next,
                None => break,
            }
        }
        let mut tags: Vec<String> = tags
            .iter()
            .map(|tag| tag.replace('_', "+"))
            .filter(|tag| semver::Version::parse(tag).is_ok())
            .collect();
        tags.sort_by(|a, b| version::newest_first(a, b));
        Ok(tags)
    }

    /// The manifest of a reference, verified if the reference has a digest.
    pub(super) async fn manifest(&self, reference: &Reference) -> Result<Manifest, Error> {
        let url = self.url(reference, &format!("manifests/{}", reference.manifest()))?;
        let accept = format!("{MANIFEST}, {INDEX}");
        let with_accept = |request: RequestBuilder| request.header(ACCEPT, &accept);
        let response = self.call(reference, Right::Pull, Method::GET, &url, with_accept).await?;
        let response = accepted(response, &url, &[StatusCode::OK]).await?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type =
            media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        let data = body(response, &url, SMALL).await?;
        if let Some(digest) = reference.digest.as_deref().map(Digest::parse).transpose()?.flatten() {
            digest.check(&data, &reference.to_string())?;
        }
        Ok(Manifest { media_type, digest: Digest::of(&data), data })
    }

    /// A blob, verified.
    pub(super) async fn blob(&self, reference: &Reference, digest: Digest) -> Result<Vec<u8>, Error> {
        let url = self.url(reference, &format!("blobs/{digest}"))?;
        let response = self.call(reference, Right::Pull, Method::GET, &url, |request| request).await?;
        let data = body(accepted(response, &url, &[StatusCode::OK]).await?, &url, LARGE).await?;
        digest.check(&data, &urls::shown(&url))?;
        Ok(data)
    }

    /// Uploads a blob, unless it is there.
    pub(in crate::repository) async fn put_blob(
        &self,
        reference: &Reference,
        data: &[u8],
    ) -> Result<(), Error> {
        let digest = Digest::of(data);
        let url = self.url(reference, &format!("blobs/{digest}"))?;
        let known = self.call(reference, Right::Push, Method::HEAD, &url, |request| request).await?;
        if known.status() == StatusCode::OK {
            return Ok(());
        }
        let url = self.url(reference, "blobs/uploads/")?;
        let response = self.call(reference, Right::Push, Method::POST, &url, |request| request).await?;
        let response = accepted(response, &url, &[StatusCode::ACCEPTED]).await?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let mut upload =
            location.and_then(|location| url.join(location).ok()).ok_or_else(|| Error::Fetch {
                url: urls::shown(&url),
                reason: "the registry names no place for the upload".into(),
            })?;
        upload.query_pairs_mut().append_pair("digest", &digest.to_string());
        let with_data = |request: RequestBuilder| {
            request.header(CONTENT_TYPE, "application/octet-stream").body(data.to_vec())
        };
        let response = self.call(reference, Right::Push, Method::PUT, &upload, with_data).await?;
        accepted(response, &upload, &[StatusCode::CREATED]).await.map(|_| ())
    }

    /// Uploads a manifest under the reference's tag.
    pub(in crate::repository) async fn put_manifest(
        &self,
        reference: &Reference,
        data: &str,
    ) -> Result<(), Error> {
        let url = self.url(reference, &format!("manifests/{}", reference.manifest()))?;
        let with_data =
            |request: RequestBuilder| request.header(CONTENT_TYPE, MANIFEST).body(data.to_owned());
        let response = self.call(reference, Right::Push, Method::PUT, &url, with_data).await?;
        accepted(response, &url, &[StatusCode::CREATED]).await.map(|_| ())
    }

    fn url(&self, reference: &Reference, rest: &str) -> Result<Url, Error> {
        let scheme = if self.access.plain_http { "http" } else { "https" };
        urls::parse(&format!("{scheme}://{}/v2/{}/{rest}", reference.host(), reference.repository))
    }

    /// Sends a request; when the registry asks who we are, tells it and sends it again.
    async fn call(
        &self,
        reference: &Reference,
        right: Right,
        method: Method,
        url: &Url,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Error> {
        let rights = if right == Right::Push { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{rights}", reference.repository);
        let key = (reference.host().to_owned(), scope.clone());
        // An upload may be sent elsewhere, where nobody must learn of the registry's token.
        let is_registry = urls::parse(&format!("{}://{}", url.scheme(), reference.host())).is_ok_and(|own| {
            own.host() == url.host() && own.port_or_known_default() == url.port_or_known_default()
        });
        let request = || fill(self.transport.request(method.clone(), url.clone()));
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let first = match known.filter(|_| is_registry) {
            Some(answer) => request().header(AUTHORIZATION, answer),
            None => request(),
        };
        let response = self.transport.send(first, url).await?;
        if response.status() != StatusCode::UNAUTHORIZED || !is_registry {
            return Ok(response);
        }
        let Some(challenge) = Challenge::of(response.headers()) else { return Ok(response) };
        let credential = self.credential(reference.host())?;
        let Some(answer) = auth::answer(challenge, &credential, &scope, &self.transport).await? else {
            return Ok(response);
        };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, answer.clone());
        self.transport.send(request().header(AUTHORIZATION, answer), url).await
    }

    fn credential(&self, host: &str) -> Result<Credential, Error> {
        if self.access.has_credentials() {
            let (username, password) = (self.access.username.clone(), self.access.password.clone());
            return Ok(Credential { username, password, ..Credential::default() });
        }
        credentials::find(&self.settings, host)
    }
}

/// The answer, if it has one of these statuses; else what the registry says is wrong.
async fn accepted(response: Response, url: &Url, statuses: &[StatusCode]) -> Result<Response, Error> {
    let status = response.status();
    if statuses.contains(&status) {
        return Ok(response);
    }
    let said = body(response, url, SMALL).await.unwrap_or_default();
    let failures = serde_json::from_slice::<Failures>(&said).map(|said| said.errors).unwrap_or_default();
    let failures: Vec<String> = failures
        .iter()
        .map(|failure| format!("{}: {}", failure.code.to_lowercase().replace('_', " "), failure.message))
        .collect();
    let code = status.as_u16();
    let what = match failures.is_empty() {
        true => status.canonical_reason().unwrap_or_default().to_owned(),
        false => failures.join("; "),
    };
    Err(Error::Fetch { url: urls::shown(url), reason: format!("response status code {code}: {what}") })
}

/// The target of `<…>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    parameters.contains("rel=\"next\"").then_some(target)
}
