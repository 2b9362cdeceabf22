//! Plays: which hosts they have, in which batches, and what remains when they end
//! (`playbook_executor.py`, `task_queue_manager.py`).

use std::collections::VecDeque;

use super::event::{Event, Observer};
use super::frame::{Frame, Holder, Source, phase_nodes};
use super::handlers::Handlers;
use super::roles::PlayRoles;
use super::run::{Run, RunError, Stage, Status};
use super::state::{Batch, Cursor, Phase, PlayState, StoredVars};
use super::strategy::Strategy;
use super::text;
use crate::jinja::convert::Stored;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::List;
use crate::jinja::{Error, Value, ops};

fn words(error: Error) -> RunError {
    RunError::Play(error.message().to_owned())
}

impl Run {
    /// Goes to the next batch of the play, or to the next play.
    ///
    /// # Errors
    /// A keyword of the play is wrong.
    pub(super) fn next_batch(
        &mut self,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        if self.state.play.hosts.is_empty() && !self.begin_play(stage, observer)? {
            self.state.number += 1;
            return Ok(());
        }
        match self.state.play.batches.pop_front() {
            Some(hosts) if !self.state.play.ended => self.begin_batch(hosts, stage, observer),
            _ => {
                self.state.play = PlayState::default();
                self.state.number += 1;
                Ok(())
            }
        }
    }

    /// Finds the hosts of a play; false when it has none.
    fn begin_play(&mut self, stage: &Stage<'_>, observer: &mut dyn Observer) -> Result<bool, RunError> {
        self.load_facts(stage);
        let answers = self.answers(stage)?;
        self.state.play = PlayState { answers, ..PlayState::default() };
        let templar = self.play_templar(stage);
        let omitted = |value: &Value| value.as_str() == Some(self.state.omit.as_str());
        let keyword = |name: &str| match stage.play.keywords.get(name) {
            Some(value) => {
                let value = templar.template(value).map_err(words)?;
                Ok(if omitted(&value) { Value::None } else { value })
            }
            None => Ok(Value::None),
        };
        let patterns = text::split(&keyword("hosts")?);
        let name = keyword("name")?;
        let (order, serial) = (keyword("order")?, keyword("serial")?);
        self.state.play.name = match name {
            Value::None => patterns.join(","),
            name => name.to_string(),
        };
        let inventory = self.state.hosts.inventory();
        let matched = inventory.matching(&patterns).map_err(|error| RunError::Play(error.to_string()))?;
        for pattern in matched.unknown {
            let message = format!("Could not match supplied host pattern, ignoring: {pattern}");
            observer.observe(&Event::Warning { message });
        }
        let hosts = ordered(matched.hosts, &order)?;
        if hosts.is_empty() {
            self.announce_play(Strategy::Linear, observer);
            observer.observe(&Event::NoHosts);
            return Ok(false);
        }
        self.state.play.batches = batches(&hosts, &serial)?;
        self.state.play.hosts = hosts;
        Ok(true)
    }

    /// The answers to `vars_prompt` when nobody can be asked: its defaults.
    fn answers(&self, stage: &Stage<'_>) -> Result<StoredVars, RunError> {
        let mut answers = StoredVars::new();
        let Some(prompts) = stage.play.keywords.get("vars_prompt") else { return Ok(answers) };
        let prompts = self.play_templar(stage).template(prompts).map_err(words)?;
        for prompt in text::values(&prompts) {
            let Some(prompt) = prompt.as_dict() else { continue };
            let name = prompt.get("name").map(|name| name.to_string()).unwrap_or_default();
            if !name.is_empty() && !self.extra.contains_key(name.as_str()) {
                let default = prompt.get("default").unwrap_or(Value::None);
                answers.insert(name.as_str().into(), Stored(default));
            }
        }
        Ok(answers)
    }

