//! `daytwo status`: how a release is.

use std::process::ExitCode;

use clap::Args;

use super::cluster::{Cluster, ClusterFlags};
use super::output::{Format, write};
use super::record_text::{self, Show};
use crate::release;

/// The flags of `helm status`.
#[derive(Args)]
pub(super) struct Status {
    /// The release
    release: String,
    /// Display the status of the release with this revision
    #[arg(long, default_value_t = 0, value_name = "NUMBER", hide_default_value = true)]
    revision: i64,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Status {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.show(cluster).await })
    }

    async fn show(&self, cluster: Cluster) -> Result<(), String> {
        let Cluster { client, namespace } = &cluster;
        let record = release::revision(client, namespace, &self.release, self.revision).await;
        let record = record.map_err(|error| error.to_string())?;
        let mut data = record_text::data(&record)?;
        if let Some(fields) = data.as_object_mut() {
            fields.remove("chart");
        }
        write(self.output, &data, || record_text::text(&record, Show::default()))
    }
}
