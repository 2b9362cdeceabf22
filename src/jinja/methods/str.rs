//! Methods of text (`str`).

use super::chars;
use super::signature::{self, Function, Given, Method, Names, Takes, bad_argument, bound, index, small};
use super::text::{self, Align};
use crate::jinja::encoding::{Encoding, Handler};
use crate::jinja::error::{Error, ErrorKind};
use crate::jinja::format;
use crate::jinja::object::Args;
use crate::jinja::value::{Dict, Entries, Key, Str, Value};
use crate::jinja::{ops, repr};

const fn method(
    name: &'static str,
    takes: Takes,
    run: fn(&Str, &Given) -> Result<Value, Error>,
) -> Method<Str> {
    Method { name, takes, run }
}

/// The methods.
pub(super) const METHODS: &[Method<Str>] = &[
    method("capitalize", Takes::Nothing, |s, _| Ok(chars::capitalize(s.as_str()).into())),
    method("casefold", Takes::Nothing, |s, _| Ok(chars::fold(s.as_str()).into())),
    method("center", Takes::Between(1, 2), |s, given| padded(s, given, Align::Center)),
    method("count", Takes::Tuple(1, 3), count),
    method("encode", Takes::named(&["encoding", "errors"]), encode),
    method("endswith", Takes::Tuple(1, 3), |s, given| affix(s, given, "endswith")),
    method("expandtabs", Takes::named(&["tabsize"]), expand_tabs),
    method("find", Takes::Tuple(1, 3), |s, given| found(search(s, given, false)?)),
    method("format", Takes::Open(usize::MAX), formatted),
    method("format_map", Takes::One, |s, given| match is_plain(s) {
        true => Ok(Value::Str(s.clone())),
        false => format::str_format_map(s.as_str(), given.at(0)).map(Value::from),
    }),
    method("index", Takes::Tuple(1, 3), |s, given| present(search(s, given, false)?)),
    method("isalnum", Takes::Nothing, |s, _| all(s, chars::is_alnum)),
    method("isalpha", Takes::Nothing, |s, _| all(s, chars::is_alpha)),
    method("isascii", Takes::Nothing, |s, _| Ok(s.as_str().is_ascii().into())),
    method("isdecimal", Takes::Nothing, |s, _| all(s, chars::is_decimal)),
    method("isdigit", Takes::Nothing, |s, _| all(s, chars::is_digit)),
    method("isidentifier", Takes::Nothing, |s, _| Ok(chars::is_identifier(s.as_str()).into())),
    method("islower", Takes::Nothing, |s, _| Ok(chars::is_lower(s.as_str()).into())),
    method("isnumeric", Takes::Nothing, |s, _| all(s, chars::is_numeric)),
    method("isprintable", Takes::Nothing, |s, _| Ok(s.as_str().chars().all(repr::printable).into())),
    method("isspace", Takes::Nothing, |s, _| all(s, chars::is_space)),
    method("istitle", Takes::Nothing, |s, _| Ok(chars::is_titled(s.as_str()).into())),
    method("isupper", Takes::Nothing, |s, _| Ok(chars::is_upper(s.as_str()).into())),
    method("join", Takes::One, join),
    method("ljust", Takes::Between(1, 2), |s, given| padded(s, given, Align::Left)),
    method("lower", Takes::Nothing, |s, _| Ok(s.as_str().to_lowercase().into())),
    method("lstrip", Takes::Between(0, 1), |s, given| strip(s, given, "lstrip")),
    method("maketrans", Takes::Between(1, 3), |_, given| make_table(given)),
    method("partition", Takes::One, |s, given| partition(s, given.at(0), false)),
    method("removeprefix", Takes::One, |s, given| remove(s, given.at(0), "removeprefix")),
    method("removesuffix", Takes::One, |s, given| remove(s, given.at(0), "removesuffix")),
    method("replace", Takes::Between(2, 3), replace),
    method("rfind", Takes::Tuple(1, 3), |s, given| found(search(s, given, true)?)),
    method("rindex", Takes::Tuple(1, 3), |s, given| present(search(s, given, true)?)),
    method("rjust", Takes::Between(1, 2), |s, given| padded(s, given, Align::Right)),
    method("rpartition", Takes::One, |s, given| partition(s, given.at(0), true)),
    method("rsplit", Takes::named(&["sep", "maxsplit"]), |s, given| split(s, given, true)),
    method("rstrip", Takes::Between(0, 1), |s, given| strip(s, given, "rstrip")),
    method("split", Takes::named(&["sep", "maxsplit"]), |s, given| split(s, given, false)),
    method("splitlines", Takes::named(&["keepends"]), split_lines),
    method("startswith", Takes::Tuple(1, 3), |s, given| affix(s, given, "startswith")),
    method("strip", Takes::Between(0, 1), |s, given| strip(s, given, "strip")),
    method("swapcase", Takes::Nothing, |s, _| Ok(chars::swap_case(s.as_str()).into())),
    method("title", Takes::Nothing, |s, _| Ok(chars::title(s.as_str()).into())),
    method("translate", Takes::One, translate),
    method("upper", Takes::Nothing, |s, _| Ok(s.as_str().to_uppercase().into())),
    method("zfill", Takes::One, |s, given| text::zero_fill(s.as_str(), index(given.at(0))?).map(Value::from)),
];

