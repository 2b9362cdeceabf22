//! What a watch names as its role or playbook, loaded as the operator runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::modules::external::Library;
use crate::modules::{Registry, plugins_with};
use crate::playbook::{Action, Content, LoadErrors, ModuleNames, Options};
use crate::watches::{AnsibleContent, Runnable};

/// A watch's role or playbook.
pub struct Loaded {
    /// The modules of this program, and what lies beside the content.
    pub modules: Arc<Registry>,
    /// What runs.
    pub main: Arc<Content>,
    /// What runs when the resource is deleted, when that is something else.
    pub finalizer: Option<Arc<Content>>,
}

/// Loads what a watch of this file names.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(ansible: &AnsibleContent, watches_file: &Path, options: &Options) -> Result<Loaded, LoadErrors> {
    let mut options = options.clone();
    options.roles_path.push(own_roles(watches_file));
    let library = library(&ansible.run, &options);
    let modules = Arc::new(Registry::with(&library));
    options.modules = Arc::clone(&modules) as Arc<dyn ModuleNames>;
    options.environment = Arc::new(options.environment.with_plugins(plugins_with(&library)));
    let load = |run: &Runnable| match run {
        Runnable::Role(path) => Content::load_role(path, &options),
        Runnable::Playbook(path) => Content::load_playbook(path, &options),
    };
    let own = ansible.finalizer.as_ref().and_then(|finalizer| finalizer.run.as_ref());
    Ok(Loaded { modules, main: load(&ansible.run)?, finalizer: own.map(load).transpose()? })
}

/// The project's own roles, in the working directory or beside the watches file: playbooks find them there in
/// ansible-operator's image, by its `ansible.cfg`.
fn own_roles(watches_file: &Path) -> PathBuf {
    let roles = Path::new("roles");
    let beside = watches_file.parent().unwrap_or(Path::new("")).join(roles);
    let roles = if roles.is_dir() { roles } else { beside.as_path() };
    std::path::absolute(roles).unwrap_or(beside)
}

/// Where the role or playbook brings modules and plugins along.
fn library(runnable: &Runnable, options: &Options) -> Library {
    let mut roles_path = options.roles_path.clone();
    let (Runnable::Role(run) | Runnable::Playbook(run)) = runnable;
    let above = run.parent().unwrap_or(Path::new(""));
    let dir = match runnable {
        Runnable::Role(role) => {
            // The roles beside a role are found without being named.
            roles_path.push(above.to_owned());
            role.as_path()
        }
        Runnable::Playbook(_) => above,
    };
    Library::of(&[dir.to_owned()], &roles_path, &options.collections_path)
}

/// What asks addresses.
const URI: &str = "ansible.builtin.uri";

impl Loaded {
    /// What runs at some time.
    pub fn contents(&self) -> impl Iterator<Item = &Arc<Content>> {
        std::iter::once(&self.main).chain(&self.finalizer)
    }

    /// Whether tasks may run programs that look for the cluster: by modules for that, or by modules in files.
    #[must_use]
    pub fn runs_programs(&self) -> bool {
        self.contents().flat_map(|content| content.reach()).any(|reached| {
            let Action::Module(name) = reached.task.action else { return false };
            name == URI || self.modules.runs_program(name)
        })
    }
}
