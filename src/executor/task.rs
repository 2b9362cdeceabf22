//! One task on the hosts of a round: how it begins, its next items and attempts, and how they end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{Instrument, Span};

use super::attempt::{Attempt, Attempted, Stop};
use super::context::Context;
use super::event::{Event, Observer, TaskRef};
use super::loops::{self, LoopControl};
use super::results::{self, Finished, flag};
use super::run::{Run, RunError, Stage, check_time};
use super::span::TaskSpan;
use super::state::{StoredVars, TaskState};
use crate::jinja::convert::Stored;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{ErrorKind, Templar, Value, ops};
use crate::playbook::{Action, Task};

/// The next item or attempt of a host.
struct Unit<'a> {
    host: String,
    task: Arc<Task>,
    attempt: Attempt<'a>,
    control: LoopControl,
    /// What the item adds to the variables; none without a loop.
    item: Option<StoredVars>,
    /// How long to wait first, in seconds.
    wait: f64,
    /// The span of the task.
    span: Span,
}

/// What the next step of a host is.
enum Next<'a> {
    /// An item or attempt.
    Run(Box<Unit<'a>>),
    /// The task is over before it ran.
    End(Finished),
}

/// A unit that ran.
struct Done {
    host: String,
    task: Arc<Task>,
    control: LoopControl,
    item: Option<StoredVars>,
    templar: Templar,
    attempted: Attempted,
}

impl Run {
    /// Begins a task on a host: finds the items of its loop.
    ///
    /// # Errors
    /// The run was cancelled.
    pub(super) fn begin_task(
        &mut self,
        host: &str,
        task: &Arc<Task>,
        run_once: bool,
        templar: &Templar,
        stage: &Stage<'_>,
    ) -> Result<(), RunError> {
        let name = self.shown_name(host, task, stage, templar);
        let span = TaskSpan::begin(host, task, &name);
        let mut state = TaskState { name, attempt: 1, run_once, span, ..TaskState::default() };
        match loops::items(task, templar) {
            Ok(items) => state.items = items.map(|items| items.into_iter().map(Stored).collect()),
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(RunError::Cancelled),
            Err(error) => {
                if error.kind() != ErrorKind::Undefined {
                    let ignore = self.lineage(host, task, stage).get("ignore_errors");
                    let ignore = ignore.and_then(|value| templar.template(value).ok());
                    state.ignore_errors = ignore.as_ref().and_then(to_bool).unwrap_or(false);
                }
                state.loop_error = Some(error);
            }
        }
        self.state.cursor_mut(host).task = Some(state);
        Ok(())
    }

    /// Runs the next item or attempt of every host of the round, at once up to the limit of the round.
    ///
    /// # Errors
    /// The run was cancelled, its deadline passed, or the play is wrong.
    pub(super) async fn step_round(
        &mut self,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let Some(round) = self.state.batch.as_ref().and_then(|batch| batch.round.as_ref()) else {
            return Ok(());
        };
        let (told, heard) = unbounded_channel();
        let (hosts, limit) = (round.running.clone(), round.limit.max(1));
        let mut units = Vec::new();
        let mut ended = Vec::new();
        for host in hosts {
            let task = self.current_task(&host);
            let task = task.ok_or_else(|| RunError::Mismatch("no task is running".to_owned()))?;
            match self.next_unit(&host, &task, stage, &told) {
                Next::Run(unit) => {
                    let span = unit.span.clone();
                    units.push(run_unit(*unit).instrument(span));
                }
                Next::End(finished) => ended.push((host, task, finished)),
            }
        }
        drop(told);
        let done = observed(all_of(units, limit), heard, observer).await;
        check_time(stage.context)?;
        for (host, task, finished) in ended {
            let state = self.state.cursor_mut(&host).task.take().unwrap_or_default();
            self.end_task(&host, &task, finished, state, stage, observer)?;
        }
        for done in done {
            let done = done.map_err(|_| RunError::Cancelled)?;
            self.end_unit(done, stage, observer)?;
        }
        self.close_round(stage, observer)
    }