const fn by_position(names: &'static [&'static str], required: usize) -> Option<Function> {
    Some(Function { names, required, by_position: true })
}

const fn by_name(names: &'static [&'static str]) -> Option<Function> {
    Some(Function { names, required: 0, by_position: false })
}

/// The methods that `AnsibleUnsafeText` has of its own: Python functions whose results are unsafe as well.
const UNSAFE: &[(&str, Option<Function>)] = &[
    ("capitalize", by_position(&[], 0)),
    ("casefold", by_position(&[], 0)),
    ("center", by_position(&["width", "fillchar"], 1)),
    ("encode", by_name(&["encoding", "errors"])),
    ("expandtabs", by_name(&["tabsize"])),
    ("format", None),
    ("format_map", by_position(&["mapping"], 1)),
    ("join", by_position(&["iterable"], 1)),
    ("ljust", by_position(&["width", "fillchar"], 1)),
    ("lower", by_position(&[], 0)),
    ("lstrip", by_position(&["chars"], 0)),
    ("partition", by_position(&["sep"], 1)),
    ("removeprefix", by_position(&["prefix"], 1)),
    ("removesuffix", by_position(&["suffix"], 1)),
    ("replace", by_position(&["old", "new", "count"], 2)),
    ("rjust", by_position(&["width", "fillchar"], 1)),
    ("rpartition", by_position(&["sep"], 1)),
    ("rsplit", by_name(&["sep", "maxsplit"])),
    ("rstrip", by_position(&["chars"], 0)),
    ("split", by_name(&["sep", "maxsplit"])),
    ("splitlines", by_name(&["keepends"])),
    ("strip", by_position(&["chars"], 0)),
    ("swapcase", by_position(&[], 0)),
    ("title", by_position(&[], 0)),
    ("translate", by_position(&["table"], 1)),
    ("upper", by_position(&[], 0)),
    ("zfill", by_position(&["width"], 1)),
];

/// Calls a method of text.
///
/// # Errors
/// The arguments do not fit, or the method fails.
pub(super) fn call(text: &Str, method: &Method<Str>, class: &str, args: Args) -> Result<Value, Error> {
    // A static method has the name of the class that it stands in.
    let class = if method.name == "maketrans" { "str" } else { class };
    let own = UNSAFE.iter().find(|(name, _)| text.is_unsafe() && *name == method.name);
    let Some((name, function)) = own else { return signature::call(method, text, class, args) };
    if let Some(function) = function {
        function.check(&format!("AnsibleUnsafeText.{name}"), &args)?;
    }
    signature::call(method, text, class, args).map(Value::into_unsafe)
}

fn all(s: &Str, test: fn(char) -> bool) -> Result<Value, Error> {
    Ok(Value::Bool(!s.as_str().is_empty() && s.as_str().chars().all(test)))
}

