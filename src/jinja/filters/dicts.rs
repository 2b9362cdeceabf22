//! Filters between dicts and lists (`plugins/filter/{core,mathstuff}.py`).

use super::bind::{bind, flag, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Entries, Key, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("dict2items", dict2items),
    ("items2dict", items2dict),
    ("subelements", subelements),
    ("extract", extract),
    ("rekey_on_member", rekey_on_member),
];

fn dict2items(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [key_name, value_name] = bind(args, ["key_name", "value_name"])?;
    ops::defined(&value)?;
    let Some(dict) = value.as_dict() else {
        let kind = value.class_name();
        return Err(Error::type_error(format!("dict2items requires a dictionary, got {kind} instead.")));
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
        let kind = value.class_name();
        return Err(Error::type_error(format!("items2dict requires a list, got {kind} instead.")));
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
