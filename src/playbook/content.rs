//! Loaded content: what a run executes, immutable and shared.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{LoadError, LoadErrors};
use super::loader::{Loader, RoleFiles, RoleHead, Surroundings};
use super::tree::{Nodes, Place, Play, Role, VarMap};
use crate::jinja::{Environment, Value};

/// A module as content may name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedModule {
    /// The fully qualified name.
    pub name: &'static str,
    /// Whether its arguments may be one text.
    pub free_form: bool,
    /// Whether that text stays whole in `_raw_params`.
    pub raw_params: bool,
}

/// The modules that content may name; the loader knows nothing else of them.
pub trait ModuleNames: Send + Sync {
    /// The module of this name, given the collections that play or role declare.
    fn resolve(&self, name: &str, collections: &[String]) -> Option<ResolvedModule>;

    /// Why a module of this name cannot be there, where more is known than that it is not.
    fn refusal(&self, _name: &str) -> Option<String> {
        None
    }

    /// The names of all arguments of a module, aliases included; none when it takes any.
    fn arguments(&self, module: &str) -> Option<Vec<&'static str>>;

    /// All names, to find the nearest one.
    fn names(&self) -> Vec<String>;
}

/// The directories of the playbooks that a playbook imports by plain names: what they bring along counts as well.
#[must_use]
pub fn imported_directories(playbook: &Path) -> Vec<PathBuf> {
    let mut seen = vec![playbook.to_owned()];
    let mut at = 0;
    while let Some(path) = seen.get(at).cloned() {
        at += 1;
        // What cannot be read is told when it is loaded.
        let plays = std::fs::read_to_string(&path).ok().and_then(|text| crate::jinja::yaml::load(&text).ok());
        let plays = plays.as_ref().and_then(Value::as_list).map(crate::jinja::value::List::items);
        for play in plays.unwrap_or_default() {
            let named = ["import_playbook", "ansible.builtin.import_playbook"]
                .iter()
                .find_map(|key| play.as_dict().and_then(|play| play.get(key)));
            let Some(name) = named.as_ref().and_then(Value::as_str) else { continue };
            let imported = path.parent().unwrap_or(Path::new(".")).join(name);
            if imported.is_file() && !seen.contains(&imported) {
                seen.push(imported);
            }
        }
    }
    let own = playbook.parent().map(Path::to_owned);
    let mut directories: Vec<PathBuf> =
        seen.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    directories.retain(|directory| Some(directory) != own.as_ref());
    directories.dedup();
    directories
}

/// The module that stands for one that cannot run here: it fails with its argument `reason`.
pub const UNAVAILABLE: &str = "daytwo.core.unavailable";

/// What a key is that stands twice in a dict (`DUPLICATE_YAML_DICT_KEY`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// The last value counts, with a warning.
    #[default]
    Warn,
    /// An error.
    Error,
    /// The last value counts.
    Ignore,
}

/// How content is loaded.
#[derive(Clone)]
pub struct Options {
    /// Directories in which roles are searched beside those of the playbook (`roles_path`).
    pub roles_path: Vec<PathBuf>,
    /// Directories that hold `ansible_collections` (`collections_path`).
    pub collections_path: Vec<PathBuf>,
    /// What a key is that stands twice in a dict.
    pub duplicate_keys: DuplicateKeys,
    /// Variables that the names of static imports may use.
    pub extra_vars: VarMap,
    /// The modules.
    pub modules: Arc<dyn ModuleNames>,
    /// The filters, tests and lookups.
    pub environment: Arc<Environment>,
    /// Whether all templates and what dynamic includes name are looked at ahead, for [`Content::warnings`]: as much
    /// work as the loading itself, wasted on who shows no warnings.
    pub ahead: bool,
}

impl Options {
    /// Options with these modules and plugins and no other directories, looking ahead.
    #[must_use]
    pub fn new(modules: Arc<dyn ModuleNames>, environment: Arc<Environment>) -> Self {
        Options {
            roles_path: Vec::new(),
            collections_path: Vec::new(),
            duplicate_keys: DuplicateKeys::default(),
            extra_vars: VarMap::new(),
            modules,
            environment,
            ahead: true,
        }
    }
}

