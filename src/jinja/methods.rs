//! Methods and attributes of Python's own types, as far as roles call them.

use std::sync::Arc;

use super::datetime;
use super::error::Error;
use super::eval::Interpreter;
use super::globals;
use super::object::{Args, Object};
use super::ops;
use super::range::Range;
use super::repr;
use super::value::{Dict, DictView, Key, List, Str, Timestamp, Value, ViewKind};

const STR: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "isprintable",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];
const LIST: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
const TUPLE: &[&str] = &["count", "index"];
const DICT: &[&str] = &[
    "__contains__",
    "__getitem__",
    "__setitem__",
    "clear",
    "copy",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
const DATETIME: &[&str] =
    &["ctime", "date", "isoformat", "isoweekday", "replace", "strftime", "timestamp", "toordinal", "weekday"];
const DATE: &[&str] = &["ctime", "isoformat", "isoweekday", "strftime", "toordinal", "weekday"];
const NUMBER: &[&str] = &["bit_length", "is_integer"];

/// The methods of a type.
fn names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) => STR,
        Value::Bytes(_) => &["decode"],
        Value::List(_) => LIST,
        Value::Tuple(_) | Value::Range(_) => TUPLE,
        Value::Dict(_) => DICT,
        Value::DateTime(_) => DATETIME,
        Value::Date(_) => DATE,
        Value::TimeDelta(_) => &["total_seconds"],
        Value::Int(_) | Value::Float(_) => NUMBER,
        Value::Object(object) if object.keys().is_some() => &["get", "items", "keys", "values"],
        _ => &[],
    }
}

