//! Task files: blocks, tasks, their keywords and loops.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::Kind;
use super::{Loader, Surroundings, listed, place_of};
use crate::jinja::{self, Value};
use crate::playbook::check;
use crate::playbook::error::Kind as Wrong;
use crate::playbook::keywords::{self, Holds, KEYWORDS, Keywords, LOOP_CONTROL, on};
use crate::playbook::nearest::nearest;
use crate::playbook::tree::{Block, Loop, Node, Nodes, Place, Task};
use crate::yaml::python;

impl Loader<'_> {
    /// The tasks of a file; none, with an error noted, when it cannot be read.
    pub(in crate::playbook) fn task_file(
        &mut self,
        path: &Path,
        around: &Surroundings,
        place: Option<&Place>,
    ) -> Option<Nodes> {
        let (node, file) = self.read(path, place)?;
        Some(match &node.value {
            python::Value::None => Arc::new(Vec::new()),
            _ => self.nodes(&node, &file, around, "tasks"),
        })
    }

    pub(super) fn nodes(
        &mut self,
        node: &python::Node,
        file: &Arc<PathBuf>,
        around: &Surroundings,
        what: &str,
    ) -> Nodes {
        let place = place_of(file, node);
        let items = match &node.value {
            python::Value::None => return Arc::new(Vec::new()),
            python::Value::List(items) => Arc::clone(items),
            _ => {
                let value = jinja::yaml::value(node);
                let (message, found) =
                    (format!("A malformed block was encountered while loading {what}"), value.type_name());
                self.fail(
                    &place,
                    format!("{message}: {value} should be a list or None but is <class '{found}'>"),
                    None,
                );
                return Arc::new(Vec::new());
            }
        };
        let mut nodes = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.value.as_dict() {
                Some(dict) if dict.get("block").is_some() => nodes.push(self.block(item, dict, file, around)),
                Some(dict) => nodes.extend(self.task(item, dict, file, around)),
                None => {
                    let place = place_of(file, item);
                    self.fail(
                        &place,
                        "a task must be a dictionary",
                        Some("each task begins with '- name:' or '- <module>:'".to_owned()),
                    );
                }
            }
        }
        Arc::new(nodes)
    }

    fn block(
        &mut self,
        item: &python::Node,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        around: &Surroundings,
    ) -> Node {
        let place = place_of(file, item);
        if around.handlers && !around.included {
            self.fail(&place, "Using a block as a handler is not supported.", None);
        }
        let keywords = self.keywords(dict, on::BLOCK, file, "Block", &[]);
        let mut around = Surroundings { included: false, ..around.clone() };
        if keywords.get("collections").is_some() {
            around.collections = Arc::new(self.collections(&keywords));
        }
        around.vars.extend(keywords.vars.clone());
        let mut list =
            |key: &str| dict.get(key).map(|node| self.nodes(node, file, &around, key)).unwrap_or_default();
        let (body, mut rescue, mut always) = (list("block"), list("rescue"), list("always"));
        if around.handlers {
            // Handlers are a list of tasks, to which those of the block are added.
            (rescue, always) = Default::default();
        }
        Node::Block(Arc::new(Block { place, keywords, body, rescue, always }))
    }

    /// The keywords of a dict; keys that are no keyword are errors unless they are in `others`.
    pub(super) fn keywords(
        &mut self,
        dict: &python::Dict,
        place: u8,
        file: &Arc<PathBuf>,
        class: &str,
        others: &[&str],
    ) -> Keywords {
        let mut known = Vec::new();
        for (key, value) in dict.entries() {
            let name = key.value.as_str().unwrap_or_default();
            if keywords::find(name, place).is_some() {
                known.push((key.clone(), value.clone()));
            } else if !others.contains(&name) && !name.starts_with("with_") {
                let names =
                    KEYWORDS.iter().filter(|keyword| keyword.on & place != 0).map(|keyword| keyword.name);
                let hint = nearest(name, names).map(|near| format!("did you mean '{near}'?"));
                let shown = jinja::yaml::value(key);
                let message = format!("'{shown}' is not a valid attribute for a {class}");
                self.fail_as(Wrong::Keyword, &place_of(file, key), message, hint);
            }
        }
        self.keyword_pairs(&known, place, file, class)
    }

    pub(super) fn keyword_pairs(
        &mut self,
        pairs: &[(python::Node, python::Node)],
        place: u8,
        file: &Arc<PathBuf>,
        class: &str,
    ) -> Keywords {
        let mut keywords = Keywords::default();
        for (key, node) in pairs {
            let Some(keyword) = key.value.as_str().and_then(|name| keywords::find(name, place)) else {
                continue;
            };
            let at = place_of(file, node);
            if keywords::WITHOUT_EFFECT.contains(&keyword.name) {
                let message = format!("'{}' has no effect here yet", keyword.name);
                self.warn_as(Wrong::NoEffect, &at, message, None);
            }
            match (keyword.name, keyword.holds) {
                ("vars", _) => match &node.value {
                    python::Value::None => {}
                    python::Value::Dict(dict) => keywords.vars = self.variables(dict, file),
                    python::Value::List(items) => {
                        for dict in items.iter().filter_map(|item| item.value.as_dict()) {
                            keywords.vars.extend(self.variables(dict, file));
                        }
                    }
                    _ => self.fail(&at, format!("Vars in a {class} must be specified as a dictionary"), None),
                },
                ("when", _) => {
                    keywords.when_places = match &node.value {
                        python::Value::List(items) => items.iter().map(|item| place_of(file, item)).collect(),
                        _ => vec![at],
                    };
                    keywords.when = listed(node);
                    self.check_conditions(node, file);
                }
                ("tags", _) => keywords.tags = tags(node),
                (_, Holds::Tasks) => {}
                ("register", _) if matches!(node.value, python::Value::None) => {}
                ("register", _) if !node.value.as_str().is_some_and(jinja::is_identifier) => {
                    let shown = jinja::yaml::value(node);
                    let message = format!("Invalid variable name in 'register' specified: '{shown}'");
                    self.fail(&at, message, None);
                }
                (name, Holds::Conditions) => {
                    self.check_conditions(node, file);
                    keywords.values.insert(name, jinja::yaml::value(node));
                }
                (name, holds) => {
                    self.check_holds(name, holds, node, &at);
                    self.check_templates(node, file);
                    keywords.values.insert(name, jinja::yaml::value(node));
                }
            }
        }
        keywords
    }

    fn check_holds(&mut self, name: &str, holds: Holds, node: &python::Node, place: &Place) {
        let value = jinja::yaml::value(node);
        let fits = match holds {
            Holds::Text => matches!(value, Value::Str(_)),
            Holds::Dict => matches!(value, Value::Dict(_) | Value::None),
            _ => true,
        };
        if !fits {
            let (wanted, found) =
                (if holds == Holds::Text { "a string" } else { "a dictionary" }, value.plain_type_name());
            self.fail(place, format!("'{name}' must be {wanted}, got {found}"), None);
        }
    }

    /// Checks that every template within parses and that its filters, tests and lookups exist.
    pub(super) fn check_templates(&mut self, node: &python::Node, file: &Arc<PathBuf>) {
        self.check(check::templates, node, file);
    }

    fn check_conditions(&mut self, node: &python::Node, file: &Arc<PathBuf>) {
        self.check(check::conditions, node, file);
    }

    fn check(&mut self, check: check::Check, node: &python::Node, file: &Arc<PathBuf>) {
        if !self.options.ahead {
            return;
        }
        let mut found = check::Findings::default();
        check(node, file, &self.options.environment, &mut found);
        for (kind, place, message, hint) in found.found {
            self.warn_as(kind, &place, message, hint);
        }
    }

    fn task(
        &mut self,
        item: &python::Node,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        around: &Surroundings,
    ) -> Option<Node> {
        let place = place_of(file, item);
        let collections = match dict.get("collections") {
            Some(node) => Arc::new(listed(node).iter().map(ToString::to_string).collect()),
            None => Arc::clone(&around.collections),
        };
        let call = self.call(dict, file, &place, &collections, around)?;
        let kind = Kind::of(&call.name);
        let class = if around.handlers { "Handler" } else { kind.class() };
        let own = match kind {
            Kind::IncludeTasks | Kind::IncludeRole => on::INCLUDE,
            Kind::ImportTasks | Kind::ImportRole => on::INCLUDE | on::TASK,
            _ if around.handlers => on::HANDLER,
            _ => on::TASK,
        };
        let own = if around.handlers { own | on::HANDLER } else { own };
        let keywords = self.keywords(dict, own, file, class, &[&call.key]);
        let looping = self.looping(dict, file, &keywords);
        if around.handlers && matches!(kind, Kind::IncludeRole | Kind::ImportRole) {
            let name = &call.name;
            self.fail(&place, format!("Using '{name}' as a handler is not supported."), None);
        }
        match kind {
            Kind::ImportTasks => self.import_tasks(call, keywords, looping, place, around),
            Kind::ImportRole => self.import_role(call, keywords, looping, place, around),
            _ => {
                let action = self.action(&call, kind, &place, &collections, around)?;
                self.preload(&action, &call, &place, around);
                let action_name = call.name;
                let args = call.args;
                let task = Task {
                    place,
                    keywords,
                    action_name,
                    action,
                    args,
                    looping,
                    collections,
                    implicit: false,
                };
                Some(Node::Task(Arc::new(task)))
            }
        }
    }

    fn looping(&mut self, dict: &python::Dict, file: &Arc<PathBuf>, keywords: &Keywords) -> Option<Loop> {
        let mut looping = None;
        for (key, node) in dict.entries() {
            let Some(name) = key.value.as_str() else { continue };
            let lookup = name.strip_prefix("with_");
            if lookup.is_none() && name != "loop" {
                continue;
            }
            let place = place_of(file, key);
            if looping.is_some() {
                self.fail(&place, format!("duplicate loop in task: {name}"), None);
            }
            if let Some(lookup) = lookup {
                self.check_templates(node, file);
                if self.options.environment.plugins.lookup(lookup).is_none() {
                    let names = self.options.environment.plugins.names(jinja::ast::PluginKind::Lookup);
                    let hint = nearest(lookup, names).map(|near| format!("did you mean 'with_{near}'?"));
                    let message = format!("there is no lookup '{lookup}' for '{name}'");
                    self.warn_as(Wrong::Lookup, &place, message, hint);
                }
                if matches!(node.value, python::Value::None) {
                    self.fail(&place, format!("you must specify a value when using {name}"), None);
                }
            } else if !matches!(
                node.value,
                python::Value::List(_) | python::Value::Str(_) | python::Value::None
            ) {
                let found = jinja::yaml::value(node).plain_type_name();
                self.fail(
                    &place_of(file, node),
                    format!("'loop' needs a list or a template of one, got {found}"),
                    None,
                );
            }
            if matches!(node.value, python::Value::None) {
                continue;
            }
            looping = Some(Loop { lookup: lookup.map(ToOwned::to_owned), items: jinja::yaml::value(node) });
        }
        if let (Some(control), Some(node)) = (keywords.get("loop_control"), dict.entry("loop_control")) {
            for key in control.as_dict().map(jinja::value::Dict::entries).unwrap_or_default().keys() {
                if !LOOP_CONTROL.contains(&key.text().as_ref()) {
                    let hint = nearest(&key.text(), LOOP_CONTROL.iter().copied())
                        .map(|near| format!("did you mean '{near}'?"));
                    let message = format!("'{}' is not a valid attribute for a LoopControl", key.text());
                    self.fail(&place_of(file, &node.0), message, hint);
                }
            }
        }
        looping
    }
}

/// `tags`: a list, or text split at commas.
fn tags(node: &python::Node) -> Vec<Value> {
    let mut tags = Vec::new();
    for item in listed(node) {
        match item.as_str() {
            Some(text) => tags.extend(text.split(',').map(|tag| Value::from(tag.trim()))),
            None => tags.push(item),
        }
    }
    tags
}
