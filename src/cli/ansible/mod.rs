//! The programs of ansible-core that operators and scripts call: `ansible-playbook`, `ansible`, `ansible-config`,
//! `ansible-inventory`, `ansible-vault`, `ansible-galaxy`. The binary is each of them when it is called by its name.

mod adhoc;
mod callback;
mod config;
mod display;
mod extra_vars;
mod galaxy;
mod inventory;
mod listing;
mod operator;
mod options;
mod playbook;
mod setup;
mod sources;
mod vault;
mod version;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Command};

pub(super) use operator::AnsibleFlags;
pub(super) use playbook::Playbook;
pub(super) use vault::Vault;

/// Exit codes of Ansible's programs (`TaskQueueManager`, `CLI.cli_executor`).
pub(super) mod exit {
    /// Something went wrong outside of any task.
    pub(crate) const ERROR: u8 = 1;
    /// The content is wrong.
    pub(crate) const PARSER: u8 = 4;
    /// The options are wrong.
    pub(crate) const OPTIONS: u8 = 5;
}

/// Runs the program as which the binary was called; none when that is daytwo itself.
pub(super) fn called_as(arguments: &[OsString]) -> Option<ExitCode> {
    let name = Path::new(arguments.first()?).file_name()?.to_str()?;
    let code = match name {
        "ansible-playbook" => parsed::<Playbook>("ansible-playbook", arguments).run(),
        "ansible" => parsed::<adhoc::AdHoc>("ansible", arguments).run(),
        "ansible-inventory" => parsed::<inventory::InventoryCommand>("ansible-inventory", arguments).run(),
        "ansible-vault" => parsed::<Vault>("ansible-vault", arguments).run(),
        "ansible-config" => parsed::<config::ConfigCommand>("ansible-config", arguments).run(),
        "ansible-galaxy" => galaxy::run(arguments),
        _ => return None,
    };
    Some(code)
}

/// The arguments of a program; prints help, version or what is wrong, and ends, when they say so.
fn parsed<T: Args>(name: &'static str, arguments: &[OsString]) -> T {
    if arguments.iter().skip(1).any(|argument| argument == "--version") {
        version::print(name);
        std::process::exit(0);
    }
    let command = T::augment_args(Command::new(name).infer_long_args(true));
    let matches = command.get_matches_from(arguments);
    T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}
