//! Strategies: which hosts run which task next (`plugins/strategy/`).
//!
//! Each host has a position of its own. A round takes the next task of some hosts; within a round the hosts
//! run at once, up to `forks`, never otherwise.
//!
//! - `linear` takes the hosts that are furthest behind in the order of the play: all hosts that reach a task
//!   run it together.
//! - `free` and `host_pinned` take every host, whatever its task is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Event, Observer};
use super::run::{Run, RunError, Stage};
use super::state::{Round, TaskState};
use crate::jinja::filters::core::to_bool;
use crate::jinja::{Templar, ops};
use crate::playbook::{Action, Task};

/// How hosts go through a play.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Strategy {
    /// Task by task, all hosts together.
    #[default]
    Linear,
    /// Each host at its own pace.
    Free,
    /// Each host at its own pace, no more than `forks` hosts at once until they are through.
    HostPinned,
}

impl Strategy {
    /// The strategy of this name.
    ///
    /// # Errors
    /// There is none, or it needs a person at a terminal.
    pub(super) fn named(name: &str) -> Result<Strategy, RunError> {
        let short = name.rsplit('.').next().unwrap_or(name);
        match short {
            "linear" => Ok(Strategy::Linear),
            "free" => Ok(Strategy::Free),
            "host_pinned" => Ok(Strategy::HostPinned),
            "debug" => Err(RunError::Play(
                "the strategy 'debug' asks a person at a terminal, which is not supported; use 'linear'"
                    .to_owned(),
            )),
            _ => Err(RunError::Play(format!("Invalid play strategy specified: {name}"))),
        }
    }

    /// Its name.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Strategy::Linear => "linear",
            Strategy::Free => "free",
            Strategy::HostPinned => "host_pinned",
        }
    }

    /// Whether hosts wait for each other.
    #[must_use]
    pub(super) fn in_lockstep(self) -> bool {
        self == Strategy::Linear
    }
}

/// Modules that run once for all hosts, on the first one (`BYPASS_HOST_LOOP`).
const ONCE: &[&str] = &["ansible.builtin.add_host", "ansible.builtin.pause"];

/// `meta` actions that concern one host; all others are done once for all.
const META_BY_HOST: &[&str] = &["noop", "reset_connection", "end_host", "flush_handlers", "end_role"];

