//! The variables of a task, by precedence (`vars/manager.py`).

use std::path::PathBuf;
use std::sync::Arc;

use super::context::RunOptions;
use super::frame::{Frame, Holder, Source};
use super::hostvars::HostVars;
use super::inherit::Lineage;
use super::state::{HostState, State, StoredVars};
use crate::inventory::{Inventory, overlay};
use crate::jinja::value::{Dict, Value};
use crate::jinja::{Templar, Vars, search};
use crate::playbook::{Content, Node, Play, Role, RoleUse, VarMap};

/// What variables are made of.
pub(super) struct Variables<'a> {
    /// The content.
    pub content: &'a Content,
    /// What the run was asked to do.
    pub options: &'a RunOptions,
    /// `-e`.
    pub extra: &'a StoredVars,
    /// The state of the run.
    pub state: &'a State,
    /// The play.
    pub play: &'a Play,
}

/// Magic variables that `hostvars` of every host shows as well.
const HOSTVARS_MAGIC: &[&str] = &[
    "ansible_check_mode",
    "ansible_diff_mode",
    "ansible_playbook_python",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "group_names",
    "groups",
    "omit",
    "playbook_dir",
];

struct Layers {
    vars: Vars,
    merge: bool,
}

impl Layers {
    fn add(&mut self, vars: &VarMap) {
        for (name, value) in vars {
            overlay(&mut self.vars, name, value.clone(), self.merge);
        }
    }

    fn add_stored(&mut self, vars: &StoredVars) {
        for (name, value) in vars {
            overlay(&mut self.vars, name, value.0.clone(), self.merge);
        }
    }
}

