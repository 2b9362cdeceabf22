//! The callback `minimal` (`plugins/callback/minimal.py`), which is that of the program `ansible` as well.

use std::io::Write as _;

use serde_json::Value as Json;

use super::results::{self, Dump, clean};
use super::{Settings, diff};
use crate::cli::ansible::display::Display;
use crate::executor::{Event, Observer, TaskOutcome, TaskRef};

/// Modules whose output is printed as it is (`MODULE_NO_JSON`).
pub(super) const NO_JSON: &[&str] = &["command", "win_command", "shell", "win_shell", "raw"];

/// Prints one result after the other.
pub(super) struct MinimalCallback {
    settings: Settings,
    display: Display,
}

impl MinimalCallback {
    /// A callback with these settings.
    #[must_use]
    pub(super) fn new(settings: Settings) -> Self {
        let display = Display::new(settings.deprecations);
        MinimalCallback { settings, display }
    }

    fn end(&mut self, task: &TaskRef, host: &str, outcome: TaskOutcome, result: &Json) {
        let mut out = std::io::stdout();
        let mut shown = clean(task, result);
        if self.settings.action_warnings {
            for warning in results::warnings(&shown, "warnings") {
                self.display.warning(warning.as_str().unwrap_or_default());
            }
            shown.remove("warnings");
        }
        let caption = match outcome {
            TaskOutcome::Ok => "SUCCESS",
            TaskOutcome::Changed => "CHANGED",
            TaskOutcome::Skipped => {
                let _ = writeln!(out, "{host} | SKIPPED");
                return;
            }
            TaskOutcome::Unreachable => "UNREACHABLE!",
            TaskOutcome::Failed | TaskOutcome::Ignored | TaskOutcome::Rescued => "FAILED",
        };
        let found = result.get("diff").filter(|_| task.diff);
        let difference = found.map(|found| diff::text(found, &self.settings)).unwrap_or_default();
        let _ = write!(out, "{difference}");
        if NO_JSON.contains(&results::short_action(task)) && result.get("rc").is_some() {
            let text = |key: &str| result.get(key).and_then(Json::as_str).unwrap_or_default();
            let rc = result.get("rc").map_or_else(|| "-1".to_owned(), Json::to_string);
            let (stdout, stderr, msg) = (text("stdout"), text("stderr"), text("msg"));
            let _ = writeln!(out, "{host} | {caption} | rc={rc} >>\n{stdout}{stderr}{msg}");
            return;
        }
        let caption = if caption == "FAILED" { "FAILED!" } else { caption };
        let dump = Dump { settings: &self.settings, always: false, indent: Some(4) };
        let _ = writeln!(out, "{host} | {caption} => {}", dump.text(&shown));
    }
}

impl Observer for MinimalCallback {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::TaskEnd { task, host, outcome, result } => self.end(task, host, *outcome, result),
            Event::Warning { message } => self.display.warning(message),
            Event::Deprecated { message, version } => self.display.deprecated(message, Some(version)),
            _ => {}
        }
    }
}
