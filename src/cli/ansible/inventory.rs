//! `ansible-inventory`: the inventory as Ansible sees it (`cli/inventory.py`).

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::exit;
use super::options::{InventoryOptions, VariableOptions, VaultOptions};
use super::setup::{Failure, Setup};
use crate::inventory::Inventory;
use crate::jinja::convert;
use crate::jinja::filters::json::Writer;
use crate::jinja::yaml::{self, DumpOptions};
use crate::playbook::VarMap;

/// Prints an inventory.
#[derive(Debug, Args)]
pub(super) struct InventoryCommand {
    /// The group of which a graph is drawn.
    #[arg(value_name = "GROUP", default_value = "all")]
    group: String,
    /// Print everything.
    #[arg(long)]
    list: bool,
    /// Print the variables of a host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Draw groups and hosts.
    #[arg(long)]
    graph: bool,
    /// YAML instead of JSON.
    #[arg(short = 'y', long)]
    yaml: bool,
    /// Show variables in the graph.
    #[arg(long)]
    vars: bool,
    /// With --list: variables stay at their groups.
    #[arg(long)]
    export: bool,
    /// With --list: write to this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What stands for the playbook's directory.
    #[arg(long)]
    playbook_dir: Option<PathBuf>,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    _verbose: u8,
    #[command(flatten)]
    inventory: InventoryOptions,
    #[command(flatten)]
    variables: VariableOptions,
    #[command(flatten)]
    vault: VaultOptions,
}

impl InventoryCommand {
    /// Runs the command.
    pub(super) fn run(&self) -> ExitCode {
        match self.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        }
    }

    fn print(&self) -> Result<(), Failure> {
        let options = |message: &str| Failure { message: Some(message.to_owned()), code: exit::OPTIONS };
        match usize::from(self.list) + usize::from(self.host.is_some()) + usize::from(self.graph) {
            1 => {}
            0 => {
                return Err(options(
                    "No action selected, at least one of --host, --graph or --list needs to be specified.",
                ));
            }
            _ => {
                return Err(options(
                    "Conflicting options used, only one of --host, --graph or --list can be used at the same time.",
                ));
            }
        }
        let mut setup = Setup::new(&self.inventory, &self.variables, &self.vault)?;
        if let Some(directory) = &self.playbook_dir {
            setup.add_playbook_directory(&std::path::absolute(directory).unwrap_or_default());
        }
        let view = View { inventory: &setup.inventory, extra: &setup.extra, export: self.export };
        let text = if let Some(host) = &self.host {
            let hosts = setup.inventory.hosts_matching(host).map_err(Failure::error)?;
            let [host] = hosts.as_slice() else {
                return Err(options("You must pass a single valid host to --host parameter"));
            };
            self.dump(&Json::Object(view.host_vars(host)?))
        } else if self.graph {
            if setup.inventory.group(&self.group).is_none() {
                return Err(options("Pattern must be valid group name when using --graph"));
            }
            let mut lines = Vec::new();
            view.graph(&self.group, 0, self.vars, &mut lines)?;
            lines.join("\n")
        } else if self.yaml {
            let available = view.available()?;
            let group = view.nested("all", &available, &mut (HashSet::new(), HashSet::new()))?;
            self.dump(&Json::Object(group.map(|group| ("all".to_owned(), group)).into_iter().collect()))
        } else {
            self.dump(&Json::Object(view.list()?))
        };
        match &self.output {
            Some(file) => std::fs::write(file, text).map_err(|error| {
                Failure::error(format!("Unable to write to destination file ({}): {error}", file.display()))
            }),
            None => {
                println!("{}", text.trim_end_matches('\n'));
                Ok(())
            }
        }
    }

    fn dump(&self, value: &Json) -> String {
        let value = convert::from_json(value.clone());
        if self.yaml {
            let options = DumpOptions { allow_unicode: true, ..DumpOptions::default() };
            return yaml::dump(&value, &options).unwrap_or_default();
        }
        let mut out = String::new();
        Writer { indent: Some(" ".repeat(4)), sort_keys: true, ensure_ascii: false }
            .write(&value, 0, &mut out);
        out
    }
}

/// Variables that Ansible sets itself and never shows.
const INTERNAL: &[&str] = &["inventory_dir", "inventory_file"];

struct View<'a> {
    inventory: &'a Inventory,
    extra: &'a VarMap,
    export: bool,
}

