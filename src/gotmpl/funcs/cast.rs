//! Conversions to numbers that never fail (spf13/cast 1.7, through sprig `numeric.go`).

use super::numbers::{parse_float, parse_int};
use crate::gotmpl::Value;

/// `cast.ToInt64` and `cast.ToInt`: 0 for what is no number; strings in any Go notation.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Int32(n) => i64::from(*n),
        Value::Uint8(n) => i64::from(*n),
        Value::Uint64(n) => *n as i64,
        Value::Float(f) => truncate(*f),
        Value::Bool(b) => i64::from(*b),
        Value::Str(text) => parse_int(trim_zero_decimal(text), 0).unwrap_or(0),
        Value::Object(object) if matches!(object.type_name().as_ref(), "time.Month" | "time.Weekday") => {
            to_int(&object.to_plain())
        }
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => 0,
    }
}

/// `cast.ToFloat64`: 0 for what is no number.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(f) => *f,
        Value::Uint64(n) => *n as f64,
        Value::Str(text) => parse_float(text).unwrap_or(0.0),
        _ => to_int(value) as f64,
    }
}

/// `int64(f)` as amd64 does it: what does not fit is the smallest integer.
pub(super) fn truncate(f: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&f) { f as i64 } else { i64::MIN }
}

/// Cuts `.`, `.0`, `.00`, … off; `1.` keeps its point.
fn trim_zero_decimal(text: &[u8]) -> &[u8] {
    let mut found_zero = false;
    for (index, byte) in text.iter().enumerate().rev() {
        match byte {
            b'.' if found_zero => return &text[..index],
            b'.' => {}
            b'0' => found_zero = true,
            _ => return text,
        }
    }
    text
}
