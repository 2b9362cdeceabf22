//! Results as text (`CallbackBase._dump_results`, `_clean_results`).

use serde_json::{Map, Value as Json};

use super::Settings;
use crate::executor::TaskRef;
use crate::jinja::convert;
use crate::jinja::filters::json::Writer;
use crate::jinja::yaml::{self, DumpOptions};

/// The module of a task without its collection.
#[must_use]
pub(super) fn short_action(task: &TaskRef) -> &str {
    task.action.rsplit('.').next().unwrap_or(&task.action)
}

/// Whether the module says that its result is to be shown without `-v`.
#[must_use]
pub(super) fn always_verbose(result: &Json) -> bool {
    result.get("_ansible_verbose_always") == Some(&Json::Bool(true))
}

/// Beside a message, `debug` shows only these.
const DEBUG_KEPT: &[&str] = &["msg", "exception", "warnings", "deprecations"];

/// Beside a variable, `debug` hides these.
const DEBUG_HIDDEN: &[&str] = &["changed", "failed", "skipped", "invocation", "skip_reason"];

/// What the word in front of a result says already (`TaskResult.clean_copy`).
const SAID: &[&str] = &["failed", "skipped"];

fn kept(result: &Json, keep: impl Fn(&str) -> bool) -> Map<String, Json> {
    let entries = result.as_object().into_iter().flatten();
    entries.filter(|(key, _)| keep(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The result without what the word in front of it says.
#[must_use]
pub(super) fn unsaid(result: &Json) -> Map<String, Json> {
    kept(result, |key| !SAID.contains(&key))
}

/// The sentence about an exception, of which only the last line is shown.
#[must_use]
pub(super) fn exception(exception: &str) -> String {
    let error = exception.trim().lines().last().unwrap_or_default();
    format!(
        "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: {error}"
    )
}

/// The result of a task as it is shown: `debug` shows only what it was asked for.
#[must_use]
pub(super) fn clean(task: &TaskRef, result: &Json) -> Map<String, Json> {
    match (short_action(task), result.get("msg")) {
        ("debug", Some(_)) => kept(result, |key| DEBUG_KEPT.contains(&key)),
        ("debug", None) => kept(result, |key| !DEBUG_HIDDEN.contains(&key)),
        _ => unsaid(result),
    }
}

/// Writes results.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dump<'a> {
    /// How.
    pub settings: &'a Settings,
    /// Results of this task are always on several lines.
    pub always: bool,
    /// Columns of a level, when the callback asks for some.
    pub indent: Option<usize>,
}

impl Dump<'_> {
    /// A result as JSON or YAML, without what is private or not asked for.
    #[must_use]
    pub(super) fn text(self, result: &Map<String, Json>) -> String {
        let settings = self.settings;
        let shown = settings.verbosity >= 3;
        let hidden = |key: &str| {
            key.starts_with("_ansible_")
                || key == "exception"
                || (!shown && matches!(key, "invocation" | "diff"))
        };
        let kept = result.iter().filter(|(key, _)| !hidden(key));
        let mut kept: Map<String, Json> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        let pretty = self.always
            || (settings.pretty.is_none() && settings.yaml)
            || settings.pretty == Some(true)
            || settings.verbosity > 2;
        let indent = match settings.pretty {
            Some(false) => None,
            _ => self.indent.or_else(|| pretty.then_some(4)),
        };
        if settings.yaml {
            return self.yaml(&mut kept, indent);
        }
        let mut out = String::new();
        let indent = indent.map(|spaces| " ".repeat(spaces));
        let writer = Writer { indent, sort_keys: true, ensure_ascii: false };
        writer.write(&convert::from_json(Json::Object(kept)), 0, &mut out);
        out
    }

    fn yaml(self, result: &mut Map<String, Json>, indent: Option<usize>) -> String {
        let lossy = self.settings.pretty != Some(false);
        if lossy {
            for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
                if result.contains_key(text) && result.contains_key(lines) {
                    result.insert(lines.to_owned(), Json::from("<omitted>"));
                }
            }
        }
        let text = dump_yaml(&Json::Object(std::mem::take(result)), indent.unwrap_or(2), lossy);
        format!("\n{}", indented(&text, indent.unwrap_or(4)))
    }
}

/// A value as YAML with text of several lines as blocks; `lossy` changes text that cannot be one.
#[must_use]
pub(super) fn dump_yaml(value: &Json, indent: usize, lossy: bool) -> String {
    let mut value = value.clone();
    if lossy {
        make_blocks(&mut value);
    }
    let options = DumpOptions { indent, allow_unicode: true, literal_lines: true, ..DumpOptions::default() };
    yaml::dump(&convert::from_json(value), &options).unwrap_or_default()
}

/// Every line that is not blank, moved to the right (`textwrap.indent`).
#[must_use]
pub(super) fn indented(text: &str, columns: usize) -> String {
    let space = " ".repeat(columns);
    let line = |line: &str| if line.trim().is_empty() { line.to_owned() } else { format!("{space}{line}") };
    text.split_inclusive('\n').map(line).collect()
}

/// Makes text of several lines such that YAML allows it as a block.
fn make_blocks(value: &mut Json) {
    match value {
        Json::String(text) if text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']) => {
            let expanded = expand_tabs(text.trim_end());
            let printable = expanded.chars().filter(|c| {
                matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
                    && *c != '\u{feff}'
            });
            let lines: String = printable.collect();
            *text = lines.split('\n').map(|line| line.trim_end_matches(' ')).collect::<Vec<_>>().join("\n");
        }
        Json::Array(items) => items.iter_mut().for_each(make_blocks),
        Json::Object(map) => map.values_mut().for_each(make_blocks),
        _ => {}
    }
}

/// Tabs as spaces up to the next multiple of eight columns.
fn expand_tabs(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

/// What a module warns of.
pub(super) fn warnings<'a>(result: &'a Map<String, Json>, key: &str) -> impl Iterator<Item = &'a Json> {
    result.get(key).and_then(Json::as_array).into_iter().flatten()
}
