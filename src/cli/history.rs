//! `daytwo history`: the revisions of a release.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::cluster::{Cluster, ClusterFlags};
use super::list::{app_version_of, chart_of};
use super::output::{Format, ansic, table, write};
use crate::release;
use crate::release::record::Record;

/// The flags of `helm history`.
#[derive(Args)]
pub(super) struct History {
    /// The release
    release: String,
    /// Maximum number of revisions to include in history
    #[arg(long, default_value_t = 256, value_name = "NUMBER")]
    max: usize,
    /// Show the rollback revision column in table output
    #[arg(long)]
    show_rollback_revision: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl History {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.show(cluster).await })
    }

    async fn show(&self, cluster: Cluster) -> Result<(), String> {
        let Cluster { client, namespace } = &cluster;
        let records = release::history(client, namespace, &self.release, self.max).await;
        let records = records.map_err(|error| error.to_string())?;
        let data: Value = records.iter().map(element).collect();
        write(self.output, &data, || {
            let mut rows = vec![
                self.row(
                    ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "ROLLBACK", "DESCRIPTION"]
                        .map(str::to_owned),
                ),
            ];
            rows.extend(records.iter().map(|record| self.row(cells(record))));
            table(&rows)
        })
    }

    fn row(&self, cells: [String; 7]) -> Vec<String> {
        let mut row = Vec::from(cells);
        if !self.show_rollback_revision {
            row.remove(5);
        }
        row
    }
}

fn cells(record: &Record) -> [String; 7] {
    let rollback = record.info.rollback_revision;
    [
        record.version.to_string(),
        ansic(record.info.last_deployed),
        record.info.status.as_str().into(),
        chart_of(record),
        app_version_of(record),
        if rollback > 0 { rollback.to_string() } else { String::new() },
        record.info.description.clone(),
    ]
}

fn element(record: &Record) -> Value {
    let mut element = json!({"revision": record.version});
    if let Some(updated) = record.info.last_deployed {
        element["updated"] = json!(updated);
    }
    element["status"] = record.info.status.as_str().into();
    element["chart"] = chart_of(record).into();
    element["app_version"] = app_version_of(record).into();
    if record.info.rollback_revision > 0 {
        element["rollback_revision"] = record.info.rollback_revision.into();
    }
    element["description"] = record.info.description.clone().into();
    element
}
