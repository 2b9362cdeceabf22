//! Filters that order, group and add up (`jinja2/filters.py`).

use std::cmp::Ordering;
use std::collections::HashSet;

use super::bind::{bind, flag, int, needed, text};
use super::choice::get_attribute;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Key, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("sort", sort),
    ("unique", unique),
    ("min", |it, value, args| extreme(it, value, args, Ordering::Less)),
    ("max", |it, value, args| extreme(it, value, args, Ordering::Greater)),
    ("sum", sum),
    ("groupby", groupby),
    ("dictsort", dictsort),
];

/// `reverse` of Python's `sorted`, which wants a number.
fn reversed(value: Option<&Value>) -> Result<bool, Error> {
    Ok(value.map_or(Ok(0), int)? != 0)
}

/// How many items Python sorts by insertion alone.
const SMALL: usize = 64;

/// Sorts as `list.sort` does, stable: few items by the very comparisons of Python's, which tell what has no order.
///
/// # Errors
/// Two items have no order.
pub(in crate::jinja) fn sort_with<T>(
    items: &mut [T],
    reverse: bool,
    key: impl Fn(&T) -> Value,
) -> Result<(), Error> {
    let less = |a: &T, b: &T| ops::compare(&key(a), &key(b), "<").map(|order| order == Some(Ordering::Less));
    if reverse {
        items.reverse();
    }
    let sorted = match items.len() {
        0..SMALL => insert_sorted(items, less),
        _ => {
            let mut failure = None;
            items.sort_by(|a, b| {
                let order = ops::compare(&key(a), &key(b), "<").unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    None
                });
                order.unwrap_or(Ordering::Equal)
            });
            failure.map_or(Ok(()), Err)
        }
    };
    if reverse {
        items.reverse();
    }
    sorted
}

