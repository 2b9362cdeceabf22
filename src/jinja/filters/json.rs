//! JSON as Python's `json.dumps` writes it.

use crate::jinja::convert::key_text;
use crate::jinja::encoding::kept_byte;
use crate::jinja::repr;
use crate::jinja::value::Value;

/// `json.dumps(value)`; `indent` spaces per level and sorted keys on request. Text beyond ASCII is
/// escaped, as `ensure_ascii` has it.
#[must_use]
pub fn dumps(value: &Value, indent: Option<usize>, sort_keys: bool) -> String {
    let mut out = String::new();
    let indent = indent.map(|spaces| " ".repeat(spaces));
    Writer { indent, sort_keys, ensure_ascii: true }.write(value, 0, &mut out);
    out
}

/// How JSON is written.
pub struct Writer {
    /// What each level is indented by; none for one line.
    pub indent: Option<String>,
    /// Keys in order.
    pub sort_keys: bool,
    /// `\uXXXX` for everything beyond ASCII.
    pub ensure_ascii: bool,
}

impl Writer {
    /// Writes a value that stands `level` levels deep.
    pub fn write(&self, value: &Value, level: usize, out: &mut String) {
        match value {
            Value::None => out.push_str("null"),
            Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(_) | Value::BigInt(_) => out.push_str(&value.to_string()),
            Value::Float(number) if number.is_nan() => out.push_str("NaN"),
            Value::Float(number) if number.is_infinite() => {
                out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            Value::Float(number) => out.push_str(&repr::float(*number)),
            Value::List(list) => self.items(&list.items(), level, out),
            Value::Tuple(items) | Value::Iterator(items) => self.items(items, level, out),
            Value::Range(range) => match range.items() {
                Some(items) => self.items(&items, level, out),
                None => self.text(&range.to_string(), out),
            },
            Value::View(view) => self.items(&view.items(), level, out),
            Value::Dict(dict) => {
                let mut pairs: Vec<(String, Value)> =
                    dict.entries().into_iter().map(|(key, item)| (key_text(key.value()), item)).collect();
                if self.sort_keys {
                    pairs.sort_by(|a, b| a.0.cmp(&b.0));
                }
                self.pairs(&pairs, level, out);
            }
            Value::Object(object) if object.items().is_some() => {
                self.items(object.items().unwrap_or_default(), level, out);
            }
            Value::DateTime(time) => self.text(&repr::timestamp(time, 'T'), out),
            other => self.text(&other.to_string(), out),
        }
    }

    fn items(&self, items: &[Value], level: usize, out: &mut String) {
        out.push('[');
        for (i, item) in items.iter().enumerate() {
            self.separate(i, level + 1, out);
            self.write(item, level + 1, out);
        }
        if !items.is_empty() {
            self.end(level, out);
        }
        out.push(']');
    }

    fn pairs(&self, pairs: &[(String, Value)], level: usize, out: &mut String) {
        out.push('{');
        for (i, (key, item)) in pairs.iter().enumerate() {
            self.separate(i, level + 1, out);
            self.text(key, out);
            out.push_str(": ");
            self.write(item, level + 1, out);
        }
        if !pairs.is_empty() {
            self.end(level, out);
        }
        out.push('}');
    }

    fn separate(&self, at: usize, level: usize, out: &mut String) {
        match &self.indent {
            Some(indent) => {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                out.push_str(&indent.repeat(level));
            }
            None if at > 0 => out.push_str(", "),
            None => {}
        }
    }

    fn end(&self, level: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(level));
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
                    let units = match kept_byte(c) {
                        Some(byte) => &[0xdc00 + u16::from(byte)],
                        None => &*c.encode_utf16(&mut units),
                    };
                    for unit in units {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}