impl Run {
    /// Begins the next round; false when all hosts are through.
    ///
    /// # Errors
    /// A `meta` task or a keyword of the task is wrong.
    pub(super) fn begin_round(
        &mut self,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<bool, RunError> {
        let picked = self.pick(stage);
        let strategy = self.state.batch.as_ref().map(|batch| batch.strategy).unwrap_or_default();
        let mut round = Round { limit: self.options.forks.max(1), ..Round::default() };
        for (host, _) in &picked {
            self.consume(host);
        }
        for (host, task) in &picked {
            // A `meta` task of another host may have ended the play for this one.
            if self.state.cursor(host).is_none_or(|cursor| cursor.done) {
                continue;
            }
            let templar = self.templar(host, task, stage);
            self.warn_of_reserved(&templar.vars, observer);
            let alone = if task.action == Action::Meta {
                let action = self.meta(host, task, &templar, stage, observer)?;
                !META_BY_HOST.contains(&action.as_str())
            } else {
                let alone = self.runs_once(host, task, &templar, stage)?;
                self.join_round(&mut round, host, task, alone, &templar, stage, observer)?;
                alone
            };
            if alone && strategy.in_lockstep() {
                self.forget_handler(&picked);
                break;
            }
        }
        if !round.running.is_empty()
            && let Some(batch) = &mut self.state.batch
        {
            batch.round = Some(round);
        }
        Ok(!picked.is_empty())
    }

    /// The hosts of the next round, in order, and what they run.
    fn pick(&mut self, stage: &Stage<'_>) -> Vec<(String, Arc<Task>)> {
        let strategy = self.state.batch.as_ref().map(|batch| batch.strategy).unwrap_or_default();
        let mut ready = Vec::new();
        for host in self.state.hosts_left() {
            if let Some(task) = self.settle(&host, stage) {
                ready.push((host, task));
            }
            if strategy == Strategy::HostPinned && ready.len() >= self.options.forks.max(1) {
                break;
            }
        }
        if strategy.in_lockstep()
            && let Some(first) = ready.iter().map(|(host, _)| self.position(host)).min()
        {
            ready.retain(|(host, _)| self.position(host) == first);
        }
        ready
    }

    /// Whether a task runs on one host for all.
    fn runs_once(
        &self,
        host: &str,
        task: &Task,
        templar: &Templar,
        stage: &Stage<'_>,
    ) -> Result<bool, RunError> {
        if matches!(task.action, Action::Module(name) if ONCE.contains(&name)) {
            return Ok(true);
        }
        let lineage = self.lineage(host, task, stage);
        let Some(value) = lineage.get("run_once").filter(|_| !task.implicit) else { return Ok(false) };
        let value = templar.template(value).map_err(|error| RunError::Play(error.message().to_owned()))?;
        Ok(to_bool(&value).unwrap_or_else(|| ops::truthy_or_false(&value)))
    }

    fn join_round(
        &mut self,
        round: &mut Round,
        host: &str,
        task: &Arc<Task>,
        alone: bool,
        templar: &Templar,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let lineage = self.lineage(host, task, stage);
        let flag = |name: &str| {
            let value = lineage.get(name).and_then(|value| templar.template(value).ok());
            value.as_ref().and_then(to_bool)
        };
        let fatal = flag("any_errors_fatal").unwrap_or(self.options.any_errors_fatal);
        round.any_errors_fatal |= (fatal || alone) && flag("ignore_errors") != Some(true);
        if let Some(throttle) = lineage.get("throttle") {
            let throttle = templar.template(throttle).ok();
            let throttle = throttle.as_ref().and_then(|it| it.to_string().trim().parse::<usize>().ok());
            let throttle = throttle.ok_or_else(|| {
                RunError::Play("Failed to convert the throttle value to an integer.".to_owned())
            })?;
            if throttle > 0 && !alone {
                round.limit = round.limit.min(throttle);
            }
        }
        let lockstep = self.state.batch.as_ref().is_some_and(|batch| batch.strategy.in_lockstep());
        if !lockstep || round.running.is_empty() {
            self.announce(host, task, lockstep, templar, stage, observer);
        }
        if alone && !lockstep {
            let message = "Using run_once with the free strategy is not currently supported. This task will still be executed for every host in the inventory list.";
            observer.observe(&Event::Warning { message: message.to_owned() });
        }
        self.begin_task(host, task, alone && lockstep, templar, stage)?;
        round.running.push(host.to_owned());
        Ok(())
    }

    /// Shows a task as begun; out of lockstep, unless it was shown last.
    pub(super) fn announce(
        &mut self,
        host: &str,
        task: &Task,
        always: bool,
        templar: &Templar,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) {
        let name = self.shown_name(host, task, stage, templar);
        let mut begun = self.task_ref(host, task, stage, &TaskState { name, ..TaskState::default() });
        let shown = format!("{} {}", begun.path, begun.name);
        let Some(batch) = &mut self.state.batch else { return };
        if always || batch.announced.as_ref() != Some(&shown) {
            batch.announced = Some(shown);
            self.state.started += 1;
            begun.number = self.state.started;
            observer.observe(&Event::TaskStart { task: begun });
        }
    }

    /// A handler that ran once for all hosts is not to run on others.
    fn forget_handler(&mut self, picked: &[(String, Arc<Task>)]) {
        let Some((host, _)) = picked.first() else { return };
        let number = self.state.stack(host).iter().rev().find_map(|frame| match frame.source {
            super::frame::Source::Handler(number) => Some(number),
            _ => None,
        });
        let (Some(number), Some(batch)) = (number, &mut self.state.batch) else { return };
        for cursor in batch.cursors.values_mut() {
            cursor.notified.remove(&number);
        }
    }

    /// Ends a round: what its hosts include comes next, and failures that concern all hosts reach them.
    ///
    /// # Errors
    /// What a task includes cannot be loaded.
    pub(super) fn end_round(
        &mut self,
        mut round: Round,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let failed = self.include_all(&round.includes, stage, observer)?;
        round.failed.extend(failed);
        let Some(batch) = &self.state.batch else { return Ok(()) };
        if !batch.strategy.in_lockstep() {
            return Ok(());
        }
        let percentage = batch.max_fail_percentage;
        let size = batch.hosts.len();
        if round.any_errors_fatal && !(round.failed.is_empty() && round.unreachable.is_empty()) {
            self.fail_others(&round);
        }
        if let Some(percentage) = percentage
            && round.results > 0
            && self.state.failed.len() as f64 / size as f64 > percentage / 100.0
        {
            self.fail_others(&round);
            observer.observe(&Event::NoMoreHosts);
            if let Some(batch) = &mut self.state.batch {
                batch.broken = true;
            }
        }
        Ok(())
    }

    fn fail_others(&mut self, round: &Round) {
        for host in self.state.hosts_left() {
            if !round.failed.contains(&host) {
                self.state.failed.insert(host.clone());
                self.fail_host(&host);
            }
        }
    }
}