    fn begin_batch(
        &mut self,
        hosts: Vec<String>,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let templar = self.play_templar(stage);
        let omitted = |value: &Value| value.as_str() == Some(self.state.omit.as_str());
        let keyword = |name: &str| {
            let value = stage.play.keywords.get(name).map(|value| templar.template(value));
            value.filter(|value| !value.as_ref().is_ok_and(omitted))
        };
        let strategy = keyword("strategy").transpose().map_err(words)?.map(|name| name.to_string());
        let strategy = strategy.or_else(|| self.options.strategy.clone());
        let force = keyword("force_handlers").and_then(Result::ok).as_ref().and_then(to_bool);
        let percentage = keyword("max_fail_percentage").transpose().map_err(words)?;
        let mut batch = Batch {
            strategy: strategy.as_deref().map_or(Ok(Strategy::Linear), Strategy::named)?,
            lost_before: self.state.failed.len() + self.state.unreachable.len(),
            max_fail_percentage: percentage.as_ref().and_then(number),
            force_handlers: force.unwrap_or(self.options.force_handlers),
            roles: PlayRoles::of(&stage.play, self.options.private_role_vars),
            handlers: Handlers::of(&stage.play),
            carried: std::mem::take(&mut self.state.failed),
            ..Batch::default()
        };
        for host in &hosts {
            let lost = batch.carried.contains(host);
            let cursor = Cursor { done: lost, failed: lost, ..Cursor::default() };
            batch.cursors.insert(host.clone(), cursor);
        }
        self.announce_play(batch.strategy, observer);
        self.state.play.removed.extend(batch.carried.iter().chain(&self.state.unreachable).cloned());
        batch.hosts = hosts;
        self.state.batch = Some(batch);
        self.start_at_task(stage)
    }

    fn announce_play(&self, strategy: Strategy, observer: &mut dyn Observer) {
        observer.observe(&Event::PlayStart {
            name: self.state.play.name.clone(),
            strategy: strategy.name().to_owned(),
            check: self.options.check,
        });
    }

    /// Takes each host to the task that `--start-at-task` names.
    fn start_at_task(&mut self, stage: &Stage<'_>) -> Result<(), RunError> {
        let Some(wanted) = self.state.start_at.clone() else { return Ok(()) };
        let pattern = glob::Pattern::new(&wanted).ok();
        let mut found = false;
        for host in self.state.hosts_left() {
            while let Some(task) = self.settle(&host, stage) {
                let templar = self.templar(&host, &task, stage);
                let full = self.shown_name(&host, &task, stage, &templar);
                let own = task.name().map(ToString::to_string).unwrap_or_default();
                let fits = |name: &str| name == wanted || pattern.as_ref().is_some_and(|it| it.matches(name));
                if fits(&own) || fits(&full) {
                    found = true;
                    // Facts are gathered all the same, before the task.
                    let nodes = phase_nodes(&stage.play, Phase::Gather);
                    let gathering = Frame::new(Source::Phase(Phase::Gather), Holder::List(nodes));
                    self.push(&host, gathering);
                    break;
                }
                self.consume(&host);
            }
        }
        if found {
            self.state.start_at = None;
        }
        Ok(())
    }

    /// Ends a batch, and the run when all of its hosts are lost.
    pub(super) fn end_batch(&mut self, stage: &Stage<'_>, observer: &mut dyn Observer) {
        let Some(batch) = self.state.batch.take() else { return };
        if let Err(message) = self.save_facts(&batch.hosts, stage) {
            observer.observe(&Event::Warning { message });
        }
        let failed: Vec<String> = batch
            .cursors
            .iter()
            .filter(|(_, cursor)| cursor.failed)
            .map(|(host, _)| host.clone())
            .chain(batch.carried.iter().filter(|host| !batch.cursors.contains_key(*host)).cloned())
            .collect();
        self.state.status = match () {
            () if batch.broken => Status::Failed,
            () if !self.state.unreachable.is_empty() => Status::Unreachable,
            () if !failed.is_empty() => Status::Failed,
            () => Status::Ok,
        };
        self.state.failed.extend(failed);
        let lost = (self.state.failed.len() + self.state.unreachable.len()).saturating_sub(batch.lost_before);
        if batch.broken || lost == batch.hosts.len() {
            self.state.play = PlayState::default();
            self.state.number = usize::MAX;
        }
    }
}

