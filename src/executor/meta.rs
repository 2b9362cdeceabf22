//! `meta` tasks (`strategy/__init__.py`, `_execute_meta`).

use std::sync::Arc;

use super::event::{Event, Observer, TaskOutcome};
use super::run::{Run, RunError, Stage};
use super::state::TaskState;
use crate::jinja::{Error, ErrorKind, Templar, Value};
use crate::playbook::Task;

/// Actions to which conditions do not apply.
const UNCONDITIONAL: &[&str] = &["noop", "refresh_inventory", "reset_connection"];

impl Run {
    /// Runs a `meta` task on a host; returns the action.
    ///
    /// # Errors
    /// A condition cannot be evaluated.
    pub(super) fn meta(
        &mut self,
        host: &str,
        task: &Arc<Task>,
        templar: &Templar,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, RunError> {
        let words = |error: Error| match error.kind() {
            ErrorKind::Cancelled => RunError::Cancelled,
            _ => RunError::Play(error.message().to_owned()),
        };
        let action = task.args.get("_raw_params").cloned().unwrap_or(Value::None);
        let action = templar.template(&action).map_err(words)?.to_string();
        let conditions = self.lineage(host, task, stage).when().len();
        if UNCONDITIONAL.contains(&action.as_str()) {
            if conditions > 0 {
                let message = format!("{action} task does not support when conditional");
                observer.observe(&Event::Warning { message });
            }
        } else if !self.meta_holds(host, task, templar, stage).map_err(words)? {
            self.skip_meta(host, task, &action, templar, stage, observer);
            return Ok(action);
        }
        self.do_meta(host, &action, stage, observer)?;
        Ok(action)
    }

    fn meta_holds(
        &self,
        host: &str,
        task: &Task,
        templar: &Templar,
        stage: &Stage<'_>,
    ) -> Result<bool, Error> {
        for (condition, _) in self.lineage(host, task, stage).when() {
            if !templar.condition(condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn skip_meta(
        &self,
        host: &str,
        task: &Task,
        action: &str,
        templar: &Templar,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) {
        let task = self.task_ref(host, task, stage, templar, &TaskState::default());
        observer.observe(&Event::TaskStart { task: task.clone() });
        observer.observe(&Event::TaskEnd {
            task,
            host: host.to_owned(),
            outcome: TaskOutcome::Skipped,
            result: serde_json::json!({
                "msg": action,
                "skip_reason": format!("{action} conditional evaluated to False"),
                "skipped": true,
            }),
        });
    }

    fn do_meta(
        &mut self,
        host: &str,
        action: &str,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        match action {
            "end_host" => self.end_host(host),
            "end_role" => self.end_role(host),
            "end_play" | "end_batch" => {
                for host in self.state.hosts_left() {
                    self.end_host(&host);
                }
                self.state.play.ended |= action == "end_play";
            }
            "flush_handlers" => {
                let in_handlers = self.lineage_in_handlers(host);
                if in_handlers {
                    let message = "flush_handlers cannot be used as a handler";
                    return Err(RunError::Play(message.to_owned()));
                }
                self.flush_handlers(host, stage, observer);
            }
            "clear_facts" => {
                for host in self.state.play.hosts.clone() {
                    self.state.hosts.clear_facts(&host);
                }
            }
            "clear_host_errors" => self.clear_host_errors(),
            // noop, refresh_inventory, reset_connection: the inventory was read and there is no connection.
            _ => {}
        }
        Ok(())
    }

    fn lineage_in_handlers(&self, host: &str) -> bool {
        self.state.stack(host).iter().any(|frame| matches!(frame.source, super::frame::Source::Handlers))
    }

    /// Hosts that failed or could not be reached take part again from the next play on; those that still run
    /// forget their failures.
    fn clear_host_errors(&mut self) {
        for host in self.state.play.hosts.clone() {
            self.state.failed.shift_remove(&host);
            self.state.unreachable.shift_remove(&host);
            if let Some(cursor) = self.state.batch.as_mut().and_then(|batch| batch.cursors.get_mut(&host)) {
                cursor.failed = false;
                cursor.failing = false;
                cursor.stack.iter_mut().for_each(|frame| frame.pending = false);
            }
            if let Some(batch) = &mut self.state.batch {
                batch.carried.shift_remove(&host);
            }
        }
    }
}
