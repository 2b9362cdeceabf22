//! Reads files into the typed tree and gathers everything that is wrong with them.

mod calls;
mod imports;
mod plays;
mod roles;
mod tasks;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use calls::META_ACTIONS;

use super::content::{DuplicateKeys, Options};
use super::error::{Kind as Wrong, LoadError};
use super::tree::{Place, Role, VarMap};
use crate::jinja::{self, Value};
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
    /// Whether they stand in a file that is included while a run goes on: what handlers include may begin with blocks.
    pub included: bool,
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
