//! `daytwo show`: prints what a chart says of itself.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::blocking::{finish, wait};
use super::place_flags::PlaceFlags;
use crate::chart::Contents;
use crate::repository::{self, Part};

/// The command.
#[derive(Args)]
pub(super) struct Show {
    #[command(subcommand)]
    part: What,
}

#[derive(Subcommand)]
enum What {
    /// Show all information of the chart
    All(Of),
    /// Show the chart's definition
    Chart(Of),
    /// Show the chart's values
    Values(Of),
    /// Show the chart's README
    Readme(Of),
    /// Show the chart's CRDs
    Crds(Of),
}

#[derive(Args)]
struct Of {
    /// The chart: a path, a URL, repo/chart, or oci://registry/path/chart
    #[arg(value_name = "CHART")]
    reference: String,
    #[command(flatten)]
    chart: PlaceFlags,
}

impl Show {
    pub(super) fn run(self) -> ExitCode {
        let (part, of) = match self.part {
            What::All(of) => (Part::All, of),
            What::Chart(of) => (Part::Chart, of),
            What::Values(of) => (Part::Values, of),
            What::Readme(of) => (Part::Readme, of),
            What::Crds(of) => (Part::Crds, of),
        };
        let options = of.chart.options();
        let path = wait(repository::locate(&of.reference, &options));
        let contents = path.and_then(|path| Contents::load(&path).map_err(|error| error.to_string()));
        finish(contents.and_then(|contents| {
            let text = repository::show(&contents, part);
            std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| error.to_string())
        }))
    }
}
