//! One attempt at one task: condition, arguments, module, and what the result means
//! (`executor/task_executor.py`).

use std::sync::Arc;

use indexmap::IndexMap;

use super::context::Context;
use super::frame::{Inclusion, Target};
use super::inherit::Lineage;
use super::state::StoredVars;
use crate::jinja::convert::Stored;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, Entries, List};
use crate::jinja::{Error, ErrorKind, Templar, Value, Vars, ops};
use crate::modules::{CheckMode, ModuleContext, ModuleError, TaskInfo, TaskResult};
use crate::playbook::{Action, Content, Place, Task};

/// What Ansible says of a result that must not be shown.
pub(super) const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// The keyword values of a task that are needed beside its arguments, templated.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// `no_log`.
    pub no_log: bool,
    /// `ignore_errors`.
    pub ignore_errors: bool,
    /// `check_mode`.
    pub check: bool,
    /// `diff`.
    pub diff: bool,
    /// `retries`, if given.
    pub retries: Option<u32>,
    /// `delay` in seconds.
    pub delay: f64,
    /// `timeout` in seconds; zero for none.
    pub timeout: u64,
    /// `notify`.
    pub notify: Vec<String>,
    /// `environment`, merged.
    pub environment: IndexMap<String, String>,
}

/// Everything that one attempt needs, without a hold on the run.
pub(super) struct Attempt<'a> {
    /// The task and its surroundings.
    pub lineage: Lineage<'a>,
    /// The engine over the variables of the task and of the item.
    pub templar: Templar,
    /// The content.
    pub content: &'a Content,
    /// The surroundings of the run.
    pub context: &'a Context,
    /// `-v`.
    pub verbosity: u8,
    /// `--check`.
    pub check: bool,
    /// `--diff`.
    pub diff: bool,
    /// The token of `omit`.
    pub omit: &'a str,
    /// Why the loop could not be templated.
    pub loop_error: Option<&'a str>,
    /// The number of the attempt, from one.
    pub number: u32,
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
    fn task(&self) -> &Task {
        self.lineage.task
    }

    /// Runs the attempt.
    ///
    /// # Errors
    /// The run was cancelled.
    pub(super) async fn run(&self) -> Result<Attempted, Stop> {
        let mut settings = Settings { no_log: self.early_flag("no_log"), ..Settings::default() };
        settings.ignore_errors = self.early_flag("ignore_errors");
        match self.attempt(&mut settings).await {
            Ok(done) => Ok(done),
            Err(Stop::Cancelled) => Err(Stop::Cancelled),
            Err(Stop::Failed(error)) => {
                let result = match error.kind() {
                    ErrorKind::Exception => raised(&error),
                    _ => failure(&self.worded(&error)),
                };
                Ok(Attempted { result, settings, again: false, attempts: 1, include: None })
            }
        }
    }

    /// A flag that is needed even when the task never gets to its arguments.
    fn early_flag(&self, name: &str) -> bool {
        let value = self.lineage.get(name).map(|value| self.templar.template(value));
        match value {
            Some(Ok(value)) => to_bool(&value).unwrap_or_else(|| ops::truthy_or_false(&value)),
            Some(Err(_)) => name == "no_log",
            None => false,
        }
    }

    /// An error of Python's own types escapes as an unexpected failure.
    fn worded(&self, error: &Error) -> String {
        match error.kind() {
            ErrorKind::Value | ErrorKind::Type | ErrorKind::Exception => {
                format!("Unexpected failure during module execution: {error}")
            }
            _ => error.message().to_owned(),
        }
    }

    async fn attempt(&self, settings: &mut Settings) -> Result<Attempted, Stop> {
        if let Some(condition) = self.false_condition().map_err(|error| self.loop_error_first(error))? {
            let mut result = Entries::new();
            result.insert("changed".into(), Value::Bool(false));
            result.insert("skipped".into(), Value::Bool(true));
            result.insert("skip_reason".into(), Value::from("Conditional result was False"));
            result.insert("false_condition".into(), condition);
            return Ok(self.done(result, settings));
        }
        if let Some(error) = self.loop_error {
            return Err(Error::undefined(error).into());
        }
        match &self.task().action {
            Action::IncludeTasks => return self.include_tasks(settings),
            Action::IncludeRole => return self.include_role(settings),
            Action::Meta => return Ok(self.done(Entries::new(), settings)),
            Action::Module(_) => {}
        }
        let args = self.post_validate(settings).map_err(|error| self.in_option(error))?;
        let result = self.call(args, settings).await?;
        self.judge(result, settings)
    }

    fn done(&self, result: Entries, settings: &Settings) -> Attempted {
        Attempted { result, settings: settings.clone(), again: false, attempts: 1, include: None }
    }

    fn loop_error_first(&self, error: Error) -> Error {
        self.loop_error.map_or(error, Error::undefined)
    }

    /// The first condition that does not hold.
    fn false_condition(&self) -> Result<Option<Value>, Error> {
        for (condition, place) in self.lineage.when() {
            if !self.holds(condition, place)? {
                return Ok(Some(condition.clone()));
            }
        }
        Ok(None)
    }

    fn holds(&self, condition: &Value, place: Option<&Place>) -> Result<bool, Error> {
        self.templar.condition(condition).map_err(|error| {
            if error.kind() == ErrorKind::Cancelled {
                return error;
            }
            let message = format!("The conditional check '{condition}' failed. The error was: {error}");
            Error::ansible(message + &position(place.unwrap_or(&self.task().place)))
        })
    }

    /// Where the task stands, as Ansible appends it to an error.
    fn position(&self) -> String {
        position(&self.task().place)
    }

    /// An undefined variable within an option is worded by the task (`playbook/base.py`).
    fn in_option(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Undefined => Error::undefined(format!(
                "The task includes an option with an undefined variable.. {error}{}",
                self.position()
            )),
            ErrorKind::Value | ErrorKind::Type => Error::ansible(format!(
                "the field 'args' has an invalid value ({}), and could not be converted to dict.. {error}{}",
                Value::dict(self.task().args.iter().map(|(key, value)| (key.as_ref(), value.clone()))),
                self.position()
            )),
            _ => error,
        }
    }

    fn include_tasks(&self, settings: &Settings) -> Result<Attempted, Stop> {
        let name = self.task().args.get("_raw_params").or_else(|| self.task().args.get("file"));
        let name = self.templar.template(name.unwrap_or(&Value::None))?.to_string();
        let mut result = Entries::new();
        result.insert("include".into(), Value::from(name.as_str()));
        result.insert("include_args".into(), Value::Dict(Dict::default()));
        let target = Target::Tasks { name, imports: self.lineage.imports() };
        let include = Some(Inclusion { target, vars: StoredVars::new() });
        Ok(Attempted { include, ..self.done(result, settings) })
    }

    fn include_role(&self, settings: &Settings) -> Result<Attempted, Stop> {
        let args = &self.task().args;
        let text = |name: &str| -> Result<Option<String>, Error> {
            let Some(value) = args.get(name) else { return Ok(None) };
            let value = self.templar.template(value)?.to_string();
            Ok((value != self.omit).then_some(value))
        };
        let name = match text("name")? {
            Some(name) => name,
            None => text("role")?.unwrap_or_default(),
        };
        let files = [text("tasks_from")?, text("vars_from")?, text("defaults_from")?, text("handlers_from")?];
        let allow = args.get("allow_duplicates").and_then(to_bool).unwrap_or(true);
        let mut result = Entries::new();
        result.insert(
            "include_args".into(),
            Value::dict(args.iter().map(|(key, value)| (key.as_ref(), value.clone()))),
        );
        let include = Some(Inclusion {
            target: Target::Role { name, files, allow_duplicates: allow },
            vars: StoredVars::new(),
        });
        Ok(Attempted { include, ..self.done(result, settings) })
    }

    /// Templates the keywords and the arguments of the task.
    fn post_validate(&self, settings: &mut Settings) -> Result<Entries, Error> {
        let flag = |name: &str, default: bool| -> Result<bool, Error> {
            match self.lineage.get(name) {
                None | Some(Value::None) => Ok(default),
                Some(value) => {
                    let value = self.templar.template(value)?;
                    if value.as_str() == Some(self.omit) {
                        return Ok(default);
                    }
                    to_bool(&value).ok_or_else(|| {
                        let kind = value.type_name();
                        Error::ansible(format!(
                            "the field '{name}' has an invalid value ({value}), and could not be converted to an bool. The error was: The value '{value}' is not a valid boolean ({kind})."
                        ))
                    })
                }
            }
        };
        settings.no_log = flag("no_log", false)?;
        settings.ignore_errors = flag("ignore_errors", false)?;
        settings.check = flag("check_mode", self.check)?;
        settings.diff = flag("diff", self.diff)?;
        settings.retries = self.number("retries")?.map(|retries| retries.max(0.0) as u32);
        settings.delay = self.number("delay")?.unwrap_or(5.0);
        settings.timeout = self.number("timeout")?.unwrap_or(0.0).max(0.0) as u64;
        settings.environment = self.environment()?;
        if let Some(notify) = self.lineage.get("notify") {
            settings.notify = texts(&self.templar.template(notify)?);
        }
        self.arguments()
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.lineage.get(name) else { return Ok(None) };
        let value = self.templar.template(value)?;
        if value.as_str() == Some(self.omit) || value.is_none() {
            return Ok(None);
        }
        let number = ops::as_float(&value).or_else(|| value.to_string().trim().parse().ok());
        number.map(Some).ok_or_else(|| {
            Error::ansible(format!(
                "the field '{name}' has an invalid value ({value}), and could not be converted to an float."
            ))
        })
    }

    fn environment(&self) -> Result<IndexMap<String, String>, Error> {
        let mut merged = IndexMap::new();
        for value in self.lineage.all("environment") {
            let value = self.templar.template(value)?;
            let dicts = value.as_list().map_or_else(|| vec![value.clone()], List::items);
            for dict in dicts.iter().filter_map(Value::as_dict) {
                for (key, value) in dict.entries() {
                    if value.as_str() != Some(self.omit) {
                        merged.insert(key.text().into_owned(), value.to_string());
                    }
                }
            }
        }
        Ok(merged)
    }

    fn arguments(&self) -> Result<Entries, Error> {
        let mut args = Entries::new();
        let mut variable = None;
        for (name, value) in &self.task().args {
            let value = self.templar.template(value)?;
            ops::defined(&value)?;
            if name.as_ref() == "_variable_params" {
                variable = Some(value);
            } else {
                args.insert(name.as_ref().into(), value);
            }
        }
        if let Some(variable) = variable {
            let Some(dict) = variable.as_dict() else {
                return Err(Error::ansible(format!("invalid or malformed argument: '{variable}'")));
            };
            let mut all = dict.entries();
            all.extend(args);
            args = all;
        }
        let mut all = self.module_defaults()?;
        all.extend(args);
        Ok(remove_omitted(all, self.omit))
    }

    /// `module_defaults` of the task's module, by its names and by `group/…`.
    fn module_defaults(&self) -> Result<Entries, Error> {
        let mut defaults = Entries::new();
        let Action::Module(name) = self.task().action else { return Ok(defaults) };
        let short = name.rsplit('.').next().unwrap_or(name);
        let group = name.starts_with("kubernetes.core.").then_some("group/k8s");
        for value in self.lineage.all("module_defaults") {
            let value = self.templar.template(value)?;
            let dicts = value.as_list().map_or_else(|| vec![value.clone()], List::items);
            for dict in dicts.iter().filter_map(Value::as_dict) {
                for key in group.into_iter().chain(["group/kubernetes.core.k8s", short, name]) {
                    let applies = !key.starts_with("group/kubernetes") || group.is_some();
                    if let Some(Value::Dict(found)) = dict.get(key).filter(|_| applies) {
                        defaults.extend(found.entries());
                    }
                }
            }
        }
        Ok(defaults)
    }

    /// Validates the arguments and runs the module.
    async fn call(&self, args: Entries, settings: &Settings) -> Result<Entries, Stop> {
        let Action::Module(name) = self.task().action else { return Ok(Entries::new()) };
        let Some(module) = self.context.modules.get(name) else {
            return Err(Error::ansible(format!("the module '{name}' is not available")).into());
        };
        let spec = module.spec();
        let args = match spec.validate(args) {
            Ok(args) => args,
            Err(message) => return Ok(failure(&message)),
        };
        if settings.check && spec.check_mode == CheckMode::None {
            let name = &self.task().action_name;
            return Ok(
                TaskResult::skipped(format!("remote module ({name}) does not support check mode")).fields
            );
        }
        let context = self.module_context(settings);
        let work = context.until_cancelled(module.run(&context, args));
        let done = if settings.timeout > 0 {
            let limit = std::time::Duration::from_secs(settings.timeout);
            match tokio::time::timeout(limit, work).await {
                Ok(done) => done,
                Err(_) => {
                    let (name, period) = (&self.task().action_name, settings.timeout);
                    let message = format!(
                        "The {name} action failed to execute in the expected time frame ({period}) and was terminated"
                    );
                    return Ok(failure(&message));
                }
            }
        } else {
            work.await
        };
        match done.and_then(|done| done) {
            Ok(result) => Ok(result.fields),
            Err(ModuleError::Failed(result)) => Ok(result.fields),
            Err(ModuleError::Cancelled) => Err(Stop::Cancelled),
            Err(ModuleError::Template(error)) => Err(error.into()),
        }
    }

    fn module_context(&self, settings: &Settings) -> ModuleContext {
        let task = self.task();
        let search_path = self.templar.search_path();
        ModuleContext {
            check: settings.check,
            diff: settings.diff,
            verbosity: self.verbosity,
            cancel: self.context.cancel.clone(),
            deadline: self.context.deadline,
            extensions: self.context.extensions.clone(),
            environment: settings.environment.clone(),
            task: TaskInfo {
                action: task.action_name.clone(),
                name: task.name().map(ToString::to_string).unwrap_or_default(),
                file: task.place.file.as_ref().clone(),
                role_path: self.lineage.role().map(|role| role.path.clone()),
                search_path,
                playbook_dir: self.content.basedir.clone(),
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

    /// What the result means: `failed` by `rc`, `changed_when`, `failed_when`, `until`.
    fn judge(&self, mut result: Entries, settings: &Settings) -> Result<Attempted, Stop> {
        add_lines(&mut result);
        let until = self.task().keywords.conditions("until");
        let attempts = match (settings.retries, &until) {
            (Some(retries), _) => 1 + retries,
            (None, Some(_)) => 4,
            (None, None) => 1,
        };
        if !result.contains_key("failed") {
            let failed =
                result.get("rc").is_some_and(|rc| !matches!(rc, Value::Int(0)) && rc.as_str() != Some("0"));
            result.insert("failed".into(), Value::Bool(failed));
        }
        if attempts > 1 {
            result.insert("attempts".into(), Value::Int(i64::from(self.number)));
        }
        result.entry("changed".into()).or_insert(Value::Bool(false));
        let result = if self.is_trusted() { result } else { wrap(result) };
        let mut result = result;
        if !result.contains_key("skipped") {
            self.judge_conditions(&mut result)?;
        }
        let mut again = false;
        if attempts > 1 {
            let templar = self.templar_with(&result);
            let enough = match &until {
                Some(conditions) => self.all_hold(conditions, &templar)?,
                None => !result.get("failed").is_some_and(ops::truthy_or_false),
            };
            again = !enough && self.number < attempts;
            if !enough && !again {
                result.insert("attempts".into(), Value::Int(i64::from(attempts - 1)));
                result.insert("failed".into(), Value::Bool(true));
            }
        }
        Ok(Attempted { result, settings: settings.clone(), again, attempts, include: None })
    }

    /// Modules whose result is made of the play's own values, which stay templates.
    fn is_trusted(&self) -> bool {
        matches!(
            self.task().action,
            Action::Module("ansible.builtin.set_fact" | "ansible.builtin.include_vars")
        )
    }

    fn all_hold(&self, conditions: &[Value], templar: &Templar) -> Result<bool, Error> {
        for condition in conditions {
            let holds = templar.condition(condition).map_err(|error| {
                let message = format!("The conditional check '{condition}' failed. The error was: {error}");
                Error::ansible(message + &self.position())
            })?;
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn judge_conditions(&self, result: &mut Entries) -> Result<(), Stop> {
        for (name, key) in [("changed_when", "changed"), ("failed_when", "failed")] {
            let Some(conditions) = self.task().keywords.conditions(name) else { continue };
            let templar = self.templar_with(result);
            match self.all_hold(&conditions, &templar) {
                Ok(holds) => {
                    result.insert(key.into(), Value::Bool(holds));
                    if key == "failed" {
                        result.insert("failed_when_result".into(), Value::Bool(holds));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(Stop::Cancelled),
                Err(error) => {
                    result.insert("failed".into(), Value::Bool(true));
                    result.insert(format!("{name}_result").into(), Value::from(error.message()));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The engine with the result under its registered name, and the facts in it.
    fn templar_with(&self, result: &Entries) -> Templar {
        let mut vars: Vars = self.templar.vars.as_ref().clone();
        if let Some(name) = self.task().keywords.get("register").and_then(Value::as_str) {
            vars.insert(name.into(), Value::Dict(Dict::new(result.clone())));
        }
        if let Some(Value::Dict(facts)) = result.get("ansible_facts")
            && self.is_trusted()
        {
            vars.extend(
                facts.entries().into_iter().map(|(key, value)| (Arc::from(key.text().as_ref()), value)),
            );
        }
        self.templar.with_vars(Arc::new(vars))
    }
}

/// A place, as Ansible appends it to an error.
#[must_use]
pub(super) fn position(place: &Place) -> String {
    let file = place.file.display();
    let mut text = format!(
        "\n\nThe error appears to be in '{file}': line {}, column {}, but may\nbe elsewhere in the file depending on the exact syntax problem.\n",
        place.line, place.column
    );
    let source = std::fs::read_to_string(place.file.as_ref()).unwrap_or_default();
    let lines: Vec<&str> = source.lines().collect();
    let at = place.line as usize;
    if let Some(line) = at.checked_sub(1).and_then(|at| lines.get(at)) {
        let before = at.checked_sub(2).and_then(|at| lines.get(at)).copied().unwrap_or_default();
        let arrow = " ".repeat(place.column.saturating_sub(1) as usize);
        text.push_str(&format!("\nThe offending line appears to be:\n\n{before}\n{line}\n{arrow}^ here\n"));
    }
    text
}

/// The result of a task whose arguments raised an exception of Python's own: it has no message.
fn raised(error: &Error) -> Entries {
    let mut result = Entries::new();
    result.insert("changed".into(), Value::Bool(false));
    result.insert("failed".into(), Value::Bool(true));
    result.insert("exception".into(), Value::from(error.message()).into_unsafe());
    result
}

/// A failed result with this message.
#[must_use]
pub(super) fn failure(message: &str) -> Entries {
    let mut result = Entries::new();
    result.insert("failed".into(), Value::Bool(true));
    result.insert("msg".into(), Value::from(message).into_unsafe());
    result
}

fn wrap(result: Entries) -> Entries {
    result.into_iter().map(|(key, value)| (key, value.into_unsafe())).collect()
}

/// `stdout_lines` and `stderr_lines` beside `stdout` and `stderr` of any module.
fn add_lines(result: &mut Entries) {
    for (key, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if let Some(Value::Str(text)) = result.get(key)
            && !result.contains_key(lines)
        {
            let split = crate::jinja::split_lines(text.as_str()).into_iter().map(Value::from).collect();
            result.insert(lines.into(), Value::list(split));
        }
    }
}

/// Arguments without those that equal the token of `omit`, in dicts at any depth.
fn remove_omitted(args: Entries, omit: &str) -> Entries {
    let kept = args.into_iter().filter(|(_, value)| value.as_str() != Some(omit));
    kept.map(|(key, value)| (key, remove_omitted_within(value, omit))).collect()
}

fn remove_omitted_within(value: Value, omit: &str) -> Value {
    match value {
        Value::Dict(dict) => Value::Dict(Dict::new(remove_omitted(dict.entries(), omit))),
        Value::List(list) => {
            Value::list(list.items().into_iter().map(|item| remove_omitted_within(item, omit)).collect())
        }
        other => other,
    }
}

/// A list of texts, or one alone; text is split at commas.
#[must_use]
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.read().iter().map(ToString::to_string).collect(),
        Value::None => Vec::new(),
        Value::Str(text) => text.as_str().split(',').map(|part| part.trim().to_owned()).collect(),
        other => vec![other.to_string()],
    }
}

/// The names that a loop sets, and the label of an item.
#[derive(Debug, Clone)]
pub(super) struct LoopControl {
    /// `loop_var`.
    pub loop_var: String,
    /// `index_var`.
    pub index_var: Option<String>,
    /// `label`, not templated.
    pub label: Option<Value>,
    /// `pause` in seconds.
    pub pause: f64,
    /// `extended`.
    pub extended: bool,
    /// `extended_allitems`.
    pub allitems: bool,
    /// `break_when`.
    pub break_when: Vec<Value>,
}

impl LoopControl {
    /// The `loop_control` of a task.
    ///
    /// # Errors
    /// A template fails.
    pub(super) fn of(task: &Task, templar: &Templar) -> Result<LoopControl, Error> {
        let dict = task.keywords.get("loop_control").and_then(Value::as_dict).cloned().unwrap_or_default();
        let get = |name: &str| dict.get(name).filter(|value| !value.is_none());
        let text = |name: &str| -> Result<Option<String>, Error> {
            get(name).map(|value| templar.template(&value).map(|value| value.to_string())).transpose()
        };
        let flag = |name: &str, default: bool| -> Result<bool, Error> {
            let value = get(name).map(|value| templar.template(&value)).transpose()?;
            Ok(value.as_ref().and_then(to_bool).unwrap_or(default))
        };
        let break_when =
            get("break_when").map(|value| value.as_list().map_or_else(|| vec![value.clone()], List::items));
        Ok(LoopControl {
            loop_var: text("loop_var")?.unwrap_or_else(|| "item".to_owned()),
            index_var: text("index_var")?,
            label: get("label"),
            pause: text("pause")?.and_then(|pause| pause.trim().parse().ok()).unwrap_or(0.0),
            extended: flag("extended", false)?,
            allitems: flag("extended_allitems", true)?,
            break_when: break_when.unwrap_or_default(),
        })
    }

    /// What an item of the loop adds to the variables.
    #[must_use]
    pub(super) fn vars(&self, items: &[Stored], index: usize) -> StoredVars {
        let mut vars = StoredVars::new();
        let mut set = |name: &str, value: Value| {
            vars.insert(name.into(), Stored(value));
        };
        let item = |index: usize| items.get(index).map(|item| item.0.clone());
        set("ansible_loop_var", Value::from(self.loop_var.as_str()));
        set(&self.loop_var, item(index).unwrap_or(Value::None));
        if let Some(name) = &self.index_var {
            set("ansible_index_var", Value::from(name.as_str()));
            set(name, Value::from(index));
        }
        if self.extended {
            let len = items.len();
            let mut entries = vec![
                ("index", Value::from(index + 1)),
                ("index0", Value::from(index)),
                ("first", Value::Bool(index == 0)),
                ("last", Value::Bool(index + 1 == len)),
                ("length", Value::from(len)),
                ("revindex", Value::from(len - index)),
                ("revindex0", Value::from(len - index - 1)),
            ];
            if self.allitems {
                entries.push(("allitems", Value::list(items.iter().map(|item| item.0.clone()).collect())));
            }
            entries.extend(item(index + 1).map(|next| ("nextitem", next)));
            entries.extend(index.checked_sub(1).and_then(item).map(|previous| ("previtem", previous)));
            set("ansible_loop", Value::dict(entries));
        }
        vars
    }
}
