//! Traces for OpenTelemetry: what happens in a pass as a tree of spans, sent on request.
//!
//! ```text
//! operator   reconcile ─┬─ a task of a role on a host (executor) ──┬─ a request to the API server (cluster)
//!                       └─ deploy, repair, uninstall ─┬────────────┤
//! release                                             └─ render, apply, hook, wait
//! ```
//!
//! Spans have a [`TARGET`] of their own that only the exporter listens to: they never show in the log, and where no
//! traces are sent a span costs a look at a cached flag. [`Traces`] sends them, as the standard environment of
//! OpenTelemetry says (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
//!
//! What is secret stays out: spans tell names, places, statuses and the messages that the log has as well, never
//! arguments, contents or query strings.

mod error;
mod export;
mod sender;
mod settings;

use std::fmt::Display;

use tracing::{Instrument, Span};

pub use error::Error;
pub use export::Traces;

/// The target of all spans of traces.
pub const TARGET: &str = "otel";

/// A span of a trace: its name, then fields as [`tracing::info_span`] has them. Numbers must be `i64`: the exporter makes
/// text of others.
macro_rules! span {
    ($name:literal $($fields:tt)*) => {
        tracing::info_span!(
            target: $crate::traces::TARGET,
            $name,
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty
            $($fields)*
        )
    };
}
pub(crate) use span;

/// Does a step of a pass as a span, which fails as the step does.
///
/// # Errors
/// Those of the step.
pub(crate) async fn step<T, E: Display>(
    span: Span,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    told(&span, work.instrument(span.clone()).await)
}

/// The same result, told to the span of what had it.
///
/// # Errors
/// Those of the result.
pub(crate) fn told<T, E: Display>(span: &Span, result: Result<T, E>) -> Result<T, E> {
    result.inspect_err(|error| failed(span, error))
}

/// A span's work failed.
pub(crate) fn failed(span: &Span, message: &impl Display) {
    if !span.is_disabled() {
        span.record("otel.status_code", "error");
        span.record("otel.status_description", tracing::field::display(message));
    }
}
