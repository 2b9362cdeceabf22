//! Runs a play: strategy, variables, task execution, loops, results, handlers. The state of a run is data.
//!
//! ```text
//! playbook::Content ─┐
//! inventory ─────────┼─> Run ── advance() ──> Run ── advance() ──> … ──> Progress::Done
//! extra vars ────────┘    │ one task, one loop item or one attempt at a time, on all hosts of a round
//!                         └─> Event ─> Observer (recap, status, log, journal)
//!
//! play ─ batches of hosts ─ rounds: strategy picks hosts ─ walk to their next task ─ attempts ─ results
//!                                       ▲                                                         │
//!                                       └──── includes, handlers, failures, end of the round ─────┘
//! ```
//!
//! A [`Run`] can be serialised between any two steps and resumed elsewhere with the same
//! [`Content`](crate::playbook::Content). Each host has a position of its own: a stack of levels, each of
//! which says where its list of tasks comes from (`frame`, `walk`). The strategy compares positions to find
//! the hosts that run a task together (`strategy`). Variables are kept by precedence (`state`, `hosts`,
//! `vars`, `magic`).

mod arguments;
mod asynchronous;
mod attempt;
mod context;
mod delegation;
mod escalation;
mod event;
mod fact_cache;
mod frame;
mod gathering;
mod handlers;
mod hosts;
mod hostvars;
mod includes;
mod inherit;
mod loops;
mod magic;
mod meta;
mod play;
mod reserved;
mod results;
mod roles;
mod run;
mod settings;
mod span;
mod state;
mod stats;
mod strategy;
mod tags;
mod task;
mod text;
mod vars;
mod verdict;
mod walk;

pub use context::{Context, Gathering, ReadInventory, RunOptions};
pub use event::{Event, Observer, TaskOutcome, TaskRef, message};
pub use fact_cache::FactCache;
pub use run::{Outcome, Progress, Run, RunError, Status, run_to_end};
pub use stats::{Failure, HostStats, Stats};
pub use tags::selects;