/// An argument that is text.
fn text_of(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| Error::type_error(format!("must be str, not {}", value.tp_name())))
}

/// An argument that is text, in the words of a function's own.
fn argument<'a>(value: &'a Value, name: &str, which: &str) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| bad_argument(name, which, "str", value))
}

/// What a search in a part of the text gives.
fn search(s: &Str, given: &Given, from_right: bool) -> Result<Option<usize>, Error> {
    let window = text::window(s.as_str(), bound(given.get(1))?, bound(given.get(2))?);
    let wanted = text_of(given.at(0))?;
    Ok(window.and_then(|window| window.find(wanted, from_right)))
}

/// The index of what was found, or -1.
pub(super) fn found(at: Option<usize>) -> Result<Value, Error> {
    Ok(at.map_or(Value::Int(-1), Value::from))
}

fn present(at: Option<usize>) -> Result<Value, Error> {
    at.map(Value::from).ok_or_else(|| Error::value_error("substring not found"))
}

fn count(s: &Str, given: &Given) -> Result<Value, Error> {
    let window = text::window(s.as_str(), bound(given.get(1))?, bound(given.get(2))?);
    let wanted = text_of(given.at(0))?;
    Ok(window.map_or(0, |window| window.count(wanted)).into())
}

fn affix(s: &Str, given: &Given, name: &str) -> Result<Value, Error> {
    let window = text::window(s.as_str(), bound(given.get(1))?, bound(given.get(2))?);
    let holds = |wanted: &str| window.as_ref().is_some_and(|it| it.has_affix(wanted, name == "endswith"));
    match given.at(0) {
        Value::Str(wanted) => Ok(holds(wanted.as_str()).into()),
        Value::Tuple(options) => {
            for option in options.iter() {
                let wanted = option.as_str().ok_or_else(|| {
                    let kind = option.tp_name();
                    Error::type_error(format!("tuple for {name} must only contain str, not {kind}"))
                })?;
                if holds(wanted) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        other => {
            let kind = other.tp_name();
            Err(Error::type_error(format!("{name} first arg must be str or a tuple of str, not {kind}")))
        }
    }
}

fn encode(s: &Str, given: &Given) -> Result<Value, Error> {
    let (encoding, handler) = codec(given, "encode")?;
    encoding.encode_with(s.as_str(), handler).map(|bytes| Value::Bytes(bytes.into()))
}

/// The names of the encoding and of the way with errors that `encode` and `decode` are given.
///
/// # Errors
/// One is no text.
pub(super) fn codec_names<'a>(given: &'a Given, name: &str) -> Result<[Option<&'a str>; 2], Error> {
    let text = |place: usize, which: &str| given.get(place).map(|it| argument(it, name, which)).transpose();
    Ok([text(0, "argument 'encoding'")?, text(1, "argument 'errors'")?])
}

/// The encoding and the way with errors that `encode` and `decode` are given.
///
/// # Errors
/// There is no such encoding.
pub(super) fn codec<'a>(given: &'a Given, name: &str) -> Result<(Encoding, Handler<'a>), Error> {
    let [encoding, errors] = codec_names(given, name)?;
    Ok((Encoding::named(encoding.unwrap_or("utf-8"))?, Handler::named(errors.unwrap_or("strict"))))
}

fn expand_tabs(s: &Str, given: &Given) -> Result<Value, Error> {
    text::expand_tabs(s.as_str(), given.get(0).map_or(Ok(8), small)?).map(Value::from)
}

/// Whether a format has no field: it is then given back itself.
fn is_plain(format: &Str) -> bool {
    !format.as_str().is_empty() && !format.as_str().contains(['{', '}'])
}

fn formatted(s: &Str, given: &Given) -> Result<Value, Error> {
    if is_plain(s) {
        return Ok(Value::Str(s.clone()));
    }
    let positional = given.values.iter().flatten().cloned().collect();
    format::str_format(s.as_str(), Args { positional, named: given.named.clone() }).map(Value::from)
}

