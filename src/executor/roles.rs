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
    /// The roles that a play names.
    #[must_use]
    pub(super) fn of(play: &Play) -> PlayRoles {
        let mut roles = PlayRoles::default();
        for phase in [Phase::Roles, Phase::PreTasks, Phase::Tasks, Phase::PostTasks] {
            each(&super::frame::phase_nodes(play, phase), &mut |usage, levels| {
                if usage.public {
                    roles.public.push(Arc::clone(&usage.role));
                }
                let parent = levels.iter().rev().skip(1).find_map(Frame::role);
                let depends = parent.is_some_and(|parent| {
                    parent.dependencies.iter().any(|dependency| Arc::ptr_eq(dependency, usage))
                });
                let names = if depends { &mut roles.dependencies } else { &mut roles.named };
                names.push(usage.role.name.clone());
            });
        }
        roles
    }

    /// Adds a role that was included.
    pub(super) fn add(&mut self, included: &IncludedRole) {
        let Some(role) = included.stack.last().and_then(Frame::role) else { return };
        let public = included.public;
        each(&role.nodes, &mut |usage, _| {
            if public && usage.public {
                self.public.push(Arc::clone(&usage.role));
            }
            if role.dependencies.iter().any(|dependency| Arc::ptr_eq(dependency, usage)) {
                self.dependencies.push(usage.role.name.clone());
            }
        });
        if public {
            self.public.push(Arc::clone(role));
        }
        self.named.push(included.name.clone());
    }
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
