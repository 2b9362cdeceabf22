//! What Ansible's programs need before they can do anything: configuration, variables, inventory, modules.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::display::{self, Display};
use super::options::{InventoryOptions, VariableOptions, VaultOptions};
use super::sources::Sources;
use super::{exit, extra_vars};
use crate::executor::FactCache;
use crate::inventory::Inventory;
use crate::jinja::{Environment, Settings};
use crate::modules::external::{Library, python_here};
use crate::modules::{self, Registry};
use crate::playbook::{Config, DuplicateKeys, Options, VarMap, imported_directories};
use crate::vault::{self, Secrets};

/// Why a program ends before it ran anything, and with which code.
#[derive(Debug)]
pub(super) struct Failure {
    /// The message; none when everything was said.
    pub message: Option<String>,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// An error.
    pub(super) fn error(message: impl std::fmt::Display) -> Self {
        Failure { message: Some(message.to_string()), code: exit::ERROR }
    }

    /// Says the message and gives the exit code.
    pub(super) fn tell(self) -> ExitCode {
        if let Some(message) = &self.message {
            display::error(message);
        }
        ExitCode::from(self.code)
    }
}

/// What the programs share.
pub(super) struct Setup {
    /// The configuration.
    pub config: Config,
    /// Where warnings go.
    pub display: Display,
    /// `-e`.
    pub extra: VarMap,
    /// The hosts.
    pub inventory: Inventory,
    /// Where they are listed.
    pub sources: Sources,
    /// The modules.
    pub modules: Arc<Registry>,
    /// The filters, tests and lookups.
    pub environment: Arc<Environment>,
}

impl Setup {
    /// Reads the configuration, the variables and the inventory.
    ///
    /// # Errors
    /// One of them is wrong.
    pub(super) fn new(
        inventory: &InventoryOptions,
        variables: &VariableOptions,
        vault: &VaultOptions,
    ) -> Result<Setup, Failure> {
        let mut setup = Setup::without_hosts(inventory, variables, vault)?;
        setup.load_inventory()?;
        Ok(setup)
    }

    /// Reads the configuration and the variables, not yet the inventory.
    ///
    /// # Errors
    /// One of them is wrong.
    pub(super) fn without_hosts(
        inventory: &InventoryOptions,
        variables: &VariableOptions,
        vault: &VaultOptions,
    ) -> Result<Setup, Failure> {
        let config = Config::load()
            .map_err(|error| Failure { message: Some(error.to_string()), code: exit::OPTIONS })?;
        let mut display = Display::new(config.flag("DEPRECATION_WARNINGS"));
        config.warnings.iter().for_each(|warning| display.warning(warning));
        let mut environment = Environment::new(Arc::new(modules::plugins()));
        environment.settings = Settings::read(|name| config.given(name).map(ToOwned::to_owned));
        let secrets = secrets(&config, vault, false, &mut display)?;
        environment.secrets = Arc::clone(&secrets);
        environment.extensions.insert(Arc::new(config.clone()));
        let extra = extra_vars::load(&variables.extra_vars, &secrets)
            .map_err(|message| Failure { message: Some(message), code: exit::OPTIONS })?;
        let environment = Arc::new(environment);
        let sources = Sources {
            names: match inventory.inventory.as_slice() {
                [] => configured_sources(&config),
                given => given.to_vec(),
            },
            limit: inventory.limit.clone(),
            playbook_directories: Vec::new(),
            config: config.clone(),
            extra: extra.clone(),
            environment: Arc::clone(&environment),
        };
        Ok(Setup {
            config,
            display,
            extra,
            inventory: Inventory::default(),
            sources,
            modules: Arc::new(Registry::all()),
            environment,
        })
    }

    /// Reads the sources that the command line or the configuration names.
    fn load_inventory(&mut self) -> Result<(), Failure> {
        let loaded = self.sources.load().map_err(Failure::error)?;
        loaded.warnings.iter().for_each(|warning| self.display.warning(warning));
        self.inventory = loaded.inventory;
        if let Some(python) = python_here() {
            self.inventory.set_python(&python.display().to_string());
        }
        Ok(())
    }

    /// Whether dicts of the same name are merged.
    #[must_use]
    pub(super) fn merges_hashes(&self) -> bool {
        self.config.text("DEFAULT_HASH_BEHAVIOUR") == Some("merge")
    }

    /// Finds the modules and plugins that a playbook or role brings along.
    pub(super) fn find_modules(&mut self, content: &Path) {
        let directory = if content.is_dir() { content } else { content.parent().unwrap_or(Path::new("")) };
        let (roles, collections) =
            (self.config.paths("DEFAULT_ROLES_PATH"), self.config.paths("COLLECTIONS_PATHS"));
        let mut directories = vec![directory.to_owned()];
        if content.is_file() {
            directories.extend(imported_directories(content));
        }
        let library = Library::of(&directories, &roles, &collections);
        self.modules = Arc::new(Registry::with(&library));
        self.environment = Arc::new(self.environment.with_plugins(modules::plugins_with(&library)));
    }

