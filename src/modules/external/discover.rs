//! Finds the modules that content brings along.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use super::super::registry::Registry;
use super::super::spec::Spec;
use super::External;
use super::style::{self, Style};

/// Endings of files in a library that are no modules.
const NO_MODULES: &[&str] =
    &["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yaml", "yml", "ini", "json", "ps1"];

/// Names of Python's interpreter, best first.
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Where content keeps modules.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// Directories of modules with bare names (`library/`, `ANSIBLE_LIBRARY`).
    pub libraries: Vec<PathBuf>,
    /// The same in roles. Which roles content uses shows only when it is loaded, and one of another role must not
    /// take the place of a module that this program has.
    pub role_libraries: Vec<PathBuf>,
    /// Directories that hold `ansible_collections`.
    pub collections: Vec<PathBuf>,
}

impl Library {
    /// The libraries of the directories of playbooks that import each other, of the roles in the first one's and
    /// in those of `roles_path`, and of `ANSIBLE_LIBRARY`.
    #[must_use]
    pub fn of(playbook_dirs: &[PathBuf], roles_path: &[PathBuf], collections_path: &[PathBuf]) -> Library {
        let given = std::env::var_os("ANSIBLE_LIBRARY");
        let mut libraries: Vec<PathBuf> = given.iter().flat_map(std::env::split_paths).collect();
        libraries.extend(playbook_dirs.iter().map(|dir| dir.join("library")));
        let playbook_dir = playbook_dirs.first().map_or(Path::new(""), PathBuf::as_path);
        let own = playbook_dir.join("roles");
        let mut role_libraries = Vec::new();
        for dir in std::iter::once(&own).chain(roles_path) {
            role_libraries.extend(entries(dir).into_iter().map(|role| role.join("library")));
        }
        let mut collections = vec![playbook_dir.join("collections")];
        collections.extend(collections_path.iter().cloned());
        for root in &collections {
            for collection in collections_of(root) {
                let roles = entries(&collection.join("roles"));
                role_libraries.extend(roles.into_iter().map(|role| role.join("library")));
            }
        }
        libraries.retain(|dir| dir.is_dir());
        role_libraries.retain(|dir| dir.is_dir());
        collections.retain(|dir| dir.join("ansible_collections").is_dir());
        // Modules run in the directory of the playbook, which may not be this process's.
        let absolute = |dir: PathBuf| std::path::absolute(&dir).unwrap_or(dir);
        let absolute = |dirs: Vec<PathBuf>| dirs.into_iter().map(absolute).collect::<Vec<_>>();
        Library {
            libraries: absolute(libraries),
            role_libraries: absolute(role_libraries),
            collections: absolute(collections),
        }
    }

    /// Adds the modules to a registry. One that this program has itself is kept for names in collections and
    /// beside those of roles, and replaced by a library's, as in Ansible, when that can run here.
    pub fn add_to(&self, registry: &mut Registry) {
        let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
        let own = self.libraries.iter().map(|dir| (dir, true));
        for (dir, replaces) in own.chain(self.role_libraries.iter().map(|dir| (dir, false))) {
            let utils = dir.parent().map(|parent| parent.join("module_utils")).filter(|dir| dir.is_dir());
            for path in files(dir) {
                let name = format!("ansible.legacy.{}", stem(&path));
                if !replaces && registry.resolve(&stem(&path), &[]).is_some() {
                    continue;
                }
                let candidate = Candidate { path, import: None, utils: utils.clone().into_iter().collect() };
                found.entry(name).or_insert(candidate);
            }
        }
        for root in &self.collections {
            for collection in collections_of(root) {
                let Some(prefix) = collection_name(root, &collection) else { continue };
                for path in files(&collection.join("plugins/modules")) {
                    let name = format!("{prefix}.{}", stem(&path));
                    let import = format!("ansible_collections.{prefix}.plugins.modules.{}", stem(&path));
                    if registry.get(&name).is_none() {
                        found.entry(name).or_insert(Candidate {
                            path,
                            import: Some(import),
                            utils: Vec::new(),
                        });
                    }
                }
            }
        }
        let mut pythons = Pythons::default();
        for (name, candidate) in found {
            match candidate.load(&name, &self.collections, &mut pythons) {
                Ok(module) => registry.add(Arc::new(module)),
                Err(reason) => registry.refuse(name, reason),
            }
        }
    }
}

/// A file that may be a module.
struct Candidate {
    path: PathBuf,
    import: Option<String>,
    utils: Vec<PathBuf>,
}

impl Candidate {
    /// The module, or what is missing for it here.
    fn load(self, name: &str, roots: &[PathBuf], pythons: &mut Pythons) -> Result<External, String> {
        let shown = self.path.display().to_string();
        let content =
            std::fs::read(&self.path).map_err(|error| format!("'{shown}' cannot be read: {error}"))?;
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
        // Modules are found once, when content is loaded, and live as long as the program.
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        let spec: &'static Spec =
            Box::leak(Box::new(Spec { free_form: true, any_option: true, ..Spec::new(name, &[]) }));
        Ok(External {
            spec,
            path: self.path,
            style,
            shebang,
            import: self.import,
            python_path: roots.to_vec(),
            utils: self.utils,
        })
    }
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
