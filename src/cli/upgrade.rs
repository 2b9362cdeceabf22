//! `daytwo upgrade`: a release gets a new chart or new values; what drifted is put back.

use std::process::ExitCode;

use clap::Args;

use super::cluster::{Cluster, ClusterFlags};
use super::install::show;
use super::operation::{ChangeFlags, ChartFlags};
use super::output::{Format, print};
use crate::release::record::Status;
use crate::release::{self, Installation, Options, Reuse, Source};

/// The flags of `helm upgrade`.
#[derive(Args)]
pub(super) struct Upgrade {
    /// The release
    release: String,
    /// The chart: a path, a URL, repo/chart, or oci://registry/path/chart
    #[arg(value_name = "CHART")]
    reference: String,
    /// Run an install if a release by this name doesn't already exist
    #[arg(short, long)]
    install: bool,
    #[command(flatten)]
    reuse: ReuseFlags,
    #[command(flatten)]
    chart: ChartFlags,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What becomes of the values that the release has.
#[derive(Args)]
pub(super) struct ReuseFlags {
    /// Reset the values to the ones built into the chart
    #[arg(long)]
    reset_values: bool,
    /// Reuse the last release's values and merge in any overrides; ignored with --reset-values
    #[arg(long)]
    reuse_values: bool,
    /// Reset the values to the chart's, apply the last release's values and merge in any overrides; ignored with
    /// --reset-values or --reuse-values
    #[arg(long)]
    reset_then_reuse_values: bool,
}

impl ReuseFlags {
    pub(super) fn choice(&self) -> Reuse {
        match (self.reset_values, self.reuse_values, self.reset_then_reuse_values) {
            (true, _, _) => Reuse::Reset,
            (_, true, _) => Reuse::Reuse,
            (_, _, true) => Reuse::ResetThenReuse,
            _ => Reuse::UnlessGiven,
        }
    }
}

impl Upgrade {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.upgrade(cluster).await })
    }

    async fn upgrade(&self, cluster: Cluster) -> Result<(), String> {
        let mut options = self.change.options(&self.release, &cluster.namespace);
        self.chart.fill(&mut options);
        let client = &cluster.client;
        if self.install {
            let status = release::last_status(client, &cluster.namespace, &self.release).await;
            let status = status.map_err(|error| error.to_string())?;
            if matches!(status, None | Some(Status::Uninstalled)) {
                if self.output == Format::Table {
                    print(&format!("Release {:?} does not exist. Installing it now.\n", self.release))?;
                }
                return self.first(&cluster, &options, status.is_some()).await;
            }
        }
        let record = release::upgrade(client, &options, &self.source()?, self.reuse.choice()).await;
        let record = record.map_err(|error| format!("UPGRADE FAILED: {error}"))?;
        if self.output == Format::Table {
            print(&format!("Release {:?} has been upgraded. Happy Helming!\n", self.release))?;
        }
        show(&record, self.output, &self.chart)
    }

    async fn first(&self, cluster: &Cluster, options: &Options, replace: bool) -> Result<(), String> {
        let installation = Installation { create_namespace: self.chart.create_namespace, replace };
        let record = release::install(&cluster.client, options, &self.source()?, installation).await;
        show(&record.map_err(|error| error.to_string())?, self.output, &self.chart)
    }

    fn source(&self) -> Result<Source, String> {
        self.chart.source(&self.reference)
    }
}
