//! How the failure of a template reads.
//!
//! Follows `reformatExecErrorMsg` of Helm 4 and `cleanupExecError` of Helm 3.

use super::error::Place;
use super::{Compat, Error};
use crate::gotmpl::ExecError;
use crate::gotmpl::funcs::{MESSAGE_END, MESSAGE_START};

/// What a function's own failure begins with.
const CALLING: &str = "error calling ";
/// How `include` passes on the failure of its template.
const INCLUDING: &str = "error calling include: ";

/// The failure as an error of the chart.
pub(super) fn failed(error: &ExecError, compat: Compat) -> Error {
    let place = error.frame.as_ref().map(|frame| Place {
        template: frame.parse_name.clone(),
        line: frame.line,
        column: Some(frame.column),
    });
    Error::Execution { message: describe(error, compat), place }
}

fn describe(error: &ExecError, compat: Compat) -> String {
    let whole = error.to_string();
    if let (Some(message), Some(frame)) = (wrapped(&whole), &error.frame) {
        return format!(
            "execution error at ({}:{}:{}): {message}",
            frame.parse_name, frame.line, frame.column
        );
    }
    match compat {
        Compat::V3 => whole,
        Compat::V4 => chain(error).unwrap_or(whole),
    }
}

/// The message of `required` or `fail`.
fn wrapped(text: &str) -> Option<&str> {
    let start = text.find(MESSAGE_START)? + MESSAGE_START.len();
    let end = text.rfind(MESSAGE_END)?;
    text.get(start..end)
}

/// One paragraph per template on the way to the failure; `None` when Helm shows the text as it is,
/// which it does when a function failed by itself or inside `tpl`.
fn chain(error: &ExecError) -> Option<String> {
    let mut text = String::new();
    for error in error.chain() {
        let Some(frame) = &error.frame else {
            text.push_str(&format!("{}\n", error.message));
            continue;
        };
        if error.message.starts_with(CALLING) && (error.message != INCLUDING || error.cause.is_none()) {
            return None;
        }
        let message = error.message.trim_end();
        text.push_str(&format!(
            "{}:{}:{}\n  executing {:?} at <{}>:\n    {message}\n",
            frame.parse_name, frame.line, frame.column, frame.template, frame.node
        ));
    }
    Some(text.trim().to_owned())
}
