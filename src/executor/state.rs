//! The serialisable state of a run.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, Inclusion};
use super::handlers::Handlers;
use super::hosts::Hosts;
use super::roles::PlayRoles;
use super::run::Status;
use super::span::TaskSpan;
use super::stats::{Failure, Stats};
use super::strategy::Strategy;
use crate::jinja::Error;
use crate::jinja::convert::Stored;

/// Variables in the state of a run.
pub(super) type StoredVars = IndexMap<Arc<str>, Stored>;

/// The parts of a play in the order in which they run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The play begins.
    #[default]
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

    /// The part before this one.
    #[must_use]
    pub(super) fn before(self) -> Phase {
        match self {
            Phase::Start | Phase::Gather => Phase::Start,
            Phase::PreTasks => Phase::Gather,
            Phase::PreHandlers => Phase::PreTasks,
            Phase::Roles => Phase::PreHandlers,
            Phase::Tasks => Phase::Roles,
            Phase::TaskHandlers => Phase::Tasks,
            Phase::PostTasks => Phase::TaskHandlers,
            Phase::PostHandlers => Phase::PostTasks,
            Phase::End => Phase::PostHandlers,
        }
    }

    /// The part that runs the handlers which a part with tasks notified.
    #[must_use]
    pub(super) fn handlers(self) -> Option<Phase> {
        match self {
            Phase::PreTasks => Some(Phase::PreHandlers),
            Phase::Roles | Phase::Tasks => Some(Phase::TaskHandlers),
            Phase::PostTasks => Some(Phase::PostHandlers),
            _ => None,
        }
    }
}

/// The task that a host runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TaskState {
    /// The name of the task as it is shown.
    pub name: String,
    /// The items of its loop; none without a loop.
    pub items: Option<Vec<Stored>>,
    /// The item that is next.
    pub index: usize,
    /// The results of the items so far.
    pub results: Vec<Stored>,
    /// The attempt that is next, from one.
    pub attempt: u32,
    /// How long to wait before it, in seconds.
    pub wait: f64,
    /// Why the loop could not be templated. A missing variable is no error where the condition is false.
    pub loop_error: Option<Error>,
    /// Whether an item or the task itself hides its results.
    pub no_log: bool,
    /// Whether failures are ignored, as the items so far said.
    pub ignore_errors: bool,
    /// Whether unreachable hosts are ignored, as the items so far said.
    pub ignore_unreachable: bool,
    /// What was notified.
    pub notify: IndexSet<String>,
    /// The inclusions that the task asks for.
    pub includes: Vec<Inclusion>,
    /// The host to which the task was last delegated.
    pub delegate: Option<String>,
    /// That host as it is shown: `name` or `name(address)`.
    pub delegate_shown: String,
    /// Whether the task last ran in check mode.
    pub check: Option<bool>,
    /// Whether it last showed what it changed.
    pub diff: Option<bool>,
    /// Whether the facts of the result belong to that host.
    pub delegate_facts: bool,
    /// Whether the task runs once for all hosts.
    pub run_once: bool,
    /// What traces tell of it; a run that was stored tells no more of the task that it was in.
    #[serde(skip)]
    pub span: TaskSpan,
}

/// Where one host stands in the play.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The part of the play.
    pub phase: Phase,
    /// The lists of tasks that it is in, the innermost last.
    pub stack: Vec<Frame>,
    /// The task that it runs.
    pub task: Option<TaskState>,
    /// Whether it failed and only runs the handlers that `force_handlers` asks for.
    pub failing: bool,
    /// Whether it failed in this play.
    pub failed: bool,
    /// Whether the play is over for it.
    pub done: bool,
    /// What was notified since handlers last ran.
    pub notifications: IndexSet<String>,
    /// The handlers that are to run, by their number.
    pub notified: BTreeSet<usize>,
    /// The roles that ran to their end, with their parameters.
    pub completed: IndexSet<String>,
}

/// The hosts that run one task together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Round {
    /// The hosts whose task is not finished.
    pub running: Vec<String>,
    /// How many of them run at once.
    pub limit: usize,
    /// Whether a failure of one host fails all.
    pub any_errors_fatal: bool,
    /// How many results there are.
    pub results: usize,
    /// The hosts on which the task failed, ignored or not.
    pub failed: Vec<String>,
    /// The hosts that could not be reached.
    pub unreachable: Vec<String>,
    /// What the hosts include.
    pub includes: Vec<(String, Vec<Inclusion>)>,
}

