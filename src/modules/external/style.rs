//! How a module in a file wants its arguments, by its content (`_find_module_utils`).

use crate::jinja::filters::json_read::loads;
use crate::jinja::value::{Dict, Entries};

/// How a module wants its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A program: a file of JSON is its argument.
    Binary,
    /// Text with `WANT_JSON`: a file of JSON is its argument.
    WantsJson,
    /// Any other script: a file of `key=value` is its argument.
    KeyValue,
    /// Text with a place into which the arguments are written.
    Replaced,
    /// Python that imports Ansible's `module_utils`.
    Python,
}

/// The place for the arguments, as JSON, in a module's text.
const JSON_ARGUMENTS: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// What Python modules have been importing since Ansible 2.1; older ones have the place instead.
const COMMON: &str = "#<<INCLUDE_ANSIBLE_MODULE_COMMON>>";

/// The style of a module with this content.
pub(super) fn of(content: &[u8]) -> Style {
    let Some(text) = as_text(content) else { return Style::Binary };
    let imports = |line: &str| {
        let line = line.trim_start();
        line.starts_with("from ansible.module_utils")
            || line.starts_with("import ansible.module_utils")
            || line.starts_with("from ansible_collections.") && line.contains("module_utils")
            || line.starts_with("import ansible_collections.")
            || line.starts_with("from ..module_utils")
            || line.starts_with("from ...module_utils")
    };
    if text.contains(COMMON) || text.lines().any(imports) {
        Style::Python
    } else if text.contains(JSON_ARGUMENTS) {
        Style::Replaced
    } else if text.contains("WANT_JSON") {
        Style::WantsJson
    } else {
        Style::KeyValue
    }
}

/// The content as text, unless it is a program.
fn as_text(content: &[u8]) -> Option<&str> {
    let start = content.get(..1024).unwrap_or(content);
    if start.contains(&0) { None } else { std::str::from_utf8(content).ok() }
}

/// The interpreter that the first line names, and its arguments.
pub(super) fn shebang(content: &[u8]) -> Vec<String> {
    let Some(rest) = content.strip_prefix(b"#!") else { return Vec::new() };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

/// The content with the arguments in their place.
pub(super) fn with_arguments(content: Vec<u8>, json: &str) -> Vec<u8> {
    match as_text(&content) {
        Some(text) if text.contains(JSON_ARGUMENTS) => {
            // The place stands where the text has a literal of its language.
            text.replace(JSON_ARGUMENTS, json).into_bytes()
        }
        _ => content,
    }
}

/// Arguments as `key=value`, quoted for a shell.
pub(super) fn key_values(arguments: &serde_json::Map<String, serde_json::Value>) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "None".to_owned(),
        serde_json::Value::Bool(true) => "True".to_owned(),
        serde_json::Value::Bool(false) => "False".to_owned(),
        other => crate::jinja::repr::repr(&crate::jinja::convert::from_json(other.clone())),
    };
    let pairs = arguments
        .iter()
        .map(|(name, value)| format!("{name}={} ", crate::jinja::filters::core::quote(&text(value))));
    pairs.collect()
}

/// What a module printed: its result, and what stands behind it.
#[derive(Debug)]
pub(super) struct Printed {
    /// The result.
    pub fields: Entries,
    /// The lines behind it, none when they are blank.
    pub junk: Option<String>,
}

/// The result in what a module prints: from the first line that begins like it to the last one that ends
/// like it (`module_utils/json_utils.py`).
///
/// # Errors
/// There is no result, in Ansible's words.
pub(super) fn result_in(out: &str) -> Result<Printed, String> {
    let lines: Vec<&str> = out.lines().collect();
    let start = lines.iter().position(|line| line.trim_start().starts_with('{'));
    let start = start.ok_or("No start of json char found")?;
    let end = lines.iter().rposition(|line| line.trim_end().ends_with('}'));
    let end = end.filter(|end| *end >= start).ok_or("No end of json char found")?;
    let found = loads(&lines[start..=end].join("\n")).map_err(|error| error.to_string())?;
    let fields = found.as_dict().map(Dict::entries).unwrap_or_default();
    let junk = lines[end + 1..].join("\n");
    Ok(Printed { fields, junk: (!junk.trim().is_empty()).then_some(junk) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::jinja::Value;

    #[test]
    fn styles_by_content() {
        let cases: &[(&[u8], Style)] = &[
            (b"\x7fELF\0\0", Style::Binary),
            (b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", Style::Python),
            (b"#!/usr/bin/perl\n# WANT_JSON\n", Style::WantsJson),
            (b"#!/bin/sh\nARGS='<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", Style::Replaced),
            (b"#!/bin/bash\n. $1\n", Style::KeyValue),
        ];
        for (content, style) in cases {
            assert_eq!(of(content), *style);
        }
        assert_eq!(shebang(b"#! /usr/bin/env python3 -u\nx"), ["/usr/bin/env", "python3", "-u"]);
    }

    #[test]
    fn arguments_and_results() {
        let arguments = serde_json::json!({"a": "x y", "b": true, "c": [1, "z"]});
        let text = arguments.as_object().map(key_values);
        assert_eq!(text.as_deref(), Some("a='x y' b=True c='[1, '\"'\"'z'\"'\"']' "));
    }

    #[test]
    fn results_among_other_lines() {
        let printed = result_in("warning: noise\n {\"changed\":\n false}\n\ntrailing\nlines\n").unwrap();
        assert_eq!(printed.fields.get("changed"), Some(&Value::Bool(false)));
        assert_eq!(printed.junk.as_deref(), Some("\ntrailing\nlines"));
        assert_eq!(result_in("{}\n \n").unwrap().junk, None);
        let refused = |out| result_in(out).unwrap_err();
        assert_eq!(refused("no json at all"), "No start of json char found");
        assert_eq!(refused("}\n{ no end"), "No end of json char found");
        assert_eq!(refused("{\"a\": 1} {}"), "Extra data: line 1 column 10 (char 9)");
    }
}
