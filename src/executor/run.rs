//! A run: its state, its content, and its next step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::context::{Context, RunOptions};
use super::event::{Event, Observer, TaskOutcome, TaskRef};
use super::frame::{self, Frame, Holder, Inclusion, Section, Source};
use super::inherit::Lineage;
use super::state::{Phase, State, StoredVars, TaskState};
use super::stats::{Failure, Stats};
use super::task::{self, Attempt, LoopControl};
use super::vars::Variables;
use crate::jinja::convert::{self, Stored};
use crate::jinja::filters::core::to_bool;
use crate::jinja::lookups;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Environment, Error, ErrorKind, Templar, Value, Vars, ops};
use crate::playbook::{Action, Content, Node, Play, Task};

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The counts by host.
    pub stats: Stats,
    /// Every failed task that was not ignored, rescued ones included and marked, in order.
    pub failures: Vec<Failure>,
    /// The last `period` that `operator_sdk.util.requeue_after` asked for, as its text.
    pub requeue_after: Option<String>,
}

/// A run: serialisable between any two steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    options: RunOptions,
    extra: StoredVars,
    state: State,
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

/// What a finished task looked like.
struct Finished {
    result: Entries,
    failed: bool,
    skipped: bool,
    looped: bool,
}

impl Run {
    /// A run of this content that has not begun. `extra_vars` have the highest precedence; text in them
    /// is templated unless it is `{"__ansible_unsafe": text}`.
    #[must_use]
    pub fn new(
        content: Arc<Content>,
        extra_vars: serde_json::Map<String, serde_json::Value>,
        options: RunOptions,
    ) -> Self {
        let extra = extra_vars.into_iter().map(|(name, value)| {
            let value = serde_json::from_value::<Stored>(value).unwrap_or(Stored(Value::None));
            (Arc::from(name), value)
        });
        Run { options, extra: extra.collect(), state: State::new(), content: Some(ContentRef(content)) }
    }

    /// Gives a run that was stored its content back.
    ///
    /// # Errors
    /// The content is not the one that the run was made for.
    pub fn resume(&mut self, content: Arc<Content>) -> Result<(), RunError> {
        self.content = Some(ContentRef(content));
        let mut stack = std::mem::take(&mut self.state.stack);
        for at in 0..stack.len() {
            let holder = self.resolve(&stack, at)?;
            stack[at].holder = Some(holder);
        }
        self.state.stack = stack;
        Ok(())
    }

    fn content(&self) -> Result<Arc<Content>, RunError> {
        let content = self.content.as_ref().map(|content| Arc::clone(&content.0));
        content.ok_or_else(|| RunError::Mismatch("the run has no content".to_owned()))
    }

    /// What a level of the stack resolves to, given the levels below.
    fn resolve(&self, stack: &[Frame], at: usize) -> Result<Holder, RunError> {
        let content = self.content()?;
        let mismatch = || RunError::Mismatch(format!("level {at} of the stack does not exist"));
        let play = content.plays.get(self.state.play).ok_or_else(mismatch)?;
        let below = at.checked_sub(1).map(|below| &stack[below]);
        match &stack[at].source {
            Source::Phase(phase) => Ok(Holder::List(frame::phase_nodes(play, *phase))),
            Source::Child => {
                below.and_then(Frame::current).and_then(frame::child_holder).ok_or_else(mismatch)
            }
            Source::Handlers(numbers) => {
                let handlers = self.handlers(&content, play);
                let nodes: Option<Vec<Node>> =
                    numbers.iter().map(|number| handlers.get(*number).cloned()).collect();
                Ok(Holder::List(Arc::new(nodes.ok_or_else(mismatch)?)))
            }
            Source::Include(items) => {
                let Some(Node::Task(task)) = below.and_then(Frame::current) else { return Err(mismatch()) };
                let item = items.get(stack[at].item).ok_or_else(mismatch)?;
                let role = stack[..at].iter().rev().find_map(Frame::role);
                let in_handlers = stack[..at].iter().any(|frame| matches!(frame.source, Source::Handlers(_)));
                let found =
                    frame::include(&content, item, task, role, in_handlers).map_err(RunError::Mismatch)?;
                Ok(found.0)
            }
        }
    }

