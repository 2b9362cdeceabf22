//! Compact JSON as Python's `json.dumps(…, separators=(",", ":"), sort_keys=True)` writes it: ASCII only.
//! The last-applied annotation and the hashes of ConfigMaps and Secrets must have these bytes.

use serde_json::Value;

/// The text.
pub(super) fn compact(value: &Value) -> String {
    // Objects are sorted by key: `serde_json::Map` is.
    let text = value.to_string();
    if text.is_ascii() {
        return text;
    }
    let mut ascii = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if char.is_ascii() {
            ascii.push(char);
        } else {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_ascii_and_sorted() {
        assert_eq!(compact(&json!({"b": "ü🎉", "a": [1, 2.5]})), r#"{"a":[1,2.5],"b":"\u00fc\ud83c\udf89"}"#);
    }
}
