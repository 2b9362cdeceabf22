//! What happens during a run, as one stream that status, logs, metrics and the command line observe.

use serde::{Deserialize, Serialize};

use super::stats::Stats;

/// The task that an event speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRef {
    /// The name as it is shown: `role : name`.
    pub name: String,
    /// The module as the task names it.
    pub action: String,
    /// Where the task stands: `file:line`.
    pub path: String,
    /// Whether its arguments and results must not be shown.
    pub no_log: bool,
    /// Whether it is a handler.
    pub handler: bool,
    /// Which start of a task in the run this is: what happens on all hosts after one start has its number.
    #[serde(default)]
    pub number: u64,
    /// Whether it runs in check mode.
    #[serde(default)]
    pub check: bool,
    /// Whether what it changed in files is shown.
    #[serde(default)]
    pub diff: bool,
    /// The host that does its work, when that is another one: `name` or `name(address)`.
    #[serde(default)]
    pub delegated_to: Option<String>,
    /// `ignore_unreachable`.
    #[serde(default)]
    pub ignore_unreachable: bool,
}

/// How a task, or one item of its loop, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// It succeeded and changed nothing.
    Ok,
    /// It succeeded and changed something.
    Changed,
    /// Its condition did not hold.
    Skipped,
    /// It failed.
    Failed,
    /// It failed and `ignore_errors` lets that pass.
    Ignored,
    /// It failed and a `rescue` takes over.
    Rescued,
    /// The host could not be reached.
    Unreachable,
}

impl TaskOutcome {
    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TaskOutcome::Ok => "ok",
            TaskOutcome::Changed => "changed",
            TaskOutcome::Skipped => "skipped",
            TaskOutcome::Failed => "failed",
            TaskOutcome::Ignored => "ignored",
            TaskOutcome::Rescued => "rescued",
            TaskOutcome::Unreachable => "unreachable",
        }
    }
}

/// What the result of a task says: its message, or that `no_log` hides it.
#[must_use]
pub fn message(result: &serde_json::Value) -> Option<&str> {
    ["msg", "censored"].into_iter().find_map(|key| result[key].as_str())
}

/// One thing that happened during a run. Results are already censored by `no_log`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A play begins.
    PlayStart {
        /// Its name, or its hosts.
        name: String,
        /// The name of its strategy.
        strategy: String,
        /// Whether it runs in check mode.
        check: bool,
    },
    /// A play has no hosts.
    NoHosts,
    /// All hosts of a play failed.
    NoMoreHosts,
    /// A task begins.
    TaskStart {
        /// The task.
        task: TaskRef,
    },
    /// A file was included.
    Included {
        /// The file.
        file: String,
        /// The hosts.
        hosts: Vec<String>,
        /// The label of the loop item.
        label: Option<String>,
    },
    /// One item of a loop ended.
    Item {
        /// The task.
        task: TaskRef,
        /// The host.
        host: String,
        /// How it ended.
        outcome: TaskOutcome,
        /// The label of the item.
        label: String,
        /// The result.
        result: serde_json::Value,
    },
    /// An attempt failed and another follows.
    Retry {
        /// The task.
        task: TaskRef,
        /// The host.
        host: String,
        /// Attempts that are left.
        left: u32,
        /// The result of the attempt.
        result: serde_json::Value,
    },
    /// A task ended on a host.
    TaskEnd {
        /// The task.
        task: TaskRef,
        /// The host.
        host: String,
        /// How it ended.
        outcome: TaskOutcome,
        /// The result.
        result: serde_json::Value,
    },
    /// A task that runs in the background was looked at.
    AsyncPoll {
        /// The host.
        host: String,
        /// The result so far, with `ansible_job_id`, `started` and `finished`.
        result: serde_json::Value,
    },
    /// A task that ran in the background ended.
    AsyncEnd {
        /// The host.
        host: String,
        /// The id of the job.
        job: String,
        /// Whether it failed.
        failed: bool,
    },
    /// A handler was notified.
    Notified {
        /// The handler.
        handler: String,
        /// The host.
        host: String,
    },
    /// Something that `-v…` asks for.
    Verbose {
        /// How many times `-v` must be given to see it.
        level: u8,
        /// What.
        message: String,
    },
    /// Something is wrong that does not fail the run.
    Warning {
        /// What.
        message: String,
    },
    /// Something will go away.
    Deprecated {
        /// What.
        message: String,
        /// The version with which it goes.
        version: String,
    },
    /// The run is over.
    Stats {
        /// The counts.
        stats: Stats,
    },
}

/// Sees every event of a run, in order.
pub trait Observer: Send {
    /// An event happened.
    fn observe(&mut self, event: &Event);
}

impl Observer for Vec<Event> {
    fn observe(&mut self, event: &Event) {
        self.push(event.clone());
    }
}

/// An observer that looks away.
impl Observer for () {
    fn observe(&mut self, _: &Event) {}
}
