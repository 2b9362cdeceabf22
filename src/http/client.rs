//! The way to a server: TLS, proxies, time limits, Unix sockets.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

use super::error::Error;
use super::roots::trusted;

/// The way to a server: all that a request needs besides what it asks.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Whether the certificate of the server must be trusted.
    pub validate_certs: bool,
    /// Whom to trust instead of the system's authorities.
    pub ca: Option<Authorities>,
    /// The certificate of this client, PEM; may hold the key as well.
    pub client_cert: Option<PathBuf>,
    /// The key of this client, PEM.
    pub client_key: Option<PathBuf>,
    /// Whether `http_proxy`, `https_proxy` and `no_proxy` count.
    pub use_proxy: bool,
    /// Variables that come before those of this process.
    pub environment: IndexMap<String, String>,
    /// A Unix socket on which the server listens.
    pub unix_socket: Option<PathBuf>,
    /// How long connecting, and each wait for more content, may take.
    pub timeout: Duration,
}

/// Certificates of authorities, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// A file with them.
    File(PathBuf),
    /// The text itself.
    Text(String),
}

impl Default for Transport {
    fn default() -> Self {
        Transport {
            validate_certs: true,
            ca: None,
            client_cert: None,
            client_key: None,
            use_proxy: true,
            environment: IndexMap::new(),
            unix_socket: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl Transport {
    /// A client that goes this way. It follows no redirects and keeps no cookies: [`super::Request`] does.
    pub(crate) fn client(&self) -> Result<reqwest::Client, Error> {
        let client = match self.builder()?.build() {
            // The system has no authorities, which also stops what needs none.
            Err(_) if self.ca.is_none() => self.builder()?.tls_certs_only(trusted()).build(),
            client => client,
        };
        client.map_err(|error| Error::of(&error))
    }

    fn builder(&self) -> Result<reqwest::ClientBuilder, Error> {
        // The same provider that the cluster's client uses; an error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .no_proxy()
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout)
            .tls_danger_accept_invalid_certs(!self.validate_certs);
        if let Some(ca) = &self.ca {
            builder = builder.tls_certs_only(ca.certificates()?);
        }
        if let Some(path) = &self.client_cert {
            let mut pem = read(path, "client certificate")?;
            if let Some(key) = &self.client_key {
                pem.push(b'\n');
                pem.extend(read(key, "client key")?);
            }
            let identity = reqwest::Identity::from_pem(&pem)
                .map_err(|error| unusable(path, "client certificate", &error.to_string()))?;
            builder = builder.identity(identity);
        }
        if let Some(path) = &self.unix_socket {
            builder = builder.unix_socket(path.clone());
        } else if self.use_proxy {
            for proxy in self.proxies()? {
                builder = builder.proxy(proxy);
            }
        }
        Ok(builder)
    }

    /// A variable of the request's environment or else of this process, by its lower or upper case name.
    fn variable(&self, name: &str) -> Option<String> {
        [name.to_owned(), name.to_ascii_uppercase()]
            .into_iter()
            .find_map(|name| self.environment.get(&name).cloned().or_else(|| std::env::var(name).ok()))
            .filter(|value| !value.is_empty())
    }

    /// `HOME`, `NETRC`, …
    pub(super) fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }

    fn proxies(&self) -> Result<Vec<reqwest::Proxy>, Error> {
        type Scheme = fn(&str) -> reqwest::Result<reqwest::Proxy>;
        const SCHEMES: [(&str, Scheme); 3] = [
            ("http_proxy", |url| reqwest::Proxy::http(url)),
            ("https_proxy", |url| reqwest::Proxy::https(url)),
            ("all_proxy", |url| reqwest::Proxy::all(url)),
        ];
        let exempt = self.variable("no_proxy").and_then(|list| reqwest::NoProxy::from_string(&list));
        let mut proxies = Vec::new();
        for (name, scheme) in SCHEMES {
            let Some(url) = self.variable(name) else { continue };
            let proxy = scheme(&url).map_err(|error| Error::Setup(format!("{name} '{url}': {error}")))?;
            proxies.push(proxy.no_proxy(exempt.clone()));
        }
        Ok(proxies)
    }
}

impl Authorities {
    fn certificates(&self) -> Result<Vec<reqwest::Certificate>, Error> {
        let wrong = |problem: &str| match self {
            Self::File(path) => unusable(path, "CA", problem),
            Self::Text(_) => Error::Setup(format!("could not use the CA's certificates: {problem}")),
        };
        let pem = match self {
            Self::File(path) => read(path, "CA")?,
            Self::Text(text) => text.clone().into_bytes(),
        };
        match reqwest::Certificate::from_pem_bundle(&pem) {
            Ok(none) if none.is_empty() => Err(wrong("no certificate in it")),
            certificates => certificates.map_err(|error| wrong(&error.to_string())),
        }
    }
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| unusable(path, what, &error.to_string()))
}

fn unusable(path: &Path, what: &str, problem: &str) -> Error {
    Error::Setup(format!("could not use the {what} file '{}': {problem}", path.display()))
}
