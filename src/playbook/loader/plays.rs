//! Playbooks and plays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Loader, MAX_IMPORTS, RoleFiles, Surroundings, place_of};
use crate::jinja::{self, Value};
use crate::playbook::keywords::{Keywords, on};
use crate::playbook::tree::{Block, Node, Nodes, Place, Play, RoleUse, VarMap};
use crate::yaml::python;

impl Loader<'_> {
    /// Reads a playbook that is no file.
    pub(in crate::playbook) fn playbook_text(&mut self, text: &str) -> Vec<Arc<Play>> {
        let path = self.basedir.join("__adhoc_playbook__");
        match python::Loader::new("__adhoc_playbook__").load(text.as_bytes()) {
            Ok(node) => self.plays(&node, &Arc::new(path.clone()), &path),
            Err(error) => {
                let place = Place { file: Arc::new(path), line: 1, column: 1 };
                self.fail(&place, error.problem().to_owned(), None);
                Vec::new()
            }
        }
    }

    /// Reads a playbook.
    pub(in crate::playbook) fn playbook(&mut self, path: &Path) -> Vec<Arc<Play>> {
        match self.read(path, None) {
            Some((node, file)) => self.plays(&node, &file, path),
            None => Vec::new(),
        }
    }

    fn plays(&mut self, node: &python::Node, file: &Arc<PathBuf>, path: &Path) -> Vec<Arc<Play>> {
        let place = Place { file: Arc::clone(file), line: 1, column: 1 };
        let Some(items) = node.value.as_list() else {
            let found = jinja::yaml::value(node).type_name();
            self.fail(&place, format!("A playbook must be a list of plays, got a {found} instead"), None);
            return Vec::new();
        };
        if items.is_empty() {
            let message = format!("A playbook must contain at least one play: {}", path.display());
            self.fail(&place, message, None);
        }
        let mut plays = Vec::new();
        for item in items {
            let place = place_of(file, item);
            let Some(dict) = item.value.as_dict() else {
                self.fail(
                    &place,
                    "playbook entries must be either valid plays or 'import_playbook' statements",
                    None,
                );
                continue;
            };
            let import =
                ["import_playbook", "ansible.builtin.import_playbook"].iter().find_map(|key| dict.get(key));
            match import {
                Some(target) => plays.extend(self.import_playbook(target, dict, path, file)),
                None => plays.extend(self.play(dict, file, place)),
            }
        }
        plays
    }

    /// `import_playbook`, whose `vars`, `tags` and `when` hold for all of its plays.
    fn import_playbook(
        &mut self,
        target: &python::Node,
        dict: &python::Dict,
        from: &Path,
        file: &Arc<PathBuf>,
    ) -> Vec<Arc<Play>> {
        let place = place_of(file, target);
        let Some(name) = target.value.as_str() else {
            self.fail(&place, "playbook import parameter must be a string", None);
            return Vec::new();
        };
        if self.depth >= MAX_IMPORTS {
            self.fail(&place, "playbooks import each other without end", None);
            return Vec::new();
        }
        let keywords = self.keywords(dict, on::IMPORT_PLAYBOOK, file, "PlaybookInclude", IMPORT_PLAYBOOK);
        let around = Surroundings { vars: keywords.vars.clone(), ..Surroundings::default() };
        let Some(name) = self.static_text(name, &place, &around) else { return Vec::new() };
        self.depth += 1;
        let path = crate::playbook::content::collection_playbook(&name, self.options)
            .unwrap_or_else(|| from.parent().unwrap_or(Path::new(".")).join(&name));
        let outer = self.import_vars.clone();
        self.import_vars.extend(keywords.vars.clone());
        let plays = self.playbook(&path);
        self.import_vars = outer;
        self.depth -= 1;
        plays.into_iter().map(|play| with_import(play, &keywords)).collect()
    }

    /// A play of one role, as ansible-operator makes it.
    pub(in crate::playbook) fn role_play(&mut self, path: &Path) -> Vec<Arc<Play>> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = Place { file: Arc::new(path.to_owned()), line: 1, column: 1 };
        let Some(role) = self.role_at(path, &name, RoleFiles::default(), &place) else { return Vec::new() };
        let mut keywords = Keywords::default();
        keywords.values.insert("hosts", Value::from("localhost"));
        let usage = RoleUse {
            place: place.clone(),
            keywords: Keywords::default(),
            params: VarMap::new(),
            role,
            allow_duplicates: None,
            public: None,
            imported: false,
        };
        let none = || Arc::new(Vec::new());
        vec![Arc::new(Play {
            place,
            keywords,
            vars: VarMap::new(),
            roles: Arc::new(vec![Node::Role(Arc::new(usage))]),
            pre_tasks: none(),
            tasks: none(),
            post_tasks: none(),
            handlers: none(),
        })]
    }

    fn play(&mut self, dict: &python::Dict, file: &Arc<PathBuf>, place: Place) -> Option<Arc<Play>> {
        match dict.get("hosts") {
            Some(hosts) => self.check_hosts(hosts, &place),
            None => self.fail(&place, "the field 'hosts' is required but was not set", None),
        }
        if let (Some(_), Some(user)) = (dict.get("remote_user"), dict.get("user")) {
            let message = "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed";
            self.fail(&place_of(file, user), message, None);
        }
        if let Some(prompts) = dict.get("vars_prompt") {
            self.check_prompts(prompts, file);
        }
        let keywords = self.keywords(dict, on::PLAY, file, "Play", &["user"]);
        let collections = Arc::new(self.collections(&keywords));
        let around = Surroundings { collections, vars: keywords.vars.clone(), ..Surroundings::default() };
        let mut list = |key: &str, handlers: bool| match dict.get(key) {
            Some(node) => {
                let around = Surroundings { handlers, ..around.clone() };
                self.nodes(node, file, &around, key)
            }
            None => Arc::new(Vec::new()),
        };
        let (pre_tasks, tasks, post_tasks) =
            (list("pre_tasks", false), list("tasks", false), list("post_tasks", false));
        let handlers = list("handlers", true);
        let roles = dict.get("roles").map(|node| self.roles(node, file, &around)).unwrap_or_default();
        let vars = keywords.vars.clone();
        Some(Arc::new(Play {
            place,
            keywords,
            vars,
            roles: Arc::new(roles),
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
        }))
    }

    /// `hosts`: text or a list of texts.
    fn check_hosts(&mut self, hosts: &python::Node, place: &Place) {
        let message = match &hosts.value {
            python::Value::None => "Hosts list cannot be empty. Please check your playbook".to_owned(),
            python::Value::List(items) if items.is_empty() => {
                "Hosts list cannot be empty. Please check your playbook".to_owned()
            }
            python::Value::List(items) => {
                let wrong = items.iter().find(|item| {
                    matches!(
                        item.value,
                        python::Value::None | python::Value::List(_) | python::Value::Dict(_)
                    )
                });
                match wrong {
                    None => return,
                    Some(item) if matches!(item.value, python::Value::None) => {
                        "Hosts list cannot contain values of 'None'. Please check your playbook".to_owned()
                    }
                    Some(item) => {
                        let shown = jinja::yaml::value(item);
                        format!("Hosts list contains an invalid host value: '{shown}'")
                    }
                }
            }
            python::Value::Dict(_) => {
                "Hosts list must be a sequence or string. Please check your playbook.".to_owned()
            }
            _ => return,
        };
        self.fail(place, message, None);
    }

    /// `vars_prompt`: a list of dicts with known keys.
    fn check_prompts(&mut self, prompts: &python::Node, file: &Arc<PathBuf>) {
        let single = std::slice::from_ref(prompts);
        for prompt in prompts.value.as_list().unwrap_or(single) {
            let Some(dict) = prompt.value.as_dict() else { continue };
            if dict.get("name").is_none() {
                let message = "Invalid vars_prompt data structure, missing 'name' key";
                self.fail(&place_of(file, prompt), message, None);
            }
            for (key, _) in dict.entries() {
                let name = jinja::yaml::value(key).to_string();
                if !PROMPT_KEYS.contains(&name.as_str()) {
                    let message =
                        format!("Invalid vars_prompt data structure, found unsupported key '{name}'");
                    self.fail(&place_of(file, key), message, None);
                }
            }
        }
    }

    pub(super) fn collections(&self, keywords: &Keywords) -> Vec<String> {
        let items = keywords.get("collections").map(|value| match value {
            Value::List(list) => list.items(),
            other => vec![other.clone()],
        });
        let named = items.unwrap_or_default();
        self.default_collection().into_iter().chain(named.iter().map(ToString::to_string)).collect()
    }

    /// The collection that holds the playbook: its names may be bare in all that the playbook reaches.
    pub(in crate::playbook) fn default_collection(&self) -> Option<String> {
        let mut parts = self.basedir.iter().skip_while(|part| *part != "ansible_collections").skip(1);
        let (namespace, name) = (parts.next()?, parts.next()?);
        Some(format!("{}.{}", namespace.to_string_lossy(), name.to_string_lossy()))
    }
}

