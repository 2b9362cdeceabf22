//! Loaded content: what a run executes, immutable and shared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::LoadErrors;
use crate::jinja::Environment;

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

    /// All names, to find the nearest one.
    fn names(&self) -> Vec<String>;
}

/// How content is loaded.
#[derive(Clone)]
pub struct Options {
    /// Directories in which roles are searched beside those of the playbook (`roles_path`).
    pub roles_path: Vec<PathBuf>,
    /// Directories that hold `ansible_collections` (`collections_path`).
    pub collections_path: Vec<PathBuf>,
    /// The modules.
    pub modules: Arc<dyn ModuleNames>,
    /// The filters, tests and lookups.
    pub environment: Arc<Environment>,
}

/// Loaded content: what a run executes, immutable and shared between runs.
pub struct Content {
    /// How it was loaded.
    pub options: Options,
    /// The directory of the playbook, or the parent of the role's `roles` directory.
    pub basedir: PathBuf,
}

impl Content {
    /// Loads a playbook with all that it reaches statically.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_playbook(path: &Path, options: &Options) -> Result<Arc<Content>, LoadErrors> {
        let basedir = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Arc::new(Content { options: options.clone(), basedir }))
    }

    /// Loads a role as the play that ansible-operator makes of it: `hosts: localhost`, `roles: [role]`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_role(path: &Path, options: &Options) -> Result<Arc<Content>, LoadErrors> {
        Content::load_playbook(path, options)
    }
}
