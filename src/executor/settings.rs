//! The keywords of a task that are needed beside its arguments, templated.

use indexmap::IndexMap;

use super::attempt::Attempt;
use super::text;
use crate::jinja::filters::core::to_bool;
use crate::jinja::{Error, ErrorKind, Value, ops};
use crate::playbook::{Action, Task};

/// The keyword values of a task that are needed beside its arguments.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// `no_log`.
    pub no_log: bool,
    /// `ignore_errors`.
    pub ignore_errors: bool,
    /// `ignore_unreachable`.
    pub ignore_unreachable: bool,
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
    /// `async` in seconds; zero for none.
    pub asynchronous: u64,
    /// `poll` in seconds; zero to leave the job alone.
    pub poll: u64,
    /// `notify`.
    pub notify: Vec<String>,
    /// `environment`, merged.
    pub environment: IndexMap<String, String>,
    /// The words before those of a program that runs as another user.
    pub run_as: Vec<String>,
    /// `delegate_to`.
    pub delegate: Option<String>,
    /// That host as it is shown: `name` or `name(address)`.
    pub delegate_shown: String,
    /// `delegate_facts`.
    pub delegate_facts: bool,
}

impl Attempt<'_> {
    /// The flags that are needed even when the task never gets to its arguments.
    pub(super) fn early_settings(&self) -> Settings {
        Settings {
            no_log: self.early_flag("no_log"),
            ignore_errors: self.early_flag("ignore_errors"),
            ignore_unreachable: self.early_flag("ignore_unreachable"),
            check: self.variables.options.check,
            diff: self.variables.options.diff,
            ..Settings::default()
        }
    }

    fn early_flag(&self, name: &str) -> bool {
        let value = self.lineage().get(name).map(|value| self.templar.template(value));
        match value {
            Some(Ok(value)) => to_bool(&value).unwrap_or_else(|| ops::truthy_or_false(&value)),
            // What is no answer is text, which is true.
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// Templates the keywords of the task (`post_validate`).
    ///
    /// # Errors
    /// One of them is wrong.
    pub(super) fn settle_keywords(&self, settings: &mut Settings) -> Result<(), Error> {
        let options = self.variables.options;
        settings.no_log = self.keyword_flag("no_log", false)?;
        settings.ignore_errors = self.keyword_flag("ignore_errors", false)?;
        settings.ignore_unreachable = self.keyword_flag("ignore_unreachable", false)?;
        settings.check = self.keyword_flag("check_mode", options.check)?;
        settings.diff = self.keyword_flag("diff", options.diff)?;
        settings.delegate_facts = self.keyword_flag("delegate_facts", false)?;
        settings.retries = self.keyword_number("retries")?.map(|retries| retries.max(0.0) as u32);
        let delay = self.keyword_number("delay")?.unwrap_or(5.0);
        settings.delay = if delay < 0.0 { 1.0 } else { delay };
        let whole =
            |number: Option<f64>, default: u64| number.map_or(default, |number| number.max(0.0) as u64);
        settings.timeout = whole(self.keyword_number("timeout")?, options.task_timeout);
        settings.asynchronous = whole(self.keyword_number("async")?, 0);
        settings.poll = whole(self.keyword_number("poll")?, DEFAULT_POLL);
        settings.environment = self.environment()?;
        let notified = self.lineage().all("notify");
        for notify in notified {
            settings.notify.extend(text::list(&self.templar.template(notify)?));
        }
        Ok(())
    }

    fn keyword(&self, name: &str) -> Result<Option<Value>, Error> {
        let lineage = self.lineage();
        let Some(value) = lineage.get(name) else { return Ok(None) };
        let value = self.templar.template(value).map_err(|error| match error.kind() {
            ErrorKind::Undefined => Error::ansible(format!(
                "The field '{name}' has an invalid value, which includes an undefined variable.. {error}{}",
                self.task.place.in_source()
            )),
            _ => error,
        })?;
        Ok(Some(value).filter(|value| !value.is_none() && value.as_str() != Some(self.omit())))
    }

    fn keyword_flag(&self, name: &str, default: bool) -> Result<bool, Error> {
        let Some(value) = self.keyword(name)? else { return Ok(default) };
        to_bool(&value).ok_or_else(|| {
            let kind = value.type_name();
            Error::ansible(format!(
                "the field '{name}' has an invalid value ({value}), and could not be converted to an bool. The error was: The value '{value}' is not a valid boolean ({kind})."
            ))
        })
    }

    fn keyword_number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.keyword(name)? else { return Ok(None) };
        let number = ops::as_float(&value).or_else(|| value.to_string().trim().parse().ok());
        number.map(Some).ok_or_else(|| {
            Error::ansible(format!(
                "the field '{name}' has an invalid value ({value}), and could not be converted to an float."
            ))
        })
    }

    fn environment(&self) -> Result<IndexMap<String, String>, Error> {
        let mut merged = IndexMap::new();
        for part in self.lineage().all("environment").into_iter().flat_map(text::values) {
            let part = match part {
                Value::Dict(_) => part,
                other => self.templar.template(&other)?,
            };
            for dict in text::values(&part).iter().filter_map(Value::as_dict) {
                for (key, value) in dict.entries() {
                    let value = match self.templar.template(&value) {
                        // The facts that are about to be gathered may be what is missing.
                        Err(error) if error.kind() == ErrorKind::Undefined && gathers(&self.task) => continue,
                        value => value?,
                    };
                    if value.as_str() != Some(self.omit()) {
                        merged.insert(key.text().into_owned(), value.to_string());
                    }
                }
            }
        }
        Ok(merged)
    }
}

/// Whether a task gathers the facts in which the environment of the host is.
fn gathers(task: &Task) -> bool {
    task.action == Action::Module("ansible.builtin.setup")
}

/// `poll` of tasks that do not say, in seconds (`DEFAULT_POLL_INTERVAL`).
const DEFAULT_POLL: u64 = 15;
