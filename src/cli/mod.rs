//! The command line: one file per command; prints and exits, holds no logic that a library user would miss.

mod ansible;
mod blocking;
mod chart_flags;
mod chart_loading;
mod cluster;
mod completion;
mod dependency;
mod diff;
mod dump;
mod get;
mod history;
mod image;
mod install;
mod lint;
mod list;
mod naming;
mod new;
mod operation;
mod output;
mod package;
mod pull;
mod push;
mod rbac;
mod record_text;
mod repo;
mod rollback;
mod run;
mod search;
mod show;
mod status;
mod template;
mod test;
mod uninstall;
mod upgrade;
mod values;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// A folder of Helm charts and Ansible-style roles as a Kubernetes operator.
#[derive(Parser)]
#[command(name = "daytwo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// Only the flags of the command that is called are made: those of all take longer than many a command.
#[derive(Subcommand)]
#[command(defer = true)]
enum Command {
    /// Run the operator.
    Run(run::Run),
    /// Make a new operator project from a chart or for a role.
    New(new::New),
    /// Tell what an operator must be allowed to do.
    Rbac(rbac::Rbac),
    /// Make an image of the program and a project.
    Image(image::Build),
    /// Store dumps of databases in a bucket, and fetch them.
    Dump(dump::Dump),
    /// Run a playbook or a role on this machine.
    Playbook(Box<ansible::Playbook>),
    /// Encrypt and decrypt files and values with passwords.
    Vault(ansible::Vault),
    /// Render a chart and print its manifests.
    Template(Box<template::Template>),
    /// Tell what is wrong with charts.
    Lint(lint::Lint),
    /// Show information of a chart.
    #[command(alias = "inspect")]
    Show(show::Show),
    /// Package a chart directory into a chart archive.
    Package(package::Package),
    /// Manage a chart's dependencies.
    #[command(aliases = ["dep", "dependencies"])]
    Dependency(dependency::Dependency),
    /// Download a chart from a repository and (optionally) unpack it in local directory.
    #[command(alias = "fetch")]
    Pull(pull::Pull),
    /// Push a chart to a registry.
    Push(push::Push),
    /// Add, list, update and remove chart repositories.
    Repo(repo::Repo),
    /// Search for a keyword in charts.
    Search(search::Search),
    /// Verify that a chart at the given path has been signed and is valid.
    Verify(verify::Verify),
    /// Install a chart as a release.
    Install(Box<install::Install>),
    /// Upgrade a release to a chart or to values.
    Upgrade(Box<upgrade::Upgrade>),
    /// Show what an upgrade would change.
    Diff(Box<diff::Diff>),
    /// Roll a release back to an earlier revision.
    Rollback(rollback::Rollback),
    /// Uninstall releases.
    #[command(visible_aliases = ["un", "del", "delete"])]
    Uninstall(uninstall::Uninstall),
    /// List releases.
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show how a release is.
    Status(status::Status),
    /// Show the revisions of a release.
    #[command(visible_alias = "hist")]
    History(history::History),
    /// Show what is recorded of a release.
    Get(get::Get),
    /// Run the tests of a release.
    Test(test::Test),
    /// Print the script that lets a shell complete daytwo's command line.
    Completion(completion::Completion),
    /// Print the manual page.
    Man(completion::ManPages),
}

/// Parses the command line and runs the command that it names.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if let Some(code) = ansible::called_as(&arguments) {
        return code;
    }
    let matches = run::with_defaults_of(arguments.first(), Cli::command()).get_matches_from(&arguments);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Command::Run(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Rbac(command) => command.run(),
        Command::Image(command) => command.run(),
        Command::Playbook(command) => command.run(),
        Command::Vault(command) => command.run(),
        Command::Template(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Show(command) => command.run(),
        Command::Package(command) => command.run(),
        Command::Dependency(command) => command.run(),
        Command::Pull(command) => command.run(),
        Command::Push(command) => command.run(),
        Command::Repo(command) => command.run(),
        Command::Search(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Install(command) => command.run(),
        Command::Upgrade(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Rollback(command) => command.run(),
        Command::Uninstall(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::History(command) => command.run(),
        Command::Dump(command) => command.run(),
        Command::Get(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Completion(command) => command.run(Cli::command()),
        Command::Man(command) => command.run(Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn no_flag_is_given_twice() {
        super::Cli::command().debug_assert();
    }
}
