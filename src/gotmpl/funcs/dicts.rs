//! Maps (sprig `dict.go`). A map is shared: `set` and `unset` are seen by every holder. Go's random key
//! order is ours sorted.

use std::collections::BTreeMap;

use super::args::{as_plain_map, bytes, fail, fixed, list, map, strings, variadic};
use super::strings::to_str;
use super::{Outcome, merge};
use crate::gotmpl::fmt::type_name;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, List, Map, MapType, Param, Str, Value};

const MAP: &[Param] = &[Param::Map];
const MAP_KEY: &[Param] = &[Param::Map, Param::Str];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    variadic("dict", &[], Param::Any, dict),
    fixed("get", MAP_KEY, |_, args| Ok(map(args, 0).get(bytes(args, 1)).unwrap_or_else(|| Value::from("")))),
    fixed("set", &[Param::Map, Param::Str, Param::Any], set),
    fixed("unset", MAP_KEY, |_, args| {
        let map = map(args, 0);
        map.remove(bytes(args, 1));
        Ok(as_plain_map(&map))
    }),
    fixed("hasKey", MAP_KEY, |_, args| Ok(Value::Bool(map(args, 0).borrow().contains_key(bytes(args, 1))))),
    variadic("pluck", &[Param::Str], Param::Map, |_, args| {
        list((1..args.len()).filter_map(|index| map(args, index).get(bytes(args, 0))).collect())
    }),
    variadic("keys", &[], Param::Map, |_, args| {
        let mut keys: Vec<Str> = Vec::new();
        for index in 0..args.len() {
            keys.extend(map(args, index).borrow().keys().cloned());
        }
        strings(keys)
    }),
    fixed("values", MAP, |_, args| list(map(args, 0).borrow().values().cloned().collect())),
    variadic("pick", MAP, Param::Str, |_, args| {
        let map = map(args, 0);
        let wanted = args[1..].iter().filter_map(|key| match key {
            Value::Str(key) => map.entry(key).map(|value| (key.clone(), value)),
            _ => None,
        });
        plain(wanted.collect())
    }),
    variadic("omit", MAP, Param::Str, |_, args| {
        let is_unwanted =
            |key: &Str| args[1..].iter().any(|unwanted| matches!(unwanted, Value::Str(name) if name == key));
        let map = map(args, 0);
        let entries = map.borrow();
        let kept = entries.iter().filter(|(key, _)| !is_unwanted(key));
        plain(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }),
    variadic("dig", &[], Param::Any, dig),
    variadic("merge", MAP, Param::Map, |_, args| Ok(merged(args, false).unwrap_or_else(|_| Value::from("")))),
    variadic("mergeOverwrite", MAP, Param::Map, |_, args| {
        Ok(merged(args, true).unwrap_or_else(|_| Value::from("")))
    }),
    variadic("mustMerge", MAP, Param::Map, |_, args| merged(args, false)),
    variadic("mustMergeOverwrite", MAP, Param::Map, |_, args| merged(args, true)),
    fixed("deepCopy", &[Param::Any], |_, args| deep_copy(&args[0])),
    fixed("mustDeepCopy", &[Param::Any], |_, args| deep_copy(&args[0])),
];

fn plain(entries: BTreeMap<Str, Value>) -> Outcome {
    Ok(Value::Map(Map::from_entries(MapType::Any, entries)))
}

/// Keys and values in turn; a key without a value gets the empty string.
fn dict(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let entries = args.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
        (to_str(&pair[0]), value)
    });
    plain(entries.collect())
}

fn set(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let map = map(args, 0);
    if map.is_nil() {
        return Err(fail("assignment to entry in nil map"));
    }
    map.insert(bytes(args, 1), args[2].clone());
    Ok(as_plain_map(&map))
}

/// Walks down the keys; a missing one gives the default, a level that is no map fails.
fn dig(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let [keys @ .., default, dict] = args else {
        return Err(fail("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(fail("dig needs at least three arguments"));
    }
    let mut level = asserted_map(dict)?;
    let keys = keys.iter().map(asserted_string).collect::<Result<Vec<_>, _>>()?;
    for (index, key) in keys.iter().enumerate() {
        let Some(step) = level.entry(key) else { return Ok(default.clone()) };
        if index + 1 == keys.len() {
            return Ok(step);
        }
        level = asserted_map(&step)?;
    }
    Ok(default.clone())
}

fn asserted_map(value: &Value) -> Result<Map, FuncError> {
    match value {
        Value::Map(map) if map.ty == MapType::Any => Ok(map.clone()),
        _ => Err(not_a(value, "map[string]interface {}")),
    }
}

fn asserted_string(value: &Value) -> Result<&Str, FuncError> {
    match value {
        Value::Str(text) => Ok(text),
        _ => Err(not_a(value, "string")),
    }
}

/// What a failed Go type assertion panics with.
fn not_a(value: &Value, wanted: &str) -> FuncError {
    let found = if matches!(value, Value::Nil) { "nil".into() } else { type_name(value) };
    fail(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}

fn merged(args: &[Value], overwrite: bool) -> Outcome {
    let mut target = map(args, 0);
    for index in 1..args.len() {
        let source = map(args, index);
        if target.is_nil() && !source.is_nil() {
            target = Map::new(MapType::Any);
        }
        merge::merge(&target, &source, overwrite)?;
    }
    Ok(as_plain_map(&target))
}

/// `copystructure.Copy`: maps and slices are copied all the way down.
fn deep_copy(value: &Value) -> Outcome {
    if matches!(value, Value::Nil) {
        return Err(fail("reflect: call of reflect.Value.Type on zero Value"));
    }
    copy(value, 0)
}

fn copy(value: &Value, depth: usize) -> Outcome {
    if depth > merge::MAX_DEPTH {
        return Err(fail("deepCopy error: value is nested too deeply"));
    }
    Ok(match value {
        Value::Map(map) if !map.is_nil() => {
            let mut entries = BTreeMap::new();
            for (key, value) in map.borrow().iter() {
                entries.insert(key.clone(), copy(value, depth + 1)?);
            }
            Value::Map(Map::from_entries(map.ty, entries))
        }
        Value::List(list) if !list.is_nil() => {
            let items = list.iter().map(|item| copy(item, depth + 1)).collect::<Result<_, _>>()?;
            Value::List(List::new(list.elem, items))
        }
        _ => value.clone(),
    })
}