/// A play over all its hosts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct PlayState {
    /// Its name as it is shown.
    pub name: String,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// The hosts that failed or ended: `ansible_play_hosts` leaves them out.
    pub removed: IndexSet<String>,
    /// The batches that are still to come.
    pub batches: VecDeque<Vec<String>>,
    /// The answers to `vars_prompt`.
    pub answers: StoredVars,
    /// Whether `meta: end_play` ended it.
    pub ended: bool,
}

/// A play over one batch of its hosts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Batch {
    /// How the hosts go through the play.
    pub strategy: Strategy,
    /// The hosts, in order.
    pub hosts: Vec<String>,
    /// Where each host stands.
    pub cursors: IndexMap<String, Cursor>,
    /// The roles that were included.
    pub included_roles: Vec<IncludedRole>,
    /// The task that runs.
    pub round: Option<Round>,
    /// The task that was last shown as begun, by its place.
    pub announced: Option<String>,
    /// The hosts that had failed before the batch.
    pub carried: IndexSet<String>,
    /// How many hosts had failed or were unreachable before the batch.
    pub lost_before: usize,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<f64>,
    /// `force_handlers`.
    pub force_handlers: bool,
    /// Whether `max_fail_percentage` ended the batch.
    pub broken: bool,
    /// What the play shows of its roles; rebuilt after a run was stored.
    #[serde(skip)]
    pub roles: PlayRoles,
    /// The handlers of the play; rebuilt after a run was stored.
    #[serde(skip)]
    pub handlers: Handlers,
}

/// A role that was included while running.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct IncludedRole {
    /// Its name.
    pub name: String,
    /// Its directory.
    pub path: std::path::PathBuf,
    /// Where the including task stands, with the level of the inclusion on top.
    pub stack: Vec<Frame>,
    /// Whether its variables are visible to the whole play.
    pub public: bool,
}

/// The state of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The number of the play.
    pub number: usize,
    /// The play.
    pub play: PlayState,
    /// The batch that runs.
    pub batch: Option<Batch>,
    /// What is known of the hosts.
    pub hosts: Hosts,
    /// The hosts that failed in this play or, between plays, in any: later plays leave them out.
    pub failed: IndexSet<String>,
    /// The hosts that could not be reached.
    pub unreachable: IndexSet<String>,
    /// How the last play ended.
    pub status: Status,
    /// The names of variables of which the run warned.
    pub warned: IndexSet<String>,
    /// The task that `--start-at-task` looks for.
    pub start_at: Option<String>,
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
    /// When the earliest schedule is next, in seconds since 1970.
    #[serde(default)]
    pub come_back: Option<i64>,
    /// Whether the run is over.
    pub done: bool,
}

impl State {
    /// The state of a run that has not begun.
    #[must_use]
    pub(super) fn new(hosts: Hosts, start_at: Option<String>) -> Self {
        State {
            number: 0,
            play: PlayState::default(),
            batch: None,
            hosts,
            failed: IndexSet::new(),
            unreachable: IndexSet::new(),
            status: Status::Ok,
            warned: IndexSet::new(),
            start_at,
            omit: format!("__omit_place_holder__{}", uuid::Uuid::new_v4().simple()),
            started: 0,
            stats: Stats::default(),
            failures: Vec::new(),
            requeue_after: None,
            come_back: None,
            done: false,
        }
    }

    /// Where a host stands.
    #[must_use]
    pub(super) fn cursor(&self, host: &str) -> Option<&Cursor> {
        self.batch.as_ref()?.cursors.get(host)
    }

    /// The levels of a host's position, the innermost last.
    #[must_use]
    pub(super) fn stack(&self, host: &str) -> &[Frame] {
        self.cursor(host).map_or(&[], |cursor| &cursor.stack)
    }

    /// Where a host stands, to change.
    pub(super) fn cursor_mut(&mut self, host: &str) -> &mut Cursor {
        self.batch.get_or_insert_default().cursors.entry(host.to_owned()).or_default()
    }

    /// The hosts of the batch that can be reached.
    #[must_use]
    pub(super) fn hosts_left(&self) -> Vec<String> {
        let hosts = self.batch.as_ref().map(|batch| batch.hosts.as_slice()).unwrap_or_default();
        hosts.iter().filter(|host| !self.unreachable.contains(*host)).cloned().collect()
    }
}