impl Variables<'_> {
    /// The variables outside of any task: of the host and the play.
    #[must_use]
    pub(super) fn of_play(&self) -> Vars {
        self.assemble(None, &[])
    }

    /// The variables of a task.
    #[must_use]
    pub(super) fn of_task(&self, lineage: &Lineage<'_>) -> Vars {
        self.assemble(Some(lineage), lineage.stack)
    }

    fn assemble(&self, lineage: Option<&Lineage<'_>>, stack: &[Frame]) -> Vars {
        let mut layers = Layers { vars: Vars::new(), merge: self.options.merge_hashes };
        let public = self.public_roles();
        for usage in &public {
            layers.add(&usage.defaults);
        }
        for role in stack.iter().filter_map(Frame::role) {
            layers.add(&role.defaults);
        }
        let host = self.state.host();
        self.add_host(&mut layers, &host);
        layers.add(&self.play.vars);
        self.add_vars_files(&mut layers);
        for usage in &public {
            layers.add(&usage.vars);
        }
        for frame in stack {
            self.add_frame(&mut layers, frame);
        }
        if let Some(lineage) = lineage {
            layers.add(&lineage.task.keywords.vars);
        }
        if let Some(known) = self.state.hosts.get(&host) {
            layers.add_stored(&known.included);
            layers.add_stored(&known.set);
        }
        for frame in stack {
            if let Some(params) = frame.params() {
                layers.add(params);
            }
        }
        for frame in stack {
            if let (Some(Holder::Included { task, .. }), Source::Include(items)) =
                (&frame.holder, &frame.source)
            {
                layers.add(&task.keywords.vars);
                if let Some(item) = items.get(frame.item) {
                    layers.add_stored(&item.vars);
                }
            }
        }
        layers.add_stored(self.extra);
        self.add_magic(&mut layers.vars, lineage, &host);
        layers.vars
    }

    /// The variables of roles, blocks and imports: they lose to `set_fact`.
    fn add_frame(&self, layers: &mut Layers, frame: &Frame) {
        if let Some(role) = frame.role() {
            layers.add(&role.vars);
        }
        match &frame.holder {
            Some(Holder::Block(block)) => layers.add(&block.keywords.vars),
            Some(Holder::Import(import)) => layers.add(&import.keywords.vars),
            Some(Holder::Role(usage)) => layers.add(&usage.keywords.vars),
            Some(Holder::Included { apply, task, .. }) => {
                layers.add(&task.keywords.vars);
                layers.add(&apply.vars);
            }
            _ => {}
        }
    }

    /// The roles whose variables the whole play sees: those of `roles:`, their dependencies, imported
    /// ones, and included ones that are `public`.
    fn public_roles(&self) -> Vec<Arc<Role>> {
        let mut roles = Vec::new();
        for nodes in [&self.play.pre_tasks, &self.play.roles, &self.play.tasks, &self.play.post_tasks] {
            collect_public(nodes, &mut roles, 0);
        }
        for included in self.state.included_roles.iter().filter(|included| included.public) {
            let files = super::frame::role_files(&included.files);
            let parent = included
                .parent
                .as_ref()
                .and_then(|path| roles.iter().find(|role| &role.path == path).cloned());
            if let Ok(role) = self.content.role(&included.name, files, parent.as_deref()) {
                roles.push(role);
            }
        }
        roles
    }

    fn add_host(&self, layers: &mut Layers, host: &str) {
        // A file of variables that cannot be read was told when the run began.
        layers.add(&self.options.inventory.vars(host).unwrap_or_default());
        let Some(known) = self.state.hosts.get(host) else { return };
        for (name, value) in &known.facts {
            let name: Arc<str> = if name.starts_with("ansible_")
                || matches!(name.as_ref(), "module_setup" | "gather_subset")
            {
                Arc::clone(name)
            } else {
                format!("ansible_{name}").into()
            };
            layers.vars.insert(name, value.0.clone());
        }
        layers.vars.insert("ansible_facts".into(), facts(known));
    }

    fn add_vars_files(&self, layers: &mut Layers) {
        let Some(files) = self.play.keywords.get("vars_files") else { return };
        let files = files.as_list().map_or_else(|| vec![files.clone()], crate::jinja::value::List::items);
        for entry in files {
            let names = entry.as_list().map_or_else(|| vec![entry.clone()], crate::jinja::value::List::items);
            let mut vars = layers.vars.clone();
            vars.extend(self.extra.iter().map(|(name, value)| (Arc::clone(name), value.0.clone())));
            let templar = Templar::new(Arc::clone(&self.content.options.environment), Arc::new(vars));
            for name in names {
                let Ok(name) = templar.template(&name) else { continue };
                let dirs = [self.content.basedir.clone()];
                let Ok(path) = search::find(&dirs, "vars", &PathBuf::from(name.to_string())) else {
                    continue;
                };
                if let Ok(vars) = self.content.vars_file(&path) {
                    layers.add(&vars);
                    break;
                }
            }
        }
    }

    fn add_magic(&self, vars: &mut Vars, lineage: Option<&Lineage<'_>>, host: &str) {
        let text = |text: &str| Value::from(text);
        let path = |path: &std::path::Path| Value::from(path.display().to_string());
        let mut set = |name: &str, value: Value| {
            vars.insert(name.into(), value);
        };
        let hosts: Vec<Value> = self.state.queue.iter().map(|host| text(host)).collect();
        let inventory = &self.options.inventory;
        let names = |names: Vec<String>| Value::list(names.into_iter().map(Value::from).collect());
        let groups = Value::dict(inventory.groups().into_iter().map(|(group, hosts)| (group, names(hosts))));
        set("inventory_hostname", text(host));
        set("inventory_hostname_short", text(Inventory::short_name(host)));
        set("playbook_dir", path(&self.content.basedir));
        set("groups", groups);
        set("group_names", names(inventory.group_names(host)));
        set("omit", text(&self.state.omit));
        set("ansible_play_hosts", Value::list(hosts.clone()));
        set("ansible_play_hosts_all", Value::list(hosts.clone()));
        set("ansible_play_batch", Value::list(hosts.clone()));
        set("play_hosts", Value::list(hosts));
        set("ansible_play_name", self.play.keywords.get("name").cloned().unwrap_or_else(|| text("")));
        set("ansible_check_mode", Value::Bool(self.options.check));
        set("ansible_diff_mode", Value::Bool(self.options.diff));
        set("ansible_verbosity", Value::Int(i64::from(self.options.verbosity)));
        set("ansible_forks", Value::Int(5));
        let tags = |tags: &[String]| tags.iter().map(|tag| text(tag)).collect::<Vec<_>>();
        let run_tags =
            if self.options.tags.is_empty() { vec![text("all")] } else { tags(&self.options.tags) };
        set("ansible_run_tags", Value::list(run_tags));
        set("ansible_skip_tags", Value::list(tags(&self.options.skip_tags)));
        set("ansible_version", version());
        set("ansible_config_file", Value::None);
        set("ansible_playbook_python", text("/usr/bin/python3"));
        set("ansible_role_names", self.role_names());
        if let Some(lineage) = lineage {
            set("environment", Value::list(lineage.all("environment").into_iter().cloned().collect()));
            set("ansible_search_path", self.search_path(lineage));
            if let Some(role) = lineage.role() {
                set("role_name", text(&role.name));
                set("ansible_role_name", text(&role.name));
                set("role_path", path(&role.path));
                let parents: Vec<&Arc<Role>> = lineage.roles().skip(1).collect();
                if !parents.is_empty() {
                    set(
                        "ansible_parent_role_names",
                        Value::list(parents.iter().map(|role| text(&role.name)).collect()),
                    );
                    set(
                        "ansible_parent_role_paths",
                        Value::list(parents.iter().map(|role| path(&role.path)).collect()),
                    );
                }
            }
        }
        vars.entry("ansible_connection".into()).or_insert_with(|| text("local"));
        vars.entry("ansible_python_interpreter".into()).or_insert_with(|| text("/usr/bin/python3"));
        vars.entry("ansible_facts".into()).or_insert_with(|| Value::Dict(Dict::default()));
        let hostvars = HostVars::new(self.all_hosts(host, vars));
        vars.insert("hostvars".into(), Value::Object(Arc::new(hostvars)));
    }

    /// The variables of each host as `hostvars` shows them.
    fn all_hosts(&self, current: &str, vars: &Vars) -> Vec<(String, Arc<Vars>)> {
        let mut names: Vec<&str> = self.options.inventory.hosts().collect();
        if !names.contains(&current) {
            names.push(current);
        }
        names
            .into_iter()
            .map(|name| {
                let mut layers = Layers { vars: Vars::new(), merge: self.options.merge_hashes };
                self.add_host(&mut layers, name);
                if let Some(known) = self.state.hosts.get(name) {
                    layers.add_stored(&known.included);
                    layers.add_stored(&known.set);
                }
                layers.add_stored(self.extra);
                layers.vars.insert("inventory_hostname".into(), Value::from(name));
                for shared in HOSTVARS_MAGIC {
                    if let Some(value) = vars.get(*shared) {
                        layers.vars.insert((*shared).into(), value.clone());
                    }
                }
                (name.to_owned(), Arc::new(layers.vars))
            })
            .collect()
    }

    fn role_names(&self) -> Value {
        let mut names: Vec<String> = self.public_roles().iter().map(|role| role.name.clone()).collect();
        names.extend(self.state.included_roles.iter().map(|role| role.name.clone()));
        names.sort();
        names.dedup();
        Value::list(names.into_iter().map(Value::from).collect())
    }

    /// Where files of the task are searched: its roles from the innermost, the directory of its file,
    /// the directory of the playbook.
    fn search_path(&self, lineage: &Lineage<'_>) -> Value {
        let mut dirs: Vec<PathBuf> = lineage.roles().map(|role| role.path.clone()).collect();
        let file_dir = lineage.task.place.file.parent().map(std::path::Path::to_owned).unwrap_or_default();
        for dir in [file_dir, self.content.basedir.clone()] {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        Value::list(dirs.into_iter().map(|dir| Value::from(dir.display().to_string())).collect())
    }
}

fn facts(known: &HostState) -> Value {
    Value::dict(known.facts.iter().map(|(name, value)| {
        let short = name.strip_prefix("ansible_").filter(|short| *short != "local").unwrap_or(name);
        (short, value.0.clone())
    }))
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

fn collect_public(nodes: &[Node], roles: &mut Vec<Arc<Role>>, depth: usize) {
    if depth > 100 {
        return;
    }
    for node in nodes {
        match node {
            Node::Task(_) => {}
            Node::Block(block) => {
                for list in [&block.body, &block.rescue, &block.always] {
                    collect_public(list, roles, depth + 1);
                }
            }
            Node::Import(import) => collect_public(&import.nodes, roles, depth + 1),
            Node::Role(usage) => collect_usage(usage, roles, depth),
        }
    }
}

fn collect_usage(usage: &Arc<RoleUse>, roles: &mut Vec<Arc<Role>>, depth: usize) {
    collect_public(&usage.role.nodes, roles, depth + 1);
    if usage.public {
        roles.push(Arc::clone(&usage.role));
    }
}
