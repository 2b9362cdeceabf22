//! What a task changed in files (`CallbackBase._get_diff`).

use serde_json::Value as Json;

use super::Settings;
use super::difflib;
use super::results::{dump_yaml, indented};
use crate::jinja::convert;
use crate::jinja::filters::json::dumps;

/// The differences of a result as text; empty when there are none.
#[must_use]
pub(super) fn text(diff: &Json, settings: &Settings) -> String {
    let single = std::slice::from_ref(diff);
    diff.as_array().map_or(single, Vec::as_slice).iter().map(|one| describe(one, settings)).collect()
}

fn describe(diff: &Json, settings: &Settings) -> String {
    let mut text = String::new();
    for (key, which) in [("dst_binary", "destination"), ("src_binary", "source")] {
        if diff.get(key).is_some() {
            text.push_str(&format!("diff skipped: {which} file appears to be binary\n"));
        }
    }
    for (key, which) in [("dst_larger", "destination"), ("src_larger", "source")] {
        if let Some(size) = diff.get(key) {
            text.push_str(&format!("diff skipped: {which} file size is greater than {size}\n"));
        }
    }
    if let (Some(before), Some(after)) = (diff.get("before"), diff.get("after")) {
        let header = |key: &str| match diff.get(format!("{key}_header")).and_then(Json::as_str) {
            Some(header) => format!("{key}: {header}"),
            None => key.to_owned(),
        };
        let (old, new) = (lines(before, settings), lines(after, settings));
        let names = (header("before"), header("after"));
        let found = difflib::unified(&old, &new, (&names.0, &names.1), settings.diff_context);
        if !found.is_empty() {
            text.extend(found);
            text.push('\n');
        }
    }
    if let Some(prepared) = diff.get("prepared").and_then(Json::as_str) {
        text.push_str(prepared);
    }
    text
}

fn lines(value: &Json, settings: &Settings) -> Vec<String> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        value if settings.yaml => {
            let dumped = dump_yaml(value, 4, settings.pretty != Some(false));
            format!("{}\n", indented(&dumped, 4))
        }
        value => format!("{}\n", dumps(&convert::from_json(value.clone()), Some(4), true)),
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ToOwned::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str("\n\\ No newline at end of file\n");
    }
    lines
}
