//! Arguments of filters and tests by position or name.

use crate::jinja::error::Error;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::value::Value;

/// The arguments with these names, in this order.
///
/// # Errors
/// Too many arguments, or one that has none of the names.
pub(crate) fn bind<const N: usize>(mut args: Args, names: [&str; N]) -> Result<[Option<Value>; N], Error> {
    if args.positional.len() > N {
        let (most, given) = (N + 1, args.positional.len() + 1);
        return Err(Error::type_error(format!(
            "the filter takes at most {most} positional arguments but {given} were given"
        )));
    }
    let mut bound = [const { None }; N];
    for (i, name) in names.iter().enumerate() {
        bound[i] = args.get(i, name)?;
    }
    match args.named.first() {
        Some((name, _)) => Err(Error::type_error(format!("got an unexpected keyword argument '{name}'"))),
        None => Ok(bound),
    }
}

/// `str(value)`.
///
/// # Errors
/// The value is missing.
pub(crate) fn text(value: &Value) -> Result<String, Error> {
    ops::defined(value)?;
    Ok(value.to_string())
}

/// Whether an argument is given and true.
///
/// # Errors
/// It is a missing value.
pub(crate) fn flag(value: Option<&Value>) -> Result<bool, Error> {
    value.map_or(Ok(false), ops::truthy)
}

/// The argument that must be given.
///
/// # Errors
/// It is not.
pub(crate) fn needed(value: Option<Value>, name: &str) -> Result<Value, Error> {
    value.ok_or_else(|| Error::type_error(format!("missing 1 required positional argument: '{name}'")))
}

/// The integer of an argument.
///
/// # Errors
/// It is no integer.
pub(super) fn int(value: &Value) -> Result<i64, Error> {
    ops::defined(value)?;
    let kind = value.type_name();
    value
        .as_int()
        .ok_or_else(|| Error::type_error(format!("'{kind}' object cannot be interpreted as an integer")))
}
