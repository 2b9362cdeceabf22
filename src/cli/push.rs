//! `daytwo push`: uploads a packed chart to a registry.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::blocking::{finish, wait};
use super::place_flags::{AccessFlags, SettingsFlags};
use crate::repository;

/// The command; its flags are those of `helm push`.
#[derive(Args)]
pub(super) struct Push {
    /// The archive; a provenance file beside it is uploaded, too
    chart: PathBuf,
    /// oci://registry/path; the chart's name and version follow it
    remote: String,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Push {
    pub(super) fn run(self) -> ExitCode {
        let (access, settings) = (self.access.access(), self.settings.settings());
        let told = wait(repository::push(&self.chart, &self.remote, &access, &settings));
        finish(told.map(|lines| lines.iter().for_each(|line| println!("{line}"))))
    }
}
