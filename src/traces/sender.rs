//! What carries encoded spans to the collector: the program's own HTTP client.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

use super::settings::Settings;

/// The way to the collector.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    /// How long one request may take.
    timeout: Duration,
    /// Spans are exported on a thread of their own, outside of the runtime that requests need.
    runtime: Handle,
    /// Why the last request got no answer: the exporter tells only that it got none.
    trouble: Arc<Mutex<Option<String>>>,
}

impl Sender {
    /// A way to the collector.
    ///
    /// # Errors
    /// A certificate cannot be used.
    pub(super) fn new(settings: &Settings, runtime: Handle) -> Result<Self, crate::http::Error> {
        let client = settings.transport.client()?;
        Ok(Self { client, timeout: settings.timeout, runtime, trouble: Arc::default() })
    }

    /// Why the last request got no answer; told once.
    pub(super) fn take_trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let request = self.client.request(head.method, head.uri.to_string()).headers(head.headers);
        let response = request.timeout(self.timeout).body(body).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = Response::new(response.bytes().await?);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = match self.runtime.spawn(self.clone().send(request)).await {
            Ok(answer) => answer,
            Err(stopped) => Err(stopped.into()),
        };
        let trouble = answer.as_ref().err().map(|error| root_cause(error.as_ref()));
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        answer
    }
}

fn root_cause(mut error: &(dyn std::error::Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
