//! The environment: whether traces are sent, and how the collector is reached.
//!
//! Only what the crates of OpenTelemetry leave to the program stands here. They themselves read the endpoint's path,
//! headers, compression, sampler, limits of spans, the batches' `OTEL_BSP_*` and the attributes of the resource.

use std::time::Duration;

use super::Error;
use crate::http::{Authorities, Transport};

/// Where spans are sent; the first one wins. Either of them asks for traces.
const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Which exporters are wanted, separated by commas.
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
/// How spans are encoded; the first one wins.
const PROTOCOL: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/// Milliseconds that one request to the collector may take; the first one wins.
const TIMEOUT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
/// The timeout when nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// PEM certificates to trust instead of the system's.
const CERTIFICATE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
/// The certificate that this program shows to the collector, PEM.
const CLIENT_CERTIFICATE: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
/// Its key, PEM.
const CLIENT_KEY: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];

/// How the collector is reached.
#[derive(Debug)]
pub(super) struct Settings {
    /// The way to it.
    pub(super) transport: Transport,
    /// How long one request may take.
    pub(super) timeout: Duration,
}

impl Settings {
    /// What the variables that `read` gives ask for; `None` when they ask for no traces.
    ///
    /// # Errors
    /// [`Error::Unsupported`]: traces are wanted in a way that does not exist here.
    pub(super) fn of(read: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, Error> {
        // An empty variable is an unset one.
        let get = |name| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, get(name)?)));
        let disabled = get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if disabled || first(ENDPOINT).is_none() {
            return Ok(None);
        }
        let exporters = get(EXPORTER).unwrap_or_else(|| "otlp".into());
        let mut names = exporters.split(',').map(str::trim);
        if names.clone().any(|name| name == "none") {
            return Ok(None);
        }
        if !names.any(|name| name == "otlp") {
            let hint = "otlp sends traces, none does not";
            return Err(Error::Unsupported { variable: EXPORTER, value: exporters, hint });
        }
        if let Some((variable, value)) = first(PROTOCOL).filter(|(_, value)| value != "http/protobuf") {
            let hint =
                "set it to http/protobuf, and the endpoint to the collector's port for HTTP, 4318 as a rule";
            return Err(Error::Unsupported { variable, value, hint });
        }
        let timeout = first(TIMEOUT).and_then(|(_, value)| value.parse().ok());
        let timeout = timeout.map_or(DEFAULT_TIMEOUT, Duration::from_millis);
        let path = |names| first(names).map(|(_, path)| path.into());
        let transport = Transport {
            ca: path(CERTIFICATE).map(Authorities::File),
            client_cert: path(CLIENT_CERTIFICATE),
            client_key: path(CLIENT_KEY),
            timeout,
            ..Transport::default()
        };
        Ok(Some(Self { transport, timeout }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Settings>, Error> {
        Settings::of(|name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_endpoint_asks_for_traces_and_others_can_forbid_them() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        for (variables, wanted) in [
            (&[][..], false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], false),
            (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector:4318")], false),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")], true),
            (&[endpoint], true),
            (&[endpoint, ("OTEL_SDK_DISABLED", "false")], true),
            (&[endpoint, ("OTEL_SDK_DISABLED", "True")], false),
            (&[endpoint, ("OTEL_TRACES_EXPORTER", "none")], false),
            (&[endpoint, ("OTEL_TRACES_EXPORTER", "console, otlp")], true),
            (&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], true),
        ] {
            assert_eq!(of(variables).unwrap().is_some(), wanted, "{variables:?}");
        }
    }

    #[test]
    fn what_does_not_exist_here_is_refused_with_a_hint() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        for (variable, value, expected) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "set it to http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "set it to http/protobuf"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "otlp sends traces"),
        ] {
            let message = of(&[endpoint, (variable, value)]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{variable}={value} is not supported here: ")), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_variables_for_traces_win() {
        let settings = of(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector:4318/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ]);
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.timeout, Duration::from_millis(500));
        assert_eq!(settings.transport.ca, Some(Authorities::File("/ca.pem".into())));
    }
}
