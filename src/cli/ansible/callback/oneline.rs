//! The callback `oneline` (`plugins/callback/oneline.py`).

use std::io::Write as _;

use serde_json::Value as Json;

use super::Settings;
use super::minimal::NO_JSON;
use super::results::{Dump, always_verbose, exception, short_action, unsaid};
use crate::executor::{Event, Observer, TaskOutcome, TaskRef};

/// Prints each result on one line.
pub(super) struct OneLineCallback {
    settings: Settings,
}

impl OneLineCallback {
    /// A callback with these settings.
    #[must_use]
    pub(super) fn new(settings: Settings) -> Self {
        OneLineCallback { settings }
    }

    fn text(&self, task: &TaskRef, host: &str, outcome: TaskOutcome, result: &Json) -> String {
        let text = |key: &str| {
            let text = result.get(key).and_then(Json::as_str).unwrap_or_default();
            text.replace('\n', "\\n").replace('\r', "\\r")
        };
        let caption = match outcome {
            TaskOutcome::Ok => "SUCCESS",
            TaskOutcome::Changed => "CHANGED",
            TaskOutcome::Skipped => return format!("{host} | SKIPPED"),
            TaskOutcome::Unreachable => return format!("{host} | UNREACHABLE!: {}", text("msg")),
            TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued => "FAILED!",
        };
        if caption != "FAILED!" && NO_JSON.contains(&short_action(task)) {
            let rc = result.get("rc").map_or_else(|| "-1".to_owned(), Json::to_string);
            let stderr = text("stderr");
            let errors = if stderr.is_empty() { String::new() } else { format!(" (stderr) {stderr}") };
            return format!("{host} | {caption} | rc={rc} | (stdout) {}{errors}", text("stdout"));
        }
        let always = always_verbose(result);
        let dump = Dump { settings: &self.settings, always, indent: (!always).then_some(0) };
        let result = unsaid(result);
        let raised = result.get("exception").and_then(Json::as_str).filter(|_| caption == "FAILED!");
        let raised = raised.map_or_else(String::new, |text| exception(text) + "\n");
        format!("{raised}{host} | {caption} => {}", dump.text(&result).replace('\n', ""))
    }
}

impl Observer for OneLineCallback {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::TaskEnd { task, host, outcome, result } => {
                let text = self.text(task, host, *outcome, result);
                let _ = writeln!(std::io::stdout(), "{text}");
            }
            Event::Warning { message } => {
                let _ = writeln!(std::io::stderr(), "[WARNING]: {message}");
            }
            _ => {}
        }
    }
}
