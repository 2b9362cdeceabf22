//! A run: its state, its content, and its next step.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::context::{Context, RunOptions};
use super::event::{Event, Observer};
use super::frame::{self, Frame, Holder, Source};
use super::handlers::Handlers;
use super::hosts::Hosts;
use super::inherit::Lineage;
use super::roles::PlayRoles;
use super::state::{Batch, State, StoredVars};
use super::stats::{Failure, Stats};
use super::vars::Variables;
use crate::jinja::convert::Stored;
use crate::jinja::{Environment, Notice, Templar, Value, Vars};
use crate::playbook::{Content, Node, Play, Task};

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
    /// What a task includes cannot be loaded (Ansible's parser errors, exit code 4).
    #[error("{0}")]
    Include(String),
}

/// How a run ended; the value is the exit code of `ansible-playbook`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Every host is well, rescued and ignored failures included.
    #[default]
    Ok = 0,
    /// A task failed on a host.
    Failed = 2,
    /// A host could not be reached.
    Unreachable = 4,
}

/// What a finished run says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The counts by host.
    pub stats: Stats,
    /// Every failed task that was not ignored, rescued ones included and marked, in order.
    pub failures: Vec<Failure>,
    /// The last `period` that `operator_sdk.util.requeue_after` asked for, as its text.
    pub requeue_after: Option<String>,
    /// When the earliest schedule of the run is next, in seconds since 1970.
    pub come_back: Option<i64>,
}

/// A run: serialisable between any two steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub(super) options: RunOptions,
    pub(super) extra: Arc<StoredVars>,
    pub(super) state: State,
    #[serde(skip)]
    content: Option<ContentRef>,
}

/// The content of a run; not part of its state.
#[derive(Clone)]
struct ContentRef(Arc<Content>);

impl std::fmt::Debug for ContentRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({})", self.0.basedir.display())
    }
}

/// What one step works with beside the state.
pub(super) struct Stage<'a> {
    /// The content.
    pub content: Arc<Content>,
    /// The plugins and handles of templating.
    pub env: Arc<Environment>,
    /// The play that runs.
    pub play: Arc<Play>,
    /// The surroundings of the run.
    pub context: &'a Context,
}

/// Passes on what templates told beside their results.
fn tell(env: &Environment, observer: &mut dyn Observer) {
    for notice in env.notices.take() {
        observer.observe(&match notice {
            Notice::Warning(message) => Event::Warning { message },
            Notice::Deprecation { message, version } => {
                Event::Deprecated { message, version: version.to_owned() }
            }
        });
    }
}

impl Run {
    /// A run of this content that has not begun. `extra_vars` have the highest precedence; text in them
    /// is templated unless it is `{"__ansible_unsafe": text}`.
    #[must_use]
    pub fn new(
        content: Arc<Content>,
        extra_vars: serde_json::Map<String, serde_json::Value>,
        mut options: RunOptions,
    ) -> Self {
        let extra = extra_vars.into_iter().map(|(name, value)| {
            let value = serde_json::from_value::<Stored>(value).unwrap_or(Stored(Value::None));
            (Arc::from(name), value)
        });
        let hosts = Hosts::new(std::mem::take(&mut options.inventory));
        let state = State::new(hosts, options.start_at_task.clone());
        Run { options, extra: Arc::new(extra.collect()), state, content: Some(ContentRef(content)) }
    }

    /// Gives a run that was stored its content back.
    ///
    /// # Errors
    /// The content is not the one that the run was made for.
    pub fn resume(&mut self, content: Arc<Content>) -> Result<(), RunError> {
        self.content = Some(ContentRef(Arc::clone(&content)));
        let Some(mut batch) = self.state.batch.take() else { return Ok(()) };
        let play = content.plays.get(self.state.number).ok_or_else(|| mismatch(0))?;
        batch.roles = PlayRoles::of(play, self.options.private_role_vars);
        batch.handlers = Handlers::of(play);
        for at in 0..batch.included_roles.len() {
            let mut stack = std::mem::take(&mut batch.included_roles[at].stack);
            restore(&mut stack, &batch, &content, play)?;
            batch.included_roles[at].stack = stack;
            batch.roles.add(&batch.included_roles[at], self.options.private_role_vars);
            batch.handlers.add(&batch.included_roles[at]);
        }
        let mut cursors = std::mem::take(&mut batch.cursors);
        for cursor in cursors.values_mut() {
            restore(&mut cursor.stack, &batch, &content, play)?;
        }
        batch.cursors = cursors;
        self.state.batch = Some(batch);
        Ok(())
    }

    fn content(&self) -> Result<Arc<Content>, RunError> {
        let content = self.content.as_ref().map(|content| Arc::clone(&content.0));
        content.ok_or_else(|| RunError::Mismatch("the run has no content".to_owned()))
    }

    /// What the run says so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let state = &self.state;
        Outcome {
            status: state.status,
            stats: state.stats.clone(),
            failures: state.failures.clone(),
            requeue_after: state.requeue_after.clone(),
            come_back: state.come_back,
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.done
    }

    /// The hosts as the run knows them: the inventory with what `add_host` and `group_by` added.
    #[must_use]
    pub fn inventory(&self) -> &crate::inventory::Inventory {
        self.state.hosts.inventory()
    }

