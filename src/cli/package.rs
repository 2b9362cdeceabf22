//! `daytwo package`: packs chart directories into archives.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::blocking::{finish, wait};
use super::place_flags::{AccessFlags, SettingsFlags};
use crate::repository::{self, Manager};

/// The command; its flags are those of `helm package`, signing aside.
#[derive(Args)]
pub(super) struct Package {
    /// The directories of the charts
    #[arg(value_name = "CHART_PATH", required = true)]
    charts: Vec<PathBuf>,
    /// Location to write the chart
    #[arg(short, long, default_value = ".")]
    destination: PathBuf,
    /// Set the version on the chart to this semver version
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// Set the appVersion on the chart to this version
    #[arg(long, default_value = "", hide_default_value = true)]
    app_version: String,
    /// Update dependencies from "Chart.yaml" to dir "charts/" before packaging
    #[arg(short = 'u', long)]
    dependency_update: bool,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Package {
    pub(super) fn run(self) -> ExitCode {
        finish(wait(self.pack()))
    }

    async fn pack(&self) -> Result<(), repository::Error> {
        let modified = repository::source_date_epoch()?;
        for chart in &self.charts {
            if self.dependency_update {
                let manager = Manager {
                    chart,
                    settings: &self.settings.settings(),
                    access: &self.access.access(),
                    keyring: None,
                    allow_unsigned: true,
                    skip_refresh: false,
                    modified,
                    report: &|_| {},
                };
                manager.update().await?;
            }
            let path =
                repository::package(chart, &self.destination, &self.version, &self.app_version, modified)?;
            let path = std::path::absolute(&path).unwrap_or(path);
            println!("Successfully packaged chart and saved it to: {}", path.display());
        }
        Ok(())
    }
}
