//! Methods and attributes of Python's own types: tables of what a class has, by type.
//!
//! ```text
//! signature   how arguments are taken, and refused in CPython's words
//! str bytes   text and bytes, over text (the algorithms) and chars (what characters are)
//! list dict   lists, tuples, ranges; dicts and their views
//! number      integers and floats
//! date clock  datetimes, dates, timedeltas; times of day and time zones, over iso and record
//! ```

mod bytes;
mod chars;
mod clock;
mod date;
mod dict;
mod iso;
mod list;
mod number;
mod record;
mod signature;
mod str;
mod text;

use std::sync::Arc;

use num_bigint::BigInt;

pub(super) use chars::capitalize;
pub use chars::is_identifier;
use clock::{Time, Zone};
use signature::{Method, find};

use super::error::Error;
use super::eval::Interpreter;
use super::object::{Args, Object};
use super::ops;
use super::value::{Value, ViewKind};

/// `str.splitlines()`.
#[must_use]
pub fn split_lines(s: &str) -> Vec<&str> {
    text::lines(s, false, text::ends_line)
}

/// The method of a value, of the table that its type has.
enum Found {
    Str(&'static Method<super::value::Str>),
    Bytes(&'static Method<[u8]>),
    List(&'static Method<super::value::List>),
    Sort,
    Tuple(&'static Method<[Value]>),
    Range(&'static Method<super::range::Range>),
    Dict(&'static Method<super::value::Dict>),
    View(&'static Method<super::value::DictView>),
    Int(&'static Method<BigInt>),
    Float(&'static Method<f64>),
    DateTime(&'static Method<super::value::Timestamp>),
    Date(&'static Method<jiff::civil::Date>),
    TimeDelta(&'static Method<i64>),
    Time(&'static Method<Time>),
    Zone(&'static Method<Zone>),
    Mapping,
}

/// The method of this name that the value's type has.
fn method(value: &Value, name: &str) -> Option<Found> {
    match value {
        Value::Str(_) => find(str::METHODS, name).map(Found::Str),
        Value::Bytes(_) => find(bytes::METHODS, name).map(Found::Bytes),
        Value::List(_) if name == "sort" => Some(Found::Sort),
        Value::List(_) => find(list::METHODS, name).map(Found::List),
        Value::Tuple(_) => find(list::TUPLE, name).map(Found::Tuple),
        Value::Range(_) => find(list::RANGE, name).map(Found::Range),
        Value::Dict(_) => find(dict::METHODS, name).map(Found::Dict),
        Value::View(view) if view.kind != ViewKind::Values => find(dict::VIEW, name).map(Found::View),
        Value::Int(_) | Value::BigInt(_) | Value::Bool(_) => find(number::INT, name).map(Found::Int),
        Value::Float(_) => find(number::FLOAT, name).map(Found::Float),
        Value::DateTime(_) => find(date::DATETIME, name).map(Found::DateTime),
        Value::Date(_) => find(date::DATE, name).map(Found::Date),
        Value::TimeDelta(_) => find(date::TIMEDELTA, name).map(Found::TimeDelta),
        Value::Object(object) if object.items().is_some() => find(list::TUPLE, name).map(Found::Tuple),
        Value::Object(object) if object.keys().is_some() => {
            ["get", "items", "keys", "values"].contains(&name).then_some(Found::Mapping)
        }
        Value::Object(_) if Time::of(value).is_some() => find(clock::TIME, name).map(Found::Time),
        Value::Object(_) if Zone::of(value).is_some() => find(clock::ZONE, name).map(Found::Zone),
        _ => None,
    }
}

/// Whether the type has this method.
#[must_use]
pub(super) fn has(value: &Value, name: &str) -> bool {
    method(value, name).is_some()
}

/// The method as a value that can be called later.
#[must_use]
pub(super) fn bound(value: &Value, name: &str) -> Value {
    Value::Object(Arc::new(Bound { receiver: value.clone(), name: name.to_owned() }))
}

#[derive(Debug)]
struct Bound {
    receiver: Value,
    name: String,
}

impl Object for Bound {
    fn type_name(&self) -> &'static str {
        "builtin_function_or_method"
    }

    fn call(&self, args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        call(&self.receiver, &self.name, args, interpreter)
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<built-in method {} of {} object>", self.name, self.receiver.type_name())
    }
}

/// `x.__class__`, whose only use is its name.
#[derive(Debug)]
struct Class(&'static str);

impl Object for Class {
    fn type_name(&self) -> &'static str {
        "type"
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        Ok((name.as_str() == Some("__name__")).then(|| Value::from(self.0)))
    }

    fn text(&self) -> String {
        format!("<class '{}'>", self.0)
    }
}

/// An attribute that is no method.
#[must_use]
pub(super) fn property(value: &Value, name: &str) -> Option<Value> {
    if name == "__class__" && !value.is_undefined() {
        return Some(Value::Object(Arc::new(Class(value.type_name()))));
    }
    match value {
        Value::DateTime(time) => date::datetime_property(time, name),
        Value::Date(date) => date::date_property(*date, name),
        Value::TimeDelta(micros) => date::timedelta_property(*micros, name),
        Value::Int(_) | Value::BigInt(_) | Value::Bool(_) => match name {
            "real" | "numerator" => ops::pos(value).ok(),
            "imag" => Some(Value::Int(0)),
            "denominator" => Some(Value::Int(1)),
            _ => None,
        },
        Value::Float(_) if name == "real" => Some(value.clone()),
        Value::Float(_) if name == "imag" => Some(Value::Float(0.0)),
        Value::Range(range) => range.bound(name),
        Value::View(view) if name == "mapping" => Some(Value::Dict(view.dict.clone())),
        // What `groupby` makes: a pair of what a group shares and its members.
        Value::Tuple(pair) => match (name, pair.as_ref()) {
            ("grouper", [grouper, Value::List(_)]) => Some(grouper.clone()),
            ("list", [_, members @ Value::List(_)]) => Some(members.clone()),
            _ => None,
        },
        Value::Object(_) => match (Time::of(value), Zone::of(value)) {
            (Some(time), _) => time.property(name),
            (_, Some(_)) => Zone::property(name),
            _ => None,
        },
        _ => None,
    }
}

/// Calls a method of the value's type.
///
/// # Errors
/// There is no such method, an argument is wrong, or Python would raise.
pub(super) fn call(
    value: &Value,
    name: &str,
    args: Args,
    interpreter: &mut Interpreter<'_>,
) -> Result<Value, Error> {
    let class = value.type_name();
    let unknown = || Error::type_error(format!("'{class}' object has no attribute '{name}'"));
    let found = method(value, name).ok_or_else(unknown)?;
    match (found, value) {
        (Found::Str(method), Value::Str(text)) => str::call(text, method, class, args),
        (Found::Bytes(method), Value::Bytes(bytes)) => signature::call(method, bytes.as_ref(), class, args),
        (Found::List(method), Value::List(list)) => signature::call(method, list, class, args),
        (Found::Sort, Value::List(list)) => list::sort(list, args, interpreter),
        (Found::Tuple(method), Value::Tuple(items)) => signature::call(method, items.as_ref(), class, args),
        (Found::Tuple(method), Value::Object(object)) => {
            signature::call(method, object.items().unwrap_or_default(), class, args)
        }
        (Found::Range(method), Value::Range(range)) => signature::call(method, range.as_ref(), class, args),
        (Found::Dict(method), Value::Dict(dict)) => signature::call(method, dict, class, args),
        (Found::View(method), Value::View(view)) => signature::call(method, view, class, args),
        (Found::Int(method), number) => {
            let result = signature::call(method, &number.as_big_int().unwrap_or_default(), class, args)?;
            // Of the methods, only that of the class makes one of its own kind.
            let of_class = matches!(number, Value::Bool(_)) && method.name == "from_bytes";
            Ok(if of_class { Value::Bool(ops::truthy_or_false(&result)) } else { result })
        }
        (Found::Float(method), Value::Float(number)) => signature::call(method, number, class, args),
        (Found::DateTime(method), Value::DateTime(time)) => signature::call(method, time, class, args),
        (Found::Date(method), Value::Date(date)) => signature::call(method, date, class, args),
        (Found::TimeDelta(method), Value::TimeDelta(micros)) => signature::call(method, micros, class, args),
        (Found::Time(method), _) => {
            signature::call(method, Time::of(value).ok_or_else(unknown)?, class, args)
        }
        (Found::Zone(method), _) => {
            signature::call(method, Zone::of(value).ok_or_else(unknown)?, class, args)
        }
        (Found::Mapping, Value::Object(object)) => mapping(object.as_ref(), name, args, interpreter),
        _ => Err(unknown()),
    }
}

/// A method of `collections.abc.Mapping`.
fn mapping(
    object: &dyn Object,
    name: &str,
    mut args: Args,
    interpreter: &mut Interpreter<'_>,
) -> Result<Value, Error> {
    let keys = object.keys().unwrap_or_default();
    if name == "keys" {
        return Ok(Value::list(keys));
    }
    if name == "get" {
        let key = args.get(0, "key")?.unwrap_or(Value::None);
        let default = args.get(1, "default")?.unwrap_or(Value::None);
        return Ok(object.attribute(&key, interpreter)?.unwrap_or(default));
    }
    let mut items = Vec::with_capacity(keys.len());
    for key in keys {
        let value = object.attribute(&key, interpreter)?.unwrap_or(Value::None);
        items.push(if name == "items" { Value::tuple(vec![key, value]) } else { value });
    }
    Ok(Value::list(items))
}
