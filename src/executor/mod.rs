//! Runs a play: variables, task execution, loops, results, handlers. The state of a run is data.
//!
//! ```text
//! playbook::Content ─┐
//! extra vars ────────┴─> Run ── advance() ──> Run ── advance() ──> … ──> Progress::Done
//!                         │ one task, one loop item or one attempt at a time
//!                         └─> Event ─> Observer (recap, status, log, journal)
//! ```
//!
//! A [`Run`] can be serialised between any two steps and resumed elsewhere with the same
//! [`Content`](crate::playbook::Content): its position is a stack of levels, each of which says where
//! its list of tasks comes from (`frame`), its variables are kept by precedence (`state`, `vars`).

mod context;
mod event;
mod frame;
mod hostvars;
mod inherit;
mod run;
mod state;
mod stats;
mod task;
mod vars;

pub use context::{Context, RunOptions};
pub use event::{Event, Observer, TaskOutcome, TaskRef};
pub use run::{Outcome, Progress, Run, RunError, run_to_end};
pub use stats::{Failure, HostStats, Stats};
