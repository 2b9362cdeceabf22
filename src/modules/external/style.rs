//! How a module in a file wants its arguments, by its content (`_find_module_utils`).

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

/// The JSON in what a module prints: from the first line that begins like it, to its end.
pub(super) fn json_of(out: &str) -> Option<serde_json::Value> {
    let starts = |line: &str| line.trim_start().starts_with(['{', '[']);
    let mut offset = 0;
    for line in out.split_inclusive('\n') {
        if starts(line) {
            let mut values = serde_json::Deserializer::from_str(&out[offset..]).into_iter();
            return values.next()?.ok();
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = json_of("warning: noise\n{\"changed\": false}\ntrailing");
        assert_eq!(found, Some(serde_json::json!({"changed": false})));
        assert_eq!(json_of("no json at all"), None);
    }
}
