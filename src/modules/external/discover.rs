//! Finds the modules that content brings along.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::super::registry::{Entry, Module, Registry};
use super::super::spec::Spec;
use super::External;
use super::plugins::ActionPlugin;
use super::style::{self, Style};
use crate::jinja::ast::PluginKind;

/// Endings of files in a library that are no modules.
const NO_MODULES: &[&str] =
    &["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yaml", "yml", "ini", "json", "ps1"];

/// Names of Python's interpreter, best first.
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Where one kind of things that content brings along is kept.
pub(super) struct Shelf {
    /// The variable that names directories (`ANSIBLE_LIBRARY`).
    variable: &'static str,
    /// The folder beside a playbook and in a role.
    folder: &'static str,
    /// The folder in a collection, below `plugins`.
    in_collection: &'static str,
}

impl Shelf {
    /// What a collection holds in its directory.
    fn files_of(&self, collection: &str, dir: &Path) -> Vec<PluginFile> {
        let folder = self.in_collection;
        let import =
            |path: &Path| format!("ansible_collections.{collection}.plugins.{folder}.{}", stem(path));
        let paths = files(&dir.join("plugins").join(folder)).into_iter();
        paths.map(|path| PluginFile { import: Some(import(&path)), path }).collect()
    }
}

/// Modules.
pub(super) const MODULES: Shelf =
    Shelf { variable: "ANSIBLE_LIBRARY", folder: "library", in_collection: "modules" };
/// Action plugins.
const ACTIONS: Shelf =
    Shelf { variable: "ANSIBLE_ACTION_PLUGINS", folder: "action_plugins", in_collection: "action" };

/// The shelf of what templates can name.
pub(super) fn shelf(kind: PluginKind) -> Shelf {
    let (variable, folder, in_collection) = match kind {
        PluginKind::Filter => ("ANSIBLE_FILTER_PLUGINS", "filter_plugins", "filter"),
        PluginKind::Test => ("ANSIBLE_TEST_PLUGINS", "test_plugins", "test"),
        PluginKind::Lookup => ("ANSIBLE_LOOKUP_PLUGINS", "lookup_plugins", "lookup"),
    };
    Shelf { variable, folder, in_collection }
}

/// The directories in which content brings modules and plugins along.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The directories of playbooks that import each other.
    playbooks: Vec<PathBuf>,
    /// The directories of roles. Which of them content uses shows only when it is loaded, and what one of another
    /// role brings along must not take the place of what this program has.
    roles: Vec<PathBuf>,
    /// Directories that hold `ansible_collections`.
    pub(super) collections: Vec<PathBuf>,
}

impl Library {
    /// The directories of playbooks that import each other, of the roles beside the first one and in the directories of
    /// `roles_path`, and of collections.
    #[must_use]
    pub fn of(playbook_dirs: &[PathBuf], roles_path: &[PathBuf], collections_path: &[PathBuf]) -> Library {
        let playbook_dir = playbook_dirs.first().map_or(Path::new(""), PathBuf::as_path).join(".");
        // Roles are found beside a playbook as well.
        let own = [playbook_dir.join("roles"), playbook_dir.clone()];
        let mut roles: Vec<PathBuf> = own.iter().chain(roles_path).flat_map(|dir| entries(dir)).collect();
        let mut collections = vec![playbook_dir.join("collections")];
        collections.extend(collections_path.iter().cloned());
        collections.retain(|dir| dir.join("ansible_collections").is_dir());
        for root in &collections {
            roles.extend(collections_of(root).into_iter().flat_map(|dir| entries(&dir.join("roles"))));
        }
        // Modules run in the directory of the playbook, which may not be this process's.
        let absolute = |dir: PathBuf| std::path::absolute(&dir).unwrap_or(dir);
        let absolute = |dirs: Vec<PathBuf>| dirs.into_iter().map(absolute).collect::<Vec<_>>();
        Library {
            playbooks: absolute(playbook_dirs.to_vec()),
            roles: absolute(roles),
            collections: absolute(collections),
        }
    }

    /// The directories of a shelf that the environment names, and those beside playbooks.
    pub(super) fn own(&self, shelf: &Shelf) -> Vec<PathBuf> {
        let given = std::env::var_os(shelf.variable);
        let given = given.iter().flat_map(std::env::split_paths);
        let given = given.map(|dir| std::path::absolute(&dir).unwrap_or(dir));
        given.chain(beside(&self.playbooks, shelf)).filter(|dir| dir.is_dir()).collect()
    }

