//! Declaring functions, and reading arguments that the executor has converted to their declared types.
//!
//! An accessor that meets another kind than the declared one gives the zero value of its type: the
//! executor's checks make that unreachable.

use super::Outcome;
use crate::gotmpl::{Elem, FuncContext, FuncDef, FuncError, List, Map, MapType, Param, Str, Value};

/// The body of a function.
pub(super) type Body = fn(&mut dyn FuncContext, &[Value]) -> Outcome;

/// A function with fixed parameters.
pub(super) const fn fixed(name: &'static str, params: &'static [Param], call: Body) -> FuncDef {
    FuncDef { name, params, variadic: None, call }
}

/// A function whose last parameter may be repeated.
pub(super) const fn variadic(
    name: &'static str,
    params: &'static [Param],
    rest: Param,
    call: Body,
) -> FuncDef {
    FuncDef { name, params, variadic: Some(rest), call }
}

/// The bytes of a string argument.
pub(super) fn bytes(args: &[Value], index: usize) -> &[u8] {
    match args.get(index) {
        Some(Value::Str(text)) => text,
        _ => &[],
    }
}

/// An `int` or `int64` argument.
pub(super) fn int(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(n) | Value::Int64(n)) => *n,
        _ => 0,
    }
}

/// A `float64` argument.
pub(super) fn float(args: &[Value], index: usize) -> f64 {
    match args.get(index) {
        Some(Value::Float(f)) => *f,
        _ => 0.0,
    }
}

/// A map argument, nil when the template gave nil.
pub(super) fn map(args: &[Value], index: usize) -> Map {
    match args.get(index) {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::nil(MapType::Any),
    }
}

/// A string value.
pub(super) fn text(bytes: impl Into<Str>) -> Outcome {
    Ok(Value::Str(bytes.into()))
}

/// A `[]interface {}` value.
pub(super) fn list(items: Vec<Value>) -> Outcome {
    Ok(Value::List(List::new(Elem::Any, items)))
}

/// A `[]string` value.
pub(super) fn strings(items: impl IntoIterator<Item = impl Into<Str>>) -> Outcome {
    let items = items.into_iter().map(|item| Value::Str(item.into())).collect();
    Ok(Value::List(List::new(Elem::Str, items)))
}

/// The argument map as the `map[string]interface {}` that a Go function with such a parameter returns.
pub(super) fn as_plain_map(map: &Map) -> Value {
    Value::Map(map.with_type(MapType::Any))
}

/// The failure of a function.
pub(super) fn fail(message: impl Into<String>) -> FuncError {
    FuncError::new(message)
}

/// What dereferencing a nil interface or pointer panics with in Go.
pub(super) fn nil_dereference() -> FuncError {
    fail("runtime error: invalid memory address or nil pointer dereference")
}

/// Longest text or list that one call may produce: a template must not be able to exhaust memory.
pub(super) const MAX_OUTPUT: usize = 256 << 20;

/// A count of elements, refused when together they would be too big.
pub(super) fn bounded(count: usize, size: usize, what: &str) -> Result<usize, FuncError> {
    match count.checked_mul(size.max(1)) {
        Some(total) if total <= MAX_OUTPUT => Ok(count),
        _ => Err(fail(format!("{what}: output length overflow"))),
    }
}
