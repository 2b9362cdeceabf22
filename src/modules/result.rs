//! What a module hands back: the dict that Ansible would register, and the marks beside it.

use crate::jinja::value::{Dict, Entries, List, Value};
use crate::jinja::{Error, convert};

/// The result of one run of a module: the dict that is registered and shown.
///
/// `changed`, `failed`, `skipped`, `msg`, `ansible_facts`, `warnings`, `diff`, … are ordinary entries,
/// as in Ansible; keys that begin with `_ansible_` are private and never registered.
#[derive(Debug, Clone, Default)]
pub struct TaskResult {
    /// The entries, in the order of insertion.
    pub fields: Entries,
}

impl TaskResult {
    /// An empty result.
    #[must_use]
    pub fn new() -> Self {
        TaskResult::default()
    }

    /// A result that says whether anything changed.
    #[must_use]
    pub fn changed(changed: bool) -> Self {
        TaskResult::new().with("changed", changed)
    }

    /// A result that fails the task with this message.
    #[must_use]
    pub fn failure(msg: impl Into<String>) -> Self {
        TaskResult::new().with("failed", true).with("msg", msg.into())
    }

    /// A result that skips the task with this message.
    #[must_use]
    pub fn skipped(msg: impl Into<String>) -> Self {
        TaskResult::new().with("skipped", true).with("changed", false).with("msg", msg.into())
    }

    /// A result from JSON as a module of Ansible prints it.
    #[must_use]
    pub fn from_json(fields: serde_json::Map<String, serde_json::Value>) -> Self {
        let fields = fields.into_iter().map(|(key, value)| (key.into(), convert::from_json(value))).collect();
        TaskResult { fields }
    }

    /// The same result with this entry.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.into(), value.into());
        self
    }

    /// The same result with this entry, given as JSON.
    #[must_use]
    pub fn with_json(self, key: &str, value: serde_json::Value) -> Self {
        self.with(key, convert::from_json(value))
    }

    /// The same result with these warnings beside those that it has.
    #[must_use]
    pub fn warned(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        let mut warnings = warnings.into_iter().map(Value::from).peekable();
        if warnings.peek().is_some() {
            let had = self.fields.get("warnings").and_then(Value::as_list).map(List::items);
            let all = had.into_iter().flatten().chain(warnings).collect();
            self.fields.insert("warnings".into(), Value::list(all));
        }
        self
    }

    /// The entry of this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    /// Whether the entry of this name is true (`changed`, `failed`, `skipped`, …).
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(crate::jinja::ops::truthy_or_false)
    }

    /// The result as a value of the language.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Dict(Dict::new(self.fields.clone()))
    }

    /// The result as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        convert::to_json(&self.to_value())
    }
}

/// Why a module could not do its work: the failed result of the task.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// The task fails with this result.
    #[error("{}", .0.get("msg").map(ToString::to_string).unwrap_or_default())]
    Failed(Box<TaskResult>),
    /// The run was cancelled or its deadline passed while the module worked.
    #[error("cancelled")]
    Cancelled,
    /// An argument could not be templated: reported as Ansible reports templating errors.
    #[error(transparent)]
    Template(#[from] Error),
}

impl ModuleError {
    /// A failure with this message.
    #[must_use]
    pub fn new(msg: impl Into<String>) -> Self {
        ModuleError::Failed(Box::new(TaskResult::failure(msg)))
    }

    /// The same failure with its result changed.
    #[must_use]
    pub fn map(self, change: impl FnOnce(TaskResult) -> TaskResult) -> Self {
        match self {
            ModuleError::Failed(result) => ModuleError::Failed(Box::new(change(*result))),
            other => other,
        }
    }

    /// The same failure with one more entry in the result.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<Value>) -> Self {
        self.map(|result| result.with(key, value))
    }

    /// The same failure with these warnings beside those that it has.
    #[must_use]
    pub fn warned(self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.map(|result| result.warned(warnings))
    }
}
