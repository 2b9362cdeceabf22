//! Web servers on loopback that the tests start: with and without TLS, passwords, client certificates.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// A server of files; it ends with the value.
pub struct Server {
    pub address: SocketAddr,
    files: Arc<Files>,
    task: tokio::task::JoinHandle<()>,
    is_tls: bool,
}

/// What is served, to whom, and what was asked for.
#[derive(Default)]
struct Files {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    password: Option<String>,
    requests: Mutex<Vec<(String, Option<String>)>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(None, None).await
    }

    /// A server that wants `user:password`, or speaks TLS.
    pub async fn with(password: Option<&str>, tls: Option<Arc<ServerConfig>>) -> Self {
        let files = Arc::new(Files { password: password.map(str::to_owned), ..Files::default() });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&files));
        let is_tls = tls.is_some();
        let (address, task) = listen(router, tls).await;
        Self { address, files, task, is_tls }
    }

    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub fn put(&self, path: &str, data: impl Into<Vec<u8>>) {
        self.files.files.lock().unwrap().insert(path.to_owned(), data.into());
    }

    /// The paths that were asked for, and the `Authorization` of each.
    pub fn requests(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut self.files.requests.lock().unwrap())
    }
}

async fn serve(State(files): State<Arc<Files>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let shown = authorization(request.headers());
    files.requests.lock().unwrap().push((path.clone(), shown.clone()));
    if files.password.is_some() && shown != files.password.as_deref().map(basic) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match files.files.lock().unwrap().get(&path) {
        Some(data) => Body::from(data.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub fn authorization(headers: &HeaderMap) -> Option<String> {
    headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned())
}

pub fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// Serves on a free port of loopback.
pub async fn listen(
    router: Router,
    tls: Option<Arc<ServerConfig>>,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        match tls {
            Some(config) => {
                let listener = TlsListener { listener, acceptor: TlsAcceptor::from(config) };
                axum::serve(listener, router).await.unwrap();
            }
            None => axum::serve(listener, router).await.unwrap(),
        }
    });
    (address, task)
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = tokio_rustls::server::TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // Clients that do not trust us go away.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A certificate authority of its own, with files of what it made.
pub struct Authority {
    pub ca: PathBuf,
    pub client_certificate: PathBuf,
    pub client_key: PathBuf,
    server_certificate: PathBuf,
    server_key: PathBuf,
}

impl Authority {
    /// Makes an authority, a certificate for `localhost` and one for a client.
    pub fn new(directory: &Path) -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der()))
        };
        let (server, client) = (signed("localhost"), signed("client"));
        Self {
            ca: write("ca.pem", pem("CERTIFICATE", certificate.der())),
            client_certificate: write("client.pem", client.0),
            client_key: write("client.key", client.1),
            server_certificate: write("server.pem", server.0),
            server_key: write("server.key", server.1),
        }
    }

    /// The TLS of a server, which may insist on the client's certificate.
    pub fn tls(&self, wants_client: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(&self.ca).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let certificate = CertificateDer::from_pem_file(&self.server_certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.server_key).unwrap();
        Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
