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
        if !task.implicit {
            self.announce(host, task, true, templar, stage, observer);
        }
        let conditions = self.lineage(host, task, stage).when().len();
        if UNCONDITIONAL.contains(&action.as_str()) {
            if conditions > 0 {
                let message = format!("{action} task does not support when conditional");
                observer.observe(&Event::Warning { message });
            }
        } else if !self.meta_holds(host, task, templar, stage).map_err(words)? {
            let reason = skip_reason(&action, host);
            self.skip_meta(host, task, &action, &reason, templar, stage, observer);
            self.tell(task, reason, observer);
            return Ok(action);
        }
        let message = self.do_meta(host, &action, stage, observer)?;
        self.tell(task, message, observer);
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
        reason: &str,
        templar: &Templar,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) {
        let name = self.shown_name(host, task, stage, templar);
        let task = self.task_ref(host, task, stage, &TaskState { name, ..TaskState::default() });
        observer.observe(&Event::TaskEnd {
            task,
            host: host.to_owned(),
            outcome: TaskOutcome::Skipped,
            result: serde_json::json!({
                "msg": action,
                "skip_reason": reason,
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
    ) -> Result<String, RunError> {
        Ok(match action {
            "end_host" => {
                self.end_host(host);
                format!("ending play for {host}")
            }
            "end_role" => {
                self.end_role(host);
                format!("ending role for {host}")
            }
            "end_play" | "end_batch" => {
                for host in self.state.hosts_left() {
                    self.end_host(&host);
                }
                self.state.play.ended |= action == "end_play";
                format!("ending {}", &action["end_".len()..])
            }
            "flush_handlers" => {
                let in_handlers = self.lineage_in_handlers(host);
                if in_handlers {
                    let message = "flush_handlers cannot be used as a handler";
                    return Err(RunError::Play(message.to_owned()));
                }
                self.flush_handlers(host, stage, observer);
                format!("triggered running handlers for {host}")
            }
            "clear_facts" => {
                for host in self.state.play.hosts.clone() {
                    self.state.hosts.clear_facts(&host);
                    stage.context.fact_cache.iter().for_each(|cache| cache.remove(&host));
                }
                "facts cleared".to_owned()
            }
            "clear_host_errors" => {
                self.clear_host_errors();
                "cleared host errors".to_owned()
            }
            "refresh_inventory" => {
                self.refresh_inventory(stage)?;
                "inventory successfully refreshed".to_owned()
            }
            // noop, and reset_connection: there is no connection to reset.
            other => other.to_owned(),
        })
    }

    /// What a `meta` task did, for those who asked for more than the results.
    fn tell(&self, task: &Task, message: String, observer: &mut dyn Observer) {
        if !task.implicit {
            observer.observe(&Event::Verbose { level: 2, message: format!("META: {message}") });
        }
    }

    fn lineage_in_handlers(&self, host: &str) -> bool {
        self.state.stack(host).iter().any(|frame| matches!(frame.source, super::frame::Source::Handlers))
    }

    /// Reads the sources of the inventory again; hosts and groups that the run added stay.
    fn refresh_inventory(&mut self, stage: &Stage<'_>) -> Result<(), RunError> {
        let Some(read) = &stage.context.inventory else { return Ok(()) };
        let inventory = read().map_err(|error| RunError::Play(error.to_string()))?;
        self.state.hosts.refresh(inventory);
        Ok(())
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

/// Why a `meta` task was skipped on a host.
fn skip_reason(action: &str, host: &str) -> String {
    let more = match action {
        "flush_handlers" => format!(", not running handlers for {host}"),
        "clear_facts" => format!(", not clearing facts and fact cache for {host}"),
        "clear_host_errors" => format!(", not clearing host error state for {host}"),
        "end_batch" => ", continuing current batch".to_owned(),
        "end_play" => ", continuing play".to_owned(),
        "end_host" => format!(", continuing execution for {host}"),
        _ => String::new(),
    };
    format!("{action} conditional evaluated to False{more}")
}