    /// What the run says so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            stats: self.state.stats.clone(),
            failures: self.state.failures.clone(),
            requeue_after: self.state.requeue_after.clone(),
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.done
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
        let content = self.content()?;
        let env =
            Arc::new(content.options.environment.with(context.extensions.clone(), context.cancel.clone()));
        loop {
            self.check_time(context)?;
            if self.state.done {
                return Ok(Progress::Done);
            }
            if self.state.task.is_some() {
                self.step_task(&content, &env, context, observer).await?;
                return Ok(Progress::Stepped);
            }
            let Some(play) = content.plays.get(self.state.play).cloned() else {
                self.finish(observer);
                return Ok(Progress::Done);
            };
            match self.state.stack.last_mut() {
                None => self.next_phase(&content, &env, &play, context, observer)?,
                Some(top) => {
                    let node = top.nodes().and_then(|nodes| nodes.get(top.index)).cloned();
                    match node {
                        Some(node) => {
                            top.index += 1;
                            self.enter(node, &content, &env, &play, observer)?;
                        }
                        None => self.leave(&content, observer),
                    }
                }
            }
        }
    }

    fn check_time(&self, context: &Context) -> Result<(), RunError> {
        if context.cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        match context.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(RunError::DeadlineExceeded),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, observer: &mut dyn Observer) {
        self.state.done = true;
        observer.observe(&Event::Stats { stats: self.state.stats.clone() });
    }

    /// Goes to the next part of the play, the next host, or the next play.
    fn next_phase(
        &mut self,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        play: &Arc<Play>,
        context: &Context,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        if self.state.phase == Phase::Start && self.state.queue.is_empty() {
            self.start_play(content, env, play, observer)?;
            if self.state.queue.is_empty() {
                self.state.play += 1;
                return Ok(());
            }
        }
        self.state.phase = self.state.phase.next();
        match self.state.phase {
            Phase::Gather => self.gather(content, env, play, context),
            Phase::PreHandlers | Phase::TaskHandlers | Phase::PostHandlers => {
                self.flush_handlers(content, play)
            }
            Phase::End => self.end_host(),
            phase => {
                let nodes = frame::phase_nodes(play, phase);
                if !nodes.is_empty() {
                    self.state.stack.push(Frame::new(Source::Phase(phase), Holder::List(nodes)));
                }
            }
        }
        Ok(())
    }

    fn end_host(&mut self) {
        self.state.stack.clear();
        self.state.notified.clear();
        self.state.ran.clear();
        self.state.queue.remove(0);
        self.state.phase = Phase::Start;
        if self.state.queue.is_empty() {
            self.state.play += 1;
            self.state.included_roles.clear();
        }
    }

    fn variables<'a>(&'a self, content: &'a Content, play: &'a Play) -> Variables<'a> {
        Variables { content, options: &self.options, extra: &self.extra, state: &self.state, play }
    }

    fn start_play(
        &mut self,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        play: &Arc<Play>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let vars = self.variables(content, play).of_play();
        let templar = Templar::new(Arc::clone(env), Arc::new(vars));
        let words = |error: Error| RunError::Play(error.message().to_owned());
        let hosts = play.keywords.get("hosts").cloned().unwrap_or(Value::None);
        let hosts = task::texts(&templar.template(&hosts).map_err(words)?);
        let name = match play.keywords.get("name") {
            Some(name) => templar.template(name).map_err(words)?.to_string(),
            None => hosts.join(","),
        };
        let strategy = play.keywords.get("strategy").map_or_else(|| "linear".to_owned(), ToString::to_string);
        let check = self.options.check;
        observer.observe(&Event::PlayStart { name, strategy, check });
        let mut queue =
            self.options.inventory.matching(&hosts).map_err(|error| RunError::Play(error.to_string()))?.hosts;
        if queue.is_empty() {
            observer.observe(&Event::NoHosts);
        }
        queue.retain(|host| !self.state.hosts.get(host).is_some_and(|known| known.failed));
        self.state.queue = queue;
        Ok(())
    }

    /// Gathers facts as the task that Ansible puts before the play.
    fn gather(
        &mut self,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        play: &Arc<Play>,
        context: &Context,
    ) {
        let wanted = match play.keywords.get("gather_facts") {
            None => self.options.gather_facts,
            Some(value) => {
                let vars = self.variables(content, play).of_play();
                let value = Templar::new(Arc::clone(env), Arc::new(vars)).template(value).ok();
                value.as_ref().and_then(to_bool).unwrap_or(true)
            }
        };
        if !wanted || context.modules.get("ansible.builtin.setup").is_none() {
            return;
        }
        let nodes = Arc::new(vec![Node::Task(Arc::new(gather_task(play)))]);
        self.state.stack.push(Frame::new(Source::Phase(Phase::Gather), Holder::List(nodes)));
    }

    /// All handlers of the play in the order of definition: its own, those of its roles, those of roles
    /// that were included.
    fn handlers(&self, content: &Content, play: &Play) -> Vec<Node> {
        let mut handlers = Vec::new();
        for list in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks] {
            collect_role_handlers(list, &mut handlers, 0);
        }
        flatten_handlers(&play.handlers, &mut handlers);
        for included in &self.state.included_roles {
            let files = frame::role_files(&included.files);
            let parent = included.parent.as_ref().map(|path| {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                content.role(&name, crate::playbook::RoleFiles::default(), None)
            });
            let parent = parent.and_then(Result::ok);
            if let Ok(role) = content.role(&included.name, files, parent.as_deref()) {
                collect_role_handlers(&role.nodes, &mut handlers, 0);
                flatten_handlers(&role.handlers, &mut handlers);
            }
        }
        handlers
    }

    fn flush_handlers(&mut self, content: &Arc<Content>, play: &Arc<Play>) {
        if self.state.notified.is_empty() {
            return;
        }
        let mut numbers: Vec<usize> = self.state.notified.drain(..).collect();
        numbers.sort_unstable();
        let handlers = self.handlers(content, play);
        let nodes = numbers.iter().filter_map(|number| handlers.get(*number).cloned()).collect();
        self.state.stack.push(Frame::new(Source::Handlers(numbers), Holder::List(Arc::new(nodes))));
    }

    /// Goes into a node.
    fn enter(
        &mut self,
        node: Node,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        play: &Arc<Play>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        match node {
            Node::Task(task) => self.begin_task(&task, content, env, play, observer),
            Node::Role(ref usage) => {
                let allow = usage.allow_duplicates.unwrap_or(usage.role.allow_duplicates);
                let params: Vec<_> = usage
                    .params
                    .iter()
                    .chain(&usage.keywords.vars)
                    .map(|(key, value)| format!("{key}={value:?}"))
                    .collect();
                let key =
                    format!("{}|{:?}|{}", usage.role.path.display(), usage.keywords.when, params.join(","));
                let first = self.state.ran.insert(key);
                if first || allow {
                    let holder = Holder::Role(Arc::clone(usage));
                    self.state.stack.push(Frame::new(Source::Child, holder));
                }
                Ok(())
            }
            other => {
                if let Some(holder) = frame::child_holder(&other) {
                    self.state.stack.push(Frame::new(Source::Child, holder));
                }
                Ok(())
            }
        }
    }

    /// Goes out of a list that is at its end.
    fn leave(&mut self, content: &Arc<Content>, observer: &mut dyn Observer) {
        let Some(top) = self.state.stack.last_mut() else { return };
        if let Some(Holder::Block(block)) = &top.holder {
            let always = !block.always.is_empty();
            match top.section {
                Section::Body | Section::Rescue if always => {
                    top.section = Section::Always;
                    top.index = 0;
                    return;
                }
                _ if top.pending => {
                    self.state.stack.pop();
                    self.unwind(observer);
                    return;
                }
                _ => {}
            }
        }
        if let (Source::Include(items), Some(Holder::Included { .. })) = (&top.source, &top.holder)
            && top.item + 1 < items.len()
        {
            top.item += 1;
            top.index = 0;
            self.load_inclusion(content, observer);
            return;
        }
        self.state.stack.pop();
    }

    /// Loads what the topmost level includes; the including task fails when that is wrong.
    fn load_inclusion(&mut self, content: &Arc<Content>, observer: &mut dyn Observer) {
        let stack = &self.state.stack;
        let Some(at) = stack.len().checked_sub(1) else { return };
        let Source::Include(items) = &stack[at].source else { return };
        let Some(Node::Task(task)) = at.checked_sub(1).and_then(|below| stack[below].current()).cloned()
        else {
            return;
        };
        let item = items[stack[at].item].clone();
        let role = stack[..at].iter().rev().find_map(Frame::role).cloned();
        let handlers = stack[..at].iter().any(|frame| matches!(frame.source, Source::Handlers(_)));
        match frame::include(content, &item, &task, role.as_ref(), handlers) {
            Ok((holder, path)) => {
                if let frame::Target::Tasks { .. } = &item.target {
                    let host = self.state.host();
                    self.state.stats.host(&host).ok += 1;
                    let label = item_label(&item);
                    observer.observe(&Event::Included {
                        file: path.display().to_string(),
                        hosts: vec![host],
                        label,
                    });
                }
                self.note_role(&item, &task, role.as_deref());
                self.state.stack[at].holder = Some(holder);
            }
            Err(message) => {
                self.state.stack.pop();
                let mut result = task::failure(&message);
                if let frame::Target::Tasks { name, .. } = &item.target {
                    result.shift_remove("msg");
                    result.insert("include".into(), Value::from(name.as_str()));
                    result.insert("reason".into(), Value::from(message));
                }
                let failed = Finished { result, failed: true, skipped: false, looped: false };
                self.fail_task(&task, failed, observer);
            }
        }
    }

    /// Remembers an included role for its handlers and, when it is public, for its variables.
    fn note_role(&mut self, item: &Inclusion, task: &Task, parent: Option<&crate::playbook::Role>) {
        let frame::Target::Role { name, files, .. } = &item.target else { return };
        let public = task.args.get("public").and_then(to_bool).unwrap_or(false);
        let role = super::state::IncludedRole {
            name: name.clone(),
            files: files.clone(),
            parent: parent.map(|role| role.path.clone()),
            public,
        };
        if !self.state.included_roles.contains(&role) {
            self.state.included_roles.push(role);
        }
    }

    fn lineage<'a>(&'a self, task: &'a Task, play: &'a Play) -> Lineage<'a> {
        Lineage { task, stack: &self.state.stack, play }
    }

    fn task_vars(&self, task: &Task, content: &Content, play: &Play) -> Vars {
        self.variables(content, play).of_task(&self.lineage(task, play))
    }

    /// Begins a task: tags, name, items of the loop.
    fn begin_task(
        &mut self,
        task: &Arc<Task>,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        play: &Arc<Play>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let vars = self.task_vars(task, content, play);
        let templar = Templar::new(Arc::clone(env), Arc::new(vars));
        if !self.tags_select(task, play, &templar) {
            return Ok(());
        }
        if task.action == Action::Meta {
            return self.meta(task, content, play, &templar);
        }
        self.state.started += 1;
        observer.observe(&Event::TaskStart { task: self.task_ref(task, play, &templar, false) });
        let mut state = TaskState { attempt: 1, ..TaskState::default() };
        match self.loop_items(task, &templar) {
            Ok(items) => state.items = items.map(|items| items.into_iter().map(Stored).collect()),
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(RunError::Cancelled),
            Err(error) if error.kind() == ErrorKind::Undefined => {
                state.loop_error = Some(error.message().to_owned())
            }
            Err(error) => {
                let failed = Finished {
                    result: task::failure(error.message()),
                    failed: true,
                    skipped: false,
                    looped: false,
                };
                let ignore =
                    self.lineage(task, play).get("ignore_errors").map(|value| templar.template(value));
                state.ignore_errors = ignore.and_then(Result::ok).as_ref().and_then(to_bool).unwrap_or(false);
                self.end_task(task, play, &templar, failed, state, observer);
                return Ok(());
            }
        }
        self.state.task = Some(state);
        Ok(())
    }

    fn task_ref(&self, task: &Task, play: &Play, templar: &Templar, no_log: bool) -> TaskRef {
        let lineage = self.lineage(task, play);
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
        let name = match lineage.role() {
            Some(role) => format!("{} : {name}", role.name),
            None => name,
        };
        TaskRef {
            name,
            action: task.action_name.clone(),
            path: task.place.path(),
            no_log,
            handler: lineage.in_handlers(),
            number: self.state.started,
            check: self.options.check,
            diff: self.options.diff,
            ..TaskRef::default()
        }
    }

    /// Whether `--tags` and `--skip-tags` let the task run (`playbook/taggable.py`).
    fn tags_select(&self, task: &Task, play: &Play, templar: &Templar) -> bool {
        let lineage = self.lineage(task, play);
        let mut tags: Vec<String> = Vec::new();
        for tag in lineage.tags() {
            if let Ok(tag) = templar.template(tag) {
                tags.extend(task::texts(&tag));
            }
        }
        select(&tags, &self.options.tags, &self.options.skip_tags)
    }

    /// The items of the task's loop; none without a loop.
    fn loop_items(&self, task: &Task, templar: &Templar) -> Result<Option<Vec<Value>>, Error> {
        let Some(looping) = &task.looping else { return Ok(None) };
        let Some(name) = &looping.lookup else {
            let items = templar.template(&looping.items)?;
            return match &items {
                Value::List(list) => Ok(Some(list.items())),
                other => Err(Error::ansible(format!(
                    "Invalid data passed to 'loop', it requires a list, got this instead: {other}. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup."
                ))),
            };
        };
        let plugins = Arc::clone(&templar.env.plugins);
        let lookup = plugins.lookup(name).ok_or_else(|| {
            Error::ansible(format!(
                "Unexpected failure in finding the lookup named '{name}' in the available lookup plugins"
            ))
        })?;
        let terms = templar.template(&match &looping.items {
            Value::Str(text) => Value::from(text.as_str().trim()),
            other => other.clone(),
        })?;
        let terms = match &terms {
            Value::List(list) => list.items(),
            Value::Dict(_) if name == "dict" => vec![terms.clone()],
            other if other.is_sequence() => ops::iterate(other)?,
            other => vec![other.clone()],
        };
        let found =
            lookup.run(terms, lookups::Options::default(), templar).map_err(|error| match error.kind() {
                ErrorKind::Undefined | ErrorKind::Cancelled => error,
                _ => Error::ansible(error.message()),
            })?;
        Ok(Some(found.into_iter().map(Value::into_unsafe).collect()))
    }

    /// Runs one item or attempt of the current task.
    async fn step_task(
        &mut self,
        content: &Arc<Content>,
        env: &Arc<Environment>,
        context: &Context,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let play = content.plays.get(self.state.play).cloned();
        let node = self.state.stack.last().and_then(Frame::current).cloned();
        let (Some(play), Some(Node::Task(task)), Some(mut state)) = (play, node, self.state.task.take())
        else {
            return Err(RunError::Mismatch("no task is running".to_owned()));
        };
        let mut vars = self.task_vars(&task, content, &play);
        let plain = Templar::new(Arc::clone(env), Arc::new(vars.clone()));
        if state.items.as_ref().is_some_and(Vec::is_empty) {
            let finished = no_items();
            self.end_task(&task, &play, &plain, finished, state, observer);
            return Ok(());
        }
        let control = match LoopControl::of(&task, &plain) {
            Ok(control) => control,
            Err(error) => {
                let result = task::failure(error.message());
                let failed = Finished { result, failed: true, skipped: false, looped: false };
                self.end_task(&task, &play, &plain, failed, state, observer);
                return Ok(());
            }
        };
        let item_vars = state.items.as_ref().map(|items| control.vars(items, state.index));
        if let Some(item_vars) = &item_vars {
            if state.index > 0 && state.attempt == 1 && control.pause > 0.0 {
                sleep(control.pause, context).await?;
            }
            vars.extend(item_vars.iter().map(|(name, value)| (Arc::clone(name), value.0.clone())));
            if let (Some(name), Some(last)) = (register(&task), state.results.last()) {
                vars.insert(name.into(), last.0.clone());
            }
        }
        let templar = Templar::new(Arc::clone(env), Arc::new(vars));
        let attempt = Attempt {
            lineage: self.lineage(&task, &play),
            templar: templar.clone(),
            content,
            context,
            verbosity: self.options.verbosity,
            check: self.options.check,
            diff: self.options.diff,
            omit: &self.state.omit,
            loop_error: state.loop_error.as_deref(),
            number: state.attempt.max(1),
        };
        let done = match attempt.run().await {
            Ok(done) => done,
            Err(_) => {
                self.state.task = Some(state);
                self.check_time(context)?;
                return Err(RunError::Cancelled);
            }
        };
        state.no_log |= done.settings.no_log;
        let task_ref = self.task_ref(&task, &play, &plain, state.no_log);
        if done.again {
            let left = done.attempts - state.attempt;
            let result = shown(&done.result, state.no_log);
            let host = self.state.host();
            observer.observe(&Event::Retry { task: task_ref, host, left, result });
            state.attempt += 1;
            self.state.task = Some(state);
            let delay = if done.settings.delay < 0.0 { 1.0 } else { done.settings.delay };
            return sleep(delay, context).await;
        }
        state.attempt = 1;
        let result = done.result;
        if result.get("changed").is_some_and(ops::truthy_or_false) {
            state.notify.extend(done.settings.notify.iter().cloned());
        }
        if let Some(mut include) = done.include {
            if let Some(item_vars) = &item_vars {
                include.vars = item_vars.clone();
            }
            state.includes.push(include);
        }
        let failed = result.get("failed").is_some_and(ops::truthy_or_false);
        let Some(item_vars) = item_vars else {
            state.ignore_errors = done.settings.ignore_errors;
            let skipped = result.get("skipped").is_some_and(ops::truthy_or_false);
            let finished = Finished { result, failed, skipped, looped: false };
            self.end_task(&task, &play, &templar, finished, state, observer);
            return Ok(());
        };
        if failed {
            let first = !state.results.iter().any(|result| flag(&result.0, "failed"));
            state.ignore_errors = if first {
                done.settings.ignore_errors
            } else {
                state.ignore_errors && done.settings.ignore_errors
            };
        }
        self.end_item(&task, &task_ref, result, &item_vars, &control, &templar, state, observer);
        Ok(())
    }

    /// Ends one item of a loop, and the task after the last one.
    #[expect(clippy::too_many_arguments, reason = "everything that an item is made of")]
    fn end_item(
        &mut self,
        task: &Arc<Task>,
        task_ref: &TaskRef,
        mut result: Entries,
        item_vars: &StoredVars,
        control: &LoopControl,
        templar: &Templar,
        mut state: TaskState,
        observer: &mut dyn Observer,
    ) {
        for (name, value) in item_vars {
            result.insert(name.as_ref().into(), value.0.clone());
        }
        let label = match &control.label {
            Some(label) => templar.template(label),
            None => Ok(item_vars.get(control.loop_var.as_str()).map_or(Value::None, |item| item.0.clone())),
        };
        let label = label.map(|label| label.to_string()).unwrap_or_else(|error| {
            result.insert("failed".into(), Value::Bool(true));
            result
                .insert("msg".into(), Value::from(format!("Failed to template loop_control.label: {error}")));
            String::new()
        });
        self.store_facts(task, &result);
        let value = Value::Dict(Dict::new(result));
        if state.includes.is_empty() || flag(&value, "failed") || flag(&value, "skipped") {
            let outcome = outcome_of(&value, state.ignore_errors);
            let shown = shown_value(&value, state.no_log);
            let label = if state.no_log { "(censored due to no_log)".to_owned() } else { label };
            let host = self.state.host();
            observer.observe(&Event::Item { task: task_ref.clone(), host, outcome, label, result: shown });
        }
        state.results.push(Stored(value.clone()));
        state.index += 1;
        let stop = !control.break_when.is_empty() && {
            let mut vars = templar.vars.as_ref().clone();
            if let Some(name) = register(task) {
                vars.insert(name.into(), value);
            }
            let templar = templar.with_vars(Arc::new(vars));
            control.break_when.iter().all(|condition| templar.condition(condition).unwrap_or(false))
        };
        let len = state.items.as_ref().map_or(0, Vec::len);
        if state.index < len && !stop {
            self.state.task = Some(state);
            return;
        }
        let finished = loop_result(&state);
        let play = self.content.as_ref().and_then(|content| content.0.plays.get(self.state.play).cloned());
        if let Some(play) = play {
            self.end_task(task, &play, templar, finished, state, observer);
        }
    }

    /// Registers, counts and shows the result of a task, and goes where it leads.
    fn end_task(
        &mut self,
        task: &Arc<Task>,
        play: &Arc<Play>,
        templar: &Templar,
        finished: Finished,
        state: TaskState,
        observer: &mut dyn Observer,
    ) {
        if !finished.looped {
            self.store_facts(task, &finished.result);
        }
        self.note_requeue(task, &finished.result);
        if let Some(name) = register(task) {
            let value = without_private(&Value::Dict(Dict::new(finished.result.clone())), 0);
            self.state.set(name, value);
        }
        let host = self.state.host();
        let task_ref = self.task_ref(task, play, templar, state.no_log);
        if finished.failed {
            self.end_failed(task, &task_ref, finished, &state, observer);
            return;
        }
        let changed = finished.result.get("changed").is_some_and(ops::truthy_or_false);
        let included = !state.includes.is_empty();
        let counts = self.state.stats.host(&host);
        let outcome = if finished.skipped {
            counts.skipped += 1;
            TaskOutcome::Skipped
        } else {
            if !included {
                counts.ok += 1;
                counts.changed += u32::from(changed);
            }
            if changed { TaskOutcome::Changed } else { TaskOutcome::Ok }
        };
        if !included {
            let result = shown(&finished.result, state.no_log);
            observer.observe(&Event::TaskEnd { task: task_ref, host, outcome, result });
        }
        if changed {
            self.notify(&state, play, templar, observer);
        }
        self.include(state, observer);
    }

    fn include(&mut self, state: TaskState, observer: &mut dyn Observer) {
        if state.includes.is_empty() {
            return;
        }
        let Ok(content) = self.content() else { return };
        let source = Source::Include(state.includes);
        self.state.stack.push(Frame { holder: None, ..Frame::new(source, Holder::List(Arc::default())) });
        self.load_inclusion(&content, observer);
    }

    fn end_failed(
        &mut self,
        task: &Arc<Task>,
        task_ref: &TaskRef,
        finished: Finished,
        state: &TaskState,
        observer: &mut dyn Observer,
    ) {
        let host = self.state.host();
        let result = shown(&finished.result, state.no_log);
        if state.ignore_errors {
            let changed = finished.result.get("changed").is_some_and(ops::truthy_or_false);
            let counts = self.state.stats.host(&host);
            counts.ok += 1;
            counts.ignored += 1;
            counts.changed += u32::from(changed);
            let outcome = TaskOutcome::Ignored;
            observer.observe(&Event::TaskEnd { task: task_ref.clone(), host, outcome, result });
            return;
        }
        self.raise(task, task_ref, &finished.result, result, observer);
    }

    /// Fails a task that never got to its module.
    fn fail_task(&mut self, task: &Arc<Task>, finished: Finished, observer: &mut dyn Observer) {
        let Ok(content) = self.content() else { return };
        let Some(play) = content.plays.get(self.state.play).cloned() else { return };
        let vars = self.task_vars(task, &content, &play);
        let templar = Templar::new(Arc::clone(&content.options.environment), Arc::new(vars));
        self.end_task(task, &play, &templar, finished, TaskState::default(), observer);
    }

    /// A failure that is not ignored: the innermost `rescue` takes over, or the host is done.
    fn raise(
        &mut self,
        task: &Task,
        task_ref: &TaskRef,
        result: &Entries,
        shown: serde_json::Value,
        observer: &mut dyn Observer,
    ) {
        let rescued = self.state.stack.iter().any(will_rescue);
        let host = self.state.host();
        let outcome = if rescued { TaskOutcome::Rescued } else { TaskOutcome::Failed };
        let message =
            shown.get("msg").and_then(serde_json::Value::as_str).unwrap_or("unknown playbook failure");
        self.state.failures.push(Failure {
            host: host.clone(),
            task: task_ref.name.clone(),
            path: task_ref.path.clone(),
            message: message.to_owned(),
            rescued,
        });
        let counts = self.state.stats.host(&host);
        if rescued {
            counts.rescued += 1;
            let failed_task = failed_task(task, task_ref);
            self.state.set("ansible_failed_task", failed_task);
            self.state.set("ansible_failed_result", Value::Dict(Dict::new(result.clone())).into_unsafe());
        } else {
            counts.failures += 1;
        }
        observer.observe(&Event::TaskEnd { task: task_ref.clone(), host, outcome, result: shown });
        self.unwind(observer);
    }

    /// Goes up the stack after a failure, to a `rescue` or through `always` blocks to the end.
    fn unwind(&mut self, observer: &mut dyn Observer) {
        while let Some(top) = self.state.stack.last_mut() {
            if let Some(Holder::Block(block)) = &top.holder {
                if will_rescue(top) {
                    top.section = Section::Rescue;
                    top.index = 0;
                    return;
                }
                if top.section != Section::Always && !block.always.is_empty() {
                    top.section = Section::Always;
                    top.index = 0;
                    top.pending = true;
                    return;
                }
            }
            self.state.stack.pop();
        }
        self.host_failed(observer);
    }

    fn host_failed(&mut self, _: &mut dyn Observer) {
        self.state.host_state().failed = true;
        let flush =
            matches!(self.state.phase, Phase::PreTasks | Phase::Roles | Phase::Tasks | Phase::PostTasks);
        let content = self.content().ok();
        let play = content.as_ref().and_then(|content| content.plays.get(self.state.play).cloned());
        let forced = self.options.force_handlers
            || play
                .as_ref()
                .is_some_and(|play| play.keywords.get("force_handlers").and_then(to_bool) == Some(true));
        self.state.phase = Phase::PostHandlers;
        if let (true, true, Some(content), Some(play)) = (flush, forced, content, play) {
            self.flush_handlers(&content, &play);
        }
    }

    /// Queues the handlers that a changed task notifies.
    fn notify(
        &mut self,
        state: &TaskState,
        play: &Arc<Play>,
        templar: &Templar,
        observer: &mut dyn Observer,
    ) {
        if state.notify.is_empty() {
            return;
        }
        let Ok(content) = self.content() else { return };
        let handlers = self.handlers(&content, play);
        for wanted in &state.notify {
            let mut found = false;
            let by_name =
                handlers.iter().enumerate().rev().find(|(_, node)| handler_is_named(node, wanted, templar));
            if let Some((number, _)) = by_name {
                found = true;
                self.state.notified.insert(number);
            }
            for (number, node) in handlers.iter().enumerate() {
                if handler_listens(node, wanted, templar) {
                    found = true;
                    self.state.notified.insert(number);
                }
            }
            let host = self.state.host();
            if found {
                observer.observe(&Event::Notified { handler: wanted.clone(), host });
            } else {
                let message = format!(
                    "The requested handler '{wanted}' was not found in either the main handlers list nor in the listening handlers list"
                );
                observer.observe(&Event::Warning { message });
            }
        }
    }

    /// Keeps the facts and variables that a result brings.
    fn store_facts(&mut self, task: &Task, result: &Entries) {
        let Action::Module(module) = task.action else { return };
        if module == "ansible.builtin.set_stats" {
            self.store_stats(result);
        }
        if result.get("failed").is_some_and(ops::truthy_or_false) && !module.ends_with("set_fact") {
            return;
        }
        let Some(facts) = result.get("ansible_facts").and_then(Value::as_dict).map(Dict::entries) else {
            return;
        };
        let stored = facts.into_iter().map(|(key, value)| (Arc::<str>::from(key.text().as_ref()), value));
        let host = self.state.host_state();
        match module {
            "ansible.builtin.debug" => {}
            "ansible.builtin.set_fact" => {
                let cacheable = result.get("_ansible_facts_cacheable").is_some_and(ops::truthy_or_false);
                for (name, value) in stored {
                    if cacheable {
                        host.facts.insert(Arc::clone(&name), Stored(value.clone()));
                    }
                    host.set.insert(name, Stored(value));
                }
            }
            "ansible.builtin.include_vars" => {
                host.included.extend(stored.map(|(name, value)| (name, Stored(value))));
            }
            _ => host.facts.extend(stored.map(|(name, value)| (name, Stored(value.into_unsafe())))),
        }
    }

    fn store_stats(&mut self, result: &Entries) {
        let Some(stats) = result.get("ansible_stats").and_then(Value::as_dict) else { return };
        let data = stats.get("data").as_ref().map(convert::to_json);
        let per_host = stats.get("per_host").is_some_and(|it| ops::truthy_or_false(&it));
        let scope = if per_host { self.state.host() } else { "_run".to_owned() };
        if let Some(serde_json::Value::Object(data)) = data {
            self.state.stats.custom.entry(scope).or_default().extend(data);
        }
    }

    fn note_requeue(&mut self, task: &Task, result: &Entries) {
        if task.action == Action::Module("operator_sdk.util.requeue_after")
            && let Some(period) = result.get("period")
        {
            self.state.requeue_after = Some(period.to_string());
        }
    }

    /// `meta` actions.
    fn meta(
        &mut self,
        task: &Task,
        content: &Arc<Content>,
        play: &Arc<Play>,
        templar: &Templar,
    ) -> Result<(), RunError> {
        let words = |error: Error| RunError::Play(error.message().to_owned());
        let action = task.args.get("_raw_params").cloned().unwrap_or(Value::None);
        let action = templar.template(&action).map_err(words)?.to_string();
        let unconditional = matches!(action.as_str(), "noop" | "refresh_inventory" | "reset_connection");
        if !unconditional {
            for (condition, _) in self.lineage(task, play).when() {
                if !templar.condition(condition).map_err(words)? {
                    let host = self.state.host();
                    self.state.stats.host(&host).skipped += 0;
                    return Ok(());
                }
            }
        }
        match action.as_str() {
            "end_play" | "end_host" | "end_batch" => {
                self.state.stack.clear();
                self.state.phase = Phase::PostHandlers;
                if action != "end_host" {
                    self.state.queue.truncate(1);
                }
            }
            "end_role" => {
                while let Some(frame) = self.state.stack.pop() {
                    if frame.role().is_some() {
                        break;
                    }
                }
            }
            "flush_handlers" => self.flush_handlers(content, play),
            "clear_facts" => self.state.host_state().facts.clear(),
            "clear_host_errors" => self.state.hosts.values_mut().for_each(|host| host.failed = false),
            _ => {}
        }
        Ok(())
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

async fn sleep(seconds: f64, context: &Context) -> Result<(), RunError> {
    let wait = Duration::from_secs_f64(seconds.clamp(0.0, 1e9));
    let until = Instant::now() + wait;
    let end = context.deadline.filter(|deadline| *deadline < until);
    tokio::select! {
        () = tokio::time::sleep_until(end.unwrap_or(until).into()) => {
            if end.is_some() { Err(RunError::DeadlineExceeded) } else { Ok(()) }
        }
        () = context.cancel.cancelled() => Err(RunError::Cancelled),
    }
}

fn register(task: &Task) -> Option<&str> {
    task.keywords.get("register").and_then(Value::as_str)
}

fn flag(value: &Value, name: &str) -> bool {
    value.as_dict().and_then(|dict| dict.get(name)).is_some_and(|value| ops::truthy_or_false(&value))
}

fn outcome_of(result: &Value, ignored: bool) -> TaskOutcome {
    if flag(result, "failed") {
        if ignored { TaskOutcome::Ignored } else { TaskOutcome::Failed }
    } else if flag(result, "skipped") {
        TaskOutcome::Skipped
    } else if flag(result, "changed") {
        TaskOutcome::Changed
    } else {
        TaskOutcome::Ok
    }
}

/// Whether a level is in the body of a block that has a `rescue`.
fn will_rescue(frame: &Frame) -> bool {
    matches!(&frame.holder, Some(Holder::Block(block)) if frame.section == Section::Body && !block.rescue.is_empty())
}

/// A result as observers may see it.
fn shown(result: &Entries, no_log: bool) -> serde_json::Value {
    let keep = |key: &str| {
        if no_log { matches!(key, "attempts" | "changed" | "retries") } else { !key.starts_with("_ansible_") }
    };
    let kept = result.iter().filter(|(key, _)| keep(&key.text()));
    let mut map: serde_json::Map<String, serde_json::Value> = kept
        .map(|(key, value)| (key.text().into_owned(), convert::to_json(&without_private(value, 0))))
        .collect();
    if no_log {
        map.insert("censored".to_owned(), task::CENSORED.into());
    }
    serde_json::Value::Object(map)
}

/// A result without the keys that are private to the engine, at any depth (`strip_internal_keys`).
fn without_private(value: &Value, depth: usize) -> Value {
    match value {
        Value::Dict(dict) if depth < 100 => {
            let kept = dict.entries().into_iter().filter(|(key, _)| !key.text().starts_with("_ansible_"));
            Value::Dict(kept.map(|(key, value)| (key, without_private(&value, depth + 1))).collect())
        }
        Value::List(list) if depth < 100 => {
            Value::list(list.items().iter().map(|item| without_private(item, depth + 1)).collect())
        }
        other => other.clone(),
    }
}

fn shown_value(result: &Value, no_log: bool) -> serde_json::Value {
    result.as_dict().map(|dict| shown(&dict.read(), no_log)).unwrap_or_default()
}

fn no_items() -> Finished {
    let result = Entries::from_iter([
        ("changed".into(), Value::Bool(false)),
        ("skipped".into(), Value::Bool(true)),
        ("skipped_reason".into(), Value::from("No items in the list")),
        ("results".into(), Value::list(Vec::new())),
    ]);
    Finished { result, failed: false, skipped: true, looped: true }
}

/// The result of a loop from those of its items.
fn loop_result(state: &TaskState) -> Finished {
    let results: Vec<Value> = state.results.iter().map(|result| result.0.clone()).collect();
    let any = |name: &str| results.iter().any(|result| flag(result, name));
    let (failed, changed) = (any("failed"), any("changed"));
    let skipped = results.iter().all(|result| flag(result, "skipped"));
    let msg = match (skipped, failed) {
        (true, _) => "All items skipped",
        (false, true) => "One or more items failed",
        (false, false) => "All items completed",
    };
    let mut result = Entries::new();
    result.insert("results".into(), Value::list(results));
    result.insert("skipped".into(), Value::Bool(skipped));
    result.insert("changed".into(), Value::Bool(changed));
    if failed {
        result.insert("failed".into(), Value::Bool(true));
    }
    result.insert("msg".into(), Value::from(msg));
    Finished { result, failed, skipped, looped: true }
}

fn item_label(item: &Inclusion) -> Option<String> {
    let name = item.vars.get("ansible_loop_var")?.0.to_string();
    item.vars.get(name.as_str()).map(|item| item.0.to_string())
}

/// `ansible_failed_task`.
fn failed_task(task: &Task, task_ref: &TaskRef) -> Value {
    let args = task.args.iter().map(|(key, value)| (key.as_ref(), value.clone()));
    Value::dict([
        ("name", task.name().cloned().unwrap_or_else(|| Value::from(""))),
        ("action", Value::from(task_ref.action.as_str())),
        ("args", Value::dict(args)),
        ("path", Value::from(task_ref.path.as_str())),
    ])
    .into_unsafe()
}

fn gather_task(play: &Play) -> Task {
    let mut keywords = crate::playbook::Keywords::default();
    keywords.values.insert("name", Value::from("Gathering Facts"));
    keywords.tags.push(Value::from("always"));
    Task {
        place: play.place.clone(),
        keywords,
        action_name: "gather_facts".to_owned(),
        action: Action::Module("ansible.builtin.setup"),
        args: crate::playbook::VarMap::new(),
        looping: None,
        collections: Arc::default(),
    }
}

/// The handlers of the roles that are part of a list, dependencies first.
fn collect_role_handlers(nodes: &[Node], handlers: &mut Vec<Node>, depth: usize) {
    if depth > 100 {
        return;
    }
    for node in nodes {
        match node {
            Node::Task(_) => {}
            Node::Block(block) => {
                for list in [&block.body, &block.rescue, &block.always] {
                    collect_role_handlers(list, handlers, depth + 1);
                }
            }
            Node::Import(import) => collect_role_handlers(&import.nodes, handlers, depth + 1),
            Node::Role(usage) => {
                collect_role_handlers(&usage.role.nodes, handlers, depth + 1);
                flatten_handlers(&usage.role.handlers, handlers);
            }
        }
    }
}

/// Handlers one by one; imported files are part of the list.
fn flatten_handlers(nodes: &[Node], handlers: &mut Vec<Node>) {
    for node in nodes {
        match node {
            Node::Import(import) => flatten_handlers(&import.nodes, handlers),
            other => handlers.push(other.clone()),
        }
    }
}

fn handler_is_named(node: &Node, wanted: &str, templar: &Templar) -> bool {
    let Node::Task(task) = node else { return false };
    let Some(name) = task.name() else { return false };
    let name = templar.template(name).map(|name| name.to_string()).unwrap_or_default();
    name == wanted || wanted.rsplit_once(" : ").is_some_and(|(_, short)| short == name)
}

fn handler_listens(node: &Node, wanted: &str, templar: &Templar) -> bool {
    let Node::Task(task) = node else { return false };
    let Some(listen) = task.keywords.get("listen") else { return false };
    templar.template(listen).is_ok_and(|listen| task::texts(&listen).iter().any(|topic| topic == wanted))
}

/// Whether tags let something run.
fn select(tags: &[String], only: &[String], skip: &[String]) -> bool {
    let has = |name: &str| tags.iter().any(|tag| tag == name);
    let asked = |name: &str| only.iter().any(|tag| tag == name);
    let shared = |list: &[String]| list.iter().any(|tag| has(tag));
    let untagged = tags.is_empty();
    let all = only.is_empty() || asked("all");
    let mut run = if has("always") || (all && !has("never")) || shared(only) {
        true
    } else {
        (asked("tagged") && !untagged && !has("never")) || (asked("untagged") && untagged)
    };
    if run && !skip.is_empty() {
        let skips = |name: &str| skip.iter().any(|tag| tag == name);
        if skips("all") {
            run = has("always") && !skips("always");
        } else if shared(skip) || (skips("tagged") && !untagged) || (skips("untagged") && untagged) {
            run = false;
        }
    }
    run
}
