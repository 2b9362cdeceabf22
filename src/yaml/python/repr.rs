//! Python's `repr` of text, which its errors contain.

use std::fmt::Write as _;

/// The text in quotes: in double ones only if it has single ones and no double ones.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            _ if character == quote => {
                shown.push('\\');
                shown.push(quote);
            }
            '\0'..'\u{20}' | '\u{7f}'..'\u{a1}' | '\u{ad}' => {
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(shown, "\\u{:04x}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown.push(quote);
    shown
}
