//! `daytwo install`: a chart becomes a release.

use std::process::ExitCode;

use clap::Args;

use super::cluster::{Cluster, ClusterFlags, report};
use super::naming::NameFlags;
use super::operation::{ChartFlags, DryRun, WaitFlags};
use super::output::{Format, write};
use super::record_text::{self, Show};
use crate::release::record::Record;
use crate::release::{self, Installation, Options, ServerSide, Source};

/// The flags of `helm install`.
#[derive(Args)]
pub(super) struct Install {
    #[command(flatten)]
    names: NameFlags,
    #[command(flatten)]
    chart: ChartFlags,
    #[command(flatten)]
    wait: WaitFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Object updates run in the server instead of the client
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true",
          action = clap::ArgAction::Set)]
    server_side: bool,
    /// Force server-side apply changes against conflicts
    #[arg(long, conflicts_with = "force_replace")]
    force_conflicts: bool,
    /// Force resource updates by replacement
    #[arg(long, alias = "force")]
    force_replace: bool,
    /// Wait until all Jobs have been completed, if --wait is given
    #[arg(long)]
    wait_for_jobs: bool,
    /// Reuse the given name, if it is that of a failed or uninstalled release that remains in the history
    #[arg(long)]
    replace: bool,
    /// Add a custom description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Install {
    pub(super) fn run(self) -> ExitCode {
        if self.chart.dry_run == DryRun::Client {
            return report(self.dry_run().map_err(failed));
        }
        self.cluster.run(|cluster| async { self.install(cluster).await.map_err(failed) })
    }

    async fn install(&self, cluster: Cluster) -> Result<(), String> {
        let (options, source) = self.release(&cluster.namespace)?;
        let installation =
            Installation { create_namespace: self.chart.create_namespace, replace: self.replace };
        let record = release::install(&cluster.client, &options, &source, installation).await;
        show(&record.map_err(|error| error.to_string())?, self.output, &self.chart)
    }

    fn dry_run(&self) -> Result<(), String> {
        let (options, source) = self.release(self.cluster.namespace())?;
        let record = release::render_offline(&options, &source).map_err(|error| error.to_string())?;
        show(&record, self.output, &self.chart)
    }

    fn release(&self, namespace: &str) -> Result<(Options, Source), String> {
        let name = self.names.name()?.ok_or("must either provide a name or specify --generate-name")?;
        let mut options = Options::new(name, namespace);
        options.server_side = if self.server_side { ServerSide::On } else { ServerSide::Off };
        options.force_conflicts = self.force_conflicts;
        options.force_replace = self.force_replace;
        options.description.clone_from(&self.description);
        self.wait.fill_with_jobs(self.wait_for_jobs, &mut options);
        self.chart.fill(&mut options);
        Ok((options, self.chart.source(self.names.chart())?))
    }
}

fn failed(message: String) -> String {
    format!("INSTALLATION FAILED: {message}")
}

/// Prints a new revision.
pub(super) fn show(record: &Record, format: Format, chart: &ChartFlags) -> Result<(), String> {
    let mut shown = record.clone();
    if chart.hide_secret {
        shown.manifest = release::public_manifest(&shown.manifest);
    }
    let show = Show { everything: chart.debug, hide_notes: chart.hide_notes, ..Show::default() };
    write(format, &record_text::data(&shown)?, || record_text::text(&shown, show))
}
