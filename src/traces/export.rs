//! Spans on their way to the collector: a queue with a bound, batches, a warning once in a while when they fail.
//!
//! Nothing here holds up a pass: the end of a span puts it into the queue, or drops it when the queue is full.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{
    EnvResourceDetector, ResourceDetector, SdkProvidedResourceDetector, TelemetryResourceDetector,
};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::sender::Sender;
use super::settings::Settings;
use super::{Error, TARGET};

/// Who traces, unless the environment names the service.
const SERVICE: &str = "daytwo";
/// How long the last spans may take to be sent when the program ends.
const LAST_BATCH: Duration = Duration::from_secs(5);
/// How often people are told that spans cannot be sent.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(300);

/// What sends traces, from the start of the program to its end.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// What the environment asks for; `None` when it asks for no traces. Requests run on `runtime`.
    ///
    /// # Errors
    /// Traces are wanted in a way that does not exist here, or the collector's address or a certificate is unusable.
    pub fn from_environment(runtime: &Handle) -> Result<Option<Self>, Error> {
        let Some(settings) = Settings::of(|name| std::env::var(name).ok())? else { return Ok(None) };
        let sender = Sender::new(&settings, runtime.clone());
        let sender = sender.map_err(|error| Error::Setup(error.to_string()))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(sender.clone())
            .build()
            .map_err(|error| Error::Setup(error.to_string()))?;
        let exporter = Exporter { exporter, sender, complained: Mutex::default() };
        let provider =
            SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
        Ok(Some(Self { provider }))
    }

    /// What takes spans of [`TARGET`] from the program.
    #[must_use]
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(SERVICE))
            // Where in this program a span begins, and on which thread, tells nothing about a pass.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    }

    /// Sends what is left. Blocks; the runtime must still be there.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_BATCH) {
            tracing::warn!(%error, "the last traces cannot be sent");
        }
    }
}

/// What is traced; the environment has the last word.
fn resource() -> Resource {
    let own = [("service.name", SERVICE), ("service.version", env!("CARGO_PKG_VERSION"))]
        .map(|(key, value)| KeyValue::new(key, value));
    // The SDK's own detector names an unknown service where the environment names none.
    let named = SdkProvidedResourceDetector.detect();
    let named = named.into_iter().filter(|(_, name)| !name.as_str().starts_with("unknown_service"));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(own)
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_attributes(named.map(|(key, name)| KeyValue::new(key.clone(), name.clone())))
        .build()
}

/// The exporter of OpenTelemetry, whose failures are told.
#[derive(Debug)]
struct Exporter {
    exporter: opentelemetry_otlp::SpanExporter,
    sender: Sender,
    /// When people were last told.
    complained: Mutex<Option<Instant>>,
}

impl Exporter {
    fn may_complain(&self) -> bool {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= COMPLAINT_PERIOD);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        if let Err(error) = &result
            && self.may_complain()
        {
            let cause = self.sender.take_trouble();
            tracing::warn!(%error, cause, spans, "traces cannot be sent and are lost; told once in five minutes");
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
