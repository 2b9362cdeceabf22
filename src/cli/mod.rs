//! The command line: one file per command; prints and exits, holds no logic that a library user would miss.

mod blocking;
mod chart_flags;
mod dependency;
mod image;
mod lint;
mod new;
mod package;
mod playbook;
mod playbook_output;
mod pull;
mod push;
mod rbac;
mod repo;
mod run;
mod search;
mod show;
mod table;
mod template;
mod values;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A folder of Helm charts and Ansible-style roles as a Kubernetes operator.
#[derive(Parser)]
#[command(name = "daytwo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator.
    Run(run::Run),
    /// Make a new operator project from a chart or for a role.
    New(new::New),
    /// Tell what an operator must be allowed to do.
    Rbac(rbac::Rbac),
    /// Make an image of the program and a project.
    Image(image::Build),
    /// Run a playbook or a role on this machine.
    Playbook(playbook::Playbook),
    /// Render a chart and print its manifests.
    Template(template::Template),
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
}

/// Parses the command line and runs the command that it names.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Rbac(command) => command.run(),
        Command::Image(command) => command.run(),
        Command::Playbook(command) => command.run(),
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
    }
}