/// CPython's `count_run` and `binarysort`.
fn insert_sorted<T>(items: &mut [T], less: impl Fn(&T, &T) -> Result<bool, Error>) -> Result<(), Error> {
    let pair = |items: &[T], at: usize| match items.get(at - 1..=at) {
        Some([before, item]) => less(item, before),
        _ => Ok(false),
    };
    let mut run = items.len().min(1);
    if items.len() > 1 {
        let falling = pair(items, 1)?;
        run = 2;
        while run < items.len() && pair(items, run)? == falling {
            run += 1;
        }
        if falling && let Some(part) = items.get_mut(..run) {
            part.reverse();
        }
    }
    for at in run..items.len() {
        let (mut low, mut high) = (0, at);
        while low < high {
            let middle = low + (high - low) / 2;
            let is_less = match (items.get(at), items.get(middle)) {
                (Some(item), Some(other)) => less(item, other)?,
                _ => false,
            };
            if is_less {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if let Some(part) = items.get_mut(low..=at) {
            part.rotate_right(1);
        }
    }
    Ok(())
}

fn ignore_case(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::from(text.as_str().to_lowercase()),
        other => other,
    }
}

fn sort(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [reverse, case_sensitive, attribute] = bind(args, ["reverse", "case_sensitive", "attribute"])?;
    let (reverse, case_sensitive) = (reversed(reverse.as_ref())?, flag(case_sensitive.as_ref())?);
    let attributes = match attribute {
        Some(Value::Str(names)) => names.as_str().split(',').map(Value::from).collect(),
        Some(other) => vec![other],
        None => vec![Value::None],
    };
    let mut keyed = Vec::new();
    for item in ops::iterate(&value)? {
        let mut key = Vec::with_capacity(attributes.len());
        for attribute in &attributes {
            let part = get_attribute(interpreter, &item, attribute, None)?;
            key.push(if case_sensitive { part } else { ignore_case(part) });
        }
        keyed.push((Value::list(key), item));
    }
    sort_with(&mut keyed, reverse, |(key, _)| key.clone())?;
    Ok(Value::list(keyed.into_iter().map(|(_, item)| item).collect()))
}

#[expect(clippy::mutable_key_type, reason = "a key never holds a list or a dict")]
fn unique(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [case_sensitive, attribute] = bind(args, ["case_sensitive", "attribute"])?;
    let sensitive = flag(case_sensitive.as_ref())?;
    let attribute = attribute.unwrap_or(Value::None);
    let asked = matches!(case_sensitive, Some(Value::Bool(false))) || ops::truthy(&attribute)?;
    let items = ops::iterate(&value)?;
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for item in &items {
        let key = get_attribute(interpreter, item, &attribute, None)?;
        ops::defined(&key)?;
        match Key::new(if sensitive { key } else { ignore_case(key) }) {
            Ok(key) => {
                if seen.insert(key) {
                    kept.push(item.clone());
                }
            }
            Err(_) if asked => {
                let message = "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied";
                return Err(Error::plugin(message));
            }
            Err(_) => return Ok(Value::list(without_duplicates(items))),
        }
    }
    Ok(Value::list(kept))
}

/// Items that equal no earlier one, for items that cannot be keys.
pub(super) fn without_duplicates(items: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

fn extreme(
    interpreter: &mut Interpreter<'_>,
    value: Value,
    args: Args,
    wanted: Ordering,
) -> Result<Value, Error> {
    let [case_sensitive, attribute] = bind(args, ["case_sensitive", "attribute"])?;
    let sensitive = flag(case_sensitive.as_ref())?;
    let attribute = attribute.unwrap_or(Value::None);
    let mut best: Option<(Value, Value)> = None;
    for item in ops::iterate(&value)? {
        let key = get_attribute(interpreter, &item, &attribute, None)?;
        let key = if sensitive { key } else { ignore_case(key) };
        let op = if wanted == Ordering::Less { "<" } else { ">" };
        let better = match &best {
            Some((old, _)) => ops::compare(&key, old, op)? == Some(wanted),
            None => true,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best
        .map_or_else(|| Value::undefined_hint("No aggregated item, sequence was empty."), |(_, item)| item))
}

fn sum(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [attribute, start] = bind(args, ["attribute", "start"])?;
    let mut total = start.unwrap_or(Value::Int(0));
    for item in ops::iterate(&value)? {
        let item = get_attribute(interpreter, &item, attribute.as_ref().unwrap_or(&Value::None), None)?;
        total = ops::add(&total, &item)?;
    }
    Ok(total)
}

fn groupby(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [attribute, default, case_sensitive] = bind(args, ["attribute", "default", "case_sensitive"])?;
    let attribute = needed(attribute, "attribute")?;
    let sensitive = flag(case_sensitive.as_ref())?;
    let default = default.filter(|default| !default.is_none());
    let mut keyed = Vec::new();
    for item in ops::iterate(&value)? {
        let own = get_attribute(interpreter, &item, &attribute, default.as_ref())?;
        ops::defined(&own)?;
        let key = if sensitive { own.clone() } else { ignore_case(own.clone()) };
        keyed.push((key, own, item));
    }
    sort_with(&mut keyed, false, |(key, ..)| key.clone())?;
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (key, own, item) in keyed {
        match groups.last_mut() {
            Some((last, _, items)) if *last == key => items.push(item),
            _ => groups.push((key, own, vec![item])),
        }
    }
    let groups = groups.into_iter().map(|(_, own, items)| Value::tuple(vec![own, Value::list(items)]));
    Ok(Value::list(groups.collect()))
}

fn dictsort(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [case_sensitive, by, reverse] = bind(args, ["case_sensitive", "by", "reverse"])?;
    let sensitive = flag(case_sensitive.as_ref())?;
    let by_value = match by.map_or(Ok("key".to_owned()), |by| text(&by))?.as_str() {
        "key" => false,
        "value" => true,
        _ => return Err(Error::value_error("You can only sort by either \"key\" or \"value\"")),
    };
    let dict = dict_of(&value)?;
    let mut pairs: Vec<(Value, Value)> =
        dict.entries().into_iter().map(|(key, value)| (key.value().clone(), value)).collect();
    sort_with(&mut pairs, reversed(reverse.as_ref())?, |(key, value)| {
        let chosen = if by_value { value.clone() } else { key.clone() };
        if sensitive { chosen } else { ignore_case(chosen) }
    })?;
    Ok(Value::list(pairs.into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect()))
}

fn dict_of(value: &Value) -> Result<Dict, Error> {
    ops::defined(value)?;
    let kind = value.type_name();
    value
        .as_dict()
        .cloned()
        .ok_or_else(|| Error::type_error(format!("'{kind}' object has no attribute 'items'")))
}
