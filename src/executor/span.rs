//! A task on a host as a span of a trace. Attributes are those of `community.general.opentelemetry`
//! (`plugins/callback/opentelemetry.py`), but for arguments and results, which may be secret.

use serde_json::Value;
use tracing::Span;
use tracing::field::Empty;

use super::event::{TaskOutcome, message};
use crate::playbook::Task;
use crate::traces;

/// The span of a task on a host, from its start to its end; of none where nobody traces.
#[derive(Debug, Clone)]
pub(super) struct TaskSpan(Span);

impl Default for TaskSpan {
    fn default() -> Self {
        Self(Span::none())
    }
}

impl TaskSpan {
    /// The task begins, under the name that it is shown with.
    pub(super) fn begin(host: &str, task: &Task, name: &str) -> Self {
        Self(traces::span!(
            "task",
            otel.name = name,
            ansible.task.name = name,
            ansible.task.module = task.action_name.as_str(),
            ansible.task.host.name = host,
            ansible.task.host.status = Empty,
            code.file.path = %task.place.file.display(),
            code.line.number = i64::from(task.place.line),
        ))
    }

    /// What works for the task works in this span.
    pub(super) fn get(&self) -> Span {
        self.0.clone()
    }

    /// The task ended with this result, as it may be shown.
    pub(super) fn end(&self, outcome: TaskOutcome, result: &Value) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record("ansible.task.host.status", outcome.name());
        if matches!(outcome, TaskOutcome::Failed | TaskOutcome::Rescued | TaskOutcome::Unreachable) {
            traces::failed(&self.0, &message(result).unwrap_or("failed"));
        }
    }
}
