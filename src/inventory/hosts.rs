//! Hosts, groups, what they contain and which variables they give (`inventory/data.py`, `group.py`,
//! `host.py`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use super::address::is_ip;
use super::combine::{merge_dicts, overlay};
use super::error::InventoryError;
use super::vars_files::{Kind, VarsDirectory};
use crate::jinja::Value;
use crate::jinja::convert::Stored;
use crate::playbook::VarMap;

/// Variables as an inventory keeps them.
pub type HostVars = IndexMap<Arc<str>, Stored>;

/// The names of this machine that need not stand in an inventory.
pub const LOCALHOST: &[&str] = &["127.0.0.1", "localhost", "::1"];

/// A host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Host {
    /// Its variables, those of groups and files not included.
    pub vars: HostVars,
    /// The groups that list it.
    pub groups: IndexSet<String>,
}

/// A group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Group {
    /// The hosts that it lists itself.
    pub hosts: IndexSet<String>,
    /// Its groups.
    pub children: IndexSet<String>,
    /// The groups that list it.
    pub parents: IndexSet<String>,
    /// Its variables, those of files not included.
    pub vars: HostVars,
    /// How far it is from `all`.
    pub depth: usize,
    /// `ansible_group_priority`: of two groups as deep as each other, the higher one wins.
    pub priority: i64,
}

/// Hosts in groups, with their variables. The default knows nothing but the implicit localhost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inventory {
    pub(super) hosts: IndexMap<String, Host>,
    pub(super) groups: IndexMap<String, Group>,
    /// The host that stands for this machine, when the inventory lists one.
    pub(super) own_localhost: Option<String>,
    /// The single patterns of `--limit`.
    pub(super) limit: Option<Vec<String>>,
    /// Whether dicts of several layers are merged (`hash_behaviour`).
    pub(super) merge: bool,
    /// What was asked for.
    pub(super) sources: Vec<String>,
    /// `group_vars` and `host_vars` beside the sources.
    pub(super) beside_sources: Vec<VarsDirectory>,
    /// `group_vars` and `host_vars` beside the playbook.
    pub(super) beside_playbook: Vec<VarsDirectory>,
    /// The source that is being read; new hosts remember it.
    #[serde(skip)]
    pub(super) reading: Option<String>,
    /// The interpreter that implicit localhosts name.
    python: String,
}

impl Default for Inventory {
    fn default() -> Self {
        let mut inventory = Inventory {
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            own_localhost: None,
            limit: None,
            merge: false,
            sources: Vec::new(),
            beside_sources: Vec::new(),
            beside_playbook: Vec::new(),
            reading: None,
            python: "/usr/bin/python3".to_owned(),
        };
        inventory.groups.insert("all".to_owned(), Group { priority: 1, ..Group::default() });
        inventory.groups.insert("ungrouped".to_owned(), Group { priority: 1, ..Group::default() });
        // Neither group can contain the other yet, so there is no loop.
        let _ = inventory.add_child("all", "ungrouped");
        inventory
    }
}

/// The name with characters that groups may not have replaced, as Ansible warns about but keeps
/// (`TRANSFORM_INVALID_GROUP_CHARS = never`).
#[must_use]
pub(super) fn has_invalid_characters(group: &str) -> bool {
    group.starts_with(|c: char| c.is_ascii_digit()) || group.chars().any(|c| !c.is_alphanumeric() && c != '_')
}

/// Sets a variable of a host or group; with `merge`, a dict of another source stays below.
fn put_variable(vars: &mut HostVars, name: &str, value: Value, merge: bool) {
    let value = match (vars.get(name), &value) {
        (Some(Stored(Value::Dict(old))), Value::Dict(new)) if merge => merge_dicts(old, new),
        _ => value,
    };
    vars.insert(name.into(), Stored(value));
}

impl Inventory {
    /// The names of the hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }

    /// A host that the inventory lists.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The sources that were asked for, as they were written.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Whether the inventory lists no host at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The name under which this machine runs when a play asks for this one.
    pub(super) fn localhost(&self, asked: &str) -> String {
        self.own_localhost.clone().unwrap_or_else(|| asked.to_owned())
    }

    /// `ansible_playbook_python`: the Python of this machine, which the implicit localhost names.
    #[must_use]
    pub fn python(&self) -> &str {
        &self.python
    }

    /// Sets the Python of this machine.
    pub fn set_python(&mut self, interpreter: &str) {
        interpreter.clone_into(&mut self.python);
    }

    /// Adds a group; true if it is new.
    pub(super) fn add_group(&mut self, name: &str) -> bool {
        if name.is_empty() || self.groups.contains_key(name) {
            return false;
        }
        self.groups.insert(name.to_owned(), Group { priority: 1, ..Group::default() });
        true
    }

    /// Adds a host of a source that is being read.
    pub(super) fn insert_host(&mut self, name: &str, group: Option<&str>, port: Option<u16>) {
        if !self.hosts.contains_key(name) {
            let mut host = Host::default();
            if let Some(port) = port {
                host.vars.insert("ansible_port".into(), Stored(Value::Int(i64::from(port))));
            }
            let text = |text: Option<String>| Stored(text.map_or(Value::None, Value::from));
            let directory = self.reading.as_deref().and_then(directory_of);
            host.vars.insert("inventory_file".into(), text(self.reading.clone()));
            host.vars.insert("inventory_dir".into(), text(directory.map(|dir| dir.display().to_string())));
            if LOCALHOST.contains(&name) && self.own_localhost.is_none() {
                self.own_localhost = Some(name.to_owned());
            }
            self.hosts.insert(name.to_owned(), host);
        }
        if let Some(group) = group {
            self.put(name, group);
        }
    }

    /// Puts a host into a group; true if it was not there.
    fn put(&mut self, host: &str, group: &str) -> bool {
        self.add_group(group);
        if let Some(host) = self.hosts.get_mut(host) {
            host.groups.insert(group.to_owned());
        }
        self.groups.get_mut(group).is_some_and(|group| group.hosts.insert(host.to_owned()))
    }

    /// Makes a group part of another one; true if it was not.
    ///
    /// # Errors
    /// The groups would contain each other.
    pub(super) fn add_child(&mut self, parent: &str, child: &str) -> Result<bool, InventoryError> {
        if parent == child {
            return Err(InventoryError::new("can't add group to itself"));
        }
        self.add_group(parent);
        self.add_group(child);
        if self.groups.get(parent).is_some_and(|group| group.children.contains(child)) {
            return Ok(false);
        }
        if self.ancestors([parent]).contains(child) {
            let message =
                format!("Adding group '{child}' as child to '{parent}' creates a recursive dependency loop.");
            return Err(InventoryError::new(message));
        }
        let depth = self.groups.get_mut(parent).map_or(0, |group| {
            group.children.insert(child.to_owned());
            group.depth
        });
        if let Some(group) = self.groups.get_mut(child) {
            group.parents.insert(parent.to_owned());
        }
        self.deepen(child, depth + 1);
        Ok(true)
    }

    /// Makes sure that a group and all below are at least this deep.
    fn deepen(&mut self, name: &str, depth: usize) {
        let mut open = vec![(name.to_owned(), depth)];
        while let Some((name, depth)) = open.pop() {
            if let Some(group) = self.groups.get_mut(&name)
                && group.depth < depth
            {
                group.depth = depth;
                open.extend(group.children.iter().map(|child| (child.clone(), depth + 1)));
            }
        }
    }

    /// The groups above these ones, without themselves.
    fn ancestors<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> IndexSet<String> {
        let mut found = IndexSet::new();
        let mut open: Vec<String> = names.into_iter().map(ToOwned::to_owned).collect();
        while let Some(name) = open.pop() {
            for parent in self.groups.get(&name).into_iter().flat_map(|group| &group.parents) {
                if found.insert(parent.clone()) {
                    open.push(parent.clone());
                }
            }
        }
        found
    }

