//! The stack of a run: which list of tasks it is in, and within what.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::{Phase, StoredVars};
use crate::playbook::{
    Block, Content, Import, Keywords, Node, Nodes, Play, Role, RoleFiles, RoleUse, Task, VarMap,
};

/// One level of the stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Frame {
    /// Where its list of tasks comes from.
    pub source: Source,
    /// Which of a block's lists runs.
    pub section: Section,
    /// The node that is next.
    pub index: usize,
    /// A failure that waits for `always` to end.
    pub pending: bool,
    /// The inclusion that runs, for [`Source::Include`].
    pub item: usize,
    /// What the source resolves to; rebuilt after a run was stored.
    #[serde(skip)]
    pub holder: Option<Holder>,
}

/// Where a list of tasks comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Source {
    /// A part of the play.
    Phase(Phase),
    /// The node that the level below ran last: a block, an imported file, a role.
    Child,
    /// What the task that the level below ran last includes.
    Include(Vec<Inclusion>),
    /// Handlers, by their number.
    Handlers(Vec<usize>),
}

/// One thing that a task includes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Inclusion {
    /// What is included.
    pub target: Target,
    /// The loop variable and its kin.
    pub vars: StoredVars,
}

/// What is included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Target {
    /// A task file: its name, and the names of the including files from the outermost.
    Tasks {
        /// The name as the task says it.
        name: String,
        /// The names of the including files from the outermost.
        imports: Vec<String>,
    },
    /// A role.
    Role {
        /// Its name.
        name: String,
        /// `tasks_from`, `vars_from`, `defaults_from`, `handlers_from`.
        files: [Option<String>; 4],
        /// `allow_duplicates`.
        allow_duplicates: bool,
    },
}

/// Which of a block's lists runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Section {
    /// `block`, or the only list.
    Body,
    /// `rescue`.
    Rescue,
    /// `always`.
    Always,
}

/// What a source resolves to.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// A list without keywords of its own.
    List(Nodes),
    /// A block.
    Block(Arc<Block>),
    /// An imported file.
    Import(Arc<Import>),
    /// A role that is part of the tree.
    Role(Arc<RoleUse>),
    /// An included file or role.
    Included {
        /// The task that includes it.
        task: Arc<Task>,
        /// Its tasks.
        nodes: Nodes,
        /// The role, when one is included.
        role: Option<Arc<Role>>,
        /// The name of the file, when one is included.
        name: Option<String>,
        /// `apply`.
        apply: Arc<Keywords>,
    },
}

impl Frame {
    /// A level at its beginning.
    #[must_use]
    pub(super) fn new(source: Source, holder: Holder) -> Self {
        Frame { source, section: Section::Body, index: 0, pending: false, item: 0, holder: Some(holder) }
    }

    /// The list that runs.
    #[must_use]
    pub(super) fn nodes(&self) -> Option<&Nodes> {
        Some(match (self.holder.as_ref()?, self.section) {
            (Holder::List(nodes) | Holder::Included { nodes, .. }, _) => nodes,
            (Holder::Block(block), Section::Body) => &block.body,
            (Holder::Block(block), Section::Rescue) => &block.rescue,
            (Holder::Block(block), Section::Always) => &block.always,
            (Holder::Import(import), _) => &import.nodes,
            (Holder::Role(usage), _) => &usage.role.nodes,
        })
    }

    /// The node that runs or ran last.
    #[must_use]
    pub(super) fn current(&self) -> Option<&Node> {
        self.nodes()?.get(self.index.checked_sub(1)?)
    }

    /// The keywords that tasks within inherit.
    #[must_use]
    pub(super) fn keywords(&self) -> Option<&Keywords> {
        match self.holder.as_ref()? {
            Holder::List(_) => None,
            Holder::Block(block) => Some(&block.keywords),
            Holder::Import(import) => Some(&import.keywords),
            Holder::Role(usage) => Some(&usage.keywords),
            Holder::Included { apply, .. } => Some(apply),
        }
    }

    /// The role that begins with this level.
    #[must_use]
    pub(super) fn role(&self) -> Option<&Arc<Role>> {
        match self.holder.as_ref()? {
            Holder::Role(usage) => Some(&usage.role),
            Holder::Included { role, .. } => role.as_ref(),
            _ => None,
        }
    }

    /// The name of the task file that begins with this level.
    #[must_use]
    pub(super) fn file_name(&self) -> Option<&str> {
        match self.holder.as_ref()? {
            Holder::Import(import) => Some(&import.name),
            Holder::Included { name, .. } => name.as_deref(),
            _ => None,
        }
    }

    /// The parameters of a role: they beat what `set_fact` sets.
    #[must_use]
    pub(super) fn params(&self) -> Option<&VarMap> {
        match self.holder.as_ref()? {
            Holder::Role(usage) => Some(&usage.params),
            _ => None,
        }
    }
}

/// The list of a part of the play.
#[must_use]
pub(super) fn phase_nodes(play: &Play, phase: Phase) -> Nodes {
    match phase {
        Phase::PreTasks => Arc::clone(&play.pre_tasks),
        Phase::Roles => Arc::clone(&play.roles),
        Phase::Tasks => Arc::clone(&play.tasks),
        Phase::PostTasks => Arc::clone(&play.post_tasks),
        _ => Arc::default(),
    }
}

/// What a node that holds other nodes resolves to.
#[must_use]
pub(super) fn child_holder(node: &Node) -> Option<Holder> {
    match node {
        Node::Task(_) => None,
        Node::Block(block) => Some(Holder::Block(Arc::clone(block))),
        Node::Import(import) => Some(Holder::Import(Arc::clone(import))),
        Node::Role(usage) => Some(Holder::Role(Arc::clone(usage))),
    }
}

/// The files of a role from their stored form.
#[must_use]
pub(super) fn role_files(files: &[Option<String>; 4]) -> RoleFiles {
    let [tasks, vars, defaults, handlers] = files.clone();
    RoleFiles { tasks, vars, defaults, handlers }
}

/// Loads what a task includes.
///
/// # Errors
/// Everything that is wrong with the file or role, in one message.
pub(super) fn include(
    content: &Content,
    inclusion: &Inclusion,
    task: &Arc<Task>,
    role: Option<&Arc<Role>>,
    handlers: bool,
) -> Result<(Holder, PathBuf), String> {
    let apply = Arc::new(super::inherit::apply_keywords(task));
    let task = Arc::clone(task);
    match &inclusion.target {
        Target::Tasks { name, imports } => {
            let (path, nodes) = content
                .task_file(name, role.map(AsRef::as_ref), imports, handlers)
                .map_err(|errors| errors.to_string())?;
            Ok((Holder::Included { task, nodes, role: None, name: Some(name.clone()), apply }, path))
        }
        Target::Role { name, files, .. } => {
            let found = content
                .role(name, role_files(files), role.map(AsRef::as_ref))
                .map_err(|errors| errors.to_string())?;
            let path = found.path.clone();
            let nodes = Arc::clone(&found.nodes);
            Ok((Holder::Included { task, nodes, role: Some(found), name: None, apply }, path))
        }
    }
}
