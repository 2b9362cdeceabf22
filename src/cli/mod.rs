//! The command line: one file per command; prints and exits, holds no logic that a library user would miss.

mod image;
mod lint;
mod new;
mod playbook;
mod playbook_output;
mod rbac;
mod run;
mod template;
mod values;

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
    }
}