/// The names of `import_playbook`.
const IMPORT_PLAYBOOK: &[&str] = &["import_playbook", "ansible.builtin.import_playbook"];

/// A play with the variables, tags and conditions of the `import_playbook` that names it.
fn with_import(play: Arc<Play>, import: &Keywords) -> Arc<Play> {
    if import.vars.is_empty() && import.tags.is_empty() && import.when.is_empty() {
        return play;
    }
    let mut keywords = play.keywords.clone();
    keywords.tags.extend(import.tags.clone());
    let mut vars = play.vars.clone();
    vars.extend(import.vars.clone());
    let within = |nodes: &Nodes| -> Nodes {
        if import.when.is_empty() || nodes.is_empty() {
            return Arc::clone(nodes);
        }
        let keywords = Keywords {
            when: import.when.clone(),
            when_places: import.when_places.clone(),
            ..Keywords::default()
        };
        let (place, body) = (play.place.clone(), Arc::clone(nodes));
        let block = Block { place, keywords, body, rescue: Nodes::default(), always: Nodes::default() };
        Arc::new(vec![Node::Block(Arc::new(block))])
    };
    Arc::new(Play {
        place: play.place.clone(),
        keywords,
        vars,
        roles: within(&play.roles),
        pre_tasks: within(&play.pre_tasks),
        tasks: within(&play.tasks),
        post_tasks: within(&play.post_tasks),
        handlers: Arc::clone(&play.handlers),
    })
}

/// The keys of an entry of `vars_prompt`.
const PROMPT_KEYS: &[&str] =
    &["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];
