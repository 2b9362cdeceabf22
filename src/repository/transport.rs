//! HTTP: requests with the client's certificates, answers of a bounded size.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, RequestBuilder, Response, StatusCode};
use url::Url;

use super::{Access, Error, urls};

/// How long a server may take to answer, as in Helm.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("daytwo/", env!("CARGO_PKG_VERSION"));

/// The largest chart or index, in bytes.
pub(super) const LARGE: u64 = crate::chart::MAX_SIZE;
/// The largest manifest, list of tags or token, in bytes.
pub(super) const SMALL: u64 = 4 << 20;

/// A client with the certificates of an [`Access`]; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Transport(Client);

impl Transport {
    /// Reads the certificates and makes the client.
    pub(super) fn new(access: &Access) -> Result<Self, Error> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another part of the process may have chosen one already; both are ring's.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .tls_danger_accept_invalid_certs(access.insecure_skip_tls_verify)
            .tls_certs_only(roots(access.ca_file.as_deref())?);
        if let (Some(certificate), Some(key)) = (&access.cert_file, &access.key_file) {
            builder = builder.identity(identity(certificate, key)?);
        }
        let client = builder.build().map_err(|error| {
            Error::Refused(format!("can't create TLS config for client: {}", reason(&error)))
        })?;
        Ok(Self(client))
    }

    /// Begins a request.
    pub(super) fn request(&self, method: reqwest::Method, url: Url) -> RequestBuilder {
        self.0.request(method, url)
    }

    /// Sends a request; the answer, whatever its status.
    pub(super) async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, Error> {
        request
            .send()
            .await
            .map_err(|error| Error::Fetch { url: urls::shown(url), reason: reason(&error.without_url()) })
    }

    /// Gets what stands at a URL; `origin` is the server for which the credentials were given.
    pub(super) async fn get(&self, url: &Url, access: &Access, origin: &Url) -> Result<Vec<u8>, Error> {
        let mut request = self.request(reqwest::Method::GET, url.clone());
        if let Some((username, password)) = access.credentials_for(url, origin) {
            request = request.basic_auth(username, Some(password));
        }
        let response = self.send(request, url).await?;
        if response.status() != StatusCode::OK {
            return Err(Error::Fetch { url: urls::shown(url), reason: response.status().to_string() });
        }
        body(response, url, LARGE).await
    }
}

/// The whole body of an answer, up to `limit` bytes.
pub(super) async fn body(mut response: Response, url: &Url, limit: u64) -> Result<Vec<u8>, Error> {
    let too_large = || Error::TooLarge { url: urls::shown(url), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut data = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => data.extend_from_slice(&chunk),
            Ok(None) => return Ok(data),
            Err(error) => {
                let reason = reason(&error.without_url());
                return Err(Error::Fetch { url: urls::shown(url), reason });
            }
        }
        if data.len() as u64 > limit {
            return Err(too_large());
        }
    }
}

/// The certificates to trust: those of the file, or of the authorities that are trusted anyway.
fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate>, Error> {
    let Some(path) = ca_file else {
        return Ok(crate::http::trusted());
    };
    let pem = std::fs::read(path).map_err(Error::file(path))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Error::Refused(format!("failed to append certificates from file: {}", path.display()))),
    }
}

fn identity(certificate: &Path, key: &Path) -> Result<Identity, Error> {
    let mut pem = std::fs::read(certificate).map_err(Error::file(certificate))?;
    pem.push(b'\n');
    pem.extend(std::fs::read(key).map_err(Error::file(key))?);
    Identity::from_pem(&pem).map_err(|error| {
        let files = format!("{} and {}", certificate.display(), key.display());
        Error::Refused(format!("unable to load cert from {files}: {}", reason(&error)))
    })
}

/// An error with all its causes.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