    /// The directories of a shelf in roles.
    pub(super) fn of_roles(&self, shelf: &Shelf) -> Vec<PathBuf> {
        beside(&self.roles, shelf).filter(|dir| dir.is_dir()).collect()
    }

    /// Both.
    pub(super) fn with_roles(&self, shelf: &Shelf) -> Vec<PathBuf> {
        let mut dirs = self.own(shelf);
        dirs.extend(self.of_roles(shelf));
        dirs
    }

    /// The plugins in Python of a shelf: with bare names, or of a collection.
    pub(super) fn plugins(&self, shelf: &Shelf, collection: Option<&str>) -> Vec<PluginFile> {
        let mut found: Vec<PluginFile> = match collection {
            None => {
                let paths = self.with_roles(shelf).into_iter().flat_map(|dir| files(&dir));
                paths.map(|path| PluginFile { path, import: None }).collect()
            }
            Some(collection) => {
                let folder = Path::new("ansible_collections").join(collection.replacen('.', "/", 1));
                let dirs = self.collections.iter().map(|root| root.join(&folder));
                dirs.flat_map(|dir| shelf.files_of(collection, &dir)).collect()
            }
        };
        found.retain(|file| is_python(&file.path));
        found
    }

    /// Adds the modules to a registry. One that this program has itself is kept for names in collections and
    /// beside those of roles, and replaced by a library's, as in Ansible, when that can run here.
    pub fn add_to(&self, registry: &mut Registry) {
        let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
        // An action is what a task calls, whatever module it may call in turn.
        for (shelf, is_action) in [(&ACTIONS, true), (&MODULES, false)] {
            let named = self.with_bare_names(shelf, is_action, registry);
            for (name, candidate) in named.into_iter().chain(self.in_collections(shelf, is_action, registry))
            {
                found.entry(name).or_insert(candidate);
            }
        }
        let mut pythons = Pythons::default();
        let library = Arc::new(self.clone());
        for (name, candidate) in found {
            match candidate.load(&name, &library, &mut pythons) {
                Ok(module) => registry.insert(Entry { spec: spec(&name), module }),
                Err(reason) => registry.refuse(name, reason),
            }
        }
    }

    /// What lies beside playbooks, in roles and where the environment says.
    fn with_bare_names(
        &self,
        shelf: &Shelf,
        is_action: bool,
        registry: &Registry,
    ) -> Vec<(String, Candidate)> {
        let mut found = Vec::new();
        let own = self.own(shelf).into_iter().map(|dir| (dir, true));
        for (dir, replaces) in own.chain(self.of_roles(shelf).into_iter().map(|dir| (dir, false))) {
            let utils = dir.parent().map(|parent| parent.join("module_utils")).filter(|dir| dir.is_dir());
            for path in files(&dir).into_iter().filter(|path| !is_action || is_python(path)) {
                let stem = stem(&path);
                if replaces || registry.resolve(&stem, &[]).is_none() {
                    let file = PluginFile { path, import: None };
                    let candidate = Candidate { file, utils: utils.iter().cloned().collect(), is_action };
                    found.push((format!("ansible.legacy.{stem}"), candidate));
                }
            }
        }
        found
    }

    /// What collections hold that this program does not have.
    fn in_collections(
        &self,
        shelf: &Shelf,
        is_action: bool,
        registry: &Registry,
    ) -> Vec<(String, Candidate)> {
        let mut found = Vec::new();
        for root in &self.collections {
            for collection in collections_of(root) {
                let Some(prefix) = collection_name(root, &collection) else { continue };
                for file in shelf.files_of(&prefix, &collection) {
                    let name = format!("{prefix}.{}", stem(&file.path));
                    if registry.get(&name).is_none() {
                        found.push((name, Candidate { file, utils: Vec::new(), is_action }));
                    }
                }
            }
        }
        found
    }
}

/// The folders of a shelf in these directories.
fn beside<'a>(dirs: &'a [PathBuf], shelf: &'a Shelf) -> impl Iterator<Item = PathBuf> + 'a {
    dirs.iter().map(|dir| dir.join(shelf.folder))
}

fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "py")
}

/// A file with a module or plugins.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PluginFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its importable name within a collection.
    pub import: Option<String>,
}

/// A file that may be a module.
struct Candidate {
    file: PluginFile,
    utils: Vec<PathBuf>,
    /// Whether it is an action plugin.
    is_action: bool,
}

