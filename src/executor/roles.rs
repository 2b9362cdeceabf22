//! The roles of a play: what the whole play sees of them.

use std::sync::Arc;

use super::frame::{Frame, Holder, Source};
use super::state::{IncludedRole, Phase};
use crate::playbook::{Node, Play, Role, RoleUse};

/// Calls `visit` with every role within a list that is part of the tree and with the levels that hold it,
/// its own last; dependencies come before the role that needs them.
pub(super) fn each(nodes: &[Node], visit: &mut dyn FnMut(&Arc<RoleUse>, &[Frame])) {
    walk(nodes, &mut Vec::new(), visit);
}

fn walk(nodes: &[Node], levels: &mut Vec<Frame>, visit: &mut dyn FnMut(&Arc<RoleUse>, &[Frame])) {
    for node in nodes {
        let Some(holder) = super::frame::child_holder(node) else { continue };
        levels.push(Frame::new(Source::Child, holder));
        match node {
            Node::Task(_) => {}
            Node::Block(block) => {
                for list in [&block.body, &block.rescue, &block.always] {
                    walk(list, levels, visit);
                }
            }
            Node::Import(import) => walk(&import.nodes, levels, visit),
            Node::Role(usage) => {
                walk(&usage.role.nodes, levels, visit);
                visit(usage, levels);
            }
        }
        levels.pop();
    }
}

/// What the play's variables show of its roles; computed once for each play and when a role is included.
#[derive(Debug, Clone, Default)]
pub(super) struct PlayRoles {
    /// The roles whose variables the whole play sees: those of `roles:`, their dependencies, imported ones,
    /// and included ones that are `public`.
    pub public: Vec<Arc<Role>>,
    /// The names of all roles that the play itself names.
    pub named: Vec<String>,
    /// The names of all roles on which others depend.
    pub dependencies: Vec<String>,
}

impl PlayRoles {
    /// The roles that a play names; `private` is the setting `private_role_vars`.
    #[must_use]
    pub(super) fn of(play: &Play, private: Option<bool>) -> PlayRoles {
        let mut roles = PlayRoles::default();
        for phase in [Phase::Roles, Phase::PreTasks, Phase::Tasks, Phase::PostTasks] {
            each(&super::frame::phase_nodes(play, phase), &mut |usage, levels| {
                let needed_by = needed_by(usage, levels);
                if is_public(needed_by.public, true, private) {
                    roles.public.push(Arc::clone(&usage.role));
                }
                let depends = !Arc::ptr_eq(needed_by, usage);
                let names = if depends { &mut roles.dependencies } else { &mut roles.named };
                names.push(usage.role.name.clone());
            });
        }
        roles
    }

    /// Adds a role that was included.
    pub(super) fn add(&mut self, included: &IncludedRole, private: Option<bool>) {
        let Some(role) = included.stack.last().and_then(Frame::role) else { return };
        each(&role.nodes, &mut |usage, levels| {
            let needed_by = needed_by(usage, levels);
            let depends = depends_on(role, needed_by);
            let public = if depends { included.public } else { is_public(needed_by.public, true, private) };
            if public {
                self.public.push(Arc::clone(&usage.role));
            }
            if depends {
                self.dependencies.push(usage.role.name.clone());
            }
        });
        if included.public {
            self.public.push(Arc::clone(role));
        }
        self.named.push(included.name.clone());
    }
}

/// Whether the whole play sees the variables of a role: as it says itself, as the setting
/// `private_role_vars` says, or else when it is part of the tree (`Role.__init__`).
pub(super) fn is_public(said: Option<bool>, in_tree: bool, private: Option<bool>) -> bool {
    said.or(private.map(|private| !private)).unwrap_or(in_tree)
}

fn depends_on(role: &Role, usage: &Arc<RoleUse>) -> bool {
    role.dependencies.iter().any(|dependency| Arc::ptr_eq(dependency, usage))
}

/// The use of a role for whose sake a dependency is there; the use itself when it is no dependency.
fn needed_by<'a>(usage: &'a Arc<RoleUse>, levels: &'a [Frame]) -> &'a Arc<RoleUse> {
    let uses = levels.iter().rev().filter_map(|level| match &level.holder {
        Some(Holder::Role(usage)) => Some(usage),
        _ => None,
    });
    let mut needed_by = usage;
    for parent in uses {
        if depends_on(&parent.role, needed_by) {
            needed_by = parent;
        }
    }
    needed_by
}

/// What makes two uses of a role the same: a role that does not allow duplicates runs once for each
/// (`Role._get_hash_dict`).
#[must_use]
pub(super) fn identity(frame: &Frame) -> Option<String> {
    let shown = |vars: &crate::playbook::VarMap| -> Vec<String> {
        vars.iter().map(|(name, value)| format!("{name}={value:?}")).collect()
    };
    match frame.holder.as_ref()? {
        Holder::Role(usage) => Some(format!(
            "{}|{:?}|{:?}|{:?}|{:?}|{:?}|{}",
            usage.role.path.display(),
            usage.role.files,
            usage.keywords.when,
            usage.keywords.tags,
            shown(&usage.params),
            shown(&usage.keywords.vars),
            usage.imported,
        )),
        Holder::Included { task, role: Some(role), .. } => Some(format!(
            "{}|{:?}|[]|[]|[]|{:?}|true",
            role.path.display(),
            role.files,
            shown(&task.keywords.vars)
        )),
        _ => None,
    }
}

/// Whether a role may run again when it ran before.
#[must_use]
pub(super) fn allows_duplicates(frame: &Frame) -> bool {
    match (&frame.holder, &frame.source) {
        (Some(Holder::Role(usage)), _) => usage.allow_duplicates.unwrap_or(usage.role.allow_duplicates),
        (_, Source::Include(items)) => match items.get(frame.item).map(|item| &item.target) {
            Some(super::frame::Target::Role { allow_duplicates, .. }) => *allow_duplicates,
            _ => true,
        },
        _ => true,
    }
}
