//! Filters over lists and other sequences (`jinja2/filters.py`, `plugins/filter/{core,mathstuff}.py`).

use std::cmp::Ordering;
use std::collections::HashSet;

use super::bind::{bind, flag, int, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Entries, Key, Value};

/// The filters of this family.
pub const FILTERS: &[(&str, Filter)] = &[
    ("first", |_, value, _| {
        let first = ops::iterate(&value)?.into_iter().next();
        Ok(first.unwrap_or_else(|| Value::undefined_hint("No first item, sequence was empty.")))
    }),
    ("last", |_, value, _| {
        let last = ops::iterate(&value)?.pop();
        Ok(last.unwrap_or_else(|| Value::undefined_hint("No last item, sequence was empty.")))
    }),
    ("length", |_, value, _| ops::len(&value).map(Value::from)),
    ("count", |_, value, _| ops::len(&value).map(Value::from)),
    ("list", |_, value, _| ops::iterate(&value).map(Value::list)),
    ("join", join),
    ("sort", sort),
    ("unique", unique),
    ("min", |it, value, args| extreme(it, value, args, Ordering::Less)),
    ("max", |it, value, args| extreme(it, value, args, Ordering::Greater)),
    ("sum", sum),
    ("reverse", reverse),
    ("map", map),
    ("select", |it, value, args| choose(it, value, args, true, false)),
    ("reject", |it, value, args| choose(it, value, args, false, false)),
    ("selectattr", |it, value, args| choose(it, value, args, true, true)),
    ("rejectattr", |it, value, args| choose(it, value, args, false, true)),
    ("batch", batch),
    ("slice", slice),
    ("groupby", groupby),
    ("dictsort", dictsort),
    ("items", items),
    ("attr", attr),
    ("flatten", flatten_filter),
    ("union", |_, value, args| set_operation(value, args, Set::Union)),
    ("intersect", |_, value, args| set_operation(value, args, Set::Intersect)),
    ("difference", |_, value, args| set_operation(value, args, Set::Difference)),
    ("symmetric_difference", |_, value, args| set_operation(value, args, Set::Symmetric)),
    ("zip", |_, value, args| zip(value, args, None)),
    ("zip_longest", zip_longest),
    ("product", product),
    ("permutations", permutations),
    ("combinations", combinations),
    ("dict2items", dict2items),
    ("items2dict", items2dict),
    ("subelements", subelements),
    ("extract", extract),
    ("rekey_on_member", rekey_on_member),
    ("shuffle", shuffle),
    ("random", random),
];

/// The most items that a combinatorial filter may create.
const MAX_ITEMS: usize = 1_000_000;

/// `sorted(items)`, stable.
///
/// # Errors
/// Two items have no order.
pub fn sorted(mut items: Vec<Value>, reverse: bool) -> Result<Vec<Value>, Error> {
    sort_with(&mut items, reverse, |item| item.clone())?;
    Ok(items)
}

fn sort_with<T>(items: &mut [T], reverse: bool, key: impl Fn(&T) -> Value) -> Result<(), Error> {
    let mut failure = None;
    items.sort_by(|a, b| {
        let order = ops::compare(&key(a), &key(b), "<").unwrap_or_else(|error| {
            failure.get_or_insert(error);
            None
        });
        let order = order.unwrap_or(Ordering::Equal);
        if reverse { order.reverse() } else { order }
    });
    failure.map_or(Ok(()), Err)
}

fn ignore_case(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::from(text.as_str().to_lowercase()),
        other => other,
    }
}

/// `a.b.0` of an item, by parts.
pub fn get_attribute(
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

fn sort(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [reverse, case_sensitive, attribute] = bind(args, ["reverse", "case_sensitive", "attribute"])?;
    let (reverse, case_sensitive) = (flag(reverse.as_ref())?, flag(case_sensitive.as_ref())?);
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
            Err(_) => return Ok(Value::list(without_duplicates(items))),
        }
    }
    Ok(Value::list(kept))
}

