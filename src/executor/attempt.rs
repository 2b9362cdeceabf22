//! One attempt at one task on one host: condition, arguments, module (`executor/task_executor.py`).

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::context::Context;
use super::escalation::Escalation;
use super::event::Event;
use super::frame::{Frame, Inclusion};
use super::inherit::Lineage;
use super::results::{failure, raised};
use super::settings::Settings;
use super::vars::Variables;
use crate::jinja::value::Entries;
use crate::jinja::{Error, ErrorKind, Templar, Value};
use crate::modules::{Args, CheckMode, Module, ModuleContext, ModuleError, Spec, TaskInfo, TaskResult};
use crate::playbook::{Action, Place, Task};

/// Everything that one attempt needs, without a hold on the run.
pub(super) struct Attempt<'a> {
    /// The host.
    pub host: String,
    /// The task.
    pub task: Arc<Task>,
    /// Where it stands.
    pub stack: &'a [Frame],
    /// What the variables of other hosts are made of.
    pub variables: Variables<'a>,
    /// The engine over the variables of the task and of the item.
    pub templar: Templar,
    /// The surroundings of the run.
    pub context: &'a Context,
    /// Why the loop could not be templated.
    pub loop_error: Option<Error>,
    /// The number of the attempt, from one.
    pub number: u32,
    /// What happens before it ends.
    pub told: UnboundedSender<Event>,
}

/// How an attempt ended.
pub(super) struct Attempted {
    /// The result.
    pub result: Entries,
    /// The settings that it ran with.
    pub settings: Settings,
    /// Whether another attempt must follow.
    pub again: bool,
    /// How many attempts there are.
    pub attempts: u32,
    /// What the task includes.
    pub include: Option<Inclusion>,
    /// Whether an error ended it, which ends the loop as well.
    pub raised: bool,
}

/// Why an attempt has no result.
pub(super) enum Stop {
    /// The task fails with this message.
    Failed(Error),
    /// The run was cancelled.
    Cancelled,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::Cancelled { Stop::Cancelled } else { Stop::Failed(error) }
    }
}

