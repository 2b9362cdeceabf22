//! Comparison as Go's `eq`, `lt` and their kin do it: by kind, with integers of all types as one.

use super::complex::Complex;
use super::{FuncError, Value, fmt};
use std::rc::Rc;

/// A value of a basic kind.
#[derive(Clone, Copy)]
enum Basic<'v> {
    Bool(bool),
    Complex(Complex),
    /// A signed or unsigned integer.
    Int(i128),
    Float(f64),
    Str(&'v [u8]),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(truth) => Basic::Bool(*truth),
        Value::Int(n) | Value::Int64(n) => Basic::Int((*n).into()),
        Value::Int32(n) => Basic::Int((*n).into()),
        Value::Uint8(n) => Basic::Int((*n).into()),
        Value::Uint64(n) => Basic::Int((*n).into()),
        Value::Float(f) => Basic::Float(*f),
        Value::Str(text) => Basic::Str(text),
        Value::Object(object) => Basic::Complex(*object.as_any().downcast_ref::<Complex>()?),
        Value::Nil | Value::List(_) | Value::Map(_) => return None,
    })
}

/// Whether a value equals one of others.
///
/// # Errors
/// There are no others, or they cannot be compared with it.
pub(crate) fn eq(value: &Value, others: &[Value]) -> Result<bool, FuncError> {
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(value, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(value: &Value, other: &Value) -> Result<bool, FuncError> {
    match (basic(value), basic(other)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => Ok(a == b),
        (Some(Basic::Complex(a)), Some(Basic::Complex(b))) => Ok(a == b),
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => Ok(a == b),
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => Ok(a == b),
        (Some(Basic::Str(a)), Some(Basic::Str(b))) => Ok(a == b),
        (None, None) => equal_composite(value, other),
        _ if matches!(value, Value::Nil) || matches!(other, Value::Nil) => Ok(false),
        _ => Err(incompatible(value, other)),
    }
}

fn equal_composite(value: &Value, other: &Value) -> Result<bool, FuncError> {
    let kinds = (fmt::kind_name(value), fmt::kind_name(other));
    let some_nil = matches!(value, Value::Nil) || matches!(other, Value::Nil);
    if kinds.0 != kinds.1 && !some_nil {
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(b"%s", value),
            fmt::type_name(value),
            fmt::type_name(other),
            shown(b"%v", other)
        )
        .into());
    }
    if is_nil(value) || is_nil(other) {
        return Ok(is_nil(value) == is_nil(other));
    }
    match (value, other) {
        (Value::Object(a), Value::Object(b)) if !matches!(kinds.1, "map" | "slice") => Ok(Rc::ptr_eq(a, b)),
        _ => Err(format!("non-comparable type {}: {}", shown(b"%s", other), fmt::type_name(other)).into()),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn shown(format: &[u8], value: &Value) -> String {
    String::from_utf8_lossy(&fmt::sprintf(format, std::slice::from_ref(value))).into_owned()
}

fn incompatible(value: &Value, other: &Value) -> FuncError {
    let types = (fmt::type_name(value), fmt::type_name(other));
    format!("incompatible types for comparison: {} and {}", types.0, types.1).into()
}

/// Whether a value is less than another.
///
/// # Errors
/// They are not numbers or strings of one kind.
pub(crate) fn less(value: &Value, other: &Value) -> Result<bool, FuncError> {
    const NOT_ORDERED: &str = "invalid type for comparison";
    let (a, b) = (basic(value).ok_or(NOT_ORDERED)?, basic(other).ok_or(NOT_ORDERED)?);
    match (a, b) {
        (Basic::Int(a), Basic::Int(b)) => Ok(a < b),
        (Basic::Float(a), Basic::Float(b)) => Ok(a < b),
        (Basic::Str(a), Basic::Str(b)) => Ok(a < b),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(_), Basic::Complex(_)) => Err(NOT_ORDERED.into()),
        _ => Err(incompatible(value, other)),
    }
}

/// Whether a value is less than another or equals it.
///
/// # Errors
/// They are not numbers or strings of one kind.
pub(crate) fn less_or_equal(value: &Value, other: &Value) -> Result<bool, FuncError> {
    Ok(less(value, other)? || equal(value, other)?)
}
