//! The HTTP endpoints: health, readiness, metrics.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Error, Shared};

/// Prometheus' text format, with OpenMetrics' ending.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where something is served, as Go writes it: `:8080` is every interface, `0` (or nothing) is nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint(pub Option<SocketAddr>);

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "0" {
            return Ok(Self(None));
        }
        let full = text.strip_prefix(':').map_or_else(|| text.to_owned(), |port| format!("0.0.0.0:{port}"));
        let full = full.replacen("localhost:", "127.0.0.1:", 1);
        let parsed =
            full.parse().map_err(|_| format!("{text:?} is no address such as :8080 or 127.0.0.1:8080"));
        parsed.map(|address| Self(Some(address)))
    }
}

/// Answers `/healthz` and `/readyz`; ready means that every controller has seen its resources.
pub(super) async fn health(
    address: SocketAddr,
    ready: impl Fn() -> bool + Clone + Send + Sync + 'static,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let readiness = move || {
        let ready = ready();
        async move { if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "starting") } }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/healthz/ping", get(|| async { "ok" }))
        .route("/readyz", get(readiness));
    serve(address, router, shutdown).await
}

/// Answers `/metrics`.
pub(super) async fn metrics(
    address: SocketAddr,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let router = Router::new().route("/metrics", get(scrape)).with_state(shared);
    serve(address, router, shutdown).await
}

async fn scrape(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    match shared.metrics.text() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, METRICS_TYPE)], text),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], error.to_string())
        }
    }
}

async fn serve(address: SocketAddr, router: Router, shutdown: CancellationToken) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
        .map_err(|source| Error::Listen { address, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_go_writes_them() {
        let address = |text: &str| Endpoint::from_str(text).map(|endpoint| endpoint.0);
        assert_eq!(address(":8080").unwrap(), Some("0.0.0.0:8080".parse().unwrap()));
        assert_eq!(address("localhost:1").unwrap(), Some("127.0.0.1:1".parse().unwrap()));
        assert_eq!(address("0").unwrap(), None);
        assert!(address("nonsense").is_err());
    }
}