impl Candidate {
    /// The module, or what is missing for it here.
    fn load(
        self,
        name: &str,
        library: &Arc<Library>,
        pythons: &mut Pythons,
    ) -> Result<Arc<dyn Module>, String> {
        let (shown, roots) = (self.file.path.display().to_string(), &library.collections);
        if self.is_action {
            pythons.check(&shown, roots)?;
            return Ok(Arc::new(ActionPlugin::new(name, self.file, Arc::clone(library))));
        }
        let content =
            std::fs::read(&self.file.path).map_err(|error| format!("'{shown}' cannot be read: {error}"))?;
        let style = style::of(&content);
        let mut shebang = style::shebang(&content);
        if style == Style::Python {
            if shebang.is_empty() {
                shebang.push("/usr/bin/python".to_owned());
            }
            pythons.check(&shown, roots)?;
        } else if let Some(program) = shebang.first() {
            let real = if program.ends_with("/env") { shebang.get(1) } else { Some(program) };
            let real = real.map(String::as_str).unwrap_or_default();
            let is_python =
                Path::new(real).file_name().is_some_and(|it| it.to_string_lossy().starts_with("python"));
            let there = if is_python {
                python_here().is_some()
            } else {
                Path::new(real).is_file() || in_path(real).is_some()
            };
            if !there {
                return Err(format!("'{shown}' needs the interpreter '{real}', which is not in this image"));
            }
        } else if style != Style::Binary {
            return Err(format!("'{shown}' has no first line that names an interpreter"));
        }
        Ok(Arc::new(External {
            name: name.to_owned(),
            path: self.file.path,
            style,
            shebang,
            import: self.file.import,
            python_path: roots.clone(),
            utils: self.utils,
        }))
    }
}

/// The arguments of a module that checks them itself. It is found once, when content is loaded, and lives as long as
/// the program.
fn spec(name: &str) -> &'static Spec {
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    Box::leak(Box::new(Spec { free_form: true, any_option: true, ..Spec::new(name, &[]) }))
}

/// Whether Python and Ansible's `module_utils` are here; asked once.
#[derive(Default)]
struct Pythons(Option<Result<(), String>>);

impl Pythons {
    fn check(&mut self, shown: &str, roots: &[PathBuf]) -> Result<(), String> {
        let found = self.0.get_or_insert_with(|| {
            let Some(python) = python_here() else {
                return Err("needs Python, which is not in this image".to_owned());
            };
            let mut path = roots.to_vec();
            path.extend(std::env::var_os("PYTHONPATH").iter().flat_map(std::env::split_paths));
            let status = Command::new(python)
                .args(["-c", "import ansible.module_utils.basic"])
                .env("PYTHONPATH", std::env::join_paths(path).unwrap_or_default())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            match status {
                Ok(status) if status.success() => Ok(()),
                _ => Err(format!(
                    "needs ansible.module_utils, which '{}' does not find (install ansible-core into the image)",
                    python.display()
                )),
            }
        });
        found.clone().map_err(|problem| format!("'{shown}' {problem}"))
    }
}

/// The Python of this image: `ANSIBLE_PYTHON_INTERPRETER`, or the first in the path.
pub(super) fn python(find: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let given = std::env::var_os("ANSIBLE_PYTHON_INTERPRETER").map(PathBuf::from);
    given.filter(|path| path.is_file()).or_else(|| PYTHONS.into_iter().find_map(find))
}

/// The same, by the path of this process; looked for once.
#[must_use]
pub fn python_here() -> Option<&'static Path> {
    static HERE: LazyLock<Option<PathBuf>> = LazyLock::new(|| python(in_path));
    HERE.as_deref()
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// The files of a library that may be modules, those in directories below it as well.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(dir) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else if path.is_file()
            && !NO_MODULES.contains(&ending.as_str())
            && !name.starts_with(['_', '.'])
            && !name.ends_with('~')
        {
            found.push(path);
        }
    }
    found
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The directories of the collections below a root.
fn collections_of(root: &Path) -> Vec<PathBuf> {
    entries(&root.join("ansible_collections")).iter().flat_map(|namespace| entries(namespace)).collect()
}

fn collection_name(root: &Path, collection: &Path) -> Option<String> {
    let relative = collection.strip_prefix(root.join("ansible_collections")).ok()?;
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    Some(parts.join("."))
}