    /// Does the next thing: one task, one item of a loop, or one attempt, on each host that is at it.
    ///
    /// # Errors
    /// The run was cancelled, its deadline passed, or the play is wrong.
    pub async fn advance(
        &mut self,
        context: &Context,
        observer: &mut dyn Observer,
    ) -> Result<Progress, RunError> {
        let content = self.content()?;
        let env =
            Arc::new(content.options.environment.with(context.extensions.clone(), context.cancel.clone()));
        loop {
            check_time(context)?;
            if self.state.done {
                return Ok(Progress::Done);
            }
            let Some(play) = content.plays.get(self.state.number).cloned() else {
                self.finish(observer);
                return Ok(Progress::Done);
            };
            let stage = Stage { content: Arc::clone(&content), env: Arc::clone(&env), play, context };
            match self.state.batch.as_ref().map(|batch| batch.round.is_some()) {
                None => self.next_batch(&stage, observer)?,
                Some(true) => {
                    let stepped = self.step_round(&stage, observer).await;
                    tell(&stage.env, observer);
                    return stepped.map(|()| Progress::Stepped);
                }
                Some(false) => {
                    if !self.begin_round(&stage, observer)? {
                        self.end_batch(&stage, observer);
                    }
                }
            }
        }
    }

    fn finish(&mut self, observer: &mut dyn Observer) {
        self.state.done = true;
        observer.observe(&Event::Stats { stats: self.state.stats.clone() });
    }

    /// What variables are made of now.
    pub(super) fn variables<'a>(&'a self, stage: &'a Stage<'_>) -> Variables<'a> {
        Variables {
            content: &stage.content,
            env: &stage.env,
            options: &self.options,
            extra: &self.extra,
            state: &self.state,
            play: &stage.play,
        }
    }

    /// The surroundings of a task on a host.
    pub(super) fn lineage<'a>(&'a self, host: &str, task: &'a Task, stage: &'a Stage<'_>) -> Lineage<'a> {
        Lineage::new(task, self.state.stack(host), &stage.play)
    }

    /// The variables of a task on a host.
    pub(super) fn task_vars(&self, host: &str, task: &Task, stage: &Stage<'_>) -> Vars {
        self.variables(stage).of_task(&self.lineage(host, task, stage), Some(host))
    }

    /// The engine over the variables of a task on a host.
    pub(super) fn templar(&self, host: &str, task: &Task, stage: &Stage<'_>) -> Templar {
        Templar::new(Arc::clone(&stage.env), Arc::new(self.task_vars(host, task, stage)))
    }

    /// The engine over the variables of the play.
    pub(super) fn play_templar(&self, stage: &Stage<'_>) -> Templar {
        Templar::new(Arc::clone(&stage.env), Arc::new(self.variables(stage).of_play()))
    }

    /// The task that a host runs, or ran last.
    pub(super) fn current_task(&self, host: &str) -> Option<Arc<Task>> {
        match self.state.stack(host).last().and_then(Frame::current) {
            Some(Node::Task(task)) => Some(Arc::clone(task)),
            _ => None,
        }
    }
}

/// Ends the run when it was cancelled or its deadline passed.
///
/// # Errors
/// Either of both.
pub(super) fn check_time(context: &Context) -> Result<(), RunError> {
    if context.cancel.is_cancelled() {
        return Err(RunError::Cancelled);
    }
    match context.deadline {
        Some(deadline) if Instant::now() >= deadline => Err(RunError::DeadlineExceeded),
        _ => Ok(()),
    }
}

fn mismatch(level: usize) -> RunError {
    RunError::Mismatch(format!("level {level} of the stack does not exist"))
}

/// Finds again what the levels of a stored stack resolve to.
fn restore(stack: &mut [Frame], batch: &Batch, content: &Content, play: &Play) -> Result<(), RunError> {
    for at in 0..stack.len() {
        let holder = resolve(stack, at, batch, content, play)?;
        stack[at].holder = Some(holder);
    }
    Ok(())
}

/// What a level of a stack resolves to, given the levels below.
fn resolve(
    stack: &[Frame],
    at: usize,
    batch: &Batch,
    content: &Content,
    play: &Play,
) -> Result<Holder, RunError> {
    let below = at.checked_sub(1).map(|below| &stack[below]);
    match &stack[at].source {
        Source::Phase(phase) => Ok(Holder::List(frame::phase_nodes(play, *phase))),
        Source::Child => {
            below.and_then(Frame::current).and_then(frame::child_holder).ok_or_else(|| mismatch(at))
        }
        Source::Handlers => Ok(Holder::Handlers),
        Source::Handler(number) => {
            batch.handlers.get(*number).cloned().map(Holder::Handler).ok_or_else(|| mismatch(at))
        }
        Source::Include(items) => {
            let Some(Node::Task(task)) = below.and_then(Frame::current) else { return Err(mismatch(at)) };
            let item = items.get(stack[at].item).ok_or_else(|| mismatch(at))?;
            let lineage = Lineage::new(task, &stack[..at], play);
            let role = lineage.role().map(AsRef::as_ref);
            let found = frame::include(content, item, task, role, lineage.in_handlers);
            Ok(found.map_err(|errors| RunError::Mismatch(errors.to_string()))?.0)
        }
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
    Ok(run.outcome())
}
