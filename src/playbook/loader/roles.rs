//! Roles: where they are found, their files, variables and argument specs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::imports::is_below;
use super::{Loader, MAX_IMPORTS, RoleFiles, RoleHead, Surroundings, place_of, python_subset};
use crate::jinja::{self, Templar, TemplateOptions, Value};
use crate::playbook::keywords::{self, Keywords, on};
use crate::playbook::tree::{Action, Node, Place, Role, RoleUse, Task, VarMap, short_name};
use crate::yaml::python;

impl Loader<'_> {
    /// The entries of `roles:` or of `dependencies:`.
    pub(super) fn roles(
        &mut self,
        node: &python::Node,
        file: &Arc<PathBuf>,
        around: &Surroundings,
    ) -> Vec<Node> {
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
    pub(super) fn static_text(&mut self, text: &str, place: &Place, around: &Surroundings) -> Option<String> {
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
    pub(in crate::playbook) fn find_role(
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
    pub(super) fn role_places(&self, name: &str, around: &Surroundings) -> Vec<PathBuf> {
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
    pub(in crate::playbook) fn role_at(
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
