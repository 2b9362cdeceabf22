//! The text of Ansible's default callback.

use std::io::Write;

use serde_json::Value as Json;

use crate::executor::{Event, Observer, Stats, TaskOutcome, TaskRef};
use crate::jinja::convert;
use crate::jinja::filters::json::Writer;

/// Prints events as Ansible's default callback does.
pub(super) struct Printer {
    verbosity: u8,
    diff: bool,
}

impl Printer {
    /// A printer for this verbosity.
    #[must_use]
    pub(super) fn new(verbosity: u8, diff: bool) -> Self {
        Printer { verbosity, diff }
    }

    fn line(&self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn banner(&self, text: &str) {
        let stars = 79_usize.saturating_sub(text.chars().count()).max(3);
        self.line(&format!("\n{text} {}", "*".repeat(stars)));
    }

    fn result(&self, task: &TaskRef, host: &str, outcome: TaskOutcome, label: Option<&str>, result: &Json) {
        let item = label.map(|label| format!(" => (item={label})")).unwrap_or_default();
        let words = match outcome {
            TaskOutcome::Ok => "ok",
            TaskOutcome::Changed => "changed",
            TaskOutcome::Skipped => "skipping",
            TaskOutcome::Unreachable => {
                return self
                    .line(&format!("fatal: [{host}]: UNREACHABLE! => {}", dump(result, self.verbosity)));
            }
            TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued => {
                let words = if label.is_some() { "failed" } else { "fatal" };
                let middle = if label.is_some() {
                    format!("{words}: [{host}]{}", item.replacen(" => ", " ", 1))
                } else {
                    format!("fatal: [{host}]: FAILED!")
                };
                self.line(&format!("{middle} => {}", dump(result, self.verbosity)));
                if outcome == TaskOutcome::Ignored && label.is_none() {
                    self.line("...ignoring");
                }
                return;
            }
        };
        if self.diff
            && let Some(diff) = result.get("diff")
        {
            self.diff(diff);
        }
        let always = is_debug(task) || short_action(task) == "assert";
        let quiet = outcome == TaskOutcome::Skipped && self.verbosity == 0;
        if (always || self.verbosity > 0) && !quiet && !task.no_log {
            let shown = if always && self.verbosity < 2 {
                dump_verbose(result, is_debug(task))
            } else {
                dump(result, self.verbosity)
            };
            self.line(&format!("{words}: [{host}]{item} => {shown}"));
        } else {
            let space = if quiet && label.is_some() { " " } else { "" };
            self.line(&format!("{words}: [{host}]{item}{space}"));
        }
    }

    /// `before` and `after` of a change, line by line.
    fn diff(&self, diff: &Json) {
        if let Some(prepared) = diff.get("prepared").and_then(Json::as_str) {
            self.line(prepared);
            return;
        }
        let text = |key: &str| match diff.get(key) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => dump(other, 3),
            None => String::new(),
        };
        let header = |key: &str| diff.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
        self.line(&format!(
            "--- {}",
            header("before_header").map_or("before".to_owned(), |it| format!("before: {it}"))
        ));
        self.line(&format!(
            "+++ {}",
            header("after_header").map_or("after".to_owned(), |it| format!("after: {it}"))
        ));
        for line in text("before").lines() {
            self.line(&format!("-{line}"));
        }
        for line in text("after").lines() {
            self.line(&format!("+{line}"));
        }
    }

    fn recap(&self, stats: &Stats) {
        self.banner("PLAY RECAP");
        let mut hosts: Vec<_> = stats.hosts.iter().collect();
        hosts.sort_by_key(|(name, _)| *name);
        for (name, host) in hosts {
            self.line(&format!(
                "{name:<26} : ok={:<4} changed={:<4} unreachable={:<4} failed={:<4} skipped={:<4} rescued={:<4} ignored={:<4}",
                host.ok, host.changed, host.unreachable, host.failures, host.skipped, host.rescued, host.ignored
            ));
        }
        self.line("");
    }
}

