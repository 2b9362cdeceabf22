//! The HTTP endpoints: health, readiness, metrics.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::tls::TlsListener;
use super::{Error, Shared};
use crate::cluster::{Client, access};
use crate::modules::operator_sdk_util::UserMetrics;

/// Prometheus' text format, in which both operators answer.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Everybody, in the clear.
    #[default]
    Open,
    /// Everybody, through TLS.
    Secure,
    /// Through TLS, who shows a token that the cluster's rules let `get /metrics`.
    Granted,
}

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
    let access = shared.options.metrics_access;
    let mut router = Router::new().route("/metrics", get(scrape));
    if access == MetricsAccess::Granted {
        router = router.layer(middleware::from_fn_with_state(shared.client.clone(), only_granted));
    }
    let router = router.with_state(shared);
    match access {
        MetricsAccess::Open => serve(address, router, shutdown).await,
        MetricsAccess::Secure | MetricsAccess::Granted => {
            let failed = |source| Error::Listen { address, source };
            let listener =
                TlsListener::new(TcpListener::bind(address).await.map_err(failed)?).map_err(failed)?;
            serve_on(listener, router, shutdown).await.map_err(failed)
        }
    }
}

async fn only_granted(State(client): State<Client>, request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) else {
        return (StatusCode::UNAUTHORIZED, "a bearer token is needed").into_response();
    };
    match access::may_get(&client, token, request.uri().path()).await {
        Ok(Some(true)) => next.run(request).await,
        Ok(Some(false)) => (StatusCode::FORBIDDEN, "the cluster's rules do not allow it").into_response(),
        Ok(None) => (StatusCode::UNAUTHORIZED, "the cluster does not know the token").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn scrape(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    match shared.metrics.text(&shared.user_metrics) {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, METRICS_TYPE)], text),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], error.to_string())
        }
    }
}

/// Takes metrics that programs of roles send, as ansible-operator does on port 5050.
pub(super) fn user_metrics(metrics: Arc<UserMetrics>) -> Router {
    let take = |State(metrics): State<Arc<UserMetrics>>, body: axum::body::Bytes| async move {
        let sent = serde_json::from_slice(&body).map_err(|error| error.to_string());
        match sent.and_then(|metric| metrics.record_sent(&metric)) {
            Ok(()) => (StatusCode::OK, String::new()),
            Err(message) => (StatusCode::BAD_REQUEST, message),
        }
    };
    Router::new().route("/metrics", post(take)).with_state(metrics)
}

async fn serve(address: SocketAddr, router: Router, shutdown: CancellationToken) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    serve_on(listener, router, shutdown).await.map_err(|source| Error::Listen { address, source })
}

pub(super) async fn serve_on<L>(
    listener: L,
    router: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
{
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
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
