//! What the result of a module means: `failed` by `rc`, `changed_when`, `failed_when`, `until`.

use std::sync::Arc;

use super::attempt::{Attempt, Attempted, Stop};
use super::settings::Settings;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Error, ErrorKind, Templar, Value, Vars, ops};
use crate::playbook::Action;

/// How often a task with `until` and without `retries` is tried again.
const DEFAULT_RETRIES: u32 = 3;

impl Attempt<'_> {
    /// Judges a result.
    ///
    /// # Errors
    /// `until` cannot be evaluated, or the run was cancelled.
    pub(super) fn judge(&self, mut result: Entries, settings: &Settings) -> Result<Attempted, Stop> {
        add_lines(&mut result);
        let until = self.task.keywords.conditions("until");
        let attempts = match (settings.retries, &until) {
            (Some(retries), _) => 1 + retries,
            (None, Some(_)) => 1 + DEFAULT_RETRIES,
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
        let mut result = if self.is_trusted() { result } else { wrap(result) };
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
        Ok(Attempted { again, attempts, ..self.done(result, settings) })
    }

    /// Modules whose result is made of the play's own values, which stay templates.
    fn is_trusted(&self) -> bool {
        matches!(
            self.task.action,
            Action::Module("ansible.builtin.set_fact" | "ansible.builtin.include_vars")
        )
    }

    fn all_hold(&self, conditions: &[Value], templar: &Templar) -> Result<bool, Error> {
        for condition in conditions {
            let holds = templar
                .condition(condition)
                .map_err(|error| self.task.place.condition_error(error, condition))?;
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn judge_conditions(&self, result: &mut Entries) -> Result<(), Stop> {
        for (name, key) in [("changed_when", "changed"), ("failed_when", "failed")] {
            let Some(conditions) = self.task.keywords.conditions(name) else { continue };
            let templar = self.templar_with(result);
            match self.all_hold(&conditions, &templar) {
                Ok(holds) => {
                    result.insert(key.into(), Value::Bool(holds));
                    if key == "failed" {
                        result.insert("failed_when_result".into(), Value::Bool(holds));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Cancelled || error.escapes() => {
                    return Err(error.into());
                }
                Err(error) => {
                    result.insert("failed".into(), Value::Bool(true));
                    let message = Value::from(error.message()).into_unsafe();
                    result.insert(format!("{key}_when_result").into(), message);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The engine with the result under its registered name, and the facts in it.
    fn templar_with(&self, result: &Entries) -> Templar {
        let mut vars: Vars = self.templar.vars.as_ref().clone();
        if let Some(name) = super::results::register(&self.task) {
            vars.insert(name.into(), Value::Dict(Dict::new(result.clone())));
        }
        if let Some(Value::Dict(facts)) = result.get("ansible_facts") {
            let facts = facts.entries();
            if !self.is_trusted() {
                merge_facts(&mut vars, &facts);
            }
            vars.extend(facts.into_iter().map(|(key, value)| (Arc::from(key.text().as_ref()), value)));
        }
        self.templar.with_vars(Arc::new(vars))
    }
}

/// Puts new facts into `ansible_facts`.
fn merge_facts(vars: &mut Vars, facts: &Entries) {
    let mut known = vars.get("ansible_facts").and_then(Value::as_dict).map(Dict::entries).unwrap_or_default();
    for (key, value) in facts {
        let name = key.text();
        let short = name.strip_prefix("ansible_").filter(|short| *short != "local").unwrap_or(&name);
        known.insert(short.into(), value.clone());
    }
    vars.insert("ansible_facts".into(), Value::Dict(Dict::new(known)));
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
