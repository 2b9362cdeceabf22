//! Defaults and emptiness (sprig `defaults.go`).

use super::args::{fixed, variadic};
use crate::gotmpl::{FuncDef, Param, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    variadic("default", &[Param::Any], Param::Any, |_, args| {
        let given = args.get(1).filter(|given| !is_empty(given));
        Ok(given.unwrap_or(&args[0]).clone())
    }),
    fixed("empty", &[Param::Any], |_, args| Ok(Value::Bool(is_empty(&args[0])))),
    variadic("coalesce", &[], Param::Any, |_, args| {
        Ok(args.iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    }),
    variadic("all", &[], Param::Any, |_, args| Ok(Value::Bool(!args.iter().any(is_empty)))),
    variadic("any", &[], Param::Any, |_, args| Ok(Value::Bool(!args.iter().all(is_empty)))),
];

/// Whether a value is the zero value of its kind, or has no elements; a struct never is.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(b) => !b,
        Value::Int(n) | Value::Int64(n) => *n == 0,
        Value::Int32(n) => *n == 0,
        Value::Uint8(n) => *n == 0,
        Value::Uint64(n) => *n == 0,
        Value::Float(f) => *f == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Object(object) => !object.truth(),
    }
}