/// Loaded content: what a run executes, immutable and shared between runs.
pub struct Content {
    /// How it was loaded.
    pub options: Options,
    /// The directory of the playbook.
    pub basedir: PathBuf,
    /// The plays.
    pub plays: Vec<Arc<Play>>,
    /// What will fail only when it runs: templates that do not parse, included files that are missing.
    pub warnings: Vec<LoadError>,
    /// What Ansible itself warns of when it loads this, in its words.
    pub notices: Vec<String>,
    files: Mutex<HashMap<FileKey, Nodes>>,
    roles: Mutex<HashMap<RoleKey, Arc<Role>>>,
}

type FileKey = (PathBuf, Option<PathBuf>, bool);
type RoleKey = (String, Option<PathBuf>, RoleFiles);

impl Content {
    /// Loads a playbook with all that it reaches statically.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_playbook(path: &Path, options: &Options) -> Result<Arc<Content>, LoadErrors> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let basedir = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut loader = Loader::new(options, basedir.clone());
        let plays = loader.playbook(&path);
        Content::finish(loader, plays, basedir)
    }

    /// Loads a playbook that is no file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_text(text: &str, basedir: &Path, options: &Options) -> Result<Arc<Content>, LoadErrors> {
        let basedir = std::path::absolute(basedir).unwrap_or_else(|_| basedir.to_owned());
        let mut loader = Loader::new(options, basedir.clone());
        let plays = loader.playbook_text(text);
        Content::finish(loader, plays, basedir)
    }

    /// Loads a role as the play that ansible-operator makes of it: `hosts: localhost`, `roles: [role]`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_role(path: &Path, options: &Options) -> Result<Arc<Content>, LoadErrors> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let basedir = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut options = options.clone();
        options.roles_path.push(basedir.clone());
        let mut loader = Loader::new(&options, basedir.clone());
        let plays = loader.role_play(&path);
        Content::finish(loader, plays, basedir)
    }

    fn finish(
        loader: Loader<'_>,
        plays: Vec<Arc<Play>>,
        basedir: PathBuf,
    ) -> Result<Arc<Content>, LoadErrors> {
        if !loader.errors.is_empty() {
            return Err(LoadErrors(loader.errors));
        }
        // What a run includes later was looked at ahead, or is not to be.
        let options = Options { ahead: false, ..loader.options.clone() };
        let (warnings, notices) = (loader.warnings, loader.notices);
        Ok(Arc::new(Content {
            options,
            basedir,
            plays,
            warnings,
            notices,
            files: Mutex::default(),
            roles: Mutex::default(),
        }))
    }

    /// The tasks of a file that a run includes; `imports` are the names of the including files from the
    /// outermost. Returns the path as well.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn task_file(
        &self,
        name: &str,
        role: Option<&Role>,
        imports: &[String],
        handlers: bool,
    ) -> Result<(PathBuf, Nodes), LoadErrors> {
        let mut loader = Loader::new(&self.options, self.basedir.clone());
        let around = Surroundings {
            role: role.map(|role| RoleHead { path: role.path.clone() }),
            collections: role.map_or_else(
                || Arc::new(loader.default_collection().into_iter().collect()),
                |role| Arc::clone(&role.collections),
            ),
            imports: imports.to_vec(),
            handlers,
            included: true,
            vars: role.map(|role| role.defaults.clone()).unwrap_or_default(),
        };
        let path = loader.find_tasks(name, &around);
        let key = (path.clone(), role.map(|role| role.path.clone()), handlers);
        if let Some(nodes) = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok((path, Arc::clone(nodes)));
        }
        let mut inner = around;
        inner.imports.push(name.to_owned());
        let nodes = loader.task_file(&path, &inner, None);
        match nodes {
            Some(nodes) if loader.errors.is_empty() => {
                self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&nodes));
                Ok((path, nodes))
            }
            _ => Err(LoadErrors(loader.errors)),
        }
    }

    /// The role that a run includes.
    ///
    /// # Errors
    /// Everything that is wrong with the role.
    pub fn role(&self, name: &str, files: RoleFiles, parent: Option<&Role>) -> Result<Arc<Role>, LoadErrors> {
        let key = (name.to_owned(), parent.map(|role| role.path.clone()), files);
        if let Some(role) = self.roles.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(role));
        }
        let mut loader = Loader::new(&self.options, self.basedir.clone());
        let around = Surroundings {
            role: parent.map(|role| RoleHead { path: role.path.clone() }),
            collections: parent.map(|role| Arc::clone(&role.collections)).unwrap_or_default(),
            ..Surroundings::default()
        };
        let place = Place { file: Arc::new(self.basedir.clone()), line: 1, column: 1 };
        match loader.find_role(name, key.2.clone(), &place, &around) {
            Some(role) if loader.errors.is_empty() => {
                self.roles.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&role));
                Ok(role)
            }
            _ => Err(LoadErrors(loader.errors)),
        }
    }

    /// The variables of a file (`vars_files`, `include_vars`).
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn vars_file(&self, path: &Path) -> Result<VarMap, LoadErrors> {
        let mut loader = Loader::new(&self.options, self.basedir.clone());
        let vars = loader.vars_file(path);
        if loader.errors.is_empty() { Ok(vars) } else { Err(LoadErrors(loader.errors)) }
    }
}

