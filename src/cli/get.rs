//! `daytwo get`: what is recorded of a release.

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::cluster::{Cluster, ClusterFlags};
use super::output::{Format, print, rfc3339, write, yaml};
use super::record_text::{self, Show, hook_text};
use crate::release;
use crate::release::record::Record;

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
            Part::Metadata(Formatted { which, output }) => {
                which.show(|record| write(*output, &metadata(record), || metadata_text(record)))
            }
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
        ("COMPUTED VALUES", Value::Object(record.computed_values()))
    } else {
        ("USER-SUPPLIED VALUES", record_text::config(record))
    };
    write(format, &values, || format!("{title}:\n{}", yaml(&values)))
}

fn metadata(record: &Record) -> Value {
    let chart = &record.chart.metadata;
    let mut data = Map::new();
    data.insert("name".into(), record.name.as_str().into());
    data.insert("chart".into(), record.chart.name().into());
    data.insert("version".into(), record.chart.version().into());
    data.insert("appVersion".into(), record.chart.app_version().into());
    let filled = |value: &Value| {
        value.as_object().is_some_and(|map| !map.is_empty())
            || value.as_array().is_some_and(|list| !list.is_empty())
    };
    for (field, value) in [
        ("annotations", &chart["annotations"]),
        ("labels", &json!(record.labels)),
        ("dependencies", &chart["dependencies"]),
    ] {
        if filled(value) {
            data.insert(field.into(), value.clone());
        }
    }
    data.insert("namespace".into(), record.namespace.as_str().into());
    data.insert("revision".into(), record.version.into());
    data.insert("status".into(), record.info.status.as_str().into());
    data.insert("deployedAt".into(), rfc3339(record.info.last_deployed).into());
    if !record.apply_method.is_empty() {
        data.insert("applyMethod".into(), record.apply_method.as_str().into());
    }
    Value::Object(data)
}

fn metadata_text(record: &Record) -> String {
    let data = metadata(record);
    let pairs = |field: &str| {
        let map = data[field].as_object().cloned().unwrap_or_default();
        let mut pairs: Vec<String> =
            map.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        pairs.sort();
        pairs.join(",")
    };
    let dependencies = data["dependencies"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<&str> =
        dependencies.iter().filter_map(|dependency| dependency["name"].as_str()).collect();
    names.sort_unstable();
    let method = match record.apply_method.as_str() {
        "" => "client-side apply (defaulted)".to_owned(),
        "csa" => "client-side apply".to_owned(),
        "ssa" => "server-side apply".to_owned(),
        other => format!("unknown ({other:?})"),
    };
    let mut text = String::new();
    for (title, value) in [
        ("NAME", record.name.clone()),
        ("CHART", record.chart.name().to_owned()),
        ("VERSION", record.chart.version().to_owned()),
        ("APP_VERSION", record.chart.app_version().to_owned()),
        ("ANNOTATIONS", pairs("annotations")),
        ("LABELS", pairs("labels")),
        ("DEPENDENCIES", names.join(",")),
        ("NAMESPACE", record.namespace.clone()),
        ("REVISION", record.version.to_string()),
        ("STATUS", record.info.status.as_str().to_owned()),
        ("DEPLOYED_AT", rfc3339(record.info.last_deployed)),
        ("APPLY_METHOD", method),
    ] {
        let _ = writeln!(text, "{title}: {value}");
    }
    text
}
