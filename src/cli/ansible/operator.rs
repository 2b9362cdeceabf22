//! What `daytwo run` takes for its roles and playbooks from Ansible's configuration, and from the arguments that
//! `ansible-operator run --ansible-args` hands on to ansible-playbook.

use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches};

use super::options::{InventoryOptions, TagOptions, TaskOptions};
use super::playbook::task_options;
use super::setup::Setup;
use crate::executor::Gathering;
use crate::jinja::convert;
use crate::operator::AnsibleOptions;

/// The flags of `ansible-operator run` that are about Ansible.
#[derive(Debug, Args)]
pub(in crate::cli) struct AnsibleFlags {
    /// Arguments of ansible-playbook for every run: variables, tags, passwords of vaults
    #[arg(long, default_value = "", value_name = "ARGUMENTS", allow_hyphen_values = true)]
    ansible_args: String,
    /// Where roles are searched, separated by colons
    #[arg(long, value_name = "PATH")]
    ansible_roles_path: Option<String>,
    /// Where collections are searched, separated by colons
    #[arg(long, value_name = "PATH")]
    ansible_collections_path: Option<String>,
    /// How much modules tell in their results; a resource's annotation wins
    #[arg(long, default_value_t = 0, value_name = "LEVEL")]
    ansible_verbosity: u8,
}

/// What `--ansible-args` may hold.
#[derive(Debug, Args)]
struct Arguments {
    #[command(flatten)]
    task: TaskOptions,
    #[command(flatten)]
    tags: TagOptions,
}

impl AnsibleFlags {
    /// How runs go.
    ///
    /// # Errors
    /// Ansible's configuration, a file that the arguments name, or the arguments are wrong.
    pub(in crate::cli) fn options(&self) -> Result<AnsibleOptions, String> {
        let Arguments { task, tags } = arguments(&self.ansible_args)?;
        let setup = Setup::without_hosts(&InventoryOptions::default(), &task.variables, &task.vault)
            .map_err(|failure| failure.message.unwrap_or_default())?;
        let mut content = setup.content_options();
        let replace = |paths: &mut Vec<PathBuf>, given: &Option<String>| {
            if let Some(given) = given.as_deref().filter(|given| !given.is_empty()) {
                *paths = std::env::split_paths(given).collect();
            }
        };
        replace(&mut content.roles_path, &self.ansible_roles_path);
        replace(&mut content.collections_path, &self.ansible_collections_path);
        let mut run = task_options(&setup, &task, &tags);
        run.verbosity = run.verbosity.max(self.ansible_verbosity);
        if setup.config.given("DEFAULT_GATHERING").is_none() {
            // A run that reads no fact needs none.
            run.gathering = Gathering::Explicit;
        }
        let extra = setup.extra.iter().map(|(name, value)| (name.to_string(), convert::to_json(value)));
        Ok(AnsibleOptions { content, run, extra_vars: extra.collect() })
    }
}

/// Reads `--ansible-args` as a shell would; quotes around the whole are those of a manifest.
fn arguments(text: &str) -> Result<Arguments, String> {
    let text = text.trim();
    let text = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    let wrong = |why: String| format!("--ansible-args {text:?}: {why}");
    let words = shlex::split(text).ok_or_else(|| wrong("a quote is not closed".to_owned()))?;
    let command = Arguments::augment_args(Command::new("--ansible-args").no_binary_name(true));
    let matches = command.try_get_matches_from(words).map_err(|error| wrong(error.to_string()))?;
    Arguments::from_arg_matches(&matches).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn arguments_as_manifests_write_them() {
        let given = arguments("'--vault-password-file pwd.yml -e \"a=1 b=2\" --tags x,y'").unwrap();
        assert_eq!(given.task.vault.vault_password_files, ["pwd.yml"]);
        assert_eq!(given.task.variables.extra_vars, ["a=1 b=2"]);
        assert_eq!(given.tags.tags, ["x,y"]);
        assert!(arguments("").unwrap().tags.tags.is_empty());
        assert!(arguments("-e 'open").unwrap_err().contains("not closed"));
        assert!(arguments("--unheard-of").unwrap_err().contains("--unheard-of"));
    }
}