/// The file of a playbook of a collection: `namespace.collection.name`.
#[must_use]
pub fn collection_playbook(name: &str, options: &Options) -> Option<PathBuf> {
    let (namespace, rest) = name.split_once('.')?;
    let (collection, playbook) = rest.split_once('.')?;
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    if ![namespace, collection].into_iter().chain(playbook.split('.')).all(word) {
        return None;
    }
    let below = PathBuf::from("ansible_collections").join(namespace).join(collection).join("playbooks");
    let (inner, ending) = match playbook.rsplit_once('.') {
        Some((inner, ending @ ("yml" | "yaml"))) => (inner, Some(ending)),
        _ => (playbook, None),
    };
    let file = inner.replace('.', "/");
    let endings = ending.map_or(vec!["yml", "yaml"], |ending| vec![ending]);
    let candidates = options.collections_path.iter().flat_map(|dir| {
        let base = dir.join(&below);
        endings.iter().map(move |ending| (base.clone(), *ending)).collect::<Vec<_>>()
    });
    candidates.map(|(base, ending)| base.join(format!("{file}.{ending}"))).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Node;
    use super::*;
    use crate::jinja::Plugins;
    use crate::modules::Registry;

    #[test]
    fn what_only_a_run_comes_to_is_looked_at_ahead_on_request() {
        let directory = tempfile::tempdir().unwrap();
        let play = "- hosts: localhost\n  tasks:\n  - debug: {msg: '{{ 1 | no_filter }}'}\n  - include_tasks: later.yml\n";
        std::fs::write(directory.path().join("play.yml"), play).unwrap();
        std::fs::write(directory.path().join("later.yml"), "- no_module:\n").unwrap();
        let environment = Arc::new(Environment::new(Arc::new(Plugins::builtin())));
        let mut options = Options::new(Arc::new(Registry::all()), environment);
        let load = |options: &Options| {
            Content::load_playbook(&directory.path().join("play.yml"), options)
                .map_err(|errors| errors.to_string())
        };
        let ahead = load(&options).unwrap();
        let told: Vec<_> = ahead.warnings.iter().map(|warning| (warning.line, &*warning.message)).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], (3, "there is no filter 'no_filter'"));
        assert!(told[1].1.contains("couldn't resolve module/action 'no_module'"), "{told:?}");
        options.ahead = false;
        let content = load(&options).unwrap();
        assert!(content.warnings.is_empty());
        assert!(content.task_file("later.yml", None, &[], false).is_err());
    }

    /// As ansible-core 2.18.19 takes it: the tasks of the block, without what would rescue them, but no block in it.
    #[test]
    fn a_file_that_handlers_include_may_begin_with_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let play = "- hosts: localhost\n  handlers:\n  - include_tasks: later.yml\n    register:\n";
        std::fs::write(directory.path().join("play.yml"), play).unwrap();
        let environment = Arc::new(Environment::new(Arc::new(Plugins::builtin())));
        let options = Options::new(Arc::new(Registry::all()), environment);
        let included = |text: &str| {
            std::fs::write(directory.path().join("later.yml"), text).unwrap();
            let content = Content::load_playbook(&directory.path().join("play.yml"), &options);
            let content = content.map_err(|errors| errors.to_string()).unwrap();
            let nodes = content.task_file("later.yml", None, &[], true).map(|(_, nodes)| nodes);
            nodes.map_err(|errors| (content.warnings.len(), errors.0[0].message.clone()))
        };
        let nodes = included("- block: [{debug: }]\n  rescue: [{debug: }]\n").unwrap();
        let Node::Block(block) = &nodes[0] else { panic!("a block is wanted") };
        assert_eq!((block.body.len(), block.rescue.len()), (1, 0));
        let nested = included("- block: [{block: [{debug: }]}]\n").unwrap_err();
        assert_eq!(nested, (1, "Using a block as a handler is not supported.".to_owned()));
    }
}
