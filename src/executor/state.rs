//! The serialisable state of a run.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::stats::{Failure, Stats};
use crate::jinja::Value;
use crate::jinja::convert::Stored;

/// Variables in the state of a run.
pub(super) type StoredVars = IndexMap<Arc<str>, Stored>;

/// The parts of a play in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The play begins.
    Start,
    /// Facts are gathered.
    Gather,
    /// `pre_tasks`.
    PreTasks,
    /// Handlers that `pre_tasks` notified.
    PreHandlers,
    /// `roles`.
    Roles,
    /// `tasks`.
    Tasks,
    /// Handlers that `roles` and `tasks` notified.
    TaskHandlers,
    /// `post_tasks`.
    PostTasks,
    /// Handlers that `post_tasks` notified.
    PostHandlers,
    /// The play is over.
    End,
}

impl Phase {
    /// The next part.
    #[must_use]
    pub(super) fn next(self) -> Phase {
        match self {
            Phase::Start => Phase::Gather,
            Phase::Gather => Phase::PreTasks,
            Phase::PreTasks => Phase::PreHandlers,
            Phase::PreHandlers => Phase::Roles,
            Phase::Roles => Phase::Tasks,
            Phase::Tasks => Phase::TaskHandlers,
            Phase::TaskHandlers => Phase::PostTasks,
            Phase::PostTasks => Phase::PostHandlers,
            Phase::PostHandlers | Phase::End => Phase::End,
        }
    }
}

/// What is known of one host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct HostState {
    /// `ansible_facts`.
    pub facts: StoredVars,
    /// What `include_vars` read.
    pub included: StoredVars,
    /// What `set_fact` and `register` set.
    pub set: StoredVars,
    /// Whether a task failed on the host, so that later plays skip it.
    pub failed: bool,
}

/// The task that is being run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TaskState {
    /// The items of its loop; none without a loop.
    pub items: Option<Vec<Stored>>,
    /// The item that is next.
    pub index: usize,
    /// The results of the items so far.
    pub results: Vec<Stored>,
    /// The attempt that is next, from one.
    pub attempt: u32,
    /// Why the loop could not be templated: an error unless the condition is false.
    pub loop_error: Option<String>,
    /// Whether an item or the task itself hides its results.
    pub no_log: bool,
    /// Whether failures are ignored, as the items so far said.
    pub ignore_errors: bool,
    /// What was notified.
    pub notify: IndexSet<String>,
    /// The inclusions that the task asks for.
    pub includes: Vec<super::frame::Inclusion>,
}

/// The state of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The play that runs.
    pub play: usize,
    /// The part of the play.
    pub phase: Phase,
    /// The hosts of the play that are still to come; the first runs now.
    pub queue: Vec<String>,
    /// Where the run stands.
    pub stack: Vec<Frame>,
    /// The task that is being run.
    pub task: Option<TaskState>,
    /// What is known of each host.
    pub hosts: IndexMap<String, HostState>,
    /// The handlers that were notified.
    pub notified: IndexSet<usize>,
    /// The roles that ran, with their parameters.
    pub ran: IndexSet<String>,
    /// Roles that were included as public or only for their handlers: name, files, parent role.
    pub included_roles: Vec<IncludedRole>,
    /// The token that stands for an omitted argument.
    pub omit: String,
    /// How many tasks were started.
    #[serde(default)]
    pub started: u64,
    /// The counts.
    pub stats: Stats,
    /// The failures.
    pub failures: Vec<Failure>,
    /// What `requeue_after` asked for.
    pub requeue_after: Option<String>,
    /// Whether the run is over.
    pub done: bool,
}

/// A role that was included while running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IncludedRole {
    /// Its name.
    pub name: String,
    /// The files that were asked for: tasks, vars, defaults, handlers.
    pub files: [Option<String>; 4],
    /// The directory of the role that included it.
    pub parent: Option<std::path::PathBuf>,
    /// Whether its variables are visible to the whole play.
    pub public: bool,
}

impl State {
    /// The state of a run that has not begun.
    #[must_use]
    pub(super) fn new() -> Self {
        State {
            play: 0,
            phase: Phase::Start,
            queue: Vec::new(),
            stack: Vec::new(),
            task: None,
            hosts: IndexMap::new(),
            notified: IndexSet::new(),
            ran: IndexSet::new(),
            included_roles: Vec::new(),
            omit: format!("__omit_place_holder__{}", uuid::Uuid::new_v4().simple()),
            started: 0,
            stats: Stats::default(),
            failures: Vec::new(),
            requeue_after: None,
            done: false,
        }
    }

    /// The host that runs now.
    #[must_use]
    pub(super) fn host(&self) -> String {
        self.queue.first().cloned().unwrap_or_else(|| "localhost".to_owned())
    }

    /// What is known of the host that runs now, to change.
    pub(super) fn host_state(&mut self) -> &mut HostState {
        let host = self.host();
        self.hosts.entry(host).or_default()
    }

    /// Sets a variable of the host that runs now, as `set_fact` and `register` do.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.host_state().set.insert(name.into(), Stored(value));
    }
}
