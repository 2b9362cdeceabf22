//! What a watch names as its role or playbook, loaded as the operator runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::modules::Registry;
use crate::playbook::{Action, Content, LoadErrors, Options};
use crate::watches::Runnable;

/// The project's own roles, in the working directory or beside the watches file: playbooks find them there in
/// ansible-operator's image, by its `ansible.cfg`.
#[must_use]
pub fn own_roles(watches_file: &Path) -> PathBuf {
    let roles = Path::new("roles");
    let beside = watches_file.parent().unwrap_or(Path::new("")).join(roles);
    let roles = if roles.is_dir() { roles } else { beside.as_path() };
    std::path::absolute(roles).unwrap_or(beside)
}

/// The modules of a role or playbook: those of this program, and what lies beside it.
#[must_use]
pub fn modules(runnable: &Runnable, options: &Options) -> Registry {
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
    Registry::for_content(dir, &roles_path, &options.collections_path)
}

/// The content of a role or playbook.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(runnable: &Runnable, options: &Options) -> Result<Arc<Content>, LoadErrors> {
    match runnable {
        Runnable::Role(path) => Content::load_role(path, options),
        Runnable::Playbook(path) => Content::load_playbook(path, options),
    }
}

/// The modules of this program that run programs, or ask addresses.
const PROGRAMS: &[&str] = &[
    "ansible.builtin.command",
    "ansible.builtin.raw",
    "ansible.builtin.script",
    "ansible.builtin.shell",
    "ansible.builtin.uri",
];

/// Whether tasks may run programs that look for the cluster: by modules for that, or by modules in files.
#[must_use]
pub fn runs_programs(content: &Content, modules: &Registry) -> bool {
    content.reach().iter().any(|reached| {
        let Action::Module(name) = reached.task.action else { return false };
        PROGRAMS.contains(&name) || modules.get(name).is_some_and(|module| module.is_external())
    })
}
