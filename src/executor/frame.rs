//! The stack of a run: which list of tasks it is in, and within what.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::handlers::Handler;
use super::state::{Phase, StoredVars};
use crate::playbook::{
    Block, Content, Import, Keywords, LoadErrors, Node, Nodes, Play, Role, RoleFiles, RoleUse, Task, VarMap,
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
    /// Whether a task of this level's role ran, so that the role counts as run when it ends.
    pub ran: bool,
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
    /// The handlers of the play of which those that are notified run, in the order of their numbers.
    Handlers,
    /// A handler, by its number.
    Handler(usize),
}

/// One thing that a task includes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Inclusion {
    /// Its number among all that the hosts include together: hosts in lockstep go through them in this order.
    pub number: u32,
    /// What is included.
    pub target: Target,
    /// The loop variable and its kin.
    pub vars: StoredVars,
}

/// What is included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        /// Which of its files are read.
        files: RoleFiles,
        /// `allow_duplicates`.
        allow_duplicates: bool,
        /// `public`, where it is said.
        public: Option<bool>,
    },
}

/// Which of a block's lists runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The handlers of the play.
    Handlers,
    /// One handler.
    Handler(Handler),
}

impl Frame {
    /// A level at its beginning.
    #[must_use]
    pub(super) fn new(source: Source, holder: Holder) -> Self {
        Frame {
            source,
            section: Section::Body,
            index: 0,
            pending: false,
            item: 0,
            ran: false,
            holder: Some(holder),
        }
    }

    /// Where the level stands among those of hosts that came the same way: hosts in lockstep run what has
    /// the smallest positions, compared level by level.
    #[must_use]
    pub(super) fn position(&self) -> [usize; 3] {
        let part = match &self.source {
            Source::Phase(phase) => *phase as usize,
            Source::Include(items) => items.get(self.item).map_or(0, |item| item.number as usize),
            Source::Child | Source::Handlers | Source::Handler(_) => 0,
        };
        [part, self.section as usize, self.index]
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
            (Holder::Handler(handler), _) => &handler.nodes,
            (Holder::Handlers, _) => return None,
        })
    }

    /// The node that runs or ran last.
    #[must_use]
    pub(super) fn current(&self) -> Option<&Node> {
        self.nodes()?.get(self.index.checked_sub(1)?)
    }

    /// Whether this is the body of a block that has a `rescue`.
    #[must_use]
    pub(super) fn will_rescue(&self) -> bool {
        matches!(&self.holder, Some(Holder::Block(block)) if self.section == Section::Body && !block.rescue.is_empty())
    }

    /// The keywords that tasks within inherit.
    #[must_use]
    pub(super) fn keywords(&self) -> Option<&Keywords> {
        match self.holder.as_ref()? {
            Holder::List(_) | Holder::Handlers | Holder::Handler(_) => None,
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
        Phase::Gather => single(play.gather_task()),
        Phase::PreHandlers | Phase::TaskHandlers | Phase::PostHandlers => single(play.flush_task()),
        Phase::PreTasks => Arc::clone(&play.pre_tasks),
        Phase::Roles => Arc::clone(&play.roles),
        Phase::Tasks => Arc::clone(&play.tasks),
        Phase::PostTasks => Arc::clone(&play.post_tasks),
        _ => Arc::default(),
    }
}

fn single(task: Task) -> Nodes {
    Arc::new(vec![Node::Task(Arc::new(task))])
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

/// Loads what a task includes.
///
/// # Errors
/// Everything that is wrong with the file or role.
pub(super) fn include(
    content: &Content,
    inclusion: &Inclusion,
    task: &Arc<Task>,
    role: Option<&Role>,
    handlers: bool,
) -> Result<(Holder, PathBuf), LoadErrors> {
    let apply = Arc::new(super::inherit::apply_keywords(task));
    let task = Arc::clone(task);
    match &inclusion.target {
        Target::Tasks { name, imports } => {
            let (path, nodes) = content.task_file(name, role, imports, handlers)?;
            Ok((Holder::Included { task, nodes, role: None, name: Some(name.clone()), apply }, path))
        }
        Target::Role { name, files, .. } => {
            let found = content.role(name, files.clone(), role)?;
            let path = found.path.clone();
            let nodes = Arc::clone(&found.nodes);
            Ok((Holder::Included { task, nodes, role: Some(found), name: None, apply }, path))
        }
    }
}
