//! Files as lines of bytes, for the modules that edit them.
//!
//! Python matches `bytes` patterns against these files. Here each byte is one character (as in Latin-1),
//! so that offsets, `.` and lines mean the same, and files in any encoding stay what they are.

use fancy_regex::Regex;

use crate::jinja::filters::regex::compile;
use crate::modules::ModuleError;

/// Bytes as text with one character for each byte.
pub(super) fn from_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Text of arguments in the same form.
pub(super) fn from_text(text: &str) -> String {
    from_bytes(text.as_bytes())
}

/// The bytes again.
pub(super) fn to_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// The text that the bytes are, for diffs and messages.
pub(super) fn shown(text: &str) -> String {
    String::from_utf8_lossy(&to_bytes(text)).into_owned()
}

/// The lines with their ends; only a line feed ends a line, as in Python's `readlines`.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(ToOwned::to_owned).collect()
}

/// The lines with their ends; a carriage return ends a line as well, as in Python's `splitlines`.
pub(super) fn split_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        lines.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

/// Compiles a Python pattern of an argument for text in this form.
///
/// # Errors
/// It is malformed.
pub(super) fn pattern(pattern: &str) -> Result<Regex, ModuleError> {
    Ok(compile(&from_text(pattern), false, false)?)
}

/// Whether a pattern is found.
///
/// # Errors
/// Matching took too long.
pub(super) fn found(pattern: &Regex, text: &str) -> Result<bool, ModuleError> {
    pattern.is_match(text).map_err(|error| ModuleError::new(format!("regular expression failed: {error}")))
}
