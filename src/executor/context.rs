//! What a run needs of its surroundings and what it is asked to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::fact_cache::FactCache;
use crate::inventory::{Inventory, InventoryError};
use crate::jinja::Extensions;
use crate::modules::Registry;
use crate::modules::jobs::Jobs;

/// The surroundings of a run; not part of its state.
#[derive(Clone, Default)]
pub struct Context {
    /// The modules.
    pub modules: Arc<Registry>,
    /// Handles for modules and lookups by type: the cluster, the owner, ….
    pub extensions: Extensions,
    /// Ends the run between and inside tasks.
    pub cancel: CancellationToken,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// What `async` tasks left running.
    pub jobs: Jobs,
    /// Reads the sources of the inventory again (`meta: refresh_inventory`); without it, they stay as they are.
    pub inventory: Option<ReadInventory>,
    /// Where facts are kept between runs.
    pub fact_cache: Option<FactCache>,
}

/// Reads the sources of an inventory.
pub type ReadInventory = Arc<dyn Fn() -> Result<Inventory, InventoryError> + Send + Sync>;

/// When facts are gathered before a play (`DEFAULT_GATHERING`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gathering {
    /// Unless the play says no.
    #[default]
    Implicit,
    /// If the play says yes.
    Explicit,
    /// Unless the play says no, for hosts whose facts are not known.
    Smart,
}

impl Gathering {
    /// The way of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Gathering> {
        match name {
            "implicit" => Some(Gathering::Implicit),
            "explicit" => Some(Gathering::Explicit),
            "smart" => Some(Gathering::Smart),
            _ => None,
        }
    }
}

/// What a run is asked to do; part of its state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// `--check`.
    pub check: bool,
    /// `--diff`.
    pub diff: bool,
    /// `-v…`.
    pub verbosity: u8,
    /// `--tags`; empty means `all`.
    pub tags: Vec<String>,
    /// `--skip-tags`.
    pub skip_tags: Vec<String>,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--forks`: how many hosts run a task at once.
    pub forks: usize,
    /// When facts are gathered before a play.
    pub gathering: Gathering,
    /// The strategy of plays that name none (`DEFAULT_STRATEGY`).
    pub strategy: Option<String>,
    /// Whether notifying a handler that does not exist is an error (`ERROR_ON_MISSING_HANDLER`).
    pub error_on_missing_handler: bool,
    /// `any_errors_fatal` of plays that do not say (`ANY_ERRORS_FATAL`).
    pub any_errors_fatal: bool,
    /// Whether users are changed to the own one as well (`BECOME_ALLOW_SAME_USER`).
    pub become_same_user: bool,
    /// `timeout` of tasks that have none, in seconds; zero for none (`TASK_TIMEOUT`).
    pub task_timeout: u64,
    /// How hosts are reached that do not say (`--connection`).
    pub connection: String,
    /// `hash_behaviour = merge`.
    pub merge_hashes: bool,
    /// Whether the variables of roles are seen within them alone (`private_role_vars`), where it is said.
    pub private_role_vars: Option<bool>,
    /// `ansible_config_file` as templates see it.
    pub config_file: Option<PathBuf>,
    /// The hosts, their groups and variables.
    pub inventory: Inventory,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            check: false,
            diff: false,
            verbosity: 0,
            tags: Vec::new(),
            skip_tags: Vec::new(),
            force_handlers: false,
            start_at_task: None,
            forks: 5,
            gathering: Gathering::default(),
            strategy: None,
            error_on_missing_handler: true,
            any_errors_fatal: false,
            become_same_user: false,
            task_timeout: 0,
            connection: "ssh".to_owned(),
            merge_hashes: false,
            private_role_vars: None,
            config_file: None,
            inventory: Inventory::default(),
        }
    }
}
