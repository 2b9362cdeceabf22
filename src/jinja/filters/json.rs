//! JSON as Python's `json.dumps` writes it.

use serde_json::Value as Json;

use crate::jinja::repr;

/// `json.dumps(value)`; `indent` spaces per level and sorted keys on request. Text beyond ASCII is
/// escaped, as `ensure_ascii` has it.
#[must_use]
pub fn dumps(value: &Json, indent: Option<usize>, sort_keys: bool) -> String {
    let mut out = String::new();
    Writer { indent, sort_keys, ensure_ascii: true }.write(value, 0, &mut out);
    out
}

/// How JSON is written.
pub struct Writer {
    /// Spaces per level; none for one line.
    pub indent: Option<usize>,
    /// Keys in order.
    pub sort_keys: bool,
    /// `\uXXXX` for everything beyond ASCII.
    pub ensure_ascii: bool,
}

impl Writer {
    /// Writes a value that stands `level` levels deep.
    pub fn write(&self, value: &Json, level: usize, out: &mut String) {
        match value {
            Json::Null => out.push_str("null"),
            Json::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Json::Number(number) if number.is_f64() => {
                out.push_str(&repr::float(number.as_f64().unwrap_or_default()));
            }
            Json::Number(number) => out.push_str(&number.to_string()),
            Json::String(text) => self.text(text, out),
            Json::Array(items) if items.is_empty() => out.push_str("[]"),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    self.separate(i, level + 1, out);
                    self.write(item, level + 1, out);
                }
                self.end(level, out);
                out.push(']');
            }
            Json::Object(map) if map.is_empty() => out.push_str("{}"),
            Json::Object(map) => {
                let mut pairs: Vec<_> = map.iter().collect();
                if self.sort_keys {
                    pairs.sort_by_key(|(key, _)| *key);
                }
                out.push('{');
                for (i, (key, item)) in pairs.into_iter().enumerate() {
                    self.separate(i, level + 1, out);
                    self.text(key, out);
                    out.push_str(": ");
                    self.write(item, level + 1, out);
                }
                self.end(level, out);
                out.push('}');
            }
        }
    }

    fn separate(&self, at: usize, level: usize, out: &mut String) {
        match self.indent {
            Some(indent) => {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                out.push_str(&" ".repeat(indent * level));
            }
            None if at > 0 => out.push_str(", "),
            None => {}
        }
    }

    fn end(&self, level: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * level));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                c if c < ' ' || (self.ensure_ascii && !c.is_ascii()) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}
