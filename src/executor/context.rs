//! What a run needs of its surroundings and what it is asked to do.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::inventory::Inventory;
use crate::jinja::Extensions;
use crate::modules::Registry;

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
    /// `gather_facts` of plays that do not say (false for `ANSIBLE_GATHERING=explicit`).
    pub gather_facts: bool,
    /// `hash_behaviour = merge`.
    pub merge_hashes: bool,
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
            gather_facts: true,
            merge_hashes: false,
            inventory: Inventory::default(),
        }
    }
}