    fn close_round(&mut self, stage: &Stage<'_>, observer: &mut dyn Observer) -> Result<(), RunError> {
        let Some(batch) = &mut self.state.batch else { return Ok(()) };
        if batch.round.as_ref().is_some_and(|round| round.running.is_empty())
            && let Some(round) = batch.round.take()
        {
            self.end_round(round, stage, observer)?;
        }
        Ok(())
    }

    fn next_unit<'a>(
        &'a self,
        host: &str,
        task: &Arc<Task>,
        stage: &'a Stage<'_>,
        told: &UnboundedSender<Event>,
    ) -> Next<'a> {
        let default = TaskState::default();
        let state = self.state.cursor(host).and_then(|cursor| cursor.task.as_ref()).unwrap_or(&default);
        if let Some(error) = state.loop_error.as_ref().filter(|error| error.kind() != ErrorKind::Undefined) {
            return Next::End(Finished::of(results::raised(error)));
        }
        if state.items.as_ref().is_some_and(Vec::is_empty) {
            return Next::End(loops::no_items());
        }
        let mut vars = self.task_vars(host, task, stage);
        let plain = Templar::new(Arc::clone(&stage.env), Arc::new(std::mem::take(&mut vars)));
        let control = match LoopControl::of(task, &plain) {
            Ok(control) => control,
            Err(error) => return Next::End(Finished::of(results::raised(&error))),
        };
        let item = state.items.as_ref().map(|items| control.vars(items, state.index));
        let mut wait = state.wait;
        let templar = match &item {
            None => plain,
            Some(item) => {
                if state.index > 0 && state.attempt <= 1 {
                    wait = control.pause;
                }
                let mut vars = Arc::unwrap_or_clone(plain.vars);
                vars.extend(item.iter().map(|(name, value)| (Arc::clone(name), value.0.clone())));
                if let (Some(name), Some(last)) = (results::register(task), state.results.last()) {
                    vars.insert(name.into(), last.0.clone());
                }
                Templar::new(Arc::clone(&stage.env), Arc::new(vars))
            }
        };
        let attempt = Attempt {
            host: host.to_owned(),
            task: Arc::clone(task),
            stack: self.state.stack(host),
            variables: self.variables(stage),
            templar,
            context: stage.context,
            loop_error: state.loop_error.clone(),
            number: state.attempt.max(1),
            told: told.clone(),
        };
        Next::Run(Box::new(Unit {
            host: host.to_owned(),
            task: Arc::clone(task),
            attempt,
            control,
            item,
            wait,
            span: state.span.get(),
        }))
    }

    /// Takes what an item or attempt did into the state.
    fn end_unit(
        &mut self,
        done: Done,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let Done { host, task, control, item, templar, attempted } = done;
        let mut state = self.state.cursor_mut(&host).task.take().unwrap_or_default();
        let settings = &attempted.settings;
        state.no_log |= settings.no_log;
        state.delegate.clone_from(&settings.delegate);
        state.delegate_shown.clone_from(&settings.delegate_shown);
        (state.check, state.diff) = (Some(settings.check), Some(settings.diff));
        state.delegate_facts = settings.delegate_facts;
        state.wait = 0.0;
        if attempted.again {
            let task = self.task_ref(&host, &task, stage, &state);
            let left = attempted.attempts - state.attempt;
            let mut result = attempted.result;
            result.insert("retries".into(), Value::from(attempted.attempts as usize));
            let result = results::shown(&result, state.no_log);
            observer.observe(&Event::Retry { task, host: host.clone(), left, result });
            state.attempt += 1;
            state.wait = settings.delay;
            self.state.cursor_mut(&host).task = Some(state);
            return Ok(());
        }
        state.attempt = 1;
        let result = attempted.result;
        if result.get("changed").is_some_and(ops::truthy_or_false) {
            state.notify.extend(settings.notify.iter().cloned());
        }
        if let Some(mut include) = attempted.include {
            if let Some(item) = &item {
                include.vars = item.clone();
            }
            state.includes.push(include);
        }
        if attempted.raised {
            // The results of the items before are lost as well.
            state.items = None;
            state.includes.clear();
        }
        merge_ignored(&mut state, &result, settings.ignore_errors, settings.ignore_unreachable);
        match item {
            Some(item) if !attempted.raised => {
                self.end_item(&host, &task, result, &item, &control, &templar, state, stage, observer)
            }
            _ => self.end_task(&host, &task, Finished::of(result), state, stage, observer),
        }
    }

    /// Ends one item of a loop, and the task after the last one.
    #[expect(clippy::too_many_arguments, reason = "everything that an item is made of")]
    fn end_item(
        &mut self,
        host: &str,
        task: &Arc<Task>,
        mut result: Entries,
        item: &StoredVars,
        control: &LoopControl,
        templar: &Templar,
        mut state: TaskState,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        if !result.get("failed").is_some_and(ops::truthy_or_false) {
            self.store(host, task, &mut result, &state, Some(item), stage, observer);
        }
        for (name, value) in item {
            result.insert(name.as_ref().into(), value.0.clone());
        }
        let templar = with_registered(templar, task, &result);
        let failed = result.get("failed").is_some_and(ops::truthy_or_false);
        let label = item_label(control, item, &templar, &mut result);
        if !failed && result.get("failed").is_some_and(ops::truthy_or_false) {
            let ignore = self.lineage(host, task, stage).get("ignore_errors");
            let ignore = ignore.and_then(|value| templar.template(value).ok());
            let ignore = ignore.as_ref().and_then(to_bool).unwrap_or(false);
            let unreachable = state.ignore_unreachable;
            merge_ignored(&mut state, &result, ignore, unreachable);
        }
        let value = Value::Dict(Dict::new(result));
        let included = !state.includes.is_empty() && !flag(&value, "failed") && !flag(&value, "skipped");
        if !included {
            let shown = value.as_dict().map(|dict| results::shown(&dict.read(), state.no_log));
            observer.observe(&Event::Item {
                task: self.task_ref(host, task, stage, &state),
                host: host.to_owned(),
                outcome: results::outcome_of(&value, state.ignore_errors),
                label: if state.no_log { "(censored due to no_log)".to_owned() } else { label },
                result: shown.unwrap_or_default(),
            });
        }
        state.results.push(Stored(value));
        state.index += 1;
        let stop = !control.break_when.is_empty()
            && control.break_when.iter().all(|condition| templar.condition(condition).unwrap_or(false));
        if state.index < state.items.as_ref().map_or(0, Vec::len) && !stop {
            self.state.cursor_mut(host).task = Some(state);
            return Ok(());
        }
        let finished = loops::result(&state);
        self.end_task(host, task, finished, state, stage, observer)
    }

    /// The name of a task as it is shown: `role : name`.
    pub(super) fn shown_name(&self, host: &str, task: &Task, stage: &Stage<'_>, templar: &Templar) -> String {
        let name = match task.name() {
            Some(name) => templar.template(name).unwrap_or_else(|_| name.clone()).to_string(),
            None => match task.action {
                Action::IncludeRole => {
                    let name = task.args.get("name").or_else(|| task.args.get("role"));
                    format!("{} : {}", task.action_name, name.map(ToString::to_string).unwrap_or_default())
                }
                _ => task.action_name.clone(),
            },
        };
        match self.lineage(host, task, stage).role() {
            Some(role) => format!("{} : {name}", role.full_name()),
            None => name,
        }
    }

    /// A task as events speak of it.
    pub(super) fn task_ref(&self, host: &str, task: &Task, stage: &Stage<'_>, state: &TaskState) -> TaskRef {
        TaskRef {
            name: state.name.clone(),
            action: task.action_name.clone(),
            path: task.place.path(),
            no_log: state.no_log,
            handler: self.lineage(host, task, stage).in_handlers,
            number: self.state.started,
            check: state.check.unwrap_or(self.options.check),
            diff: state.diff.unwrap_or(self.options.diff),
            delegated_to: state.delegate.as_ref().map(|_| state.delegate_shown.clone()),
            ignore_unreachable: state.ignore_unreachable,
        }
    }
}

