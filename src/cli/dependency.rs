//! `daytwo dependency`: lists and fetches the charts that a chart depends on.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::blocking::{finish, wait};
use super::chart_flags::{AccessFlags, SettingsFlags, VerifyFlags};
use super::output::narrow_table;
use crate::repository::{self, Manager};

/// The command.
#[derive(Args)]
pub(super) struct Dependency {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the dependencies for the given chart
    #[command(alias = "ls")]
    List(List),
    /// Update charts/ based on the contents of Chart.yaml
    #[command(alias = "up")]
    Update(Fetch),
    /// Rebuild the charts/ directory based on the Chart.lock file
    Build(Fetch),
}

#[derive(Args)]
struct List {
    /// The directory or the archive of the chart
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// Maximum column width for output table
    #[arg(long, default_value_t = 80)]
    max_col_width: usize,
}

#[derive(Args)]
struct Fetch {
    /// The directory of the chart
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// Do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
    #[command(flatten)]
    verify: VerifyFlags,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Dependency {
    pub(super) fn run(self) -> ExitCode {
        finish(match self.action {
            Action::List(list) => list.run(),
            Action::Update(fetch) => wait(fetch.run(false)),
            Action::Build(fetch) => wait(fetch.run(true)),
        })
    }
}

impl List {
    fn run(self) -> Result<(), String> {
        let listed = repository::list_dependencies(&self.chart).map_err(|error| error.to_string())?;
        let (rows, warnings) = listed;
        if !rows.is_empty() || warnings.iter().all(|warning| !warning.starts_with("WARNING: no dependencies"))
        {
            let header = ["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned).to_vec();
            let rows = rows.into_iter().map(|row| row.to_vec());
            println!(
                "{}",
                narrow_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>(), self.max_col_width)
            );
        }
        warnings.iter().for_each(|warning| println!("{warning}"));
        Ok(())
    }
}

impl Fetch {
    async fn run(self, by_lock: bool) -> Result<(), repository::Error> {
        let manager = Manager {
            chart: &self.chart,
            settings: &self.settings.settings(),
            access: &self.access.access(),
            keyring: self.verify.keyring(),
            // As in Helm, only an update insists on signatures.
            allow_unsigned: by_lock,
            skip_refresh: self.skip_refresh,
            modified: repository::source_date_epoch()?,
            report: &|line| println!("{line}"),
        };
        if by_lock { manager.build().await } else { manager.update().await }
    }
}