/// The hosts of a play in the order that it asks for.
fn ordered(mut hosts: Vec<String>, order: &Value) -> Result<Vec<String>, RunError> {
    match order {
        Value::None => {}
        Value::Str(text) => match text.as_str() {
            "inventory" => {}
            "sorted" => hosts.sort(),
            "reverse_sorted" => {
                hosts.sort();
                hosts.reverse();
            }
            "reverse_inventory" => hosts.reverse(),
            "shuffle" => {
                // A random number for each host decides where it goes.
                hosts.sort_by_cached_key(|_| uuid::Uuid::new_v4());
            }
            other => {
                return Err(RunError::Play(format!(
                    "Invalid 'order' specified for inventory hosts: {other}"
                )));
            }
        },
        other => {
            return Err(RunError::Play(format!("Invalid 'order' specified for inventory hosts: {other}")));
        }
    }
    Ok(hosts)
}

/// The batches that `serial` asks for: numbers and percentages, one after the other, the last one again.
fn batches(hosts: &[String], serial: &Value) -> Result<VecDeque<Vec<String>>, RunError> {
    let sizes = match serial {
        Value::None => Vec::new(),
        Value::List(list) => List::items(list),
        other => vec![other.clone()],
    };
    let mut batches = VecDeque::new();
    let mut left = hosts;
    let mut at = 0;
    while !left.is_empty() {
        let size = match sizes.get(at.min(sizes.len().saturating_sub(1))) {
            Some(size) => batch_size(size, hosts.len())?,
            None => 0,
        };
        let size = if size == 0 { left.len() } else { size.min(left.len()) };
        let (batch, rest) = left.split_at(size);
        batches.push_back(batch.to_vec());
        left = rest;
        at += 1;
    }
    Ok(batches)
}

/// A number of hosts; `30%` is a part of all, at least one (`pct_to_int`). Zero means all.
fn batch_size(size: &Value, all: usize) -> Result<usize, RunError> {
    let text = size.to_string();
    let wrong = || RunError::Play(format!("the field 'serial' has an invalid value ({text})"));
    if let Some(percent) = text.trim().strip_suffix('%') {
        let percent: usize = percent.trim().parse().map_err(|_| wrong())?;
        return Ok((all * percent / 100).max(1));
    }
    let number = ops::as_float(size).or_else(|| text.trim().parse().ok()).ok_or_else(wrong)?;
    Ok(number.max(0.0) as usize)
}

fn number(value: &Value) -> Option<f64> {
    let text = value.to_string();
    ops::as_float(value).or_else(|| text.trim().trim_end_matches('%').parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("h{number}")).collect()
    }

    fn sizes(count: usize, serial: &Value) -> Vec<usize> {
        batches(&hosts(count), serial).unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn serial_makes_batches() {
        let list = |items: &[&str]| Value::list(items.iter().map(|item| Value::from(*item)).collect());
        assert_eq!(sizes(5, &Value::None), [5]);
        assert_eq!(sizes(5, &Value::Int(2)), [2, 2, 1]);
        assert_eq!(sizes(5, &Value::Int(0)), [5]);
        assert_eq!(sizes(10, &Value::from("30%")), [3, 3, 3, 1]);
        assert_eq!(sizes(3, &Value::from("10%")), [1, 1, 1]);
        assert_eq!(sizes(10, &list(&["1", "50%", "100%"])), [1, 5, 4]);
        assert!(batches(&hosts(2), &Value::from("some")).is_err());
    }

    #[test]
    fn hosts_come_in_the_order_asked_for() {
        let names = ["b", "c", "a"].map(str::to_owned).to_vec();
        let order = |order: &str| ordered(names.clone(), &Value::from(order)).unwrap().concat();
        assert_eq!(order("inventory"), "bca");
        assert_eq!(order("reverse_inventory"), "acb");
        assert_eq!(order("sorted"), "abc");
        assert_eq!(order("reverse_sorted"), "cba");
        assert_eq!(order("shuffle").len(), 3);
        assert!(ordered(names.clone(), &Value::from("random")).is_err());
    }
}
