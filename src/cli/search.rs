//! `daytwo search repo`: finds charts in the added repositories.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::blocking::finish;
use super::chart_flags::SettingsFlags;
use super::output::{Format, narrow_table, print, write};
use crate::repository::{self, Search as What};

/// The command.
#[derive(Args)]
pub(super) struct Search {
    #[command(subcommand)]
    place: Place,
}

#[derive(Subcommand)]
enum Place {
    /// Search repositories for a keyword in charts
    Repo(InRepositories),
}

#[derive(Args)]
struct InRepositories {
    /// A part of the name, the description or the keywords; everything when missing
    keyword: Vec<String>,
    /// Take the keyword for a regular expression
    #[arg(short, long)]
    regexp: bool,
    /// Show each version of each chart on its own line
    #[arg(short = 'l', long)]
    versions: bool,
    /// Search development versions, too; the same as --version '>0.0.0-0'
    #[arg(long)]
    devel: bool,
    /// Search using semantic versioning constraints
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// Maximum column width for output table
    #[arg(long, default_value_t = 50)]
    max_col_width: usize,
    /// Fail if no results are found
    #[arg(long)]
    fail_on_no_result: bool,
    /// Print the output in this format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Search {
    pub(super) fn run(self) -> ExitCode {
        let Place::Repo(search) = self.place;
        finish(search.run())
    }
}

impl InRepositories {
    fn run(self) -> Result<(), String> {
        let what = What {
            term: self.keyword.join(" "),
            regexp: self.regexp,
            versions: self.versions,
            version: match self.version.as_str() {
                "" if self.devel => repository::ANY_VERSION.to_owned(),
                version => version.to_owned(),
            },
        };
        let found =
            repository::search(&what, &self.settings.settings()).map_err(|error| error.to_string())?;
        if found.is_empty() && self.fail_on_no_result {
            return Err("no results found".into());
        }
        if self.output != Format::Table {
            let found = serde_json::to_value(&found).map_err(|error| error.to_string())?;
            return write(self.output, &found, String::new);
        }
        if found.is_empty() {
            println!("No results found");
            return Ok(());
        }
        let header = ["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"].map(str::to_owned).to_vec();
        let rows = found
            .into_iter()
            .map(|found| vec![found.name, found.version, found.app_version, found.description]);
        print(&narrow_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>(), self.max_col_width))
    }
}