/// Items that equal no earlier one, for items that cannot be keys.
fn without_duplicates(items: Vec<Value>) -> Vec<Value> {
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

fn reverse(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    if let Value::Str(text) = &value {
        return Ok(Value::from(text.as_str().chars().rev().collect::<String>()));
    }
    let mut items = ops::iterate(&value)?;
    items.reverse();
    Ok(Value::list(items))
}

fn map(interpreter: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let mut mapped = Vec::new();
    if args.positional.is_empty() && args.named.iter().any(|(name, _)| name == "attribute") {
        let [attribute, default] = bind(args, ["attribute", "default"])?;
        let attribute = attribute.unwrap_or(Value::None);
        let default = default.filter(|default| !default.is_none());
        for item in ops::iterate(&value)? {
            mapped.push(get_attribute(interpreter, &item, &attribute, default.as_ref())?);
        }
    } else {
        if args.positional.is_empty() {
            return Err(Error::value_error("map requires a filter argument"));
        }
        let name = args.positional.remove(0).to_string();
        for item in ops::iterate(&value)? {
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

fn batch(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [count, fill] = bind(args, ["linecount", "fill_with"])?;
    let count = usize::try_from(int(&needed(count, "linecount")?)?).unwrap_or(1).max(1);
    let mut batches: Vec<Vec<Value>> = ops::iterate(&value)?.chunks(count).map(<[Value]>::to_vec).collect();
    if let (Some(last), Some(fill)) = (batches.last_mut(), fill.filter(|fill| !fill.is_none())) {
        last.resize(count, fill);
    }
    Ok(Value::list(batches.into_iter().map(Value::list).collect()))
}

fn slice(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [slices, fill] = bind(args, ["slices", "fill_with"])?;
    let slices = usize::try_from(int(&needed(slices, "slices")?)?).unwrap_or(1).clamp(1, MAX_ITEMS);
    let items = ops::iterate(&value)?;
    let (per_slice, extra) = (items.len() / slices, items.len() % slices);
    let mut at = 0;
    let mut parts = Vec::with_capacity(slices);
    for number in 0..slices {
        let size = per_slice + usize::from(number < extra);
        let mut part = items[at..at + size].to_vec();
        at += size;
        if let (Some(fill), true) = (&fill, extra > 0 && number >= extra) {
            part.push(fill.clone());
        }
        parts.push(Value::list(part));
    }
    Ok(Value::list(parts))
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
    sort_with(&mut pairs, flag(reverse.as_ref())?, |(key, value)| {
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
/// The nesting is too deep.
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

/// What is made of two lists.
#[derive(Clone, Copy)]
enum Set {
    Union,
    Intersect,
    Difference,
    Symmetric,
}

fn set_operation(value: Value, args: Args, how: Set) -> Result<Value, Error> {
    let [other] = bind(args, ["b"])?;
    let (left, right) = (ops::iterate(&value)?, ops::iterate(&needed(other, "b")?)?);
    let chosen: Vec<Value> = match how {
        Set::Union => left.into_iter().chain(right).collect(),
        Set::Intersect => left.into_iter().filter(|item| right.contains(item)).collect(),
        Set::Difference => left.into_iter().filter(|item| !right.contains(item)).collect(),
        Set::Symmetric => {
            let only_right = right.iter().filter(|item| !left.contains(item)).cloned().collect::<Vec<_>>();
            left.into_iter().filter(|item| !right.contains(item)).chain(only_right).collect()
        }
    };
    Ok(Value::list(without_duplicates(chosen)))
}

fn zip(value: Value, args: Args, fill: Option<Value>) -> Result<Value, Error> {
    let mut lists = vec![ops::iterate(&value)?];
    for other in &args.positional {
        lists.push(ops::iterate(other)?);
    }
    let lengths = lists.iter().map(Vec::len);
    let len = if fill.is_some() { lengths.max() } else { lengths.min() }.unwrap_or(0);
    let row = |i: usize| {
        Value::tuple(
            lists
                .iter()
                .map(|list| list.get(i).cloned().or_else(|| fill.clone()).unwrap_or(Value::None))
                .collect(),
        )
    };
    Ok(Value::list((0..len).map(row).collect()))
}

fn zip_longest(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let at = args.named.iter().position(|(name, _)| name == "fillvalue");
    let fill = at.map_or(Value::None, |at| args.named.remove(at).1);
    zip(value, args, Some(fill))
}

fn product(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let at = args.named.iter().position(|(name, _)| name == "repeat");
    let repeat = at.map_or(Ok(1), |at| int(&args.named.remove(at).1))?;
    let mut pools = vec![ops::iterate(&value)?];
    for other in &args.positional {
        pools.push(ops::iterate(other)?);
    }
    let pools: Vec<&Vec<Value>> = (0..repeat).flat_map(|_| pools.iter()).collect();
    let size = pools.iter().fold(1_usize, |size, pool| size.saturating_mul(pool.len()));
    too_many(size)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for pool in pools {
        rows = rows
            .iter()
            .flat_map(|row| pool.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat()))
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::tuple).collect()))
}

fn too_many(size: usize) -> Result<(), Error> {
    if size > MAX_ITEMS { Err(Error::value_error("the filter would create too many items")) } else { Ok(()) }
}

fn permutations(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [size] = bind(args, ["r"])?;
    let items = ops::iterate(&value)?;
    let size = size.filter(|size| !size.is_none()).map_or(Ok(items.len() as i64), |size| int(&size))?;
    arrange(&items, usize::try_from(size).unwrap_or(0), false)
}

fn combinations(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [size] = bind(args, ["r"])?;
    let items = ops::iterate(&value)?;
    arrange(&items, usize::try_from(int(&needed(size, "r")?)?).unwrap_or(0), true)
}

/// All choices of `size` items: in order only, or in every order.
fn arrange(items: &[Value], size: usize, ordered: bool) -> Result<Value, Error> {
    if size > items.len() {
        return Ok(Value::list(Vec::new()));
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut next = Vec::new();
        for row in &rows {
            let from = if ordered { row.last().map_or(0, |last| last + 1) } else { 0 };
            let free = (from..items.len()).filter(|at| !row.contains(at));
            next.extend(free.map(|at| [row.as_slice(), &[at]].concat()));
            too_many(next.len())?;
        }
        rows = next;
    }
    let row = |row: Vec<usize>| Value::tuple(row.into_iter().map(|at| items[at].clone()).collect());
    Ok(Value::list(rows.into_iter().map(row).collect()))
}

fn dict2items(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [key_name, value_name] = bind(args, ["key_name", "value_name"])?;
    ops::defined(&value)?;
    let Some(dict) = value.as_dict() else {
        let kind = value.type_name();
        return Err(Error::type_error(format!(
            "dict2items requires a dictionary, got <class '{kind}'> instead."
        )));
    };
    let key_name = Key::new(key_name.unwrap_or_else(|| Value::from("key")))?;
    let value_name = Key::new(value_name.unwrap_or_else(|| Value::from("value")))?;
    let item = |(key, value): (Key, Value)| {
        Value::Dict(Dict::from_iter([(key_name.clone(), key.value().clone()), (value_name.clone(), value)]))
    };
    Ok(Value::list(dict.entries().into_iter().map(item).collect()))
}

fn items2dict(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [key_name, value_name] = bind(args, ["key_name", "value_name"])?;
    ops::defined(&value)?;
    if !value.is_sequence() {
        let kind = value.type_name();
        return Err(Error::type_error(format!("items2dict requires a list, got <class '{kind}'> instead.")));
    }
    let key_name = key_name.map_or(Ok("key".to_owned()), |name| text(&name))?;
    let value_name = value_name.map_or(Ok("value".to_owned()), |name| text(&name))?;
    let mut entries = Entries::new();
    for item in ops::iterate(&value)? {
        let dict = item.as_dict().ok_or_else(|| {
            Error::type_error(format!("items2dict requires a list of dictionaries, got {value} instead."))
        })?;
        match (dict.get(&key_name), dict.get(&value_name)) {
            (Some(key), Some(value)) => {
                entries.insert(Key::new(key)?, value);
            }
            _ => {
                return Err(Error::type_error(format!(
                    "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', got {value} instead."
                )));
            }
        }
    }
    Ok(Value::Dict(Dict::new(entries)))
}

fn subelements(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [path, skip_missing] = bind(args, ["subelements", "skip_missing"])?;
    let skip = flag(skip_missing.as_ref())?;
    let elements = match &value {
        Value::Dict(dict) => dict.entries().into_values().collect(),
        Value::List(list) => list.items(),
        other => {
            ops::defined(other)?;
            return Err(Error::plugin("obj must be a list of dicts or a nested dict"));
        }
    };
    let path = match needed(path, "subelements")? {
        Value::List(list) => list.items(),
        Value::Str(path) => path.as_str().split('.').map(Value::from).collect(),
        _ => return Err(Error::type_error("subelements must be a list or a string")),
    };
    let mut pairs = Vec::new();
    for element in elements {
        let mut found = element.clone();
        for part in &path {
            let key = part.to_string();
            let Some(dict) = found.as_dict().cloned() else {
                return Err(Error::type_error(format!(
                    "the key {key} should point to a dictionary, got '{found}'"
                )));
            };
            match dict.get(&key) {
                Some(value) => found = value,
                None if skip => {
                    found = Value::list(Vec::new());
                    break;
                }
                None => {
                    return Err(Error::plugin(format!(
                        "could not find '{key}' key in iterated item {found:?}"
                    )));
                }
            }
        }
        let Some(list) = found.as_list() else {
            let key = path.last().cloned().unwrap_or(Value::None);
            return Err(Error::type_error(format!("the key {key:?} should point to a list, got {found:?}")));
        };
        pairs.extend(list.items().into_iter().map(|item| Value::tuple(vec![element.clone(), item])));
    }
    Ok(Value::list(pairs))
}

fn extract(interpreter: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [container, more] = bind(args, ["container", "morekeys"])?;
    let mut keys = vec![value];
    match more {
        Some(Value::List(list)) => keys.extend(list.items()),
        Some(Value::None) | None => {}
        Some(other) => keys.push(other),
    }
    let mut found = needed(container, "container")?;
    for key in keys {
        found = interpreter.item(&found, &key)?;
    }
    Ok(found)
}

fn rekey_on_member(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [key, duplicates] = bind(args, ["key", "duplicates"])?;
    let duplicates = duplicates.map_or(Ok("error".to_owned()), |it| text(&it))?;
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        let message = format!("duplicates parameter to rekey_on_member has unknown value: {duplicates}");
        return Err(Error::plugin(message));
    }
    let key = text(&needed(key, "key")?)?;
    let members = match &value {
        Value::Dict(dict) => dict.entries().into_values().collect(),
        Value::Str(_) => return Err(Error::type_error("Type is not a valid list, set, or dict")),
        other => ops::iterate(other)?,
    };
    let mut entries = Entries::new();
    for member in members {
        let dict = member.as_dict().ok_or_else(|| Error::type_error("List item is not a valid dict"))?;
        let found = dict.get(&key).ok_or_else(|| Error::plugin(format!("Key {key} was not found")))?;
        let shown = found.to_string();
        if entries.insert(Key::new(found)?, member.clone()).is_some() && duplicates == "error" {
            return Err(Error::plugin(format!("Key {shown} is not unique, cannot correctly turn into dict")));
        }
    }
    Ok(Value::Dict(Dict::new(entries)))
}

fn shuffle(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    use rand::seq::SliceRandom;
    let [seed] = bind(args, ["seed"])?;
    ops::defined(&value)?;
    let Ok(mut items) = ops::iterate(&value) else { return Ok(value) };
    items.shuffle(&mut generator(seed.as_ref()));
    Ok(Value::list(items))
}

/// A generator from a seed, or from chance. A seed gives the same sequence each time, though not the
/// one that Python's generator would give.
fn generator(seed: Option<&Value>) -> rand::rngs::StdRng {
    use rand::SeedableRng;
    use std::hash::{DefaultHasher, Hash, Hasher};
    match seed.filter(|seed| !seed.is_none()) {
        Some(seed) => {
            let mut hasher = DefaultHasher::new();
            seed.to_string().hash(&mut hasher);
            rand::rngs::StdRng::seed_from_u64(hasher.finish())
        }
        None => rand::rngs::StdRng::from_os_rng(),
    }
}

fn random(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    use rand::Rng;
    let [start, step, seed] = bind(args, ["start", "step", "seed"])?;
    ops::defined(&value)?;
    let mut generator = generator(seed.as_ref());
    let given = |it: Option<Value>| it.filter(ops::truthy_or_false);
    let (start, step) = (given(start), given(step));
    if let Value::Int(end) = value {
        let start = start.map_or(Ok(0), |start| int(&start))?;
        let step = step.map_or(Ok(1), |step| int(&step))?.max(1);
        let count = (end - start + step - 1) / step;
        if count <= 0 {
            return Err(Error::value_error(format!(
                "empty range for randrange() ({start}, {end}, {})",
                end - start
            )));
        }
        return Ok(Value::Int(start + step * generator.random_range(0..count)));
    }
    let items = ops::iterate(&value)
        .map_err(|_| Error::plugin("random can only be used on sequences and integers"))?;
    if start.is_some() || step.is_some() {
        return Err(Error::plugin("start and step can only be used with integer values"));
    }
    if items.is_empty() {
        return Err(Error::value_error("Cannot choose from an empty sequence"));
    }
    Ok(items[generator.random_range(0..items.len())].clone())
}
