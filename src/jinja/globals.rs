//! The functions that every template may call without a prefix.

use std::sync::Arc;

use num_bigint::BigInt;

use super::datetime;
use super::error::Error;
use super::eval::Interpreter;
use super::object::{Args, Function, Namespace};
use super::ops;
use super::range::Range;
use super::value::{Dict, Entries, Key, Value};

/// The global functions (Jinja's own and those of `Templar.__init__`).
const FUNCTIONS: &[Function] = &[
    Function { name: "lookup", call: |args, interpreter| super::lookups::call(args, interpreter, false) },
    Function { name: "query", call: |args, interpreter| super::lookups::call(args, interpreter, true) },
    Function { name: "q", call: |args, interpreter| super::lookups::call(args, interpreter, true) },
    Function { name: "now", call: now },
    Function { name: "undef", call: undef },
    Function { name: "range", call: range },
    Function { name: "dict", call: dict },
    Function { name: "namespace", call: namespace },
];

/// The global of this name.
#[must_use]
pub(super) fn get(name: &str) -> Option<Value> {
    let function = FUNCTIONS.iter().find(|function| function.name == name)?;
    Some(Value::Object(Arc::new(*function)))
}

fn now(mut args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
    let utc = args.get(0, "utc")?.is_some_and(|utc| ops::truthy_or_false(&utc));
    let time = datetime::now(utc);
    match args.get(1, "fmt")? {
        Some(format) if ops::truthy_or_false(&format) => {
            datetime::strftime(&time, &format.to_string()).map(Value::from)
        }
        _ => Ok(Value::DateTime(time)),
    }
}

fn undef(mut args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
    let hint = args.get(0, "hint")?.filter(|hint| !hint.is_undefined() && ops::truthy_or_false(hint));
    Ok(Value::undefined_hint(
        hint.map_or_else(|| "Mandatory variable has not been overridden".to_owned(), |hint| hint.to_string()),
    ))
}

fn range(args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
    let mut numbers = Vec::with_capacity(3);
    for arg in &args.positional {
        numbers.push(arg.as_big_int().ok_or_else(|| {
            Error::type_error(format!("'{}' object cannot be interpreted as an integer", arg.type_name()))
        })?);
    }
    let (start, stop, step) = match numbers.as_slice() {
        [stop] => (BigInt::ZERO, stop, BigInt::from(1)),
        [start, stop] => (start.clone(), stop, BigInt::from(1)),
        [start, stop, step] => (start.clone(), stop, step.clone()),
        [] => return Err(Error::type_error("range expected at least 1 argument, got 0")),
        more => {
            return Err(Error::type_error(format!("range expected at most 3 arguments, got {}", more.len())));
        }
    };
    Ok(Value::Range(Arc::new(Range::new(start, stop.clone(), step)?)))
}

fn dict(args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
    let mut entries = Entries::new();
    if let Some(first) = args.positional.first() {
        extend(&mut entries, first)?;
    }
    entries.extend(args.named.into_iter().map(|(name, value)| (Key::from(name), value)));
    Ok(Value::Dict(Dict::new(entries)))
}

/// Adds the entries of a dict or the pairs of a sequence, as `dict(x)` and `update(x)` do.
///
/// # Errors
/// The value holds no pairs.
pub(super) fn extend(entries: &mut Entries, from: &Value) -> Result<(), Error> {
    if let Value::Dict(dict) = from {
        entries.extend(dict.entries());
        return Ok(());
    }
    if from.is_undefined() {
        // It says to have keys, as every attribute is missing.
        return Err(ops::undefined_error(from));
    }
    for (i, pair) in ops::iterate(from)?.iter().enumerate() {
        let items = ops::iterate(pair).map_err(|error| match pair.is_undefined() {
            true => error,
            false => Error::type_error(format!(
                "cannot convert dictionary update sequence element #{i} to a sequence"
            )),
        })?;
        match items.as_slice() {
            [key, value] => {
                entries.insert(Key::new(key.clone())?, value.clone());
            }
            other => {
                let len = other.len();
                return Err(Error::value_error(format!(
                    "dictionary update sequence element #{i} has length {len}; 2 is required"
                )));
            }
        }
    }
    Ok(())
}

fn namespace(args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
    let entries = dict(args, interpreter)?;
    let entries = entries.as_dict().map(Dict::entries).unwrap_or_default();
    Ok(Value::Object(Namespace::new(entries)))
}