fn join(s: &Str, given: &Given) -> Result<Value, Error> {
    let items = iterate(given.at(0))?;
    let mut texts = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        texts.push(item.as_str().ok_or_else(|| {
            Error::type_error(format!("sequence item {i}: expected str instance, {} found", item.tp_name()))
        })?);
    }
    Ok(texts.join(s.as_str()).into())
}

/// The items that are joined.
pub(super) fn iterate(value: &Value) -> Result<Vec<Value>, Error> {
    ops::iterate(value).map_err(|error| match error.kind() {
        ErrorKind::Type => Error::type_error("can only join an iterable"),
        _ => error,
    })
}

fn padded(s: &Str, given: &Given, align: Align) -> Result<Value, Error> {
    let width = index(given.at(0))?;
    let fill = given.get(1).map_or(Ok(' '), |fill| match fill {
        Value::Str(fill) => single(fill.as_str())
            .ok_or_else(|| Error::type_error("The fill character must be exactly one character long")),
        other => {
            let kind = other.tp_name();
            Err(Error::type_error(format!("The fill character must be a unicode character, not {kind}")))
        }
    })?;
    text::pad(s.as_str(), width, fill, align).map(Value::from)
}

/// The character of a text that has only one.
pub(super) fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn strip(s: &Str, given: &Given, name: &str) -> Result<Value, Error> {
    let set = match given.at(0) {
        Value::None => None,
        Value::Str(set) => Some(set.as_str()),
        _ => return Err(Error::type_error(format!("{name} arg must be None or str"))),
    };
    Ok(stripped(s.as_str(), set, name, chars::is_space).into())
}

/// The text without some characters at its ends.
pub(super) fn stripped<'a>(text: &'a str, set: Option<&str>, name: &str, space: text::Space) -> &'a str {
    let inside = |c: char| set.map_or(space(c), |set| set.contains(c));
    match name {
        "strip" => text.trim_matches(inside),
        "lstrip" => text.trim_start_matches(inside),
        _ => text.trim_end_matches(inside),
    }
}

/// The parts before and after a text. What was searched, and for what, is given back itself.
fn partition(s: &Str, separator: &Value, from_right: bool) -> Result<Value, Error> {
    let (whole, wanted) = (s.as_str(), text_of(separator)?);
    if wanted.is_empty() {
        return Err(Error::value_error("empty separator"));
    }
    let parts = if from_right { whole.rsplit_once(wanted) } else { whole.split_once(wanted) };
    let (empty, itself) = (|| Value::from(""), || Value::Str(s.clone()));
    Ok(Value::tuple(match parts {
        Some((before, after)) => vec![before.into(), separator.clone(), after.into()],
        None if from_right => vec![empty(), empty(), itself()],
        None => vec![itself(), empty(), empty()],
    }))
}

fn remove(s: &Str, affix: &Value, name: &str) -> Result<Value, Error> {
    let (text, affix) = (s.as_str(), argument(affix, name, "argument")?);
    let rest = if name == "removeprefix" { text.strip_prefix(affix) } else { text.strip_suffix(affix) };
    Ok(rest.unwrap_or(text).into())
}

fn replace(s: &Str, given: &Given) -> Result<Value, Error> {
    let from = argument(given.at(0), "replace", "argument 1")?;
    let to = argument(given.at(1), "replace", "argument 2")?;
    let count = given.get(2).map_or(Ok(-1), index)?;
    text::replace(s.as_str(), from, to, count).map(Value::from)
}

fn split(s: &Str, given: &Given, from_right: bool) -> Result<Value, Error> {
    let limit = given.get(1).map_or(Ok(-1), index)?;
    let separator = match given.at(0) {
        Value::None => None,
        Value::Str(separator) => Some(separator.as_str()),
        other => {
            return Err(Error::type_error(format!("must be str or None, not {}", other.tp_name())));
        }
    };
    let parts = text::split(s.as_str(), separator, limit, from_right, chars::is_space)?;
    Ok(Value::list(parts.into_iter().map(Value::from).collect()))
}

