//! The options that several of Ansible's programs share (`cli/arguments/option_helpers.py`).

use clap::{ArgAction, Args};

/// Which hosts, and where they are listed.
#[derive(Debug, Default, Args)]
pub(super) struct InventoryOptions {
    /// A source of inventory: a file, a directory, a script, or a list of hosts with commas.
    #[arg(short = 'i', long = "inventory", visible_alias = "inventory-file", value_name = "SOURCE")]
    pub inventory: Vec<String>,
    /// Only these of the hosts: a pattern, or @file.
    #[arg(short = 'l', long = "limit", value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Print the hosts and do nothing.
    #[arg(long)]
    pub list_hosts: bool,
}

/// Variables of the command line.
#[derive(Debug, Default, Args)]
pub(super) struct VariableOptions {
    /// Variables: `k=v`, YAML or JSON, or `@file`.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
}

/// Passwords of vaults.
#[derive(Debug, Default, Args)]
pub(super) struct VaultOptions {
    /// A password and its id: id@source.
    #[arg(long = "vault-id", value_name = "ID")]
    pub vault_ids: Vec<String>,
    /// A file with a password.
    #[arg(long = "vault-password-file", visible_alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_files: Vec<String>,
    /// Ask for a password.
    #[arg(short = 'J', long = "ask-vault-password", visible_alias = "ask-vault-pass")]
    pub ask_vault_password: bool,
}

/// How tasks run.
#[derive(Debug, Default, Args)]
pub(super) struct RunOptions {
    /// Say more; up to -vvvvvv.
    #[arg(short = 'v', long = "verbose", action = ArgAction::Count)]
    pub verbose: u8,
    /// Change nothing; say what would change.
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show what changes in files.
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// How many hosts run a task at once.
    #[arg(short = 'f', long, value_name = "NUMBER")]
    pub forks: Option<usize>,
    /// Run handlers even after a failure.
    #[arg(long)]
    pub force_handlers: bool,
}

/// Which tasks run.
#[derive(Debug, Default, Args)]
pub(super) struct TagOptions {
    /// Only run what has one of these tags.
    #[arg(short = 't', long, value_name = "TAGS")]
    pub tags: Vec<String>,
    /// Do not run what has one of these tags.
    #[arg(long, value_name = "TAGS")]
    pub skip_tags: Vec<String>,
}

/// How hosts are reached, and caches. Every host is this machine, so what says how another one is reached is
/// accepted and says nothing.
#[derive(Debug, Default, Args)]
pub(super) struct ConnectionOptions {
    #[arg(short = 'M', long, hide = true)]
    module_path: Vec<String>,
    /// Forget the facts that earlier runs kept.
    #[arg(long)]
    pub flush_cache: bool,
    /// The connection of hosts that name none: this machine is reached with `local`.
    #[arg(short = 'c', long, value_name = "NAME")]
    pub connection: Option<String>,
    #[arg(short = 'u', long = "user", hide = true)]
    remote_user: Option<String>,
    #[arg(long, visible_alias = "key-file", hide = true)]
    private_key: Option<String>,
    #[arg(short = 'T', long, hide = true)]
    timeout: Option<u64>,
    #[arg(long, hide = true)]
    ssh_common_args: Option<String>,
    #[arg(long, hide = true)]
    sftp_extra_args: Option<String>,
    #[arg(long, hide = true)]
    scp_extra_args: Option<String>,
    #[arg(long, hide = true)]
    ssh_extra_args: Option<String>,
    #[arg(short = 'k', long, hide = true)]
    ask_pass: bool,
    #[arg(long, visible_alias = "conn-pass-file", hide = true)]
    connection_password_file: Option<String>,
    #[arg(short = 'b', long = "become", hide = true)]
    r#become: bool,
    #[arg(long, hide = true)]
    become_method: Option<String>,
    #[arg(long, hide = true)]
    become_user: Option<String>,
    #[arg(short = 'K', long, hide = true)]
    ask_become_pass: bool,
    #[arg(long, visible_alias = "become-pass-file", hide = true)]
    become_password_file: Option<String>,
}

/// What every program that runs tasks takes.
#[derive(Debug, Default, Args)]
pub(super) struct TaskOptions {
    #[command(flatten)]
    pub variables: VariableOptions,
    #[command(flatten)]
    pub vault: VaultOptions,
    #[command(flatten)]
    pub run: RunOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
}

/// Tags, as several options with several words each give them.
#[must_use]
pub(super) fn tags(given: &[String], configured: &[String]) -> Vec<String> {
    let given = if given.is_empty() { configured } else { given };
    let mut tags: Vec<String> = Vec::new();
    for tag in given.iter().flat_map(|tags| tags.split(',')).map(str::trim) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}
