//! `daytwo pull`: downloads charts, and unpacks them if asked.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::blocking::{finish, wait};
use super::place_flags::PlaceFlags;
use crate::repository::{self, Pull as How};

/// The command; its flags are those of `helm pull`.
#[derive(Args)]
pub(super) struct Pull {
    /// The charts: URLs, repo/chart, or oci://registry/path/chart
    #[arg(value_name = "CHART", required = true)]
    charts: Vec<String>,
    /// Location to write the chart
    #[arg(short, long, default_value = ".")]
    destination: PathBuf,
    /// Untar the chart after downloading it
    #[arg(long)]
    untar: bool,
    /// The directory, from the destination, into which the chart is expanded
    #[arg(long, default_value = ".")]
    untardir: PathBuf,
    /// Fetch the provenance file, but don't perform verification
    #[arg(long)]
    prov: bool,
    #[command(flatten)]
    chart: PlaceFlags,
}

impl Pull {
    pub(super) fn run(self) -> ExitCode {
        let how = How {
            destination: self.destination,
            untar: self.untar.then_some(self.untardir),
            provenance: self.prov,
        };
        let options = self.chart.options();
        finish(wait(async {
            for chart in &self.charts {
                let told = repository::pull(chart, &options, &how).await?;
                told.iter().for_each(|line| println!("{line}"));
            }
            Ok::<(), repository::Error>(())
        }))
    }
}
