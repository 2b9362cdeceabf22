//! Reads files into the typed tree and gathers everything that is wrong with them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check;
use super::content::{DuplicateKeys, Options, UNAVAILABLE};
use super::error::{Kind as Wrong, LoadError};
use super::keywords::{self, Holds, KEYWORDS, Keywords, LOOP_CONTROL, on};
use super::nearest::nearest;
use super::splitter;
use super::tree::{
    Action, Block, Import, Loop, Node, Nodes, Place, Play, Role, RoleUse, Task, VarMap, short_name,
};
use crate::jinja::{self, Templar, TemplateOptions, Value};
use crate::yaml::python;

/// How deep files may import each other.
const MAX_IMPORTS: usize = 50;

/// What surrounds the tasks that are read.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// The role that holds them.
    pub role: Option<RoleHead>,
    /// The collections in which names are searched.
    pub collections: Arc<Vec<String>>,
    /// The names of the task files that import them, from the outermost.
    pub imports: Vec<String>,
    /// Whether they are handlers.
    pub handlers: bool,
    /// The variables with which the names of imports are templated.
    pub vars: VarMap,
}

/// What is known of a role before its tasks are read.
#[derive(Clone)]
pub(super) struct RoleHead {
    /// Its directory.
    pub path: PathBuf,
}

/// Which files of a role are read instead of `main`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoleFiles {
    /// `tasks_from`.
    pub tasks: Option<String>,
    /// `vars_from`.
    pub vars: Option<String>,
    /// `defaults_from`.
    pub defaults: Option<String>,
    /// `handlers_from`.
    pub handlers: Option<String>,
    /// Whether its `argument_specs` are not looked at (`rolespec_validate: false`).
    pub unvalidated: bool,
}

/// Reads files into the typed tree.
pub(super) struct Loader<'a> {
    /// How to load.
    pub options: &'a Options,
    /// The directory of the playbook.
    pub basedir: PathBuf,
    /// What is wrong.
    pub errors: Vec<LoadError>,
    /// What Ansible would only find wrong when it runs.
    pub warnings: Vec<LoadError>,
    /// What Ansible itself warns of, in its words.
    pub notices: Vec<String>,
    texts: HashMap<PathBuf, Arc<str>>,
    roles: HashMap<(PathBuf, RoleFiles), Arc<Role>>,
    /// The variables of the `import_playbook` statements around.
    import_vars: VarMap,
    depth: usize,
}

impl<'a> Loader<'a> {
    /// A loader for content below this directory.
    #[must_use]
    pub(super) fn new(options: &'a Options, basedir: PathBuf) -> Self {
        Loader {
            options,
            basedir,
            errors: Vec::new(),
            warnings: Vec::new(),
            notices: Vec::new(),
            texts: HashMap::new(),
            roles: HashMap::new(),
            import_vars: VarMap::new(),
            depth: 0,
        }
    }

    /// Notes that something is wrong at a place.
    pub(super) fn fail(&mut self, place: &Place, message: impl Into<String>, hint: Option<String>) {
        self.fail_as(Wrong::Content, place, message, hint);
    }

    /// Notes that something of this kind is wrong at a place.
    pub(super) fn fail_as(
        &mut self,
        kind: Wrong,
        place: &Place,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let error = self.located(kind, place, message.into(), hint);
        self.errors.push(error);
    }

    /// Notes that a file or role is missing.
    fn miss(&mut self, place: &Place, message: impl Into<String>) {
        let error = LoadError { missing: true, ..self.located(Wrong::Content, place, message.into(), None) };
        self.errors.push(error);
    }

    /// Notes something that fails only when it runs.
    pub(super) fn warn(&mut self, place: &Place, message: impl Into<String>) {
        self.warn_as(Wrong::Content, place, message, None);
    }

    /// Notes something of this kind that fails only when it runs.
    pub(super) fn warn_as(
        &mut self,
        kind: Wrong,
        place: &Place,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let error = self.located(kind, place, message.into(), hint);
        self.warnings.push(error);
    }

    fn located(&self, kind: Wrong, place: &Place, message: String, hint: Option<String>) -> LoadError {
        let line = place.line as usize;
        let text =
            self.texts.get(place.file.as_ref()).and_then(|text| text.lines().nth(line.saturating_sub(1)));
        LoadError {
            kind,
            file: place.file.as_ref().clone(),
            line,
            column: place.column as usize,
            message,
            text: text.unwrap_or_default().to_owned(),
            hint,
            missing: false,
        }
    }