/// Whether the type has this method.
#[must_use]
pub(super) fn has(value: &Value, name: &str) -> bool {
    names(value).contains(&name)
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

    fn call(&self, args: Args, _: &mut Interpreter<'_>) -> Result<Value, Error> {
        call(&self.receiver, &self.name, args)
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
        Value::DateTime(time) => {
            let t = time.civil;
            Some(Value::Int(match name {
                "year" => i64::from(t.year()),
                "month" => i64::from(t.month()),
                "day" => i64::from(t.day()),
                "hour" => i64::from(t.hour()),
                "minute" => i64::from(t.minute()),
                "second" => i64::from(t.second()),
                "microsecond" => i64::from(t.subsec_nanosecond() / 1000),
                _ => return None,
            }))
        }
        Value::Date(date) => Some(Value::Int(match name {
            "year" => i64::from(date.year()),
            "month" => i64::from(date.month()),
            "day" => i64::from(date.day()),
            _ => return None,
        })),
        Value::TimeDelta(micros) => {
            let (days, seconds, micros) = repr::timedelta_parts(*micros);
            Some(Value::Int(match name {
                "days" => days,
                "seconds" => seconds,
                "microseconds" => micros,
                _ => return None,
            }))
        }
        Value::Int(_) | Value::BigInt(_) | Value::Bool(_) => match name {
            "real" | "numerator" => ops::pos(value).ok(),
            "imag" => Some(Value::Int(0)),
            "denominator" => Some(Value::Int(1)),
            _ => None,
        },
        Value::Float(_) if name == "real" => Some(value.clone()),
        Value::Float(_) if name == "imag" => Some(Value::Float(0.0)),
        // What `groupby` makes: a pair of what a group shares and its members.
        Value::Tuple(pair) => match (name, pair.as_ref()) {
            ("grouper", [grouper, Value::List(_)]) => Some(grouper.clone()),
            ("list", [_, members @ Value::List(_)]) => Some(members.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Calls a method of the value's type.
///
/// # Errors
/// There is no such method, an argument is wrong, or Python would raise.
pub(super) fn call(value: &Value, name: &str, args: Args) -> Result<Value, Error> {
    match value {
        // What is made of unsafe text is unsafe; only joining makes a text of its own.
        Value::Str(text) if text.is_unsafe() && name != "join" => {
            str_method(text, name, args).map(Value::into_unsafe)
        }
        Value::Str(text) => str_method(text, name, args),
        Value::List(list) => list_method(list, name, args),
        Value::Dict(dict) => dict_method(dict, name, args),
        Value::Tuple(items) => {
            sequence_method(items, name, &args, |_| "tuple.index(x): x not in tuple".to_owned())
        }
        Value::Range(range) => range_method(range, name, &args),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map(Value::from)
            .map_err(|error| Error::value_error(format!("'utf-8' codec can't decode bytes: {error}"))),
        Value::DateTime(time) => datetime_method(time, name, args),
        Value::Date(date) => {
            let time = Timestamp { civil: date.at(0, 0, 0, 0), offset: None };
            match name {
                "isoformat" => Ok(Value::from(date.to_string())),
                _ => datetime_method(&time, name, args),
            }
        }
        Value::TimeDelta(micros) => Ok(Value::Float(*micros as f64 / 1e6)),
        Value::Int(number) if name == "bit_length" => {
            Ok(Value::Int(i64::from(64 - number.unsigned_abs().leading_zeros())))
        }
        Value::Int(_) => Ok(Value::Bool(true)),
        Value::Float(number) => Ok(Value::Bool(number.fract() == 0.0)),
        Value::Object(object) => {
            let keys = object.keys().unwrap_or_default();
            match name {
                "keys" => Ok(Value::list(keys)),
                _ => Err(Error::type_error(format!("'{}' object has no method '{name}'", value.type_name()))),
            }
        }
        other => Err(Error::type_error(format!("'{}' object has no attribute '{name}'", other.type_name()))),
    }
}

fn range_method(range: &Range, name: &str, args: &Args) -> Result<Value, Error> {
    let wanted = args.positional.first().ok_or_else(|| missing_argument(name))?;
    ops::defined(wanted)?;
    let at = wanted.as_big_int().and_then(|number| range.position(&number));
    match name {
        "count" => Ok(Value::Int(i64::from(at.is_some()))),
        _ => at.map(Value::from).ok_or_else(|| match wanted.as_int() {
            Some(_) => Error::value_error(format!("{} is not in range", repr::repr(wanted))),
            None => Error::value_error("sequence.index(x): x not in sequence"),
        }),
    }
}

fn sequence_method(
    items: &[Value],
    name: &str,
    args: &Args,
    absent: fn(&Value) -> String,
) -> Result<Value, Error> {
    let wanted = args.positional.first().ok_or_else(|| missing_argument(name))?;
    let first = ops::position(items, wanted)?;
    match name {
        "count" => {
            let rest = first.map_or(&[][..], |first| &items[first..]);
            Ok(Value::from(rest.iter().filter(|item| *item == wanted).count()))
        }
        _ => first.map(Value::from).ok_or_else(|| Error::value_error(absent(wanted))),
    }
}

fn missing_argument(name: &str) -> Error {
    Error::type_error(format!("{name}() takes at least one argument (0 given)"))
}

fn list_method(list: &List, name: &str, mut args: Args) -> Result<Value, Error> {
    let first = args.positional.first().cloned();
    let needed = || first.clone().ok_or_else(|| missing_argument(name));
    match name {
        "append" => list.write().push(needed()?),
        "clear" => list.write().clear(),
        "copy" => return Ok(Value::list(list.items())),
        "extend" => {
            let items = ops::iterate(&needed()?)?;
            list.write().extend(items);
        }
        "insert" => {
            let at = index_arg(&needed()?)?;
            let item = args.positional.get(1).cloned().ok_or_else(|| missing_argument(name))?;
            let mut items = list.write();
            let at = clamp(at, items.len());
            items.insert(at, item);
        }
        "pop" => {
            let mut items = list.write();
            if items.is_empty() {
                return Err(Error::exception("pop from empty list"));
            }
            let at = first.as_ref().map_or(Ok(-1), index_arg)?;
            let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = usize::try_from(if at < 0 { at + len } else { at }).ok().filter(|at| *at < items.len());
            return Ok(items.remove(at.ok_or_else(|| Error::exception("pop index out of range"))?));
        }
        "remove" => {
            let wanted = needed()?;
            let at = list.items().iter().position(|item| *item == wanted);
            list.write().remove(at.ok_or_else(|| Error::value_error("list.remove(x): x not in list"))?);
        }
        "reverse" => list.write().reverse(),
        "sort" => {
            let reverse = args.get(9, "reverse")?.is_some_and(|it| ops::truthy_or_false(&it));
            let sorted = super::filters::order::sorted(list.items(), reverse)?;
            *list.write() = sorted;
        }
        _ => {
            let absent = |item: &Value| format!("{} is not in list", repr::repr(item));
            return sequence_method(&list.items(), name, &args, absent);
        }
    }
    Ok(Value::None)
}

/// An argument that is an index or a count (`__index__`).
fn index_arg(value: &Value) -> Result<i64, Error> {
    value.as_int().ok_or_else(|| match value {
        Value::BigInt(_) => Error::exception("Python int too large to convert to C ssize_t"),
        other => {
            Error::type_error(format!("'{}' object cannot be interpreted as an integer", other.tp_name()))
        }
    })
}

fn clamp(at: i64, len: usize) -> usize {
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if at < 0 { (at + signed).max(0) } else { at };
    usize::try_from(at).unwrap_or(0).min(len)
}

fn dict_method(dict: &Dict, name: &str, mut args: Args) -> Result<Value, Error> {
    let view = |kind| Ok(Value::View(DictView { dict: dict.clone(), kind }));
    match name {
        "keys" => return view(ViewKind::Keys),
        "values" => return view(ViewKind::Values),
        "items" => return view(ViewKind::Items),
        "copy" => return Ok(Value::Dict(Dict::new(dict.entries()))),
        "clear" => {
            dict.write().clear();
            return Ok(Value::None);
        }
        "popitem" => {
            let (key, value) =
                dict.write().pop().ok_or_else(|| Error::value_error("popitem(): dictionary is empty"))?;
            return Ok(Value::tuple(vec![key.value().clone(), value]));
        }
        "update" => {
            let mut entries = dict.entries();
            if let Some(from) = args.positional.first() {
                globals::extend(&mut entries, from)?;
            }
            entries.extend(args.named.into_iter().map(|(name, value)| (Key::from(name), value)));
            *dict.write() = entries;
            return Ok(Value::None);
        }
        _ => {}
    }
    let key = args.get(0, "key")?.ok_or_else(|| missing_argument(name))?;
    ops::defined(&key)?;
    let key = Key::new(key)?;
    let default = args.get(1, "default")?;
    match name {
        "get" => Ok(dict.read().get(&key).cloned().or(default).unwrap_or(Value::None)),
        "pop" => dict
            .write()
            .shift_remove(&key)
            .or(default)
            .ok_or_else(|| Error::exception(repr::repr(key.value()))),
        "setdefault" => Ok(dict.write().entry(key).or_insert(default.unwrap_or(Value::None)).clone()),
        "__contains__" => Ok(Value::Bool(dict.read().contains_key(&key))),
        "__setitem__" => {
            dict.write().insert(key, default.ok_or_else(|| missing_argument(name))?);
            Ok(Value::None)
        }
        _ => dict.read().get(&key).cloned().ok_or_else(|| Error::exception(repr::repr(key.value()))),
    }
}

fn datetime_method(time: &Timestamp, name: &str, mut args: Args) -> Result<Value, Error> {
    let weekday = i64::from(time.civil.weekday().to_monday_zero_offset());
    match name {
        "date" => Ok(Value::Date(time.civil.date())),
        "isoformat" => {
            let separator =
                args.get(0, "sep")?.map_or('T', |sep| sep.to_string().chars().next().unwrap_or('T'));
            Ok(Value::from(repr::timestamp(time, separator)))
        }
        "isoweekday" => Ok(Value::Int(weekday + 1)),
        "weekday" => Ok(Value::Int(weekday)),
        "toordinal" => {
            let since = time.civil.date().duration_since(jiff::civil::date(1, 1, 1));
            Ok(Value::Int(since.as_hours() / 24 + 1))
        }
        "ctime" => datetime::strftime(time, "%c").map(Value::from),
        "strftime" => {
            let format = args.get(0, "format")?.ok_or_else(|| missing_argument(name))?;
            datetime::strftime(time, &format.to_string()).map(Value::from)
        }
        "timestamp" => {
            let micros = match time.offset {
                Some(_) => datetime::micros(time),
                None => datetime::local_micros(time)?,
            };
            Ok(Value::Float(micros as f64 / 1e6))
        }
        _ => {
            let mut with = time.civil.with();
            for (field, value) in &args.named {
                let number = value.as_int().ok_or_else(|| Error::type_error("an integer is required"))?;
                let small = i8::try_from(number).unwrap_or(i8::MAX);
                with = match field.as_str() {
                    "year" => with.year(i16::try_from(number).unwrap_or(i16::MAX)),
                    "month" => with.month(small),
                    "day" => with.day(small),
                    "hour" => with.hour(small),
                    "minute" => with.minute(small),
                    "second" => with.second(small),
                    "microsecond" => with.subsec_nanosecond(i32::try_from(number * 1000).unwrap_or(i32::MAX)),
                    _ => return Err(Error::type_error(format!("'{field}' is an invalid keyword argument"))),
                };
            }
            let civil = with.build().map_err(|error| Error::value_error(error.to_string()))?;
            Ok(Value::DateTime(Timestamp { civil, offset: time.offset }))
        }
    }
}

/// The text argument at a position.
fn text_arg(args: &mut Args, position: usize, name: &str) -> Result<Option<String>, Error> {
    match args.get(position, name)? {
        None | Some(Value::None) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text.as_str().to_owned())),
        Some(other) => Err(Error::type_error(format!("must be str or None, not {}", other.tp_name()))),
    }
}

fn str_method(text: &Str, name: &str, args: Args) -> Result<Value, Error> {
    let s = text.as_str();
    let flag = |yes: bool| Ok(Value::Bool(yes));
    let all = |test: fn(char) -> bool| Ok(Value::Bool(!s.is_empty() && s.chars().all(test)));
    match name {
        "capitalize" => Ok(Value::from(capitalize(s))),
        "casefold" | "lower" => Ok(Value::from(s.to_lowercase())),
        "upper" => Ok(Value::from(s.to_uppercase())),
        "swapcase" => Ok(Value::from(s.chars().flat_map(swap_case).collect::<String>())),
        "title" => Ok(Value::from(title(s))),
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => flag(s.is_ascii()),
        "isdecimal" | "isdigit" => all(|c| c.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(is_space),
        "isidentifier" => flag(is_identifier(s)),
        "isprintable" => flag(s.chars().all(repr::printable)),
        "islower" => flag(s.chars().any(char::is_lowercase) && !s.chars().any(char::is_uppercase)),
        "isupper" => flag(s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase)),
        "istitle" => flag(s.chars().any(char::is_alphabetic) && title(s) == s),
        "encode" => Ok(Value::Bytes(s.as_bytes().into())),
        "format" => super::format::str_format(s, args).map(Value::from),
        "join" => join(s, args),
        "splitlines" => {
            let mut args = args;
            let keep = args.get(0, "keepends")?.is_some_and(|keep| ops::truthy_or_false(&keep));
            Ok(Value::list(lines(s, keep).into_iter().map(Value::from).collect()))
        }
        "startswith" | "endswith" => affix(s, name, &args),
        _ => str_method_with_text(s, name, args),
    }
}

fn str_method_with_text(s: &str, name: &str, mut args: Args) -> Result<Value, Error> {
    match name {
        "split" | "rsplit" => {
            let separator = text_arg(&mut args, 0, "sep")?;
            let limit = args.get(1, "maxsplit")?.as_ref().map_or(Ok(-1), index_arg)?;
            let limit = usize::try_from(limit).ok();
            split(s, separator.as_deref(), limit, name == "rsplit")
        }
        "strip" | "lstrip" | "rstrip" => {
            let set = text_arg(&mut args, 0, "chars")?;
            let inside = |c: char| set.as_ref().map_or(is_space(c), |set| set.contains(c));
            Ok(Value::from(match name {
                "strip" => s.trim_matches(inside),
                "lstrip" => s.trim_start_matches(inside),
                _ => s.trim_end_matches(inside),
            }))
        }
        "center" | "ljust" | "rjust" | "zfill" => pad(s, name, &mut args),
        "expandtabs" => {
            let too_large = || Error::exception("Python int too large to convert to C int");
            let width = match args.get(0, "tabsize")? {
                None => 8,
                Some(Value::BigInt(_)) => return Err(too_large()),
                Some(width) => i32::try_from(index_arg(&width)?).map_err(|_| too_large())?,
            };
            Ok(Value::from(expand_tabs(s, usize::try_from(width).unwrap_or(0))))
        }
        _ => {
            let first = text_arg(&mut args, 0, "sub")?.ok_or_else(|| missing_argument(name))?;
            let index = |found: Option<usize>| found.map(|at| s[..at].chars().count());
            match name {
                "count" => Ok(Value::from(if first.is_empty() {
                    s.chars().count() + 1
                } else {
                    s.matches(first.as_str()).count()
                })),
                "find" => Ok(index(s.find(&first)).map_or(Value::Int(-1), Value::from)),
                "rfind" => Ok(index(s.rfind(&first)).map_or(Value::Int(-1), Value::from)),
                "index" => index(s.find(&first)).map(Value::from).ok_or_else(not_found),
                "rindex" => index(s.rfind(&first)).map(Value::from).ok_or_else(not_found),
                "removeprefix" => Ok(Value::from(s.strip_prefix(first.as_str()).unwrap_or(s))),
                "removesuffix" => Ok(Value::from(s.strip_suffix(first.as_str()).unwrap_or(s))),
                "replace" => {
                    let to = text_arg(&mut args, 1, "new")?.ok_or_else(|| missing_argument(name))?;
                    let limit = args.get(2, "count")?.as_ref().map(index_arg).transpose()?;
                    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
                    Ok(Value::from(
                        limit.map_or_else(|| s.replace(&first, &to), |limit| s.replacen(&first, &to, limit)),
                    ))
                }
                "partition" | "rpartition" if first.is_empty() => Err(Error::value_error("empty separator")),
                "partition" => Ok(match s.split_once(first.as_str()) {
                    Some((before, after)) => triple(before, &first, after),
                    None => triple(s, "", ""),
                }),
                "rpartition" => Ok(match s.rsplit_once(first.as_str()) {
                    Some((before, after)) => triple(before, &first, after),
                    None => triple("", "", s),
                }),
                other => Err(Error::type_error(format!("'str' object has no attribute '{other}'"))),
            }
        }
    }
}

fn not_found() -> Error {
    Error::value_error("substring not found")
}

fn triple(a: &str, b: &str, c: &str) -> Value {
    Value::tuple(vec![Value::from(a), Value::from(b), Value::from(c)])
}

fn affix(s: &str, name: &str, args: &Args) -> Result<Value, Error> {
    let wanted = args.positional.first().ok_or_else(|| missing_argument(name))?;
    let options = match wanted {
        Value::Str(_) => vec![wanted.clone()],
        Value::Tuple(items) => items.to_vec(),
        other => {
            let kind = other.tp_name();
            return Err(Error::type_error(format!(
                "{name} first arg must be str or a tuple of str, not {kind}"
            )));
        }
    };
    for option in &options {
        let option = option.as_str().ok_or_else(|| {
            let kind = option.tp_name();
            Error::type_error(format!("tuple for {name} must only contain str, not {kind}"))
        })?;
        if if name == "startswith" { s.starts_with(option) } else { s.ends_with(option) } {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn join(separator: &str, args: Args) -> Result<Value, Error> {
    let items = ops::iterate(args.positional.first().ok_or_else(|| missing_argument("join"))?)?;
    let mut texts = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        ops::defined(item)?;
        texts.push(item.as_str().ok_or_else(|| {
            Error::type_error(format!("sequence item {i}: expected str instance, {} found", item.type_name()))
        })?);
    }
    Ok(Value::from(texts.join(separator)))
}

fn split(s: &str, separator: Option<&str>, limit: Option<usize>, from_right: bool) -> Result<Value, Error> {
    let parts: Vec<&str> = match (separator, limit, from_right) {
        (Some(""), ..) => return Err(Error::value_error("empty separator")),
        (Some(sep), None, _) => s.split(sep).collect(),
        (Some(sep), Some(limit), false) => s.splitn(limit + 1, sep).collect(),
        (Some(sep), Some(limit), true) => {
            let mut parts: Vec<&str> = s.rsplitn(limit + 1, sep).collect();
            parts.reverse();
            parts
        }
        (None, None, _) => s.split(is_space).filter(|part| !part.is_empty()).collect(),
        (None, Some(limit), false) => split_space(s, limit),
        (None, Some(limit), true) => {
            let mut parts = Vec::new();
            let mut rest = s.trim_end_matches(is_space);
            while parts.len() < limit && !rest.is_empty() {
                match rest.rsplit_once(is_space) {
                    Some((before, last)) => {
                        parts.push(last);
                        rest = before.trim_end_matches(is_space);
                    }
                    None => break,
                }
            }
            if !rest.trim_start_matches(is_space).is_empty() {
                parts.push(rest.trim_start_matches(is_space));
            }
            parts.reverse();
            parts
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::from).collect()))
}

fn split_space(s: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = s.trim_start_matches(is_space);
    while parts.len() < limit && !rest.is_empty() {
        match rest.split_once(is_space) {
            Some((first, after)) => {
                parts.push(first);
                rest = after.trim_start_matches(is_space);
            }
            None => break,
        }
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn pad(s: &str, name: &str, args: &mut Args) -> Result<Value, Error> {
    let width = index_arg(&args.get(0, "width")?.ok_or_else(|| missing_argument(name))?)?;
    let fill = text_arg(args, 1, "fillchar")?.unwrap_or_else(|| " ".to_owned());
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(s.chars().count());
    if missing > ops::MAX_SIZE {
        return Err(Error::value_error("the padded text would be too large"));
    }
    Ok(Value::from(match name {
        "ljust" => format!("{s}{}", fill.repeat(missing)),
        "rjust" => format!("{}{s}", fill.repeat(missing)),
        "zfill" => match s.strip_prefix(['+', '-']) {
            Some(digits) => format!("{}{}{digits}", &s[..1], "0".repeat(missing)),
            None => format!("{}{s}", "0".repeat(missing)),
        },
        _ => {
            let left = missing / 2 + (missing & usize::try_from(width).unwrap_or(0) & 1);
            format!("{}{s}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    }))
}

fn expand_tabs(s: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in s.chars() {
        match c {
            '\t' if width > 0 => {
                let spaces = width - column % width;
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\t' => {}
            c => {
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    out
}

/// Letters whose title case is not their upper case.
const TITLE: &[(&str, &str)] = &[
    ("\u{df}", "Ss"),
    ("\u{1c4}\u{1c5}\u{1c6}", "\u{1c5}"),
    ("\u{1c7}\u{1c8}\u{1c9}", "\u{1c8}"),
    ("\u{1ca}\u{1cb}\u{1cc}", "\u{1cb}"),
    ("\u{1f1}\u{1f2}\u{1f3}", "\u{1f2}"),
    ("\u{587}", "\u{535}\u{582}"),
    ("\u{fb00}", "Ff"),
    ("\u{fb01}", "Fi"),
    ("\u{fb02}", "Fl"),
    ("\u{fb03}", "Ffi"),
    ("\u{fb04}", "Ffl"),
    ("\u{fb05}\u{fb06}", "St"),
];

/// A character at the start of a word.
fn title_case(c: char, out: &mut String) {
    match TITLE.iter().find(|(letters, _)| letters.contains(c)) {
        Some((_, title)) => out.push_str(title),
        None => out.extend(c.to_uppercase()),
    }
}

/// `str.capitalize`.
#[must_use]
pub(super) fn capitalize(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut chars = s.chars();
    if let Some(first) = chars.next() {
        title_case(first, &mut out);
    }
    out.push_str(&chars.as_str().to_lowercase());
    out
}

/// `str.title`.
#[must_use]
pub(super) fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            title_case(c, &mut out);
        }
        inside = c.is_lowercase() || c.is_uppercase();
    }
    out
}

/// White space of Python's text methods: Unicode's, and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn swap_case(c: char) -> Vec<char> {
    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
}

/// `str.isidentifier`.
#[must_use]
pub fn is_identifier(s: &str) -> bool {
    let mut chars = s.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// `str.splitlines()`.
#[must_use]
pub fn split_lines(s: &str) -> Vec<&str> {
    lines(s, false)
}

/// `str.splitlines(keep)`.
fn lines(s: &str, keep: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut chars = s.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let is_end = matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !is_end {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
            chars.next();
            end += 1;
        }
        lines.push(&s[start..if keep { end } else { at }]);
        start = end;
    }
    if start < s.len() {
        lines.push(&s[start..]);
    }
    lines
}
