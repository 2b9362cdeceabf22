//! Filters over lists and other sequences (`jinja2/filters.py`, `plugins/filter/core.py`).

use std::cmp::Ordering;

use super::bind::{bind, int, needed, text};
use super::choice::get_attribute;
use super::product::MAX_ITEMS;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("first", |_, value, _| {
        let first = ops::iterate(&value)?.into_iter().next();
        Ok(first.unwrap_or_else(|| Value::undefined_hint("No first item, sequence was empty.")))
    }),
    ("last", |_, value, _| {
        let items = ops::iterate(&value).map_err(|error| match error.message().contains("not iterable") {
            true => Error::type_error(format!("'{}' object is not reversible", value.type_name())),
            false => error,
        });
        let last = items?.pop();
        Ok(last.unwrap_or_else(|| Value::undefined_hint("No last item, sequence was empty.")))
    }),
    ("length", |_, value, _| ops::len(&value).map(Value::from)),
    ("count", |_, value, _| ops::len(&value).map(Value::from)),
    ("list", |_, value, _| ops::iterate(&value).map(Value::list)),
    ("join", join),
    ("reverse", reverse),
    ("batch", batch),
    ("slice", slice),
    ("items", items),
    ("attr", attr),
    ("flatten", flatten_filter),
];

fn join(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [separator, attribute] = bind(args, ["d", "attribute"])?;
    let separator = separator.map_or(Ok(String::new()), |separator| text(&separator))?;
    let mut texts = Vec::new();
    for item in ops::iterate(&value)? {
        let item = match attribute.as_ref().filter(|attribute| !attribute.is_none()) {
            Some(attribute) => get_attribute(interpreter, &item, attribute, None)?,
            None => item,
        };
        texts.push(text(&item)?);
    }
    Ok(Value::from(texts.join(&separator)))
}

fn reverse(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    if let Value::Str(text) = &value {
        return Ok(Value::from(text.as_str().chars().rev().collect::<String>()));
    }
    let mut items = ops::iterate(&value)?;
    items.reverse();
    Ok(Value::list(items))
}

fn batch(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [count, fill] = bind(args, ["linecount", "fill_with"])?;
    let count = needed(count, "linecount")?;
    let full = |batch: &Vec<Value>| Value::from(batch.len()) == count;
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    for item in ops::iterate(&value)? {
        ops::defined(&count)?;
        if full(&batch) {
            batches.push(Value::list(std::mem::take(&mut batch)));
        }
        batch.push(item);
    }
    if !batch.is_empty() {
        if let Some(fill) = fill.filter(|fill| !fill.is_none())
            && ops::compare(&Value::from(batch.len()), &count, "<")?.is_some_and(Ordering::is_lt)
        {
            batch.resize(usize::try_from(int(&count)?).unwrap_or(0).min(MAX_ITEMS), fill);
        }
        batches.push(Value::list(batch));
    }
    Ok(Value::list(batches))
}

fn slice(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [slices, fill] = bind(args, ["slices", "fill_with"])?;
    let slices = int(&needed(slices, "slices")?)?;
    let items = ops::iterate(&value)?;
    if slices == 0 {
        return Err(Error::exception("integer division or modulo by zero"));
    }
    let slices = usize::try_from(slices).unwrap_or(0).min(MAX_ITEMS);
    let fill = fill.filter(|fill| !fill.is_none());
    let mut at = 0;
    let mut parts = Vec::with_capacity(slices);
    for number in 0..slices {
        let extra = number < items.len() % slices;
        let size = items.len() / slices + usize::from(extra);
        let mut part = items[at..at + size].to_vec();
        at += size;
        if let (Some(fill), false) = (&fill, extra) {
            part.push(fill.clone());
        }
        parts.push(Value::list(part));
    }
    Ok(Value::list(parts))
}

fn items(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::list(Vec::new()));
    }
    let dict = value.as_dict().ok_or_else(|| Error::type_error("Can only get item pairs from a mapping."))?;
    let pairs = dict.entries().into_iter().map(|(key, value)| Value::tuple(vec![key.value().clone(), value]));
    Ok(Value::list(pairs.collect()))
}

fn attr(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [name] = bind(args, ["name"])?;
    let name = text(&needed(name, "name")?)?;
    if matches!(value, Value::Dict(_)) && !crate::jinja::methods::has(&value, &name) {
        return Ok(Value::undefined_hint(format!("'dict object' has no attribute '{name}'")));
    }
    interpreter.attribute(&value, &name)
}

fn flatten_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [levels, skip_nulls] = bind(args, ["levels", "skip_nulls"])?;
    let levels = levels.filter(|levels| !levels.is_none()).map(|levels| int(&levels)).transpose()?;
    let skip = skip_nulls.as_ref().map_or(Ok(true), ops::truthy)?;
    let mut flat = Vec::new();
    flatten(&ops::iterate(&value)?, levels, skip, &mut flat, 0)?;
    Ok(Value::list(flat))
}

/// `flatten(items, levels)`: lists within lists become part of the list.
///
/// # Errors
/// The nesting is too deep, or an item is missing that is compared with the nulls to skip.
pub fn flatten(
    items: &[Value],
    levels: Option<i64>,
    skip_nulls: bool,
    flat: &mut Vec<Value>,
    depth: usize,
) -> Result<(), Error> {
    if depth > 500 {
        return Err(Error::value_error("maximum recursion depth exceeded"));
    }
    for item in items {
        if skip_nulls {
            ops::defined(item)?;
        }
        let null = item.is_none() || matches!(item.as_str(), Some("None" | "null"));
        if skip_nulls && null {
            continue;
        }
        match levels {
            None if item.is_sequence() => flatten(&ops::iterate(item)?, None, skip_nulls, flat, depth + 1)?,
            Some(levels) if levels >= 1 && item.is_sequence() => {
                flatten(&ops::iterate(item)?, Some(levels - 1), skip_nulls, flat, depth + 1)?;
            }
            _ => flat.push(item.clone()),
        }
    }
    Ok(())
}
