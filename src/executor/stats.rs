//! The counts of a run by host, as Ansible's `AggregateStats` keeps them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The counts of one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStats {
    /// Tasks that succeeded, changed ones and ignored failures included.
    pub ok: u32,
    /// Tasks that changed something.
    pub changed: u32,
    /// Tasks that could not reach the host.
    pub unreachable: u32,
    /// Tasks that failed, neither rescued nor ignored.
    pub failures: u32,
    /// Tasks that were skipped.
    pub skipped: u32,
    /// Failures that a `rescue` handled.
    pub rescued: u32,
    /// Failures that `ignore_errors` let pass.
    pub ignored: u32,
}

/// The counts of a run by host, in the order in which hosts first counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The counts by host.
    pub hosts: IndexMap<String, HostStats>,
    /// What `set_stats` collected, by host or under `_run`.
    #[serde(default)]
    pub custom: IndexMap<String, serde_json::Map<String, serde_json::Value>>,
}

impl Stats {
    /// The counts of this host, to change.
    pub fn host(&mut self, name: &str) -> &mut HostStats {
        self.hosts.entry(name.to_owned()).or_default()
    }

    /// Whether any host failed or was unreachable.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.hosts.values().any(|host| host.failures > 0 || host.unreachable > 0)
    }
}

/// One failed task of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The host.
    pub host: String,
    /// The name of the task.
    pub task: String,
    /// Where the task stands: `file:line`.
    pub path: String,
    /// `msg` of the result, or `unknown playbook failure` when there is none or it is censored.
    pub message: String,
    /// Whether a `rescue` handled it.
    pub rescued: bool,
}

/// Sets a custom statistic, or adds to it: numbers are summed, lists joined, dicts merged
/// (`AggregateStats.update_custom_stats`).
pub(super) fn update_custom(
    custom: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
    value: &serde_json::Value,
    aggregate: bool,
) {
    use serde_json::Value as Json;
    let sum = match (custom.get(name).filter(|_| aggregate), value) {
        (Some(Json::Object(old)), Json::Object(new)) => {
            let mut merged = old.clone();
            merged.extend(new.clone());
            Json::Object(merged)
        }
        (Some(Json::Array(old)), Json::Array(new)) => Json::Array([old.as_slice(), new].concat()),
        (Some(Json::String(old)), Json::String(new)) => Json::String(format!("{old}{new}")),
        (Some(Json::Number(old)), Json::Number(new)) => match (old.as_i64(), new.as_i64()) {
            (Some(old), Some(new)) => Json::from(old.saturating_add(new)),
            _ => Json::from(old.as_f64().unwrap_or_default() + new.as_f64().unwrap_or_default()),
        },
        // Values of different types do not add up: Ansible leaves the old one.
        (Some(old), _) => old.clone(),
        (None, new) => new.clone(),
    };
    custom.insert(name.to_owned(), sum);
}
