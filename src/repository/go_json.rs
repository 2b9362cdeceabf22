//! JSON as Go's `encoding/json` writes it: what is hashed must be the same to the byte.

use serde::Serialize;

/// The text of a value: without spaces, and with `<`, `>`, `&` and the line separators escaped.
pub(super) fn encode(value: &impl Serialize) -> String {
    // Only a map with keys that are no texts cannot be written, and none is.
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn html_is_escaped() {
        assert_eq!(super::encode(&[">=1 && <2"]), r#"["\u003e=1 \u0026\u0026 \u003c2"]"#);
    }
}