    /// Sets a variable of a group or of a host; `ansible_group_priority` of a group is its priority.
    pub(super) fn set_variable(&mut self, entity: &str, name: &str, value: Value) {
        if let Some(group) = self.groups.get_mut(entity) {
            if name == "ansible_group_priority" {
                let number = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                group.priority = number.trim().parse().unwrap_or(group.priority);
                return;
            }
            put_variable(&mut group.vars, name, value, self.merge);
        } else if let Some(host) = self.hosts.get_mut(entity) {
            put_variable(&mut host.vars, name, value, self.merge);
        }
    }

    /// The rules that hold after every change: all groups are below `all`, and `ungrouped` has exactly
    /// the hosts that no other group has. Returns the names that are both a host and a group.
    pub(super) fn reconcile(&mut self) -> Vec<String> {
        self.reading = None;
        let orphans: Vec<String> = self
            .groups
            .iter()
            .filter(|(name, group)| *name != "all" && group.parents.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        for group in orphans {
            // A group without parents is above nothing that contains `all`.
            let _ = self.add_child("all", &group);
        }
        let names: Vec<String> = self.hosts.keys().cloned().collect();
        for name in &names {
            let Some(host) = self.hosts.get_mut(name) else { continue };
            let grouped = host.groups.iter().any(|group| group != "all" && group != "ungrouped");
            if grouped && host.groups.shift_remove("ungrouped") {
                if let Some(ungrouped) = self.groups.get_mut("ungrouped") {
                    ungrouped.hosts.shift_remove(name);
                }
            } else if !grouped {
                self.put(name, "ungrouped");
            }
        }
        names.into_iter().filter(|name| self.groups.contains_key(name)).collect()
    }

    /// Adds a host with variables to groups, as `add_host` does; true if that changed anything.
    ///
    /// # Errors
    /// The name of the host or of a group is empty.
    pub fn add_host(
        &mut self,
        name: &str,
        groups: &[String],
        vars: impl Iterator<Item = (Arc<str>, Value)>,
    ) -> Result<bool, InventoryError> {
        if name.is_empty() {
            return Err(InventoryError::new("Invalid empty host name provided: "));
        }
        if groups.iter().any(String::is_empty) {
            return Err(InventoryError::new("Invalid empty/false group name provided: "));
        }
        let mut changed = !self.hosts.contains_key(name);
        if changed {
            self.insert_host(name, Some("all"), None);
        }
        let merge = self.merge;
        if let Some(host) = self.hosts.get_mut(name) {
            let mut combined = plain(&host.vars);
            for (name, value) in vars {
                overlay(&mut combined, &name, value, merge);
            }
            changed |= combined.len() != host.vars.len()
                || combined.iter().any(|(name, value)| host.vars.get(name).is_none_or(|old| old.0 != *value));
            host.vars = combined.into_iter().map(|(name, value)| (name, Stored(value))).collect();
        }
        for group in groups {
            changed |= self.put(name, group);
        }
        if changed {
            self.reconcile();
        }
        Ok(changed)
    }

    /// Puts a host into a group below parents, as `group_by` does; true if that changed anything.
    ///
    /// # Errors
    /// The groups would contain each other, or the host does not exist.
    pub fn add_to_group(
        &mut self,
        host: &str,
        group: &str,
        parents: &[String],
    ) -> Result<bool, InventoryError> {
        if !self.hosts.contains_key(host) {
            if !LOCALHOST.contains(&host) {
                return Err(InventoryError::new(format!("{host} cannot be matched in inventory")));
            }
            return Ok(false);
        }
        if group.is_empty() {
            return Err(InventoryError::new("Invalid empty/false group name provided: "));
        }
        let mut changed = self.add_group(group);
        for parent in parents {
            changed |= self.add_group(parent);
            changed |= self.add_child(parent, group)?;
        }
        if !self.hosts_of(group).contains(host) {
            changed |= self.put(host, group);
        }
        if changed {
            self.reconcile();
        }
        Ok(changed)
    }

    /// The hosts of a group and of all groups below, each once.
    pub(super) fn hosts_of(&self, group: &str) -> IndexSet<String> {
        let mut hosts = IndexSet::new();
        let mut seen = IndexSet::from([group]);
        let mut at = 0;
        while let Some(name) = seen.get_index(at).copied() {
            at += 1;
            if let Some(group) = self.groups.get(name) {
                hosts.extend(group.hosts.iter().cloned());
                seen.extend(group.children.iter().map(String::as_str));
            }
        }
        hosts
    }

    /// The hosts of every group: `groups` as templates see it.
    #[must_use]
    pub fn groups(&self) -> IndexMap<String, Vec<String>> {
        self.groups.keys().map(|name| (name.clone(), self.hosts_of(name).into_iter().collect())).collect()
    }

    /// The groups that a host is in, directly or not, sorted and without `all`: `group_names`.
    #[must_use]
    pub fn group_names(&self, host: &str) -> Vec<String> {
        let mut names: Vec<String> = self.all_groups(host).into_iter().filter(|name| name != "all").collect();
        names.sort();
        names
    }

    fn all_groups(&self, host: &str) -> IndexSet<String> {
        let Some(host) = self.hosts.get(host) else { return IndexSet::new() };
        let mut groups = host.groups.clone();
        groups.extend(self.ancestors(host.groups.iter().map(String::as_str)));
        groups
    }

    /// `inventory_hostname_short`.
    #[must_use]
    pub fn short_name(host: &str) -> &str {
        if is_ip(host) { host } else { host.split('.').next().unwrap_or(host) }
    }

    /// Reads `group_vars` and `host_vars` beside a playbook, once for each directory.
    pub fn add_playbook_directory(&mut self, directory: &Path, options: &super::LoadOptions<'_>) {
        if !self.beside_playbook.iter().any(|known| known.directory == directory) {
            let read = VarsDirectory::read(directory, options);
            self.beside_playbook.push(read);
        }
    }

    /// The variables of a host from its groups, itself and their files, by precedence
    /// (`VARIABLE_PRECEDENCE`): `all`, groups, files of `all` beside the inventory and the playbook, files of
    /// groups, then the host and its files.
    ///
    /// # Errors
    /// A file of variables cannot be read.
    pub fn vars(&self, host: &str) -> Result<VarMap, InventoryError> {
        let mut vars = self.group_layers(host)?;
        let merge = self.merge;
        let mut add = |layer: &HostVars| {
            layer.iter().for_each(|(name, value)| overlay(&mut vars, name, value.0.clone(), merge));
        };
        match self.hosts.get(host) {
            Some(known) => add(&known.vars),
            None if LOCALHOST.contains(&host) => add(&self.implicit_vars()),
            None => {}
        }
        for directory in self.beside_sources.iter().chain(&self.beside_playbook) {
            directory.layers(Kind::Host, host)?.for_each(&mut add);
        }
        Ok(vars)
    }

    /// What the localhost that the inventory does not list knows.
    fn implicit_vars(&self) -> HostVars {
        HostVars::from_iter([
            ("ansible_python_interpreter".into(), Stored(Value::from(self.python.as_str()))),
            ("ansible_connection".into(), Stored(Value::from("local"))),
        ])
    }

    fn group_layers(&self, host: &str) -> Result<VarMap, InventoryError> {
        let mut names: Vec<String> = self.all_groups(host).into_iter().filter(|name| name != "all").collect();
        names.sort_by_key(|name| {
            let group = self.groups.get(name);
            (group.map(|group| group.depth), group.map(|group| group.priority), name.clone())
        });
        let all = ["all".to_owned()];
        let mut vars = VarMap::new();
        let merge = self.merge;
        let mut add = |layer: &HostVars| {
            layer.iter().for_each(|(name, value)| overlay(&mut vars, name, value.0.clone(), merge));
        };
        for name in all.iter().chain(&names) {
            if let Some(group) = self.groups.get(name) {
                add(&group.vars);
            }
        }
        for entities in [&all[..], &names] {
            for directories in [&self.beside_sources, &self.beside_playbook] {
                for directory in directories {
                    for name in entities {
                        directory.layers(Kind::Group, name)?.for_each(&mut add);
                    }
                }
            }
        }
        Ok(vars)
    }

    /// The variables of a group as `ansible-inventory` shows them: its own and those of its files.
    ///
    /// # Errors
    /// A file of variables cannot be read.
    pub fn group_vars(&self, group: &str) -> Result<VarMap, InventoryError> {
        let own = self.groups.get(group).map(|group| &group.vars);
        self.layered(Kind::Group, group, own)
    }

    /// The variables of a host as `ansible-inventory` shows them: its own and those of its files.
    ///
    /// # Errors
    /// A file of variables cannot be read.
    pub fn host_vars(&self, host: &str) -> Result<VarMap, InventoryError> {
        let own = self.hosts.get(host).map(|host| &host.vars);
        self.layered(Kind::Host, host, own)
    }

    fn layered(&self, kind: Kind, name: &str, own: Option<&HostVars>) -> Result<VarMap, InventoryError> {
        let mut vars = own.map(plain).unwrap_or_default();
        for directory in self.beside_sources.iter().chain(&self.beside_playbook) {
            for layer in directory.layers(kind, name)? {
                layer.iter().for_each(|(name, value)| {
                    overlay(&mut vars, name, value.0.clone(), self.merge);
                });
            }
        }
        Ok(vars)
    }
}

fn plain(vars: &HostVars) -> VarMap {
    vars.iter().map(|(name, value)| (Arc::clone(name), value.0.clone())).collect()
}

/// The directory of a source: itself, or the one that holds the file; none for a list of hosts.
pub(super) fn directory_of(source: &str) -> Option<PathBuf> {
    let path = Path::new(source);
    let directory = if path.is_dir() {
        path
    } else if path.is_file() {
        path.parent()?
    } else {
        return None;
    };
    std::path::absolute(if directory.as_os_str().is_empty() { Path::new(".") } else { directory }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_knows_the_implicit_localhost() {
        let inventory = Inventory::default();
        assert!(inventory.is_empty());
        assert_eq!(inventory.groups()["all"], Vec::<String>::new());
        assert_eq!(inventory.group_names("localhost"), Vec::<String>::new());
        assert_eq!(inventory.vars("localhost").unwrap()["ansible_connection"].to_string(), "local");
        assert!(inventory.vars("other").unwrap().is_empty());
    }

    #[test]
    fn hosts_are_added_while_running() {
        let mut inventory = Inventory::default();
        let vars = || [("a".into(), Value::Int(1))].into_iter();
        assert!(inventory.add_host("h", &texts(&["g"]), vars()).unwrap());
        assert!(!inventory.add_host("h", &texts(&["g"]), vars()).unwrap());
        assert!(inventory.add_host("i", &[], std::iter::empty()).unwrap());
        assert_eq!(inventory.groups()["ungrouped"], ["i"]);
        assert!(inventory.add_to_group("i", "g", &texts(&["p"])).unwrap());
        assert!(!inventory.add_to_group("i", "g", &texts(&["p"])).unwrap());
        assert_eq!(inventory.groups()["ungrouped"], Vec::<String>::new());
        assert_eq!(inventory.group_names("i"), ["g", "p"]);
        assert_eq!(inventory.groups()["p"], ["h", "i"]);
        assert!(inventory.add_to_group("i", "p", &texts(&["g"])).is_err());
        assert!(inventory.add_host("", &[], std::iter::empty()).is_err());
        let stored = serde_json::to_string(&inventory).unwrap();
        let again: Inventory = serde_json::from_str(&stored).unwrap();
        assert_eq!(again.groups(), inventory.groups());
        assert_eq!(again.vars("h").unwrap()["a"].to_string(), "1");
    }
}
