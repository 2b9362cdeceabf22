//! The sources of the inventory: read when a program starts, and again when a play asks for it
//! (`meta: refresh_inventory`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::extra_vars;
use crate::executor::ReadInventory;
use crate::inventory::{Inventory, InventoryError, LoadOptions, Loaded, Plugin};
use crate::jinja::{Environment, Value};
use crate::playbook::{Config, VarMap};

/// Where the hosts are listed, and what it takes to read that.
#[derive(Clone)]
pub(super) struct Sources {
    /// The sources, as they were written.
    pub names: Vec<String>,
    /// `--limit`.
    pub limit: Option<String>,
    /// The directories whose `group_vars` and `host_vars` count as those of a playbook.
    pub playbook_directories: Vec<PathBuf>,
    /// The configuration.
    pub config: Config,
    /// `-e`.
    pub extra: VarMap,
    /// The filters and tests of sources that build groups, and the passwords of vaults.
    pub environment: Arc<Environment>,
}

impl Sources {
    /// Reads the sources, and what stands beside them and beside the playbooks.
    ///
    /// # Errors
    /// A source cannot be read and must be, or the limit is malformed.
    pub(super) fn load(&self) -> Result<Loaded, InventoryError> {
        let read = |path: &Path| extra_vars::read(path, &self.environment.secrets);
        let options = self.options(&read);
        let mut loaded = Inventory::load(&self.names, &options)?;
        let untouched = self.names == ["/etc/ansible/hosts"] && !Path::new("/etc/ansible/hosts").exists();
        loaded.warnings.retain(|warning| !(untouched && warning.starts_with("Unable to parse")));
        if let Some(limit) = &self.limit {
            loaded.inventory.set_limit(limit)?;
        }
        for directory in &self.playbook_directories {
            loaded.inventory.add_playbook_directory(directory, &options);
        }
        Ok(loaded)
    }

    /// Adds what stands beside a playbook to an inventory, and to those that are read later.
    pub(super) fn add_playbook_directory(&mut self, directory: &Path, inventory: &mut Inventory) {
        self.playbook_directories.push(directory.to_owned());
        let read = |path: &Path| extra_vars::read(path, &self.environment.secrets);
        inventory.add_playbook_directory(directory, &self.options(&read));
    }

    /// Reads the sources again.
    #[must_use]
    pub(super) fn again(&self) -> ReadInventory {
        let sources = self.clone();
        Arc::new(move || sources.load().map(|loaded| loaded.inventory))
    }

    fn options<'a>(&self, read: &'a dyn Fn(&Path) -> Result<Value, String>) -> LoadOptions<'a> {
        let config = &self.config;
        LoadOptions {
            read,
            enabled: config.list("INVENTORY_ENABLED").iter().filter_map(|name| Plugin::named(name)).collect(),
            ignore_patterns: config.list("INVENTORY_IGNORE_PATTERNS"),
            ignore_extensions: config.list("INVENTORY_IGNORE_EXTS"),
            merge_hashes: config.text("DEFAULT_HASH_BEHAVIOUR") == Some("merge"),
            any_unparsed_is_failed: config.flag("INVENTORY_ANY_UNPARSED_IS_FAILED"),
            unparsed_is_failed: config.flag("INVENTORY_UNPARSED_IS_FAILED"),
            unparsed_warning: config.flag("INVENTORY_UNPARSED_WARNING"),
            extra_vars: self.extra.clone(),
            environment: Some(Arc::clone(&self.environment)),
        }
    }
}