fn short_action(task: &TaskRef) -> &str {
    task.action.rsplit('.').next().unwrap_or(&task.action)
}

fn is_debug(task: &TaskRef) -> bool {
    short_action(task) == "debug"
}

/// Beside a message, `debug` shows only these (`CallbackBase._clean_results`).
const DEBUG_KEPT: &[&str] = &["msg", "exception", "warnings", "deprecations"];

/// Beside a variable, `debug` hides these.
const DEBUG_HIDDEN: &[&str] = &[
    "changed",
    "failed",
    "skipped",
    "invocation",
    "skip_reason",
    "item",
    "ansible_loop_var",
    "ansible_index_var",
    "ansible_loop",
];

fn visible(result: &Json, hidden: &[&str]) -> Json {
    let Json::Object(map) = result else { return result.clone() };
    let kept = map.iter().filter(|(key, _)| !hidden.contains(&key.as_str()));
    Json::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn dump(result: &Json, verbosity: u8) -> String {
    let hidden: &[&str] = if verbosity >= 3 {
        &["diff", "failed", "skipped"]
    } else {
        &["invocation", "diff", "failed", "skipped"]
    };
    let mut out = String::new();
    let indent = (verbosity >= 3).then_some(4);
    Writer { indent, sort_keys: true, ensure_ascii: false }.write(
        &convert::from_json(visible(result, hidden)),
        0,
        &mut out,
    );
    out
}

/// The result of `debug` and `assert`, on several lines.
fn dump_verbose(result: &Json, debug: bool) -> String {
    let shown = match result {
        Json::Object(map) if debug && map.contains_key("msg") => {
            let kept = map.iter().filter(|(key, _)| DEBUG_KEPT.contains(&key.as_str()));
            Json::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => {
            visible(other, if debug { DEBUG_HIDDEN } else { &["invocation", "diff", "failed", "skipped"] })
        }
    };
    let mut out = String::new();
    let writer = Writer { indent: Some(4), sort_keys: true, ensure_ascii: false };
    writer.write(&convert::from_json(shown), 0, &mut out);
    out
}

impl Observer for Printer {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::PlayStart { name, .. } if name.is_empty() => self.banner("PLAY"),
            Event::PlayStart { name, .. } => self.banner(&format!("PLAY [{name}]")),
            Event::NoHosts => self.line("skipping: no hosts matched"),
            Event::TaskStart { task } => {
                let kind = if task.handler { "RUNNING HANDLER" } else { "TASK" };
                self.banner(&format!("{kind} [{}]", task.name));
            }
            Event::Included { file, hosts, label } => {
                let item = label.as_ref().map(|label| format!(" => (item={label})")).unwrap_or_default();
                self.line(&format!("included: {file} for {}{item}", hosts.join(", ")));
            }
            Event::Item { task, host, outcome, label, result } => {
                self.result(task, host, *outcome, Some(label), result);
            }
            Event::Retry { task, host, left, .. } => {
                self.line(&format!("FAILED - RETRYING: [{host}]: {} ({left} retries left).", task.name));
            }
            Event::TaskEnd { task, host, outcome, result } => {
                let looped = result.get("results").is_some_and(Json::is_array);
                let items =
                    result.get("results").and_then(Json::as_array).is_some_and(|items| !items.is_empty());
                match outcome {
                    TaskOutcome::Ok | TaskOutcome::Changed if looped && items => {}
                    TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued if looped && items => {
                        if *outcome == TaskOutcome::Ignored {
                            self.line("...ignoring");
                        }
                    }
                    TaskOutcome::Skipped if looped && items => self.line(&format!("skipping: [{host}] ")),
                    _ => self.result(task, host, *outcome, None, result),
                }
            }
            Event::NoMoreHosts => self.banner("NO MORE HOSTS LEFT"),
            Event::Notified { .. } | Event::AsyncPoll { .. } | Event::AsyncEnd { .. } => {}
            Event::Warning { message } => {
                let _ = writeln!(std::io::stderr(), "[WARNING]: {message}");
            }
            Event::Stats { stats } => self.recap(stats),
        }
    }
}