impl View<'_> {
    fn host_vars(&self, host: &str) -> Result<Map<String, Json>, Failure> {
        let vars = if self.export { self.inventory.host_vars(host) } else { self.inventory.vars(host) };
        let mut vars = vars.map_err(Failure::error)?;
        if !self.export {
            vars.extend(self.extra.clone());
        }
        Ok(shown(&vars))
    }

    fn group_vars(&self, group: &str) -> Result<Map<String, Json>, Failure> {
        let mut vars = shown(&self.inventory.group_vars(group).map_err(Failure::error)?);
        if let Some(group) = self.inventory.group(group).filter(|group| group.priority != 1) {
            vars.insert("ansible_group_priority".to_owned(), Json::from(group.priority));
        }
        Ok(vars)
    }

    /// The hosts that the limit leaves.
    fn available(&self) -> Result<HashSet<String>, Failure> {
        Ok(self.inventory.hosts_matching("all").map_err(Failure::error)?.into_iter().collect())
    }

    fn list(&self) -> Result<Map<String, Json>, Failure> {
        let hosts = self.inventory.hosts_matching("all").map_err(Failure::error)?;
        let mut results = Map::new();
        self.flat("all", &hosts.iter().cloned().collect(), &mut results)?;
        let mut hostvars = Map::new();
        for host in hosts {
            let vars = self.host_vars(&host)?;
            if !vars.is_empty() {
                hostvars.insert(host, Json::Object(vars));
            }
        }
        results.insert("_meta".to_owned(), json!({"hostvars": hostvars}));
        Ok(results)
    }

    fn flat(
        &self,
        name: &str,
        available: &HashSet<String>,
        results: &mut Map<String, Json>,
    ) -> Result<(), Failure> {
        let Some(group) = self.inventory.group(name).filter(|_| !results.contains_key(name)) else {
            return Ok(());
        };
        let mut entry = Map::new();
        let hosts: Vec<&String> = group.hosts.iter().filter(|host| available.contains(*host)).collect();
        if name != "all" && !hosts.is_empty() {
            entry.insert("hosts".to_owned(), json!(hosts));
        }
        if !group.children.is_empty() {
            entry.insert("children".to_owned(), json!(group.children));
        }
        if self.export {
            let vars = self.group_vars(name)?;
            if !vars.is_empty() {
                entry.insert("vars".to_owned(), Json::Object(vars));
            }
        }
        if !entry.is_empty() {
            results.insert(name.to_owned(), Json::Object(entry));
        }
        for child in &group.children {
            self.flat(child, available, results)?;
        }
        Ok(())
    }

    /// A group with its groups within; those and hosts that were shown before are empty.
    fn nested(
        &self,
        name: &str,
        available: &HashSet<String>,
        seen: &mut (HashSet<String>, HashSet<String>),
    ) -> Result<Option<Json>, Failure> {
        let Some(group) = self.inventory.group(name) else { return Ok(None) };
        let (mut children, mut hosts, mut entry) = (Map::new(), Map::new(), Map::new());
        for child in &group.children {
            if seen.0.insert(child.clone()) {
                if let Some(content) = self.nested(child, available, seen)? {
                    children.insert(child.clone(), content);
                }
            } else {
                children.insert(child.clone(), json!({}));
            }
        }
        for host in group.hosts.iter().filter(|host| name != "all" && available.contains(*host)) {
            let vars = if seen.1.insert(host.clone()) { self.host_vars(host)? } else { Map::new() };
            hosts.insert(host.clone(), Json::Object(vars));
        }
        let vars = if self.export { self.group_vars(name)? } else { Map::new() };
        for (key, map) in [("children", children), ("hosts", hosts), ("vars", vars)] {
            if !map.is_empty() {
                entry.insert(key.to_owned(), Json::Object(map));
            }
        }
        Ok((!entry.is_empty()).then_some(Json::Object(entry)))
    }

    fn graph(&self, name: &str, depth: usize, vars: bool, lines: &mut Vec<String>) -> Result<(), Failure> {
        let Some(group) = self.inventory.group(name) else { return Ok(()) };
        lines.push(branch(&format!("@{name}:"), depth));
        for child in &group.children {
            self.graph(child, depth + 1, vars, lines)?;
        }
        for host in group.hosts.iter().filter(|_| name != "all") {
            lines.push(branch(host, depth + 1));
            if vars {
                let own =
                    if self.export { self.inventory.host_vars(host) } else { self.inventory.vars(host) };
                variables(&own.map_err(Failure::error)?, depth + 2, lines);
            }
        }
        if vars {
            variables(&self.inventory.group_vars(name).map_err(Failure::error)?, depth + 1, lines);
        }
        Ok(())
    }
}

fn branch(name: &str, depth: usize) -> String {
    if depth == 0 { name.to_owned() } else { format!("{}--{name}", "  |".repeat(depth)) }
}

fn variables(vars: &VarMap, depth: usize, lines: &mut Vec<String>) {
    let mut names: Vec<_> = vars.iter().filter(|(name, _)| !INTERNAL.contains(&name.as_ref())).collect();
    names.sort_by(|a, b| a.0.cmp(b.0));
    lines.extend(names.into_iter().map(|(name, value)| branch(&format!("{{{name} = {value}}}"), depth)));
}

/// Variables as JSON, without those that Ansible sets itself.
fn shown(vars: &VarMap) -> Map<String, Json> {
    let kept = vars.iter().filter(|(name, _)| !INTERNAL.contains(&name.as_ref()));
    kept.map(|(name, value)| (name.to_string(), convert::to_json(value))).collect()
}
