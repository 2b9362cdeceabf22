//! Go's `fmt`: `Sprint`, `Sprintf` and the printing of values.

mod printer;
mod verbs;

use std::borrow::Cow;

use self::printer::Printer;
use self::verbs::Formatter;
use super::{Elem, MapType, Value};

/// `strconv.FormatFloat(value, 'g', -1, 64)`.
pub use super::float::float_g;

/// What `%T` prints: the Go type of a value.
#[must_use]
pub fn type_name(value: &Value) -> Cow<'_, str> {
    Cow::Borrowed(match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Int64(_) => "int64",
        Value::Int32(_) => "int32",
        Value::Uint8(_) => "uint8",
        Value::Uint64(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::List(list) => match list.elem {
            Elem::Any => "[]interface {}",
            Elem::Str => "[]string",
            Elem::Int => "[]int",
            Elem::Byte => "[]uint8",
            Elem::List => "[][]interface {}",
        },
        Value::Map(map) => match map.ty {
            MapType::Any => "map[string]interface {}",
            MapType::Str => "map[string]string",
            MapType::Values => "common.Values",
        },
        Value::Object(object) => return object.type_name(),
    })
}

/// What `kindOf` prints: the Go kind of a value.
#[must_use]
pub fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Int64(_) => "int64",
        Value::Int32(_) => "int32",
        Value::Uint8(_) => "uint8",
        Value::Uint64(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Object(object) => object.kind(),
    }
}

/// `fmt.Sprint` of one value, which is also what `%v` prints.
#[must_use]
pub fn sprint(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, value);
    out
}

/// Appends what [`sprint`] gives.
pub fn append(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Str(text) => out.extend_from_slice(text),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        _ => Printer::new(out).print_arg(value, 'v'),
    }
}

/// Appends `fmt.Sprint` of several values: a space stands between two that are not strings.
pub fn append_all(out: &mut Vec<u8>, values: &[Value]) {
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::Str(_));
        if !is_string && !after_string {
            out.push(b' ');
        }
        append(out, value);
        after_string = is_string;
    }
}

/// Appends `fmt.Sprintln` of several values.
pub fn append_line(out: &mut Vec<u8>, values: &[Value]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        append(out, value);
    }
    out.push(b'\n');
}

/// `fmt.Sprintf`.
#[must_use]
pub fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    let mut out = Vec::with_capacity(format.len() + 16 * args.len());
    Formatter::new(format, args).run(&mut out);
    out
}