fn split_lines(s: &Str, given: &Given) -> Result<Value, Error> {
    let keep = given.get(0).map_or(Ok(0), small)? != 0;
    let lines = text::lines(s.as_str(), keep, text::ends_line);
    Ok(Value::list(lines.into_iter().map(Value::from).collect()))
}

/// `str.maketrans`.
fn make_table(given: &Given) -> Result<Value, Error> {
    let mut table = Entries::new();
    let code = |c: char| Key::new(Value::from(u32::from(c)));
    let Some(to) = given.get(1) else {
        let dict = given.at(0).as_dict().ok_or_else(|| {
            Error::type_error("if you give only one argument to maketrans it must be a dict")
        })?;
        for (key, value) in dict.entries() {
            table.insert(table_key(key)?, value);
        }
        return Ok(Value::Dict(Dict::new(table)));
    };
    let to = argument(to, "maketrans", "argument 2")?;
    let gone = given.get(2).map(|gone| argument(gone, "maketrans", "argument 3")).transpose()?;
    let from = given.at(0).as_str().ok_or_else(|| {
        Error::type_error("first maketrans argument must be a string if there is a second argument")
    })?;
    if from.chars().count() != to.chars().count() {
        return Err(Error::value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in from.chars().zip(to.chars()) {
        table.insert(code(from)?, Value::from(u32::from(to)));
    }
    for c in gone.unwrap_or_default().chars() {
        table.insert(code(c)?, Value::None);
    }
    Ok(Value::Dict(Dict::new(table)))
}

/// A key of a table: a code, or the character that has it.
fn table_key(key: Key) -> Result<Key, Error> {
    match key.value() {
        Value::Str(text) => match single(text.as_str()) {
            Some(c) => Key::new(Value::from(u32::from(c))),
            None => Err(Error::value_error("string keys in translate table must be of length 1")),
        },
        number if number.as_big_int().is_some() => Ok(key),
        _ => Err(Error::type_error("keys in translate table must be strings or integers")),
    }
}

fn translate(s: &Str, given: &Given) -> Result<Value, Error> {
    let mut out = String::with_capacity(s.as_str().len());
    for c in s.as_str().chars() {
        match translation(given.at(0), c)? {
            None => out.push(c),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(text.as_str()),
            Some(number) => out.push(translated(&number)?),
        }
        if out.len() > ops::MAX_SIZE {
            return Err(Error::value_error("the translated text would be too large"));
        }
    }
    Ok(out.into())
}

/// The character that a table gives as a number.
fn translated(number: &Value) -> Result<char, Error> {
    let code = number
        .as_bound()
        .ok_or_else(|| Error::type_error("character mapping must return integer, None or str"))?;
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| Error::value_error("character mapping must be in range(0x110000)"))
}

/// What a table has for a character: an item of anything that has items.
fn translation(table: &Value, c: char) -> Result<Option<Value>, Error> {
    let code = u32::from(c);
    let place = usize::try_from(code).unwrap_or(usize::MAX);
    Ok(match table {
        Value::Dict(dict) => dict.read().get(&Key::new(Value::from(code))?).cloned(),
        Value::List(list) => list.read().get(place).cloned(),
        Value::Tuple(items) => items.get(place).cloned(),
        Value::Str(text) => text.as_str().chars().nth(place).map(|c| c.to_string().into()),
        Value::Bytes(bytes) => bytes.get(place).map(|byte| Value::Int(i64::from(*byte))),
        Value::Range(range) => range.get(i64::from(code)),
        Value::Undefined(why) if !why.lenient => Some(table.clone()),
        Value::Undefined(_) => return Err(ops::undefined_error(table)),
        other => {
            return Err(Error::type_error(format!("'{}' object is not subscriptable", other.tp_name())));
        }
    })
}

/// What `Names` of a method that has one argument without a name needs.
pub(super) const fn unnamed(names: &'static [&'static str], required: usize) -> Takes {
    Takes::Named(Names { names, required, by_position: names.len(), check: None })
}
