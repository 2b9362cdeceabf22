//! `daytwo get`: what is recorded of a release.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::cluster::{Cluster, ClusterFlags};
use super::output::{Format, print, rfc3339, write, yaml};
use super::record_text::{self, Show, hook_text};
use crate::release;
use crate::release::record::{Record, as_written};

/// The parts of a release.
#[derive(Args)]
pub(super) struct Get {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Download all information for a named release
    All(Which),
    /// Download the hooks of a named release
    Hooks(Which),
    /// Download the manifest of a named release
    Manifest(Which),
    /// Fetch metadata of a named release
    Metadata(Formatted),
    /// Download the notes of a named release
    Notes(Which),
    /// Download the values of a named release
    Values(Values),
}

#[derive(Args)]
struct Which {
    /// The release
    release: String,
    /// Get the named release with this revision
    #[arg(long, default_value_t = 0, value_name = "NUMBER", hide_default_value = true)]
    revision: i64,
    #[command(flatten)]
    cluster: ClusterFlags,
}

#[derive(Args)]
struct Formatted {
    #[command(flatten)]
    which: Which,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Args)]
struct Values {
    #[command(flatten)]
    formatted: Formatted,
    /// Dump all (computed) values
    #[arg(short, long)]
    all: bool,
}

impl Get {
    pub(super) fn run(self) -> ExitCode {
        match &self.part {
            Part::All(which) => which.show(|record| {
                print(&record_text::text(record, Show { chart: true, everything: true, hide_notes: false }))
            }),
            Part::Hooks(which) => {
                which.show(|record| print(&record.hooks.iter().map(hook_text).collect::<String>()))
            }
            Part::Manifest(which) => which.show(|record| print(&format!("{}\n", record.manifest))),
            Part::Notes(which) => which.show(|record| match record.info.notes.as_str() {
                "" => Ok(()),
                notes => print(&format!("NOTES:\n{notes}\n")),
            }),
            Part::Metadata(Formatted { which, output }) => which.show(|record| {
                let metadata = Metadata::of(record);
                write(*output, &metadata, || metadata.text())
            }),
            Part::Values(Values { formatted: Formatted { which, output }, all }) => {
                which.show(|record| show_values(record, *output, *all))
            }
        }
    }
}

impl Which {
    fn show(&self, show: impl FnOnce(&Record) -> Result<(), String>) -> ExitCode {
        self.cluster.run(|Cluster { client, namespace }| async move {
            let record = release::revision(&client, &namespace, &self.release, self.revision).await;
            show(&record.map_err(|error| error.to_string())?)
        })
    }
}

fn show_values(record: &Record, format: Format, all: bool) -> Result<(), String> {
    let (title, values) = if all {
        ("COMPUTED VALUES", as_written(&Value::Object(record.computed_values())))
    } else {
        ("USER-SUPPLIED VALUES", as_written(&record_text::config(record)))
    };
    write(format, &values, || format!("{title}:\n{}", yaml(&values)))
}

/// What `get metadata` tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    chart: &'a str,
    version: &'a str,
    app_version: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    dependencies: &'a [Value],
    namespace: &'a str,
    revision: i64,
    status: &'static str,
    deployed_at: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    apply_method: &'a str,
}

impl<'a> Metadata<'a> {
    fn of(record: &'a Record) -> Self {
        let chart = &record.chart.metadata;
        let annotations = chart["annotations"].as_object().into_iter().flatten();
        Self {
            name: &record.name,
            chart: record.chart.name(),
            version: record.chart.version(),
            app_version: record.chart.app_version(),
            annotations: annotations
                .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
                .collect(),
            labels: &record.labels,
            dependencies: chart["dependencies"].as_array().map_or(&[], Vec::as_slice),
            namespace: &record.namespace,
            revision: record.version,
            status: record.info.status.as_str(),
            deployed_at: rfc3339(record.info.last_deployed),
            apply_method: &record.apply_method,
        }
    }

    fn text(&self) -> String {
        let mut dependencies: Vec<&str> =
            self.dependencies.iter().filter_map(|dependency| dependency["name"].as_str()).collect();
        dependencies.sort_unstable();
        let method = match self.apply_method {
            "" => "client-side apply (defaulted)".to_owned(),
            "csa" => "client-side apply".to_owned(),
            "ssa" => "server-side apply".to_owned(),
            other => format!("unknown ({other:?})"),
        };
        let labels = self.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut text = String::new();
        for (title, value) in [
            ("NAME", self.name),
            ("CHART", self.chart),
            ("VERSION", self.version),
            ("APP_VERSION", self.app_version),
            ("ANNOTATIONS", &pairs(self.annotations.iter().map(|(key, value)| (*key, *value)))),
            ("LABELS", &pairs(labels)),
            ("DEPENDENCIES", &dependencies.join(",")),
            ("NAMESPACE", self.namespace),
            ("REVISION", &self.revision.to_string()),
            ("STATUS", self.status),
            ("DEPLOYED_AT", &self.deployed_at),
            ("APPLY_METHOD", &method),
        ] {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{title}: {value}");
        }
        text
    }
}

/// `a=1,b=2`
fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}
