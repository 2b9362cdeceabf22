//! The state of a run and its next step.

use std::sync::Arc;

use super::context::{Context, RunOptions};
use super::event::Observer;
use super::stats::{Failure, Stats};
use crate::playbook::Content;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Something ran; there is more.
    Stepped,
    /// The run is over.
    Done,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// The deadline passed.
    #[error("the run did not end before its deadline")]
    DeadlineExceeded,
    /// The stored state does not fit the content.
    #[error("the stored run does not fit its content: {0}")]
    Mismatch(String),
    /// The play itself is wrong in a way that only shows at run time (Ansible's parser errors).
    #[error("{0}")]
    Play(String),
}

/// What a finished run says.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The counts by host.
    pub stats: Stats,
    /// Every failed task that was not ignored, rescued ones included and marked, in order.
    pub failures: Vec<Failure>,
    /// The last `period` that `operator_sdk.util.requeue_after` asked for, as its text.
    pub requeue_after: Option<String>,
}

/// The state of a run.
pub struct Run {
    content: Arc<Content>,
    options: RunOptions,
    outcome: Outcome,
}

impl Run {
    /// A run of this content that has not begun.
    #[must_use]
    pub fn new(
        content: Arc<Content>,
        extra_vars: serde_json::Map<String, serde_json::Value>,
        options: RunOptions,
    ) -> Self {
        let _ = extra_vars;
        Run { content, options, outcome: Outcome::default() }
    }

    /// Does the next thing: one task, one item of a loop, or one attempt.
    ///
    /// # Errors
    /// The run was cancelled, its deadline passed, or the play is wrong.
    pub async fn advance(
        &mut self,
        context: &Context,
        observer: &mut dyn Observer,
    ) -> Result<Progress, RunError> {
        let _ = (context, observer, &self.content, &self.options);
        Ok(Progress::Done)
    }

    /// What the run says so far.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        true
    }
}

/// Runs until the end.
///
/// # Errors
/// The run was cancelled, its deadline passed, or the play is wrong.
pub async fn run_to_end(
    run: &mut Run,
    context: &Context,
    observer: &mut dyn Observer,
) -> Result<Outcome, RunError> {
    while run.advance(context, observer).await? == Progress::Stepped {}
    Ok(run.outcome().clone())
}