async fn run_unit(unit: Unit<'_>) -> Result<Done, Stop> {
    let Unit { host, task, attempt, control, item, wait, span: _ } = unit;
    sleep(wait, attempt.context).await?;
    let attempted = attempt.run().await?;
    Ok(Done { host, task, control, item, templar: attempt.templar, attempted })
}

/// Runs units, `limit` of them at once, and gives what they did in their order. A unit begins as soon as any
/// other has ended: a host that takes long holds up nobody.
async fn all_of<T>(units: Vec<impl Future<Output = T>>, limit: usize) -> Vec<T> {
    let numbered = units.into_iter().enumerate().map(async |(at, unit)| (at, unit.await));
    let mut done: Vec<(usize, T)> = futures::stream::iter(numbered).buffer_unordered(limit).collect().await;
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, done)| done).collect()
}

/// Does work whose events are observed as they happen.
async fn observed<T>(
    work: impl Future<Output = T>,
    mut heard: UnboundedReceiver<Event>,
    observer: &mut dyn Observer,
) -> T {
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            biased;
            Some(event) = heard.recv() => observer.observe(&event),
            done = &mut work => break done,
        }
    };
    while let Ok(event) = heard.try_recv() {
        observer.observe(&event);
    }
    done
}

/// Waits unless the run ends first.
async fn sleep(seconds: f64, context: &Context) -> Result<(), Stop> {
    if seconds <= 0.0 {
        return Ok(());
    }
    let until = Instant::now() + Duration::from_secs_f64(seconds.min(1e9));
    let end = context.deadline.filter(|deadline| *deadline < until);
    tokio::select! {
        () = tokio::time::sleep_until(end.unwrap_or(until).into()) => {
            if end.is_some() { Err(Stop::Cancelled) } else { Ok(()) }
        }
        () = context.cancel.cancelled() => Err(Stop::Cancelled),
    }
}

