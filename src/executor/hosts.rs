//! The hosts of a run: the inventory as the run changed it, and what was learnt of each host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::state::StoredVars;
use crate::inventory::{Inventory, InventoryError};
use crate::jinja::Value;
use crate::jinja::convert::Stored;
use crate::playbook::VarMap;

/// What was learnt of one host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Learnt {
    /// `ansible_facts`.
    pub facts: StoredVars,
    /// What `include_vars` read.
    pub included: StoredVars,
    /// What `set_fact` and `register` set.
    pub set: StoredVars,
}

/// The hosts of a run; a copy is a cheap snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Hosts {
    inventory: Arc<Inventory>,
    learnt: Arc<IndexMap<String, Arc<Learnt>>>,
    /// The variables of the inventory by host, as far as they were asked for.
    #[serde(skip)]
    cache: Arc<Mutex<HashMap<String, Arc<VarMap>>>>,
}

impl Hosts {
    /// The hosts of an inventory of which nothing was learnt.
    #[must_use]
    pub(super) fn new(inventory: Inventory) -> Self {
        Hosts { inventory: Arc::new(inventory), ..Hosts::default() }
    }

    /// The inventory.
    #[must_use]
    pub(super) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The variables that the inventory gives a host.
    #[must_use]
    pub(super) fn inventory_vars(&self, host: &str) -> Arc<VarMap> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vars) = cache.get(host) {
            return Arc::clone(vars);
        }
        // A file of variables that cannot be read was told when the inventory was loaded.
        let vars = Arc::new(self.inventory.vars(host).unwrap_or_default());
        cache.insert(host.to_owned(), Arc::clone(&vars));
        vars
    }

    /// What was learnt of a host.
    #[must_use]
    pub(super) fn learnt(&self, host: &str) -> Option<&Learnt> {
        self.learnt.get(host).map(AsRef::as_ref)
    }

    /// What was learnt of a host, to change.
    pub(super) fn learn(&mut self, host: &str) -> &mut Learnt {
        let learnt = Arc::make_mut(&mut self.learnt).entry(host.to_owned()).or_default();
        Arc::make_mut(learnt)
    }

    /// Sets a variable of a host, as `set_fact` and `register` do.
    pub(super) fn set(&mut self, host: &str, name: &str, value: Value) {
        self.learn(host).set.insert(name.into(), Stored(value));
    }

    /// Forgets the facts of a host.
    pub(super) fn clear_facts(&mut self, host: &str) {
        if self.learnt.contains_key(host) {
            self.learn(host).facts.clear();
        }
    }

    /// Adds a host with variables to groups; true if that changed anything.
    ///
    /// # Errors
    /// The name of the host or of a group is empty.
    pub(super) fn add_host(
        &mut self,
        name: &str,
        groups: &[String],
        vars: VarMap,
    ) -> Result<bool, InventoryError> {
        self.cache = Arc::default();
        Arc::make_mut(&mut self.inventory).add_host(name, groups, vars.into_iter())
    }

    /// Puts a host into a group below parents; true if that changed anything.
    ///
    /// # Errors
    /// The groups would contain each other, or the host does not exist.
    pub(super) fn add_to_group(
        &mut self,
        host: &str,
        group: &str,
        parents: &[String],
    ) -> Result<bool, InventoryError> {
        self.cache = Arc::default();
        Arc::make_mut(&mut self.inventory).add_to_group(host, group, parents)
    }

    /// The name under which a host is known that is asked for by its address (`get_host`).
    #[must_use]
    pub(super) fn resolve(&self, asked: &str) -> String {
        if self.inventory.host(asked).is_some() {
            return asked.to_owned();
        }
        let address = |host: &str| {
            self.inventory_vars(host).get("ansible_host").map(ToString::to_string).unwrap_or_default()
        };
        let found = self.inventory.hosts().find(|host| address(host) == asked);
        found.unwrap_or(asked).to_owned()
    }
}