impl Attempt<'_> {
    /// The surroundings of the task.
    pub(super) fn lineage(&self) -> Lineage<'_> {
        Lineage::new(&self.task, self.stack, self.variables.play)
    }

    /// The token of `omit`.
    pub(super) fn omit(&self) -> &str {
        &self.variables.state.omit
    }

    /// Tells observers of the run what happens before the attempt ends.
    pub(super) fn tell(&self, event: Event) {
        // A run that no longer listens is about to end.
        let _ = self.told.send(event);
    }

    /// Runs the attempt.
    ///
    /// # Errors
    /// The run was cancelled.
    pub(super) async fn run(&self) -> Result<Attempted, Stop> {
        let mut settings = self.early_settings();
        match self.attempt(&mut settings).await {
            Ok(done) => Ok(done),
            Err(Stop::Cancelled) => Err(Stop::Cancelled),
            Err(Stop::Failed(error)) => {
                Ok(Attempted { raised: true, ..self.done(raised(&error), &settings) })
            }
        }
    }

    async fn attempt(&self, settings: &mut Settings) -> Result<Attempted, Stop> {
        let delegated = self.delegated(settings)?;
        let this = delegated.as_ref().unwrap_or(self);
        if let Some(condition) = this.false_condition().map_err(|error| self.loop_error_first(error))? {
            let result = Entries::from_iter([
                ("changed".into(), Value::Bool(false)),
                ("skipped".into(), Value::Bool(true)),
                ("skip_reason".into(), Value::from("Conditional result was False")),
                ("false_condition".into(), condition),
            ]);
            return Ok(this.done(result, settings));
        }
        if let Some(error) = &self.loop_error {
            return Err(error.clone().into());
        }
        match &this.task.action {
            Action::IncludeTasks => return this.include_tasks(settings),
            Action::IncludeRole => return this.include_role(settings),
            Action::Meta => return Ok(this.done(Entries::new(), settings)),
            Action::Module(_) => {}
        }
        let settled = this.settle_keywords(settings).and_then(|()| this.arguments());
        let args = match settled.map_err(|error| this.in_option(error)) {
            Err(error) if error.escapes() => return Ok(this.done(crashed(&error), settings)),
            settled => settled?,
        };
        if let Some(result) = this.unreachable(settings)? {
            return Ok(this.done(result, settings));
        }
        settings.run_as = match this.escalate()? {
            Escalation::None => Vec::new(),
            Escalation::Through(words) => words,
            Escalation::Refused(result) => return Ok(this.done(result, settings)),
        };
        let result = this.call(args, settings).await?;
        this.judge(result, settings)
    }

    /// An attempt that ended with this result.
    pub(super) fn done(&self, result: Entries, settings: &Settings) -> Attempted {
        let settings = settings.clone();
        Attempted { result, settings, again: false, attempts: 1, include: None, raised: false }
    }

    fn loop_error_first(&self, error: Error) -> Error {
        self.loop_error.clone().filter(|_| !error.escapes()).unwrap_or(error)
    }

    /// The first condition that does not hold.
    fn false_condition(&self) -> Result<Option<Value>, Error> {
        for (condition, place) in self.lineage().when() {
            if !self.holds(condition, place)? {
                return Ok(Some(condition.clone()));
            }
        }
        Ok(None)
    }

    fn holds(&self, condition: &Value, place: Option<&Place>) -> Result<bool, Error> {
        let at = || match (condition, place) {
            (Value::Str(_), Some(place)) => format!("location {}", spot(place)),
            _ => format!("approximate location {}", spot(&self.task.place)),
        };
        self.templar
            .condition_at(condition, &at)
            .map_err(|error| place.unwrap_or(&self.task.place).condition_error(error, condition))
    }

    /// An undefined variable within an option is worded by the task (`playbook/base.py`).
    fn in_option(&self, error: Error) -> Error {
        let place = || self.task.place.in_source();
        match error.kind() {
            ErrorKind::Undefined => Error::undefined(format!(
                "The task includes an option with an undefined variable.. {error}{}",
                place()
            )),
            ErrorKind::Value | ErrorKind::Type => Error::ansible(format!(
                "the field 'args' has an invalid value ({}), and could not be converted to dict.. {error}{}",
                Value::dict(self.task.args.iter().map(|(key, value)| (key.as_ref(), value.clone()))),
                place()
            )),
            _ => error,
        }
    }

    /// Validates the arguments and runs the module.
    async fn call(&self, args: Entries, settings: &Settings) -> Result<Entries, Stop> {
        let Action::Module(name) = self.task.action else { return Ok(Entries::new()) };
        let Some(entry) = self.context.modules.get(name) else {
            return Err(Error::ansible(format!("the module '{name}' is not available")).into());
        };
        let spec = entry.spec;
        let args = match spec.validate(args) {
            Ok(args) => args,
            Err(message) => return Ok(failure(&message)),
        };
        if settings.check && spec.check_mode == CheckMode::None {
            let name = &self.task.action_name;
            return Ok(
                TaskResult::skipped(format!("remote module ({name}) does not support check mode")).fields
            );
        }
        let context = self.module_context(settings);
        let invocation = self.invocation(spec, &args);
        if settings.asynchronous > 0 {
            return self.start_job(entry, args, context, settings).await;
        }
        let mut result = self.timed(&entry.module, args, &context, settings.timeout).await?;
        result.extend(invocation.map(|invocation| ("invocation".into(), invocation)));
        Ok(result)
    }

    /// The arguments as the result shows them to those who ask for them; none for all others.
    fn invocation(&self, spec: &Spec, args: &Args) -> Option<Value> {
        if self.variables.options.verbosity < 3 {
            return None;
        }
        let shown = args.values.iter().map(|(name, value)| {
            let secret = spec.option(&name.text()).is_some_and(|option| option.no_log) && !value.is_none();
            let hidden = || Value::from("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER");
            (name.text().into_owned(), if secret { hidden() } else { value.clone() })
        });
        Some(Value::dict([("module_args", Value::dict(shown))]))
    }

    /// Runs the module, for no longer than `timeout` says.
    async fn timed(
        &self,
        module: &Arc<dyn Module>,
        args: Args,
        context: &ModuleContext,
        timeout: u64,
    ) -> Result<Entries, Stop> {
        let work = context.until_cancelled(module.run(context, args));
        let done = if timeout > 0 {
            let limit = std::time::Duration::from_secs(timeout);
            match tokio::time::timeout(limit, work).await {
                Ok(done) => done,
                Err(_) => {
                    let name = &self.task.action_name;
                    let mut result = failure(&format!(
                        "The {name} action failed to execute in the expected time frame ({timeout}) and was terminated"
                    ));
                    let period = Value::Int(i64::try_from(timeout).unwrap_or(i64::MAX));
                    result.insert("timedout".into(), Value::dict([("period", period)]));
                    return Ok(result);
                }
            }
        } else {
            work.await
        };
        outcome(done.and_then(|done| done))
    }

    fn module_context(&self, settings: &Settings) -> ModuleContext {
        let task = &self.task;
        let search_path = self.templar.search_path();
        ModuleContext {
            check: settings.check,
            diff: settings.diff,
            verbosity: self.variables.options.verbosity,
            cancel: self.context.cancel.clone(),
            deadline: self.context.deadline,
            extensions: self.context.extensions.clone(),
            environment: settings.environment.clone(),
            run_as: settings.run_as.clone(),
            task: TaskInfo {
                action: task.action_name.clone(),
                name: task.name().map(ToString::to_string).unwrap_or_default(),
                place: task.place.clone(),
                role_path: self.lineage().role().map(|role| role.path.clone()),
                search_path,
                playbook_dir: self.variables.content.basedir.clone(),
                untemplated: task
                    .args
                    .iter()
                    .map(|(key, value)| (key.as_ref().into(), value.clone()))
                    .collect(),
            },
            vars: Arc::clone(&self.templar.vars),
            env: Arc::clone(&self.templar.env),
        }
    }
}

/// The result of a module that ran.
///
/// # Errors
/// The run was cancelled, or a template failed.
pub(super) fn outcome(done: Result<TaskResult, ModuleError>) -> Result<Entries, Stop> {
    match done {
        Ok(result) => Ok(result.fields),
        Err(ModuleError::Failed(result)) => Ok(result.fields),
        Err(ModuleError::Cancelled) => Err(Stop::Cancelled),
        Err(ModuleError::Template(error)) => Err(error.into()),
    }
}

/// A place as `file:line:column`.
fn spot(place: &Place) -> String {
    format!("{}:{}:{}", place.file.display(), place.line, place.column)
}

/// The result of a task whose arguments raised an exception of Python's own: it has no message.
fn crashed(error: &Error) -> Entries {
    Entries::from_iter([
        ("changed".into(), Value::Bool(false)),
        ("failed".into(), Value::Bool(true)),
        ("exception".into(), Value::from(error.message()).into_unsafe()),
    ])
}
