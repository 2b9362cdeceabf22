//! A release for people: what `helm status`, `install`, `upgrade` and `get all` print.

use std::fmt::Write;

use serde_json::Value;

use super::output::{ansic, yaml};
use crate::release::record::{HookRecord, Record};

/// What is shown of a release.
#[derive(Clone, Copy, Default)]
pub(super) struct Show {
    /// The chart's name and versions.
    pub(super) chart: bool,
    /// Values, hooks and manifest.
    pub(super) everything: bool,
    /// No notes.
    pub(super) hide_notes: bool,
}

/// Follows `statusPrinter` of `pkg/cmd/status.go`.
pub(super) fn text(record: &Record, show: Show) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write_text(&mut out, record, show);
    out
}

fn write_text(out: &mut String, record: &Record, show: Show) -> std::fmt::Result {
    writeln!(out, "NAME: {}", record.name)?;
    if record.info.last_deployed.is_some() {
        writeln!(out, "LAST DEPLOYED: {}", ansic(record.info.last_deployed))?;
    }
    writeln!(out, "NAMESPACE: {}", record.namespace)?;
    writeln!(out, "STATUS: {}", record.info.status.as_str())?;
    writeln!(out, "REVISION: {}", record.version)?;
    if show.chart {
        writeln!(out, "CHART: {}", record.chart.name())?;
        writeln!(out, "VERSION: {}", record.chart.version())?;
        writeln!(out, "APP_VERSION: {}", record.chart.app_version())?;
    }
    writeln!(out, "DESCRIPTION: {}", record.info.description)?;
    write_tests(out, record)?;
    if show.everything {
        writeln!(out, "USER-SUPPLIED VALUES:\n{}", yaml(&config(record)))?;
        writeln!(out, "COMPUTED VALUES:\n{}", yaml(&Value::Object(record.computed_values())))?;
    }
    if show.everything || record.info.description.eq_ignore_ascii_case("Dry run complete") {
        writeln!(out, "HOOKS:")?;
        for hook in &record.hooks {
            write!(out, "{}", hook_text(hook))?;
        }
        writeln!(out, "MANIFEST:\n{}", record.manifest)?;
    }
    if !show.hide_notes && !record.info.notes.is_empty() {
        writeln!(out, "NOTES:\n{}", record.info.notes.trim())?;
    }
    Ok(())
}

fn write_tests(out: &mut String, record: &Record) -> std::fmt::Result {
    let is_test = |hook: &&HookRecord| hook.events.iter().any(|event| event == "test");
    let tests: Vec<&HookRecord> = record.hooks.iter().filter(is_test).collect();
    if tests.is_empty() {
        return writeln!(out, "TEST SUITE: None");
    }
    for test in tests.iter().filter(|test| test.last_run.started_at.is_some()) {
        writeln!(out, "TEST SUITE:     {}", test.name)?;
        writeln!(out, "Last Started:   {}", ansic(test.last_run.started_at))?;
        writeln!(out, "Last Completed: {}", ansic(test.last_run.completed_at))?;
        writeln!(out, "Phase:          {}", test.last_run.phase)?;
    }
    Ok(())
}

/// A hook as `helm get hooks` prints it.
pub(super) fn hook_text(hook: &HookRecord) -> String {
    format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest)
}

/// The values that the user gave; Go prints a map that was never made as `null`.
pub(super) fn config(record: &Record) -> Value {
    if record.config.is_empty() { Value::Null } else { Value::Object(record.config.clone()) }
}

/// A release as data.
pub(super) fn data(record: &Record) -> Result<Value, String> {
    serde_json::to_value(record).map_err(|error| error.to_string())
}
