//! Magic variables: what a run says of itself (`_get_magic_variables`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hosts::Hosts;
use super::hostvars::HostVars;
use super::inherit::Lineage;
use super::vars::Variables;
use crate::inventory::Inventory;
use crate::jinja::{Value, Vars};
use crate::playbook::Role;

/// The variables that `hostvars` of every host shows as well.
const SHARED: &[&str] = &[
    "ansible_check_mode",
    "ansible_config_file",
    "ansible_diff_mode",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_playbook_python",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "groups",
    "omit",
    "playbook_dir",
];

fn texts<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Value {
    Value::list(names.into_iter().map(|name| Value::from(name.as_ref())).collect())
}

fn path(path: &Path) -> Value {
    Value::from(path.display().to_string())
}

/// What the inventory says of a host itself.
pub(super) fn of_host(vars: &mut Vars, hosts: &Hosts, host: &str) {
    vars.insert("inventory_hostname".into(), Value::from(host));
    vars.insert("inventory_hostname_short".into(), Value::from(Inventory::short_name(host)));
    vars.insert("group_names".into(), texts(hosts.inventory().group_names(host)));
}

impl Variables<'_> {
    /// Adds the magic variables.
    pub(super) fn add_magic(&self, vars: &mut Vars, lineage: Option<&Lineage<'_>>, host: Option<&str>) {
        if let Some(host) = host {
            of_host(vars, &self.state.hosts, host);
        }
        self.of_run(vars);
        self.of_this_play(vars);
        if let Some(lineage) = lineage {
            vars.insert(
                "environment".into(),
                Value::list(lineage.all("environment").into_iter().cloned().collect()),
            );
            vars.insert("ansible_search_path".into(), self.search_path(lineage));
            if let Some(role) = lineage.role() {
                of_role(vars, role, lineage);
            }
        }
        let keyword = lineage.and_then(|lineage| lineage.get("connection"));
        let connection = || keyword.cloned().unwrap_or_else(|| Value::from(self.options.connection.as_str()));
        vars.entry("ansible_connection".into()).or_insert_with(connection);
        for name in ["ansible_host", "ansible_ssh_host"] {
            if let Some(host) = host.filter(|_| lineage.is_some()) {
                vars.entry(name.into()).or_insert_with(|| Value::from(host));
            }
        }
        let shared = SHARED.iter().filter_map(|name| vars.get_key_value(*name));
        let shared: Vars = shared.map(|(name, value)| (Arc::clone(name), value.clone())).collect();
        let hostvars = HostVars::new(
            self.state.hosts.clone(),
            Arc::clone(self.extra),
            self.options.merge_hashes,
            Arc::new(shared),
        );
        vars.insert("hostvars".into(), Value::Object(Arc::new(hostvars)));
    }

    fn of_run(&self, vars: &mut Vars) {
        let mut set = |name: &str, value: Value| {
            vars.insert(name.into(), value);
        };
        let options = self.options;
        let inventory = self.state.hosts.inventory();
        set("playbook_dir", path(&self.content.basedir));
        set("groups", self.state.hosts.groups());
        set("omit", Value::from(self.state.omit.as_str()));
        set("ansible_check_mode", Value::Bool(options.check));
        set("ansible_diff_mode", Value::Bool(options.diff));
        set("ansible_verbosity", Value::Int(i64::from(options.verbosity)));
        set("ansible_forks", Value::from(options.forks));
        if options.tags.is_empty() {
            set("ansible_run_tags", texts(["all"]));
        } else {
            set("ansible_run_tags", texts(&options.tags));
        }
        set("ansible_skip_tags", texts(&options.skip_tags));
        set("ansible_version", version());
        set("ansible_config_file", options.config_file.as_deref().map_or(Value::None, path));
        set("ansible_inventory_sources", texts(inventory.sources()));
        set("ansible_playbook_python", Value::from(inventory.python()));
    }

    fn of_this_play(&self, vars: &mut Vars) {
        let mut set = |name: &str, value: Value| {
            vars.insert(name.into(), value);
        };
        let play = &self.state.play;
        let Some(batch) = &self.state.batch else { return };
        let left = |hosts: &[String]| texts(hosts.iter().filter(|host| !play.removed.contains(*host)));
        set("ansible_play_name", Value::from(play.name.as_str()));
        set("ansible_play_hosts_all", texts(&play.hosts));
        set("ansible_play_hosts", left(&play.hosts));
        set("ansible_play_batch", left(&batch.hosts));
        set("play_hosts", left(&batch.hosts));
        let lost = |host: &&String| self.state.failed.contains(*host);
        let gone = |host: &&String| lost(host) || self.state.unreachable.contains(*host);
        set("ansible_failed_hosts", texts(batch.hosts.iter().filter(lost)));
        set("ansible_current_hosts", texts(batch.hosts.iter().filter(|host| !gone(host))));
        let roles = &batch.roles;
        let mut all: Vec<&String> = Vec::new();
        for name in roles.dependencies.iter().chain(&roles.named) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        set("ansible_role_names", texts(all));
        set("ansible_play_role_names", texts(&roles.named));
        set("role_names", texts(&roles.named));
        set("ansible_dependent_role_names", texts(&roles.dependencies));
    }

    /// Where files of the task are searched: its roles from the innermost, the directory of its file,
    /// the directory of the playbook.
    fn search_path(&self, lineage: &Lineage<'_>) -> Value {
        let mut dirs: Vec<PathBuf> = lineage.roles().map(|role| role.path.clone()).collect();
        let file_dir = lineage.task.place.file.parent().map(Path::to_owned).unwrap_or_default();
        for dir in [file_dir, self.content.basedir.clone()] {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        texts(dirs.into_iter().map(|dir| dir.display().to_string()))
    }
}

fn of_role(vars: &mut Vars, role: &Role, lineage: &Lineage<'_>) {
    let mut set = |name: &str, value: Value| {
        vars.insert(name.into(), value);
    };
    let full = role.full_name();
    let collection = full.strip_suffix(role.short_name()).and_then(|name| name.strip_suffix('.'));
    set("role_name", Value::from(role.short_name()));
    set("ansible_collection_name", collection.map_or(Value::None, Value::from));
    set("ansible_role_name", Value::from(full.as_str()));
    set("role_path", path(&role.path));
    let parents: Vec<&Arc<Role>> = lineage.roles().skip(1).collect();
    if !parents.is_empty() {
        set("ansible_parent_role_names", texts(parents.iter().map(|role| role.full_name())));
        let paths = parents.iter().map(|role| role.path.display().to_string());
        set("ansible_parent_role_paths", texts(paths));
    }
}

fn version() -> Value {
    Value::dict([
        ("string", Value::from("2.18.19")),
        ("full", Value::from("2.18.19")),
        ("major", Value::Int(2)),
        ("minor", Value::Int(18)),
        ("revision", Value::Int(19)),
    ])
}
