//! `repr()` and `str()` of Python, to the letter: they end up in manifests.

use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::encoding::kept_byte;
use super::value::{Timestamp, Value};

/// How deep a value is written before Python's `...` of a recursive container stands for the rest.
const MAX_DEPTH: usize = 200;

/// `repr(value)`.
#[must_use]
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out, 0);
    out
}

/// `str(value)`.
#[must_use]
pub fn str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.as_str().to_owned(),
        Value::Sealed(sealed) => sealed.ciphertext().to_owned(),
        Value::Undefined(why) if why.lenient => String::new(),
        Value::DateTime(time) => timestamp(time, ' '),
        Value::Date(date) => date.to_string(),
        Value::TimeDelta(micros) => timedelta(*micros),
        Value::Object(object) => object.text(),
        other => repr(other),
    }
}

fn write_repr(value: &Value, out: &mut String, depth: usize) {
    if depth > MAX_DEPTH {
        out.push_str("...");
        return;
    }
    match value {
        Value::Undefined(why) if why.lenient => out.push_str("Undefined"),
        Value::Undefined(why) => {
            let hint = why.hint.as_ref().map_or_else(|| "None".to_owned(), |hint| quote(hint));
            let _ = write!(out, "AnsibleUndefined(hint={hint}, obj=");
            match &why.object {
                Some(object) => write_repr(object, out, depth + 1),
                None => out.push_str("missing"),
            }
            out.push_str(", name=");
            write_repr(why.name.as_ref().unwrap_or(&Value::None), out, depth + 1);
            out.push(')');
        }
        Value::None => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::BigInt(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => out.push_str(&quote(text.as_str())),
        Value::Sealed(sealed) => out.push_str(&quote(sealed.ciphertext())),
        Value::Bytes(bytes) => out.push_str(&quote_bytes(bytes)),
        Value::List(list) => write_items(&list.items(), "[", "]", out, depth),
        Value::Tuple(items) if items.len() == 1 => write_items(items, "(", ",)", out, depth),
        Value::Tuple(items) => write_items(items, "(", ")", out, depth),
        Value::Dict(dict) => {
            out.push('{');
            for (i, (key, value)) in dict.entries().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(key.value(), out, depth + 1);
                out.push_str(": ");
                write_repr(value, out, depth + 1);
            }
            out.push('}');
        }
        Value::Range(range) => {
            let _ = write!(out, "{range}");
        }
        Value::View(view) => {
            let open = format!("{}([", value.type_name());
            write_items(&view.items(), &open, "])", out, depth);
        }
        Value::Iterator(_) => out.push_str("<generator object>"),
        Value::DateTime(time) => out.push_str(&datetime_repr(time)),
        Value::Date(date) => {
            let _ = write!(out, "datetime.date({}, {}, {})", date.year(), date.month(), date.day());
        }
        Value::TimeDelta(micros) => out.push_str(&timedelta_repr(*micros)),
        Value::Object(object) => out.push_str(&object.repr()),
    }
}

fn write_items(items: &[Value], open: &str, close: &str, out: &mut String, depth: usize) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(item, out, depth + 1);
    }
    out.push_str(close);
}

/// `repr` of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
#[must_use]
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        if plain.contains('.') { plain } else { format!("{plain}.0") }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// `repr` of text: single quotes unless only those occur in it.
#[must_use]
pub fn quote(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if printable(c) => out.push(c),
            c => {
                let code = kept_byte(c).map_or(u32::from(c), |byte| 0xdc00 + u32::from(byte));
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(mark);
    out
}

/// `str.isprintable` of one character: no control, separator (other than the space), surrogate,
/// private, unassigned or format character.
pub(super) fn printable(c: char) -> bool {
    use GeneralCategory as Is;
    match c {
        ' '..='~' => true,
        '\0'..='\u{a0}' => false,
        c => !matches!(
            get_general_category(c),
            Is::Control
                | Is::Format
                | Is::Surrogate
                | Is::PrivateUse
                | Is::Unassigned
                | Is::LineSeparator
                | Is::ParagraphSeparator
                | Is::SpaceSeparator
        ),
    }
}

fn quote_bytes(bytes: &[u8]) -> String {
    let mark = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{mark}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(byte) == mark => {
                out.push('\\');
                out.push(mark);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(mark);
    out
}

/// `datetime.isoformat(separator)`.
#[must_use]
pub fn timestamp(time: &Timestamp, separator: char) -> String {
    let t = time.civil;
    let mut out = format!(
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    );
    let micros = t.subsec_nanosecond() / 1000;
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    if let Some(offset) = time.offset {
        out.push_str(&self::offset(offset));
    }
    out
}

/// An offset from UTC, as ISO 8601 writes it.
pub(super) fn offset(seconds: i32) -> String {
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let mut out = format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60);
    if size % 60 != 0 {
        let _ = write!(out, ":{:02}", size % 60);
    }
    out
}

/// `repr` of the time zone with an offset in seconds.
pub(super) fn zone(offset: i32) -> String {
    match offset {
        0 => "datetime.timezone.utc".to_owned(),
        offset => format!("datetime.timezone({})", timedelta_repr(i64::from(offset) * 1_000_000)),
    }
}

fn datetime_repr(time: &Timestamp) -> String {
    let t = time.civil;
    let micros = t.subsec_nanosecond() / 1000;
    let mut out =
        format!("datetime.datetime({}, {}, {}, {}, {}", t.year(), t.month(), t.day(), t.hour(), t.minute());
    if t.second() != 0 || micros != 0 {
        let _ = write!(out, ", {}", t.second());
    }
    if micros != 0 {
        let _ = write!(out, ", {micros}");
    }
    if let Some(offset) = time.offset {
        let _ = write!(out, ", tzinfo={}", zone(offset));
    }
    out.push(')');
    out
}

/// Days, seconds and microseconds as Python normalises a timedelta: only the days are negative.
#[must_use]
pub fn timedelta_parts(micros: i64) -> (i64, i64, i64) {
    let day = 86_400_000_000;
    let rest = micros.rem_euclid(day);
    (micros.div_euclid(day), rest / 1_000_000, rest % 1_000_000)
}

fn timedelta(micros: i64) -> String {
    let (days, seconds, micros) = timedelta_parts(micros);
    let mut out = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    let _ = write!(out, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    out
}

/// `repr` of a timedelta.
pub(super) fn timedelta_repr(micros: i64) -> String {
    let (days, seconds, micros) = timedelta_parts(micros);
    let parts: Vec<String> = [("days", days), ("seconds", seconds), ("microseconds", micros)]
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(name, amount)| format!("{name}={amount}"))
        .collect();
    format!("datetime.timedelta({})", if parts.is_empty() { "0".to_owned() } else { parts.join(", ") })
}
