//! Filters that apply a filter or a test to each item (`jinja2/filters.py`).

use super::bind::bind;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("map", map),
    ("select", |it, value, args| choose(it, value, args, true, false)),
    ("reject", |it, value, args| choose(it, value, args, false, false)),
    ("selectattr", |it, value, args| choose(it, value, args, true, true)),
    ("rejectattr", |it, value, args| choose(it, value, args, false, true)),
];

/// `a.b.0` of an item, by parts.
pub(super) fn get_attribute(
    interpreter: &mut Interpreter<'_>,
    item: &Value,
    attribute: &Value,
    default: Option<&Value>,
) -> Result<Value, Error> {
    let parts: Vec<Value> = match attribute {
        Value::None => Vec::new(),
        Value::Str(path) => path
            .as_str()
            .split('.')
            .map(|part| match part.parse::<i64>() {
                Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                _ => Value::from(part),
            })
            .collect(),
        other => vec![other.clone()],
    };
    let mut value = item.clone();
    for part in parts {
        value = interpreter.item(&value, &part)?;
        if value.is_undefined()
            && let Some(default) = default
        {
            value = default.clone();
        }
    }
    Ok(value)
}

fn map(interpreter: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let mut mapped = Vec::new();
    if args.positional.is_empty() && args.named.iter().any(|(name, _)| name == "attribute") {
        let [attribute, default] = bind(args, ["attribute", "default"])?;
        let attribute = attribute.unwrap_or(Value::None);
        let default = default.filter(|default| !default.is_none());
        let items = if ops::truthy(&value)? { ops::iterate(&value)? } else { Vec::new() };
        for item in items {
            mapped.push(get_attribute(interpreter, &item, &attribute, default.as_ref())?);
        }
    } else {
        if args.positional.is_empty() {
            return Err(Error::value_error("map requires a filter argument"));
        }
        let name = args.positional.remove(0).to_string();
        // What is false is not looked at, whether it has items or not.
        let items = if ops::truthy(&value)? { ops::iterate(&value)? } else { Vec::new() };
        for item in items {
            mapped.push(interpreter.apply_filter(&name, item, args.clone())?);
        }
    }
    Ok(Value::list(mapped))
}

fn choose(
    interpreter: &mut Interpreter<'_>,
    value: Value,
    mut args: Args,
    keep: bool,
    by_attribute: bool,
) -> Result<Value, Error> {
    if !ops::truthy(&value)? {
        return Ok(Value::list(Vec::new()));
    }
    let attribute = match (by_attribute, args.positional.is_empty()) {
        (false, _) => Value::None,
        (true, false) => args.positional.remove(0),
        (true, true) => return Err(Error::value_error("Missing parameter for attribute name")),
    };
    let test = if args.positional.is_empty() { None } else { Some(args.positional.remove(0).to_string()) };
    let mut chosen = Vec::new();
    for item in ops::iterate(&value)? {
        let subject = get_attribute(interpreter, &item, &attribute, None)?;
        let holds = match &test {
            Some(test) => interpreter.apply_test(test, subject, args.clone())?,
            None => ops::truthy(&subject)?,
        };
        if holds == keep {
            chosen.push(item);
        }
    }
    Ok(Value::list(chosen))
}
