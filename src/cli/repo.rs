//! `daytwo repo`: adds, lists, updates and removes chart repositories.

use std::io::Read;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::blocking::{finish, wait};
use super::chart_flags::{AccessFlags, SettingsFlags};
use super::output::{Format, print, table, write};
use crate::repository::{self, Access, Entries, Entry};

/// The command.
#[derive(Args)]
pub(super) struct Repo {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Add a chart repository
    Add(Add),
    /// List chart repositories
    #[command(alias = "ls")]
    List(List),
    /// Update information of available charts locally from chart repositories
    #[command(alias = "up")]
    Update(Names),
    /// Remove one or more chart repositories
    #[command(alias = "rm")]
    Remove(Removal),
}

#[derive(Args)]
struct Add {
    /// The name by which charts of the repository are called
    name: String,
    /// The URL under which its index.yaml stands
    url: String,
    /// Replace (overwrite) the repo if it already exists
    #[arg(long)]
    force_update: bool,
    /// Read chart repository password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Pass credentials to all domains
    #[arg(long)]
    pass_credentials: bool,
    /// Allow adding official repos that have been permanently deleted
    #[arg(long)]
    allow_deprecated_repos: bool,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Args)]
struct List {
    /// Print the output in this format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Suppress headers in the output
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Args)]
struct Names {
    /// The repositories; all when none is given
    names: Vec<String>,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Args)]
struct Removal {
    /// The repositories
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    settings: SettingsFlags,
}

impl Repo {
    pub(super) fn run(self) -> ExitCode {
        let say = |line: &str| println!("{line}");
        finish(match self.action {
            Action::Add(add) => add.run(),
            Action::List(list) => list.run(),
            Action::Update(Names { names, settings }) => {
                wait(repository::update(&names, &settings.settings(), &say))
            }
            Action::Remove(Removal { names, settings }) => {
                repository::remove(&names, &settings.settings(), &say).map_err(|error| error.to_string())
            }
        })
    }
}

impl Add {
    fn run(self) -> Result<(), String> {
        let mut access = Access { pass_credentials: self.pass_credentials, ..self.access.access() };
        if !access.username.is_empty() && access.password.is_empty() {
            if !self.password_stdin {
                return Err("a username needs a password: give --password or --password-stdin".into());
            }
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).clone_into(&mut access.password);
        }
        let entry = Entry::new(&self.name, &self.url, &access);
        let settings = self.settings.settings();
        let added = repository::add(entry, &settings, self.force_update, self.allow_deprecated_repos);
        println!("{}", wait(added)?);
        Ok(())
    }
}

impl List {
    fn run(self) -> Result<(), String> {
        let entries =
            Entries::load(&self.settings.settings()).map_err(|error| error.to_string())?.repositories;
        if self.output != Format::Table {
            let shown: Vec<_> =
                entries.iter().map(|entry| json!({"name": entry.name, "url": entry.url})).collect();
            return write(self.output, &json!(shown), String::new);
        }
        if entries.is_empty() {
            eprintln!("no repositories to show");
            return Ok(());
        }
        let header = (!self.no_headers).then(|| vec!["NAME".to_owned(), "URL".to_owned()]);
        let rows = entries.into_iter().map(|entry| vec![entry.name, entry.url]);
        print(&table(&header.into_iter().chain(rows).collect::<Vec<_>>()))
    }
}