/// What the failures of the items so far say together: they are ignored when each of them is.
fn merge_ignored(state: &mut TaskState, result: &Entries, errors: bool, unreachable: bool) {
    let is = |name: &str| result.get(name).is_some_and(ops::truthy_or_false);
    let first = |name: &str| !state.results.iter().any(|result| flag(&result.0, name));
    if state.items.is_none() {
        state.ignore_errors = errors;
        state.ignore_unreachable = unreachable;
        return;
    }
    if is("failed") {
        state.ignore_errors = errors && (first("failed") || state.ignore_errors);
    }
    if is("unreachable") {
        state.ignore_unreachable = unreachable && (first("unreachable") || state.ignore_unreachable);
    }
}

/// The engine with the result of an item under its registered name.
fn with_registered(templar: &Templar, task: &Task, result: &Entries) -> Templar {
    let Some(name) = results::register(task) else { return templar.clone() };
    let mut vars = templar.vars.as_ref().clone();
    vars.insert(name.into(), Value::Dict(Dict::new(result.clone())));
    templar.with_vars(Arc::new(vars))
}

/// The label of an item; the item fails when it cannot be templated.
fn item_label(control: &LoopControl, item: &StoredVars, templar: &Templar, result: &mut Entries) -> String {
    let label = match &control.label {
        Some(label) => templar.template(label),
        None => Ok(item.get(control.loop_var.as_str()).map_or(Value::None, |item| item.0.clone())),
    };
    label.map(|label| label.to_string()).unwrap_or_else(|error| {
        result.insert("failed".into(), Value::Bool(true));
        result.insert("msg".into(), Value::from(format!("Failed to template loop_control.label: {error}")));
        String::new()
    })
}
