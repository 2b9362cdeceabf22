//! The variables of a task, by precedence (`vars/manager.py`).

use std::path::PathBuf;
use std::sync::Arc;

use super::context::RunOptions;
use super::frame::{Frame, Holder, Source};
use super::hosts::{Hosts, Learnt};
use super::inherit::Lineage;
use super::state::{State, StoredVars};
use super::text;
use crate::inventory::overlay;
use crate::jinja::value::{Dict, Value};
use crate::jinja::{Environment, Templar, Vars, search};
use crate::playbook::{Content, Play, Role, VarMap};

/// What variables are made of.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    /// The content.
    pub content: &'a Content,
    /// The plugins and handles.
    pub env: &'a Arc<Environment>,
    /// What the run was asked to do.
    pub options: &'a RunOptions,
    /// `-e`.
    pub extra: &'a Arc<StoredVars>,
    /// The state of the run.
    pub state: &'a State,
    /// The play.
    pub play: &'a Play,
}

/// Variables under construction: later layers win.
pub(super) struct Layers {
    /// The variables so far.
    pub vars: Vars,
    merge: bool,
}

impl Layers {
    /// No variables; with `merge`, dicts of several layers are merged.
    #[must_use]
    pub(super) fn new(merge: bool) -> Self {
        Layers { vars: Vars::new(), merge }
    }

    /// Puts these variables over those that are there.
    pub(super) fn add(&mut self, vars: &VarMap) {
        for (name, value) in vars {
            overlay(&mut self.vars, name, value.clone(), self.merge);
        }
    }

    /// Puts these variables over those that are there.
    pub(super) fn add_stored(&mut self, vars: &StoredVars) {
        for (name, value) in vars {
            overlay(&mut self.vars, name, value.0.clone(), self.merge);
        }
    }

    /// Adds what the inventory says of a host, and its facts.
    pub(super) fn add_host(&mut self, hosts: &Hosts, host: &str) {
        self.add(&hosts.inventory_vars(host));
        let Some(learnt) = hosts.learnt(host) else {
            self.vars.insert("ansible_facts".into(), Value::Dict(Dict::default()));
            return;
        };
        for (name, value) in &learnt.facts {
            self.vars.insert(Arc::clone(name), value.0.clone());
        }
        self.vars.insert("ansible_facts".into(), facts(learnt));
    }
}

fn facts(learnt: &Learnt) -> Value {
    Value::dict(learnt.facts.iter().map(|(name, value)| {
        let short = name.strip_prefix("ansible_").filter(|short| *short != "local").unwrap_or(name);
        (short, value.0.clone())
    }))
}

impl Variables<'_> {
    /// The variables outside of any task and host: of the play.
    #[must_use]
    pub(super) fn of_play(&self) -> Vars {
        self.assemble(None, None)
    }

    /// The variables of a task on a host, or on none in particular.
    #[must_use]
    pub(super) fn of_task(&self, lineage: &Lineage<'_>, host: Option<&str>) -> Vars {
        self.assemble(Some(lineage), host)
    }

    fn assemble(&self, lineage: Option<&Lineage<'_>>, host: Option<&str>) -> Vars {
        let mut layers = Layers::new(self.options.merge_hashes);
        let levels = lineage.map(|lineage| lineage.levels.as_slice()).unwrap_or_default();
        let public = self.state.batch.as_ref().map(|batch| batch.roles.public.as_slice()).unwrap_or_default();
        for role in public {
            layers.add(&role.defaults);
        }
        for role in levels.iter().filter_map(|frame| frame.role()) {
            add_role_defaults(&mut layers, role);
        }
        if let Some(host) = host {
            layers.add_host(&self.state.hosts, host);
        }
        layers.add(&self.play.vars);
        layers.add_stored(&self.state.play.answers);
        self.add_vars_files(&mut layers, host);
        for role in public {
            layers.add(&role.vars);
        }
        add_levels(&mut layers, levels);
        if let Some(lineage) = lineage {
            layers.add(&lineage.task.keywords.vars);
        }
        if let Some(learnt) = host.and_then(|host| self.state.hosts.learnt(host)) {
            layers.add_stored(&learnt.included);
            layers.add_stored(&learnt.set);
        }
        add_params(&mut layers, levels);
        layers.add_stored(self.extra);
        self.add_magic(&mut layers.vars, lineage, host);
        layers.vars
    }

    fn add_vars_files(&self, layers: &mut Layers, host: Option<&str>) {
        let Some(files) = self.play.keywords.get("vars_files") else { return };
        for entry in text::values(files) {
            let mut vars = layers.vars.clone();
            vars.extend(self.extra.iter().map(|(name, value)| (Arc::clone(name), value.0.clone())));
            self.add_magic(&mut vars, None, host);
            let basedir = Value::from(self.content.basedir.display().to_string());
            vars.insert("ansible_search_path".into(), Value::list(vec![basedir]));
            let templar = Templar::new(Arc::clone(self.env), Arc::new(vars));
            for name in text::values(&entry) {
                // A file whose name cannot be known yet is left out, with those after it.
                let Ok(name) = templar.template(&name) else { break };
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
}

fn add_role_defaults(layers: &mut Layers, role: &Role) {
    for dependency in &role.dependencies {
        add_role_defaults(layers, &dependency.role);
    }
    layers.add(&role.defaults);
}

/// What a role exports to those that depend on it.
fn add_exports(layers: &mut Layers, role: &Role) {
    for dependency in &role.dependencies {
        add_exports(layers, &dependency.role);
    }
    layers.add(&role.vars);
}

/// The variables of roles, then those of blocks and imports: they lose to `set_fact`.
fn add_levels(layers: &mut Layers, levels: &[&Frame]) {
    for frame in levels {
        if let Some(role) = frame.role() {
            add_exports(layers, role);
        }
        if let Some(Holder::Role(usage)) = &frame.holder {
            layers.add(&usage.keywords.vars);
        }
    }
    for frame in levels {
        match &frame.holder {
            Some(Holder::Block(block)) => layers.add(&block.keywords.vars),
            Some(Holder::Import(import)) => layers.add(&import.keywords.vars),
            Some(Holder::Role(usage)) if usage.imported => layers.add(&usage.keywords.vars),
            Some(Holder::Included { apply, task, .. }) => {
                layers.add(&task.keywords.vars);
                layers.add(&apply.vars);
            }
            _ => {}
        }
    }
}

/// The parameters of roles and of includes: they beat what `set_fact` sets.
fn add_params(layers: &mut Layers, levels: &[&Frame]) {
    for frame in levels {
        if let Some(params) = frame.params() {
            layers.add(params);
        }
    }
    for frame in levels {
        if let (Some(Holder::Included { task, .. }), Source::Include(items)) = (&frame.holder, &frame.source)
        {
            layers.add(&task.keywords.vars);
            if let Some(item) = items.get(frame.item) {
                layers.add_stored(&item.vars);
            }
        }
    }
}