    /// Reads a YAML file; none, with an error noted, when that fails.
    pub(super) fn read(
        &mut self,
        path: &Path,
        place: Option<&Place>,
    ) -> Option<(python::Node, Arc<PathBuf>)> {
        let file = Arc::new(path.to_owned());
        let own = Place { file: Arc::clone(&file), line: 1, column: 1 };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let path = path.display();
                let message = format!("Could not find or access '{path}' on the Ansible Controller.");
                self.miss(place.unwrap_or(&own), message);
                return None;
            }
            Err(error) => {
                let message = format!("could not read '{}': {error}", path.display());
                self.fail(place.unwrap_or(&own), message, None);
                return None;
            }
        };
        let name = path.display().to_string();
        let bytes = match self.options.environment.secrets.open(bytes.into(), &name) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.fail(place.unwrap_or(&own), error.to_string(), None);
                return None;
            }
        };
        self.texts.insert(path.to_owned(), String::from_utf8_lossy(&bytes).into());
        let mut duplicates = Vec::new();
        let loader = python::Loader::new(&name).with_tags(jinja::yaml::TAGS);
        match loader.load_with(&bytes, &mut duplicates) {
            Ok(node) => {
                self.duplicates(&file, &duplicates);
                Some((node, file))
            }
            Err(error) => {
                let (line, column) = error.mark().map_or((1, 1), |mark| (mark.line, mark.column));
                self.fail(&Place { line, column, ..own }, error.problem().to_owned(), None);
                None
            }
        }
    }

    /// Tells of keys that stand twice in a dict.
    fn duplicates(&mut self, file: &Arc<PathBuf>, duplicates: &[(crate::yaml::Mark, python::Node)]) {
        for (mapping, key) in duplicates {
            let shown = jinja::yaml::value(key);
            let message = format!(
                "While constructing a mapping from {}, line {}, column {}, found a duplicate dict key ({shown}).",
                file.display(),
                mapping.line,
                mapping.column
            );
            match self.options.duplicate_keys {
                DuplicateKeys::Ignore => {}
                DuplicateKeys::Warn => {
                    self.notices.push(format!("{message} Using last defined value only."));
                }
                DuplicateKeys::Error => {
                    let place = place_of(file, key);
                    self.fail(&place, format!("{message} Using last defined value only."), None);
                }
            }
        }
    }

    /// Reads a playbook that is no file.
    pub(super) fn playbook_text(&mut self, text: &str) -> Vec<Arc<Play>> {
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
    pub(super) fn playbook(&mut self, path: &Path) -> Vec<Arc<Play>> {
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
        let path = super::content::collection_playbook(&name, self.options)
            .unwrap_or_else(|| from.parent().unwrap_or(Path::new(".")).join(&name));
        let outer = self.import_vars.clone();
        self.import_vars.extend(keywords.vars.clone());
        let plays = self.playbook(&path);
        self.import_vars = outer;
        self.depth -= 1;
        plays.into_iter().map(|play| with_import(play, &keywords)).collect()
    }

    /// A play of one role, as ansible-operator makes it.
    pub(super) fn role_play(&mut self, path: &Path) -> Vec<Arc<Play>> {
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

    fn collections(&self, keywords: &Keywords) -> Vec<String> {
        let items = keywords.get("collections").map(|value| match value {
            Value::List(list) => list.items(),
            other => vec![other.clone()],
        });
        let named = items.unwrap_or_default();
        self.default_collection().into_iter().chain(named.iter().map(ToString::to_string)).collect()
    }

    /// The collection that holds the playbook: its names may be bare in all that the playbook reaches.
    pub(super) fn default_collection(&self) -> Option<String> {
        let mut parts = self.basedir.iter().skip_while(|part| *part != "ansible_collections").skip(1);
        let (namespace, name) = (parts.next()?, parts.next()?);
        Some(format!("{}.{}", namespace.to_string_lossy(), name.to_string_lossy()))
    }

    /// The entries of `roles:` or of `dependencies:`.
    fn roles(&mut self, node: &python::Node, file: &Arc<PathBuf>, around: &Surroundings) -> Vec<Node> {
        let place = place_of(file, node);
        let items = match &node.value {
            python::Value::None => return Vec::new(),
            python::Value::List(items) => Arc::clone(items),
            _ => {
                let hint = Some("'roles' is a list of names and dicts".to_owned());
                self.fail(&place, "A malformed role declaration was encountered.", hint);
                return Vec::new();
            }
        };
        items
            .iter()
            .filter_map(|item| self.role_use(item, file, around))
            .map(|usage| Node::Role(Arc::new(usage)))
            .collect()
    }

    fn role_use(
        &mut self,
        item: &python::Node,
        file: &Arc<PathBuf>,
        around: &Surroundings,
    ) -> Option<RoleUse> {
        let place = place_of(file, item);
        let (name, dict) = match &item.value {
            python::Value::Str(name) if name.contains(',') => {
                self.fail(&place, format!("Invalid old style role requirement: {name}"), None);
                return None;
            }
            python::Value::Str(name) => (name.to_string(), None),
            python::Value::Dict(dict) => {
                let name = dict.get("role").or_else(|| dict.get("name")).and_then(|name| name.value.as_str());
                match name {
                    Some(name) => (name.to_owned(), Some(dict)),
                    None => {
                        self.fail(&place, "role definitions must contain a role name", None);
                        return None;
                    }
                }
            }
            _ => {
                self.fail(&place, "a role must be a name or a dict with a role name", None);
                return None;
            }
        };
        let name = self.static_text(&name, &place, around)?;
        let mut keywords = Keywords::default();
        let mut params = VarMap::new();
        if let Some(dict) = dict {
            let known = python_subset(dict, |key| keywords::find(key, on::ROLE).is_some());
            for (key, value) in dict.entries() {
                if let Some(key) = key.value.as_str().filter(|key| keywords::find(key, on::ROLE).is_none()) {
                    self.check_templates(value, file);
                    params.insert(key.into(), jinja::yaml::value(value));
                }
            }
            keywords = self.keyword_pairs(&known, on::ROLE, file, "RoleInclude");
        }
        let role = self.find_role(&name, RoleFiles::default(), &place, around)?;
        Some(RoleUse { place, keywords, params, role, allow_duplicates: None, public: None, imported: false })
    }

    /// Text that must be known while loading: its template may only use variables of plays and roles.
    fn static_text(&mut self, text: &str, place: &Place, around: &Surroundings) -> Option<String> {
        if !jinja::possibly_template(text, &jinja::parse::Syntax::default()) {
            return Some(text.to_owned());
        }
        let mut vars: jinja::Vars = self.import_vars.clone();
        vars.extend(around.vars.clone());
        vars.extend(self.options.extra_vars.clone());
        let templar = Templar::new(Arc::clone(&self.options.environment), Arc::new(vars));
        let options = TemplateOptions { convert_data: false, ..TemplateOptions::default() };
        match templar.template_with(&Value::from(text), &options) {
            Ok(value) => Some(value.to_string()),
            Err(error) => {
                let hint = "a static import can only use play, role and extra variables; include_tasks and include_role can use all";
                self.fail(
                    place,
                    format!("'{text}' must be known when loading: {error}"),
                    Some(hint.to_owned()),
                );
                None
            }
        }
    }

    /// Finds a role by name (`RoleDefinition._load_role_path`) and reads it.
    pub(super) fn find_role(
        &mut self,
        name: &str,
        files: RoleFiles,
        place: &Place,
        around: &Surroundings,
    ) -> Option<Arc<Role>> {
        let places = self.role_places(name, around);
        if let Some(path) = places.iter().find(|path| path.is_dir()) {
            let path = path.clone();
            return self.role_at(&path, name, files, place);
        }
        let searched: Vec<String> =
            places.iter().filter_map(|path| path.parent()).map(|dir| dir.display().to_string()).collect();
        self.miss(place, format!("the role '{name}' was not found in {}", searched.join(":")));
        None
    }

    /// Where a role may be.
    fn role_places(&self, name: &str, around: &Surroundings) -> Vec<PathBuf> {
        let mut places = Vec::new();
        let parts: Vec<&str> = name.splitn(3, '.').collect();
        let in_collection = |places: &mut Vec<PathBuf>, namespace: &str, collection: &str, role: &str| {
            let beside = self.basedir.join("collections");
            for dir in std::iter::once(&beside).chain(&self.options.collections_path) {
                let base = dir.join("ansible_collections").join(namespace).join(collection);
                places.push(base.join("roles").join(role));
            }
        };
        if let [namespace, collection, role] = parts.as_slice() {
            in_collection(&mut places, namespace, collection, role);
        } else {
            for collection in around.collections.iter() {
                if let Some((namespace, collection)) = collection.split_once('.') {
                    in_collection(&mut places, namespace, collection, name);
                }
            }
        }
        places.push(self.basedir.join("roles").join(name));
        places.extend(self.options.roles_path.iter().map(|dir| dir.join(name)));
        if let Some(parent) = around.role.as_ref().and_then(|role| role.path.parent()) {
            places.push(parent.join(name));
        }
        places.push(self.basedir.join(name));
        places
    }

    /// Reads the role in this directory.
    pub(super) fn role_at(
        &mut self,
        path: &Path,
        name: &str,
        files: RoleFiles,
        place: &Place,
    ) -> Option<Arc<Role>> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let key = (path.clone(), files);
        if let Some(role) = self.roles.get(&key) {
            return Some(Arc::clone(role));
        }
        if self.depth >= MAX_IMPORTS {
            self.fail(
                place,
                format!("A recursion loop was detected with the roles specified: '{name}'"),
                None,
            );
            return None;
        }
        self.depth += 1;
        let role = self.read_role(&path, name, &key.1, place);
        self.depth -= 1;
        let role = Arc::new(role);
        self.roles.insert(key, Arc::clone(&role));
        Some(role)
    }

    fn read_role(&mut self, path: &Path, name: &str, files: &RoleFiles, place: &Place) -> Role {
        if !path.is_dir() {
            self.fail(place, format!("the role '{name}' was not found at '{}'", path.display()), None);
        }
        let main = |from: &Option<String>| from.clone().unwrap_or_else(|| "main".to_owned());
        let defaults =
            self.role_vars(path, "defaults", &main(&files.defaults), files.defaults.is_some(), place);
        let vars = self.role_vars(path, "vars", &main(&files.vars), files.vars.is_some(), place);
        let meta = self.role_file(path, "meta", "main").and_then(|meta| self.read(&meta, None));
        let dict = meta.as_ref().and_then(|(node, _)| node.value.as_dict());
        let collection = own_collection(path);
        let mut collections: Vec<String> =
            collection.iter().cloned().chain(self.default_collection()).collect();
        if let Some(names) =
            dict.and_then(|dict| dict.get("collections")).and_then(|names| names.value.as_list())
        {
            collections.extend(names.iter().filter_map(|name| name.value.as_str()).map(ToOwned::to_owned));
        }
        let collections = Arc::new(collections);
        let short = short_name(name, collection.as_deref());
        let mut known = defaults.clone();
        known.extend(vars.clone());
        known.insert("role_path".into(), Value::from(path.display().to_string()));
        known.insert("role_name".into(), Value::from(short));
        let around = Surroundings {
            role: Some(RoleHead { path: path.to_owned() }),
            collections: Arc::clone(&collections),
            vars: known,
            ..Surroundings::default()
        };
        let dependencies = match (&meta, dict.and_then(|dict| dict.get("dependencies"))) {
            (Some((_, file)), Some(node)) => self.roles(node, file, &around),
            _ => Vec::new(),
        };
        let uses = dependencies.iter().filter_map(|node| match node {
            Node::Role(usage) => Some(Arc::clone(usage)),
            _ => None,
        });
        let uses = uses.collect();
        let mut nodes = dependencies;
        if !files.unvalidated {
            nodes.extend(self.validation(path, short, files, dict, place));
        }
        nodes.extend(self.role_tasks(path, "tasks", &files.tasks, &around, place));
        let handlers = Surroundings { handlers: true, ..around };
        let handlers = self.role_tasks(path, "handlers", &files.handlers, &handlers, place);
        let allow = dict.and_then(|dict| dict.get("allow_duplicates"));
        Role {
            name: name.to_owned(),
            path: path.to_owned(),
            defaults,
            vars,
            nodes: Arc::new(nodes),
            handlers: Arc::new(handlers),
            dependencies: uses,
            allow_duplicates: allow.is_some_and(|allow| allow.value == python::Value::Bool(true)),
            collections,
            collection,
            files: files.clone(),
        }
    }

    /// The task that validates the arguments of a role before its first one (`_prepend_validation_task`);
    /// none without a specification of the entry point.
    fn validation(
        &mut self,
        path: &Path,
        name: &str,
        files: &RoleFiles,
        meta: Option<&python::Dict>,
        place: &Place,
    ) -> Option<Node> {
        let module = self.options.modules.resolve("ansible.builtin.validate_argument_spec", &[])?;
        let of_file = ["yml", "yaml", "json"]
            .iter()
            .map(|ending| path.join("meta").join(format!("argument_specs.{ending}")))
            .find(|path| path.is_file())
            .map(|path| self.read(&path, None));
        let specs = match &of_file {
            Some(read) => read.as_ref()?.0.value.as_dict()?.get("argument_specs")?,
            None => meta?.get("argument_specs")?,
        };
        let entry_point = files.tasks.as_deref().unwrap_or("main");
        let spec = jinja::yaml::value(specs.value.as_dict()?.get(entry_point)?);
        let spec = spec.as_dict()?;
        let mut title = format!("Validating arguments against arg spec '{entry_point}'");
        if let Some(description) = spec.get("short_description") {
            title.push_str(&format!(" - {description}"));
        }
        let context = Value::dict([
            ("type", Value::from("role")),
            ("name", Value::from(name)),
            ("argument_spec_name", Value::from(entry_point)),
            ("path", Value::from(path.display().to_string())),
        ]);
        let mut keywords = Keywords::default();
        keywords.values.insert("name", Value::from(title));
        keywords.tags.push(Value::from("always"));
        let empty = || Value::Dict(jinja::value::Dict::default());
        let args = VarMap::from_iter([
            ("argument_spec".into(), spec.get("options").unwrap_or_else(empty)),
            ("provided_arguments".into(), empty()),
            ("validate_args_context".into(), context),
        ]);
        let task = Task {
            place: place.clone(),
            keywords,
            action_name: module.name.to_owned(),
            action: Action::Module(module.name),
            args,
            looping: None,
            collections: Arc::default(),
            implicit: false,
        };
        Some(Node::Task(Arc::new(task)))
    }

    fn role_tasks(
        &mut self,
        path: &Path,
        folder: &str,
        from: &Option<String>,
        around: &Surroundings,
        place: &Place,
    ) -> Vec<Node> {
        let name = from.as_deref().unwrap_or("main");
        match self.role_file(path, folder, name) {
            Some(file) if from.is_some() && !is_below(&file, &path.join(folder)) => {
                let (file, folder) = (file.display(), path.join(folder));
                let role = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let message = format!(
                    "Failed loading '{file}' for role ({role}) as it is not inside the expected role path: '{}'",
                    folder.display()
                );
                self.fail(place, message, None);
                Vec::new()
            }
            Some(file) => {
                self.task_file(&file, around, Some(place)).map(|nodes| nodes.to_vec()).unwrap_or_default()
            }
            None => {
                if let Some(name) = from {
                    let folder = folder.trim_end_matches('s');
                    self.miss(place, format!("Could not find specified file in role: {folder}s/{name}"));
                }
                Vec::new()
            }
        }
    }

    /// `<role>/<folder>/<name>` with the endings that Ansible tries.
    fn role_file(&self, path: &Path, folder: &str, name: &str) -> Option<PathBuf> {
        let base = path.join(folder).join(name);
        let endings = ["", "yml", "yaml", "json"].iter();
        let candidates = endings.map(|ending| match *ending {
            "" if base.extension().is_none() => PathBuf::from(format!("{}.yml", base.display())),
            "" => base.clone(),
            ending => PathBuf::from(format!("{}.{ending}", base.display())),
        });
        candidates.chain([base.clone()]).find(|path| path.is_file())
    }

    /// The variables in `defaults/` or `vars/`: a file, or all files of a directory by name.
    fn role_vars(&mut self, path: &Path, folder: &str, name: &str, required: bool, place: &Place) -> VarMap {
        let mut vars = VarMap::new();
        let dir = path.join(folder).join(name);
        let files = match self.role_file(path, folder, name) {
            Some(file) => vec![file],
            None if dir.is_dir() => yaml_files(&dir),
            None => {
                if required {
                    self.miss(place, format!("Could not find specified file in role: {folder}/{name}"));
                }
                Vec::new()
            }
        };
        for file in files {
            vars.extend(self.vars_file(&file));
        }
        vars
    }

    /// The variables of a file.
    pub(super) fn vars_file(&mut self, path: &Path) -> VarMap {
        let Some((node, file)) = self.read(path, None) else { return VarMap::new() };
        match &node.value {
            python::Value::None => VarMap::new(),
            python::Value::Dict(dict) => self.variables(dict, &file),
            _ => {
                let place = place_of(&file, &node);
                self.fail(&place, "a file of variables must be a dictionary", None);
                VarMap::new()
            }
        }
    }

    fn variables(&mut self, dict: &python::Dict, file: &Arc<PathBuf>) -> VarMap {
        let mut vars = VarMap::new();
        for (key, value) in dict.entries() {
            self.check_templates(value, file);
            let name = match key.value.as_str() {
                Some(name) => name.to_owned(),
                None => jinja::yaml::value(key).to_string(),
            };
            vars.insert(name.into(), jinja::yaml::value(value));
        }
        vars
    }

    /// The tasks of a file; none, with an error noted, when it cannot be read.
    pub(super) fn task_file(
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

    fn nodes(
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
        if around.handlers {
            self.fail(&place, "Using a block as a handler is not supported.", None);
        }
        let keywords = self.keywords(dict, on::BLOCK, file, "Block", &[]);
        let mut around = around.clone();
        if keywords.get("collections").is_some() {
            around.collections = Arc::new(self.collections(&keywords));
        }
        around.vars.extend(keywords.vars.clone());
        let mut list =
            |key: &str| dict.get(key).map(|node| self.nodes(node, file, &around, key)).unwrap_or_default();
        let (body, rescue, always) = (list("block"), list("rescue"), list("always"));
        Node::Block(Arc::new(Block { place, keywords, body, rescue, always }))
    }

    /// The keywords of a dict; keys that are no keyword are errors unless they are in `others`.
    fn keywords(
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

    fn keyword_pairs(
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
    fn check_templates(&mut self, node: &python::Node, file: &Arc<PathBuf>) {
        let mut found = check::Findings::default();
        check::templates(node, file, &self.options.environment, &mut found);
        self.add_findings(found);
    }

    fn check_conditions(&mut self, node: &python::Node, file: &Arc<PathBuf>) {
        let mut found = check::Findings::default();
        check::conditions(node, file, &self.options.environment, &mut found);
        self.add_findings(found);
    }

    fn add_findings(&mut self, found: check::Findings) {
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

    /// Finds the module of a task and its arguments (`ModuleArgsParser`).
    fn call(
        &mut self,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        place: &Place,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Call> {
        let mut calls: Vec<(&python::Node, &python::Node)> = Vec::new();
        let mut unknown = Vec::new();
        for (key, value) in dict.entries() {
            let Some(name) = key.value.as_str() else { continue };
            let is_keyword = keywords::find(name, on::TASK | on::HANDLER | on::INCLUDE).is_some();
            if matches!(name, "action" | "local_action") {
                calls.push((key, value));
            } else if !is_keyword && !name.starts_with("with_") {
                if Kind::of(name) != Kind::Module || self.options.modules.resolve(name, collections).is_some()
                {
                    calls.push((key, value));
                } else {
                    unknown.push((key, name));
                }
            }
        }
        match (calls.as_slice(), unknown.as_slice()) {
            ([(key, value)], _) => self.arguments(key, value, dict, file, collections, around),
            ([], []) => {
                self.fail(place, "no module/action detected in task.", None);
                None
            }
            ([], [(key, name), ..]) => {
                if let Some(reason) = self.options.modules.refusal(name) {
                    let message = format!("the module '{name}' is not available here: {reason}");
                    let place = place_of(file, key);
                    self.warn_as(Wrong::Module, &place, message.as_str(), None);
                    let args = VarMap::from_iter([("reason".into(), Value::from(message).into_unsafe())]);
                    return Some(Call { key: (*name).to_owned(), name: (*name).to_owned(), args, place });
                }
                let names = self.options.modules.names();
                let names = names.iter().map(String::as_str).chain(Kind::NAMES.iter().map(|(name, _)| *name));
                let near = nearest(name, names.chain(KEYWORDS.iter().map(|keyword| keyword.name)));
                let hint = near.map(|near| format!("did you mean '{near}'?"));
                let message = format!(
                    "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
                );
                self.fail_as(Wrong::Module, &place_of(file, key), message, hint);
                None
            }
            ([(first, _), (second, _), ..], _) => {
                let (first, second) = (jinja::yaml::value(first), jinja::yaml::value(second));
                self.fail(place, format!("conflicting action statements: {first}, {second}"), None);
                None
            }
        }
    }

    fn arguments(
        &mut self,
        key: &python::Node,
        value: &python::Node,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Call> {
        let key = key.value.as_str().unwrap_or_default().to_owned();
        let place = place_of(file, value);
        self.check_templates(value, file);
        let mut args = self.extra_args(dict, file);
        let (name, given) = match (key.as_str(), &value.value) {
            ("action" | "local_action", python::Value::Str(text)) => {
                let behind = text.strip_prefix("{{").and_then(|rest| rest.find("}}")).map_or(0, |at| at + 4);
                let end = text[behind..].find(char::is_whitespace).map_or(text.len(), |at| behind + at);
                let (name, rest) = text.split_at(end);
                let name = self.static_text(name, &place, around)?;
                (name, python::Value::Str(rest.trim().into()))
            }
            ("action" | "local_action", python::Value::Dict(action)) => {
                let module = action.get("module").and_then(|module| module.value.as_str());
                let Some(module) = module else {
                    self.fail(&place, "no module/action detected in task.", None);
                    return None;
                };
                let rest = python_subset(action, |key| key != "module");
                (module.to_owned(), dict_of(rest))
            }
            (name, given) => (name.to_owned(), given.clone()),
        };
        let module = self.options.modules.resolve(&name, collections);
        let raw = module.is_some_and(|module| module.raw_params);
        match &given {
            python::Value::None => {}
            python::Value::Dict(dict) => args.extend(pairs_of(dict.entries())),
            python::Value::Pairs(pairs) => args.extend(pairs_of(pairs)),
            python::Value::Str(text) if Kind::of(&name).takes_text() => {
                args.insert("_raw_params".into(), Value::from(text.trim()));
            }
            python::Value::Str(text) => match splitter::parse_kv(text, raw) {
                Ok(parsed) => args.extend(parsed),
                Err(error) => {
                    self.fail(&place, error.to_string(), None);
                    return None;
                }
            },
            other => {
                let found = jinja::yaml::value(&python::Node { value: other.clone(), ..value.clone() });
                self.fail(
                    &place,
                    format!("unexpected parameter type in action: {}", found.plain_type_name()),
                    None,
                );
                return None;
            }
        }
        if let Some(arg) = args.keys().find(|arg| !raw && arg.starts_with("_ansible_")) {
            let message = format!(
                "Invalid parameter specified beginning with keyword '_ansible_' for action '{name}': '{arg}'. The prefix '_ansible_' is reserved for internal use only."
            );
            self.fail(&place, message, None);
            return None;
        }
        // Text that is no `k=v` may be a template of a dict.
        let is_template = |text: &Value| text.to_string().contains("{{");
        if module.is_some_and(|module| !module.free_form) && args.get("_raw_params").is_some_and(is_template)
        {
            let text = args.shift_remove("_raw_params").unwrap_or(Value::None);
            args.insert("_variable_params".into(), text);
        }
        Some(Call { key, name, args, place })
    }

    /// `args:` of a task: a dict, `k=v` text, or a template of a dict.
    fn extra_args(&mut self, dict: &python::Dict, file: &Arc<PathBuf>) -> VarMap {
        let Some(node) = dict.get("args") else { return VarMap::new() };
        match &node.value {
            python::Value::Dict(dict) => self.variables(dict, file),
            python::Value::Str(text) if text.contains("{{") => {
                VarMap::from_iter([("_variable_params".into(), Value::from(text.as_ref()))])
            }
            python::Value::Str(text) => splitter::parse_kv(text, false).unwrap_or_default(),
            _ => VarMap::new(),
        }
    }

    fn action(
        &mut self,
        call: &Call,
        kind: Kind,
        place: &Place,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Action> {
        Some(match kind {
            Kind::IncludeTasks => {
                if call.file().is_none() {
                    self.fail(place, format!("No file specified for {}", call.name), None);
                }
                self.check_args(call, &["file", "_raw_params", "apply"]);
                Action::IncludeTasks
            }
            Kind::IncludeRole => {
                if call.role().is_none() {
                    self.fail(place, format!("'name' is a required field for {}.", call.name), None);
                }
                self.check_role_args(call);
                Action::IncludeRole
            }
            Kind::Meta => {
                self.check_meta(call, around);
                Action::Meta
            }
            Kind::ImportTasks | Kind::ImportRole => return None,
            Kind::Module => {
                let Some(module) = self.options.modules.resolve(&call.name, collections) else {
                    self.options.modules.refusal(&call.name)?;
                    return Some(Action::Module(UNAVAILABLE));
                };
                if call.args.contains_key("_raw_params") && !module.free_form {
                    let message = format!(
                        "this task '{}' has extra params, which is only allowed in modules that take free text",
                        call.name
                    );
                    self.fail(&call.place, message, None);
                }
                self.check_module_args(call, module.name);
                Action::Module(module.name)
            }
        })
    }

    fn check_args(&mut self, call: &Call, valid: &[&str]) {
        let bad: Vec<&str> = call.args.keys().map(AsRef::as_ref).filter(|key| !valid.contains(key)).collect();
        if !bad.is_empty() {
            self.fail(&call.place, format!("Invalid options for {}: {}", call.name, bad.join(",")), None);
        }
    }

    fn check_role_args(&mut self, call: &Call) {
        self.check_args(call, ROLE_ARGS);
        for (name, value) in call.args.iter().filter(|(name, _)| name.ends_with("_from")) {
            if !matches!(value, Value::Str(_)) {
                let kind = value.type_name();
                let message = format!("Expected a string for {name} but got <class '{kind}'> instead");
                self.fail(&call.place, message, None);
            }
        }
    }

    /// Warns of arguments that a module does not have: the task will fail.
    fn check_module_args(&mut self, call: &Call, module: &'static str) {
        let Some(known) = self.options.modules.arguments(module) else { return };
        let unknown = call.args.keys().filter(|key| !key.starts_with('_') && !known.contains(&key.as_ref()));
        for name in unknown.cloned().collect::<Vec<_>>() {
            let near = nearest(&name, known.iter().copied());
            let hint = near.map(|near| format!("did you mean '{near}'?"));
            let message = format!("the module '{module}' has no argument '{name}'");
            self.warn_as(Wrong::Argument, &call.place, message, hint);
        }
    }

    fn check_meta(&mut self, call: &Call, around: &Surroundings) {
        let action = call.args.get("_raw_params").map(ToString::to_string).unwrap_or_default();
        let action = action.trim();
        if action == "end_role" && around.handlers {
            self.fail(&call.place, "Cannot execute 'end_role' from a handler", None);
        } else if action == "end_role" && around.role.is_none() {
            self.fail(&call.place, "Cannot execute 'end_role' from outside of a role", None);
        }
        if !META_ACTIONS.contains(&action) && !action.contains("{{") {
            let hint =
                nearest(action, META_ACTIONS.iter().copied()).map(|near| format!("did you mean '{near}'?"));
            self.fail(&call.place, format!("invalid meta action requested: {action}"), hint);
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

    fn import_tasks(
        &mut self,
        call: Call,
        keywords: Keywords,
        looping: Option<Loop>,
        place: Place,
        around: &Surroundings,
    ) -> Option<Node> {
        if looping.is_some() {
            let message =
                "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.";
            self.fail(&place, message, None);
        }
        self.check_args(&call, &["file", "_raw_params"]);
        let Some(name) = call.file() else {
            self.fail(&place, format!("No file specified for {}", call.name), None);
            return None;
        };
        let mut inner = around.clone();
        inner.vars.extend(keywords.vars.clone());
        let name = self.static_text(&name, &call.place, &inner)?;
        if self.depth >= MAX_IMPORTS {
            self.fail(&place, "task files import each other without end", None);
            return None;
        }
        let path = self.find_tasks(&name, around);
        inner.imports.push(name.clone());
        self.depth += 1;
        let nodes = self.task_file(&path, &inner, Some(&call.place));
        self.depth -= 1;
        Some(Node::Import(Arc::new(Import { place, keywords, name, nodes: nodes? })))
    }

    /// The task file that a name means: beside the files that import this one, then in the role, then
    /// beside the playbook.
    #[must_use]
    pub(super) fn find_tasks(&self, name: &str, around: &Surroundings) -> PathBuf {
        let name = Path::new(name);
        if name.is_absolute() {
            return name.to_owned();
        }
        let folder = if around.handlers { "handlers" } else { "tasks" };
        let base = around.role.as_ref().map(|role| role.path.join(folder));
        let of_tasks = around.role.as_ref().map(|role| role.path.join("tasks").join(name));
        let root = base.unwrap_or_else(|| self.basedir.clone());
        let mut below = PathBuf::new();
        let mut candidates = Vec::new();
        for import in around.imports.iter().rev() {
            let dir = Path::new(import).parent().unwrap_or(Path::new(""));
            below = if below.as_os_str().is_empty() { dir.to_owned() } else { dir.join(&below) };
            candidates.push(root.join(&below).join(name));
        }
        candidates.push(root.join(name));
        candidates.extend(of_tasks);
        if let Some(role) = &around.role {
            candidates.push(role.path.join(name));
        }
        candidates.push(self.basedir.join(name));
        let first = root.join(name);
        candidates.into_iter().find(|path| path.is_file()).unwrap_or(first)
    }

    fn import_role(
        &mut self,
        call: Call,
        keywords: Keywords,
        looping: Option<Loop>,
        place: Place,
        around: &Surroundings,
    ) -> Option<Node> {
        if looping.is_some() {
            let message =
                "You cannot use loops on 'import_role' statements. You should use 'include_role' instead.";
            self.fail(&place, message, None);
        }
        self.check_role_args(&call);
        let Some(name) = call.role() else {
            self.fail(&place, format!("'name' is a required field for {}.", call.name), None);
            return None;
        };
        let mut inner = around.clone();
        inner.vars.extend(keywords.vars.clone());
        let name = self.static_text(&name, &call.place, &inner)?;
        let mut said = |key: &str| {
            let value = call.args.get(key)?;
            self.static_text(&value.to_string(), &call.place, &inner)
        };
        let flag = |text: Option<String>| text.and_then(|text| jinja::filters::core::to_bool(&text.into()));
        let files = RoleFiles {
            tasks: said("tasks_from"),
            vars: said("vars_from"),
            defaults: said("defaults_from"),
            handlers: said("handlers_from"),
            unvalidated: flag(said("rolespec_validate")) == Some(false),
        };
        let (allow_duplicates, public) = (flag(said("allow_duplicates")), flag(said("public")));
        let role = self.find_role(&name, files, &call.place, around)?;
        let usage = RoleUse {
            place,
            params: VarMap::new(),
            role,
            allow_duplicates: Some(allow_duplicates.unwrap_or(true)),
            public,
            imported: true,
            keywords,
        };
        Some(Node::Role(Arc::new(usage)))
    }

    /// Reads what a dynamic include names without a template, so that its errors show now; what is
    /// missing fails only when it runs, as in Ansible.
    fn preload(&mut self, action: &Action, call: &Call, place: &Place, around: &Surroundings) {
        let before = self.errors.len();
        self.preload_named(action, call, place, around);
        let only_when_it_runs = self.errors.split_off(before);
        self.warnings.extend(only_when_it_runs);
    }

    fn preload_named(&mut self, action: &Action, call: &Call, place: &Place, around: &Surroundings) {
        let fixed = |text: Option<String>| text.filter(|text| !text.contains("{{") && !text.contains("{%"));
        match action {
            Action::IncludeTasks if self.depth < MAX_IMPORTS => {
                let Some(name) = fixed(call.file()) else { return };
                let path = self.find_tasks(&name, around);
                if !path.is_file() {
                    self.warn(place, format!("could not find the task file '{name}'"));
                    return;
                }
                let key = (path.clone(), RoleFiles::default());
                if self.texts.contains_key(&key.0) {
                    return;
                }
                let mut inner = around.clone();
                inner.imports.push(name);
                self.depth += 1;
                self.task_file(&path, &inner, Some(&call.place));
                self.depth -= 1;
            }
            Action::IncludeRole if self.depth < MAX_IMPORTS => {
                let Some(name) = fixed(call.role()) else { return };
                let from = |key: &str| call.args.get(key).map(ToString::to_string);
                let files = RoleFiles {
                    tasks: from("tasks_from"),
                    vars: from("vars_from"),
                    defaults: from("defaults_from"),
                    handlers: from("handlers_from"),
                    unvalidated: call.args.get("rolespec_validate").and_then(jinja::filters::core::to_bool)
                        == Some(false),
                };
                let names = [&files.tasks, &files.vars, &files.defaults, &files.handlers];
                if names.into_iter().flatten().any(|name| name.contains("{{")) {
                    return;
                }
                if !self.role_places(&name, around).iter().any(|path| path.is_dir()) {
                    self.warn(place, format!("the role '{name}' was not found"));
                    return;
                }
                self.find_role(&name, files, place, around);
            }
            _ => {}
        }
    }
}

/// Whether a file is in a directory or below it, whatever links and `..` say (`is_subpath`).
fn is_below(file: &Path, directory: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(file).starts_with(real(directory))
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

/// The arguments of `include_role` and `import_role`.
const ROLE_ARGS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// The keys of an entry of `vars_prompt`.
const PROMPT_KEYS: &[&str] =
    &["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];

/// What `meta` can do.
pub const META_ACTIONS: &[&str] = &[
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
];

/// The module call of a task.
struct Call {
    /// The key under which it stands.
    key: String,
    /// The module as named.
    name: String,
    args: VarMap,
    place: Place,
}

impl Call {
    fn file(&self) -> Option<String> {
        self.args.get("_raw_params").or_else(|| self.args.get("file")).map(ToString::to_string)
    }

    fn role(&self) -> Option<String> {
        self.args.get("name").or_else(|| self.args.get("role")).map(ToString::to_string)
    }
}

/// The calls that are part of the language rather than modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    IncludeTasks,
    IncludeRole,
    ImportTasks,
    ImportRole,
    Meta,
}

impl Kind {
    const NAMES: &'static [(&'static str, Kind)] = &[
        ("include_tasks", Kind::IncludeTasks),
        ("include", Kind::IncludeTasks),
        ("include_role", Kind::IncludeRole),
        ("import_tasks", Kind::ImportTasks),
        ("import_role", Kind::ImportRole),
        ("meta", Kind::Meta),
    ];

    fn of(name: &str) -> Kind {
        let short =
            ["ansible.builtin.", "ansible.legacy."].iter().find_map(|prefix| name.strip_prefix(prefix));
        let short = short.unwrap_or(name);
        Kind::NAMES.iter().find(|(name, _)| *name == short).map_or(Kind::Module, |(_, kind)| *kind)
    }

    fn class(self) -> &'static str {
        match self {
            Kind::IncludeTasks | Kind::ImportTasks => "TaskInclude",
            Kind::IncludeRole | Kind::ImportRole => "IncludeRole",
            Kind::Module | Kind::Meta => "Task",
        }
    }

    fn takes_text(self) -> bool {
        matches!(self, Kind::IncludeTasks | Kind::ImportTasks | Kind::Meta)
    }
}

/// Where a node stands.
#[must_use]
pub(super) fn place_of(file: &Arc<PathBuf>, node: &python::Node) -> Place {
    Place { file: Arc::clone(file), line: node.mark.line, column: node.mark.column }
}

fn python_subset(dict: &python::Dict, keep: impl Fn(&str) -> bool) -> Vec<(python::Node, python::Node)> {
    dict.entries().iter().filter(|(key, _)| key.value.as_str().is_some_and(&keep)).cloned().collect()
}

fn pairs_of(pairs: &[(python::Node, python::Node)]) -> VarMap {
    let pair = |(key, value): &(python::Node, python::Node)| {
        (Arc::from(jinja::yaml::value(key).to_string()), jinja::yaml::value(value))
    };
    pairs.iter().map(pair).collect()
}

fn dict_of(pairs: Vec<(python::Node, python::Node)>) -> python::Value {
    python::Value::Pairs(Arc::new(pairs))
}

fn listed(node: &python::Node) -> Vec<Value> {
    match jinja::yaml::value(node) {
        Value::List(list) => list.items(),
        other => vec![other],
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

fn yaml_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() {
                dirs.push(path);
            } else if matches!(ending, "yml" | "yaml" | "json" | "") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// `namespace.name` of the collection that holds a role.
fn own_collection(role: &Path) -> Option<String> {
    let mut parts = role.iter().rev().skip(1);
    let (roles, name, namespace, root) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (roles == "roles" && root == "ansible_collections")
        .then(|| format!("{}.{}", namespace.to_string_lossy(), name.to_string_lossy()))
}