    /// Reads `group_vars` and `host_vars` beside a playbook.
    pub(super) fn add_playbook_directory(&mut self, directory: &Path) {
        self.sources.add_playbook_directory(directory, &mut self.inventory);
    }

    /// Where facts are kept between runs: one cache that outlives a run is known, `jsonfile`.
    #[must_use]
    pub(super) fn fact_cache(&self) -> Option<FactCache> {
        let config = &self.config;
        let name = config.text("CACHE_PLUGIN")?;
        if name.strip_prefix("ansible.builtin.").unwrap_or(name) != "jsonfile" {
            return None;
        }
        let timeout = config.number("CACHE_PLUGIN_TIMEOUT");
        Some(FactCache {
            directory: config.paths("CACHE_PLUGIN_CONNECTION").into_iter().next()?,
            prefix: config.text("CACHE_PLUGIN_PREFIX").unwrap_or_default().to_owned(),
            timeout: (timeout > 0).then(|| Duration::from_secs(timeout)),
        })
    }

    /// How content is loaded: without looking ahead, as Ansible's commands show no warnings of what they do not come to.
    #[must_use]
    pub(super) fn content_options(&self) -> Options {
        let mut options = Options::new(Arc::clone(&self.modules) as Arc<_>, Arc::clone(&self.environment));
        options.roles_path = self.config.paths("DEFAULT_ROLES_PATH");
        options.collections_path = self.config.paths("COLLECTIONS_PATHS");
        options.extra_vars = self.extra.clone();
        options.ahead = false;
        options.duplicate_keys = match self.config.text("DUPLICATE_YAML_DICT_KEY") {
            Some("error") => DuplicateKeys::Error,
            Some("ignore") => DuplicateKeys::Ignore,
            _ => DuplicateKeys::Warn,
        };
        options
    }

    /// Says what the inventory and the limit leave, as `CLI.get_host_list` does.
    ///
    /// # Errors
    /// The limit leaves no host.
    pub(super) fn check_hosts(&mut self) -> Result<(), Failure> {
        let empty = self.inventory.is_empty();
        if empty && self.config.flag("LOCALHOST_WARNING") {
            self.display.warning(
                "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'",
            );
        }
        let limited = self.inventory.limited().map_err(Failure::error)?;
        if let Some(limited) = limited {
            limited.unknown.iter().for_each(|pattern| self.unknown_pattern(pattern));
            if limited.hosts.is_empty() && !empty {
                return Err(Failure::error(
                    "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
                ));
            }
        }
        Ok(())
    }

    /// Warns of a pattern that means nothing.
    pub(super) fn unknown_pattern(&mut self, pattern: &str) {
        if self.config.text("HOST_PATTERN_MISMATCH") == Some("warning") {
            self.display.warning(&format!("Could not match supplied host pattern, ignoring: {pattern}"));
        }
    }
}

/// Sources of the configuration: lists of hosts stay as they are, all else is a path.
fn configured_sources(config: &Config) -> Vec<String> {
    let raw = config.raw("DEFAULT_HOST_LIST").0;
    if raw.trim_end().ends_with(',') && !Path::new(raw).exists() {
        return vec![raw.to_owned()];
    }
    config.paths("DEFAULT_HOST_LIST").iter().map(|path| path.display().to_string()).collect()
}

/// The passwords of vaults that the command line and the configuration name.
///
/// # Errors
/// One of them cannot be read.
pub(super) fn secrets(
    config: &Config,
    vault: &VaultOptions,
    new_password: bool,
    display: &mut Display,
) -> Result<Arc<Secrets>, Failure> {
    let mut ids = config.list("DEFAULT_VAULT_IDENTITY_LIST");
    ids.extend(vault.vault_ids.iter().cloned());
    let mut files = vault.vault_password_files.clone();
    if files.is_empty() {
        files.extend(
            config.paths("DEFAULT_VAULT_PASSWORD_FILE").iter().map(|path| path.display().to_string()),
        );
    }
    let sources = vault::Sources {
        ids,
        password_files: files,
        ask: vault.ask_vault_password || config.flag("DEFAULT_ASK_VAULT_PASS"),
        default_id: config.text("DEFAULT_VAULT_IDENTITY").map(ToOwned::to_owned),
        match_ids: config.flag("DEFAULT_VAULT_ID_MATCH"),
        new_password,
    };
    let secrets = sources.load(&mut ask, |warning| display.warning(&warning)).map_err(Failure::error)?;
    Ok(Arc::new(secrets))
}

/// Asks for a password on the error output; it is typed, or the next line of the input.
///
/// # Errors
/// The input cannot be read.
pub(super) fn ask(prompt: &str) -> Result<String, String> {
    use std::io::Write as _;
    let _ = write!(std::io::stderr(), "{prompt}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The playbook that a name means: `namespace.collection.playbook`, or a file
/// (`_get_collection_playbook_path`).
///
/// # Errors
/// There is no such file.
pub(super) fn find_playbook(name: &str, options: &Options) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if let Some(found) = crate::playbook::collection_playbook(name, options) {
        return Ok(found);
    }
    if !path.exists() {
        return Err(Failure::error(format!("the playbook: {name} could not be found")));
    }
    Ok(path.to_owned())
}
