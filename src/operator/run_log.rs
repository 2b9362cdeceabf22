//! A run in the log: what changed and what failed, each line in the span of its resource.

use std::collections::HashSet;

use crate::executor::{self, Event, Observer, TaskOutcome};

/// Writes the events of a run to the log.
#[derive(Default)]
pub(super) struct RunLog {
    /// Whether the access rules were in the way of a task.
    pub(super) forbidden: bool,
    /// The warnings that were written: each of them once, as Ansible's display does.
    said: HashSet<String>,
}

impl RunLog {
    fn warn(&mut self, warning: String) {
        if !self.said.contains(&warning) {
            tracing::warn!("{warning}");
            self.said.insert(warning);
        }
    }
}

impl Observer for RunLog {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::TaskEnd { task, outcome, result, .. } => {
                let (name, at) = (&task.name, &task.path);
                let message = executor::message(result).unwrap_or_default();
                match outcome {
                    TaskOutcome::Changed => tracing::info!(task = %name, at, "changed"),
                    TaskOutcome::Failed | TaskOutcome::Unreachable => {
                        self.forbidden |= result["status"] == 403;
                        tracing::error!(task = %name, at, message, "failed");
                    }
                    TaskOutcome::Ignored | TaskOutcome::Rescued => {
                        tracing::warn!(task = %name, at, message, ?outcome, "failed");
                    }
                    TaskOutcome::Ok | TaskOutcome::Skipped => tracing::debug!(task = %name, at, ?outcome),
                }
            }
            Event::Retry { task, left, .. } => tracing::info!(task = %task.name, left, "retrying"),
            Event::Deprecated { message, version } => {
                self.warn(format!("{message} (goes away with ansible-core {version})"));
            }
            Event::Warning { message } => self.warn(message.clone()),
            _ => {}
        }
    }
}
