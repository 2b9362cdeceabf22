//! Methods of bytes: those of text, where each byte is the character with its number.

use super::chars;
use super::signature::{Given, Method, Takes, bad_argument, bound, index, no_integer, small};
use super::str::{codec, codec_names, found, iterate, single, stripped, unnamed};
use super::text::{self, Align};
use crate::jinja::error::Error;
use crate::jinja::value::Value;

const fn method(
    name: &'static str,
    takes: Takes,
    run: fn(&[u8], &Given) -> Result<Value, Error>,
) -> Method<[u8]> {
    Method { name, takes, run }
}

/// The methods.
pub(super) const METHODS: &[Method<[u8]>] = &[
    method("capitalize", Takes::Nothing, |b, _| Ok(capitalize(b))),
    method("center", Takes::Between(1, 2), |b, given| padded(b, given, "center", Align::Center)),
    method("count", Takes::Tuple(1, 3), count),
    method("decode", Takes::named(&["encoding", "errors"]), decode),
    method("endswith", Takes::Tuple(1, 3), |b, given| affix(b, given, "endswith")),
    method("expandtabs", Takes::named(&["tabsize"]), expand_tabs),
    method("find", Takes::Tuple(1, 3), |b, given| found(search(b, given, false)?)),
    method("fromhex", Takes::One, |_, given| from_hex(given.at(0))),
    method("hex", Takes::named(&["sep", "bytes_per_sep"]), hex),
    method("index", Takes::Tuple(1, 3), |b, given| present(search(b, given, false)?)),
    method("isalnum", Takes::Nothing, |b, _| all(b, u8::is_ascii_alphanumeric)),
    method("isalpha", Takes::Nothing, |b, _| all(b, u8::is_ascii_alphabetic)),
    method("isascii", Takes::Nothing, |b, _| Ok(b.is_ascii().into())),
    method("isdigit", Takes::Nothing, |b, _| all(b, u8::is_ascii_digit)),
    method("islower", Takes::Nothing, |b, _| Ok(chars::is_lower(&ascii(b)).into())),
    method("isspace", Takes::Nothing, |b, _| all(b, |byte| chars::is_byte_space(char::from(*byte)))),
    method("istitle", Takes::Nothing, |b, _| Ok(chars::is_titled(&ascii(b)).into())),
    method("isupper", Takes::Nothing, |b, _| Ok(chars::is_upper(&ascii(b)).into())),
    method("join", Takes::One, join),
    method("ljust", Takes::Between(1, 2), |b, given| padded(b, given, "ljust", Align::Left)),
    method("lower", Takes::Nothing, |b, _| Ok(made(b.to_ascii_lowercase()))),
    method("lstrip", Takes::Between(0, 1), |b, given| strip(b, given, "lstrip")),
    method("maketrans", Takes::Between(2, 2), |_, given| make_table(given)),
    method("partition", Takes::One, |b, given| partition(b, given.at(0), false)),
    method("removeprefix", Takes::One, |b, given| {
        let affix = bytes_of(given.at(0))?;
        Ok(made(b.strip_prefix(affix).unwrap_or(b)))
    }),
    method("removesuffix", Takes::One, |b, given| {
        let affix = bytes_of(given.at(0))?;
        Ok(made(b.strip_suffix(affix).unwrap_or(b)))
    }),
    method("replace", Takes::Between(2, 3), replace),
    method("rfind", Takes::Tuple(1, 3), |b, given| found(search(b, given, true)?)),
    method("rindex", Takes::Tuple(1, 3), |b, given| present(search(b, given, true)?)),
    method("rjust", Takes::Between(1, 2), |b, given| padded(b, given, "rjust", Align::Right)),
    method("rpartition", Takes::One, |b, given| partition(b, given.at(0), true)),
    method("rsplit", Takes::named(&["sep", "maxsplit"]), |b, given| split(b, given, true)),
    method("rstrip", Takes::Between(0, 1), |b, given| strip(b, given, "rstrip")),
    method("split", Takes::named(&["sep", "maxsplit"]), |b, given| split(b, given, false)),
    method("splitlines", Takes::named(&["keepends"]), split_lines),
    method("startswith", Takes::Tuple(1, 3), |b, given| affix(b, given, "startswith")),
    method("strip", Takes::Between(0, 1), |b, given| strip(b, given, "strip")),
    method("swapcase", Takes::Nothing, |b, _| Ok(swap_case(b))),
    method("title", Takes::Nothing, |b, _| Ok(title(b))),
    method("translate", unnamed(&["", "delete"], 1), translate),
    method("upper", Takes::Nothing, |b, _| Ok(made(b.to_ascii_uppercase()))),
    method("zfill", Takes::One, |b, given| text::zero_fill(&wide(b), index(given.at(0))?).map(narrow)),
];

fn made(bytes: impl AsRef<[u8]>) -> Value {
    Value::Bytes(bytes.as_ref().into())
}

/// The text whose characters are these bytes.
fn wide(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text.
fn narrow(text: impl AsRef<str>) -> Value {
    Value::Bytes(text.as_ref().chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
}

/// The text of these bytes, where those beyond ASCII are no letters.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { ' ' }).collect()
}

fn all(bytes: &[u8], test: fn(&u8) -> bool) -> Result<Value, Error> {
    Ok(Value::Bool(!bytes.is_empty() && bytes.iter().all(test)))
}

fn no_bytes(value: &Value) -> Error {
    Error::type_error(format!("a bytes-like object is required, not '{}'", value.tp_name()))
}

/// An argument that is bytes.
fn bytes_of(value: &Value) -> Result<&[u8], Error> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        other => Err(no_bytes(other)),
    }
}

/// What is searched for: bytes, or one as a number.
fn wanted(value: &Value) -> Result<String, Error> {
    if let Value::Bytes(bytes) = value {
        return Ok(wide(bytes));
    }
    let number = value.as_bound().ok_or_else(|| {
        let kind = value.tp_name();
        Error::type_error(format!("argument should be integer or bytes-like object, not '{kind}'"))
    })?;
    let byte = u8::try_from(number).map_err(|_| Error::value_error("byte must be in range(0, 256)"))?;
    Ok(wide(&[byte]))
}

fn search(bytes: &[u8], given: &Given, from_right: bool) -> Result<Option<usize>, Error> {
    let (start, end) = (bound(given.get(1))?, bound(given.get(2))?);
    let wanted = wanted(given.at(0))?;
    Ok(text::window(&wide(bytes), start, end).and_then(|window| window.find(&wanted, from_right)))
}

fn present(at: Option<usize>) -> Result<Value, Error> {
    at.map(Value::from).ok_or_else(|| Error::value_error("subsection not found"))
}

fn count(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let (start, end) = (bound(given.get(1))?, bound(given.get(2))?);
    let wanted = wanted(given.at(0))?;
    Ok(text::window(&wide(bytes), start, end).map_or(0, |window| window.count(&wanted)).into())
}

fn affix(bytes: &[u8], given: &Given, name: &str) -> Result<Value, Error> {
    let (start, end) = (bound(given.get(1))?, bound(given.get(2))?);
    let whole = wide(bytes);
    let window = text::window(&whole, start, end);
    let holds = |wanted: &[u8]| {
        window.as_ref().is_some_and(|window| window.has_affix(&wide(wanted), name == "endswith"))
    };
    match given.at(0) {
        Value::Bytes(wanted) => Ok(holds(wanted).into()),
        Value::Tuple(options) => {
            for option in options.iter() {
                if holds(bytes_of(option)?) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        other => {
            let kind = other.tp_name();
            Err(Error::type_error(format!("{name} first arg must be bytes or a tuple of bytes, not {kind}")))
        }
    }
}

fn decode(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    codec_names(given, "decode")?;
    if bytes.is_empty() {
        return Ok(Value::from(""));
    }
    let (encoding, handler) = codec(given, "decode")?;
    encoding.decode_with(bytes, handler).map(Value::from)
}

fn expand_tabs(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    text::expand_tabs(&wide(bytes), given.get(0).map_or(Ok(8), small)?).map(narrow)
}

/// `bytes.fromhex`.
fn from_hex(value: &Value) -> Result<Value, Error> {
    let text = value.as_str().ok_or_else(|| bad_argument("fromhex", "argument", "str", value))?;
    let chars: Vec<char> = text.chars().collect();
    let mut bytes = Vec::with_capacity(chars.len() / 2);
    let mut at = 0;
    let digit = |at: usize| {
        chars.get(at).and_then(|c| c.to_digit(16)).ok_or_else(|| {
            Error::value_error(format!("non-hexadecimal number found in fromhex() arg at position {at}"))
        })
    };
    while at < chars.len() {
        if chars.get(at).is_some_and(|c| chars::is_byte_space(*c)) {
            at += 1;
            continue;
        }
        let (high, low) = (digit(at)?, digit(at + 1)?);
        bytes.push(u8::try_from(high * 16 + low).unwrap_or(0));
        at += 2;
    }
    Ok(made(bytes))
}

/// `bytes.hex(sep, bytes_per_sep)`.
fn hex(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let group = given.get(1).map_or(Ok(1), small)?;
    let Some(separator) = given.get(0) else {
        return Ok(hex::encode(bytes).into());
    };
    let separator = match separator {
        Value::Str(text) => text.as_str().to_owned(),
        Value::Bytes(bytes) => wide(bytes),
        other if crate::jinja::ops::len(other)? == 1 => {
            return Err(Error::type_error("sep must be str or bytes."));
        }
        _ => String::new(),
    };
    let separator = single(&separator).ok_or_else(|| Error::value_error("sep must be length 1."))?;
    if !separator.is_ascii() {
        return Err(Error::value_error("sep must be ASCII."));
    }
    let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    let mut out = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        // Groups are counted from the right unless the number is negative.
        let at = if group < 0 { i } else { bytes.len() - i };
        if size > 0 && i > 0 && at.is_multiple_of(size) {
            out.push(separator);
        }
        out.push_str(&hex::encode([*byte]));
    }
    Ok(out.into())
}

fn join(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let mut joined = Vec::new();
    for (i, item) in iterate(given.at(0))?.iter().enumerate() {
        let Value::Bytes(part) = item else {
            let kind = item.tp_name();
            let message = format!("sequence item {i}: expected a bytes-like object, {kind} found");
            return Err(Error::type_error(message));
        };
        if i > 0 {
            joined.extend_from_slice(bytes);
        }
        joined.extend_from_slice(part);
    }
    Ok(made(joined))
}

fn padded(bytes: &[u8], given: &Given, name: &str, align: Align) -> Result<Value, Error> {
    let width = index(given.at(0))?;
    let fill = match given.get(1) {
        None => ' ',
        Some(Value::Bytes(fill)) if fill.len() == 1 => wide(fill).chars().next().unwrap_or(' '),
        Some(other) => {
            return Err(bad_argument(name, "argument 2", "a byte string of length 1", other));
        }
    };
    text::pad(&wide(bytes), width, fill, align).map(narrow)
}

fn strip(bytes: &[u8], given: &Given, name: &str) -> Result<Value, Error> {
    let set = match given.at(0) {
        Value::None => None,
        set => Some(wide(bytes_of(set)?)),
    };
    Ok(narrow(stripped(&wide(bytes), set.as_deref(), name, chars::is_byte_space)))
}

/// `bytes.maketrans`.
fn make_table(given: &Given) -> Result<Value, Error> {
    let (from, to) = (bytes_of(given.at(0))?, bytes_of(given.at(1))?);
    if from.len() != to.len() {
        return Err(Error::value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=u8::MAX).collect();
    for (from, to) in from.iter().zip(to) {
        if let Some(entry) = table.get_mut(usize::from(*from)) {
            *entry = *to;
        }
    }
    Ok(made(table))
}

fn translate(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let table = match given.at(0) {
        Value::None => None,
        table => Some(bytes_of(table)?),
    };
    if table.is_some_and(|table| table.len() != 256) {
        return Err(Error::value_error("translation table must be 256 characters long"));
    }
    let gone = given.get(1).map_or(Ok(&[][..]), bytes_of)?;
    let kept = bytes.iter().filter(|byte| !gone.contains(byte));
    let translated = |byte: &u8| table.and_then(|table| table.get(usize::from(*byte))).copied();
    Ok(Value::Bytes(kept.map(|byte| translated(byte).unwrap_or(*byte)).collect()))
}

fn partition(bytes: &[u8], separator: &Value, from_right: bool) -> Result<Value, Error> {
    let (whole, wanted) = (wide(bytes), wide(bytes_of(separator)?));
    if wanted.is_empty() {
        return Err(Error::value_error("empty separator"));
    }
    let parts = if from_right { whole.rsplit_once(&wanted) } else { whole.split_once(&wanted) };
    Ok(Value::tuple(match parts {
        Some((before, after)) => vec![narrow(before), separator.clone(), narrow(after)],
        None if from_right => vec![made([]), made([]), made(bytes)],
        None => vec![made(bytes), made([]), made([])],
    }))
}

fn replace(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let (from, to) = (bytes_of(given.at(0))?, bytes_of(given.at(1))?);
    let count = given.get(2).map_or(Ok(-1), index)?;
    text::replace(&wide(bytes), &wide(from), &wide(to), count).map(narrow)
}

fn split(bytes: &[u8], given: &Given, from_right: bool) -> Result<Value, Error> {
    let limit = given.get(1).map_or(Ok(-1), index)?;
    let separator = match given.at(0) {
        Value::None => None,
        separator => Some(wide(bytes_of(separator)?)),
    };
    let whole = wide(bytes);
    let parts = text::split(&whole, separator.as_deref(), limit, from_right, chars::is_byte_space)?;
    Ok(Value::list(parts.into_iter().map(narrow).collect()))
}

fn split_lines(bytes: &[u8], given: &Given) -> Result<Value, Error> {
    let keep = given.get(0).map_or(Ok(0), small)? != 0;
    let whole = wide(bytes);
    let lines = text::lines(&whole, keep, text::ends_byte_line);
    Ok(Value::list(lines.into_iter().map(narrow).collect()))
}

fn capitalize(bytes: &[u8]) -> Value {
    let mut out = bytes.to_ascii_lowercase();
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    made(out)
}

fn swap_case(bytes: &[u8]) -> Value {
    let swapped = |byte: &u8| {
        if byte.is_ascii_uppercase() { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() }
    };
    Value::Bytes(bytes.iter().map(swapped).collect())
}

fn title(bytes: &[u8]) -> Value {
    let mut inside = false;
    let titled = |byte: &u8| {
        let byte = if inside { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        inside = byte.is_ascii_alphabetic();
        byte
    };
    Value::Bytes(bytes.iter().map(titled).collect())
}

/// The bytes that an object is made into (`PyObject_Bytes`).
///
/// # Errors
/// It is no sequence of bytes.
pub(super) fn of_object(value: &Value) -> Result<Vec<u8>, Error> {
    let no_bytes = || Error::type_error(format!("cannot convert '{}' object to bytes", value.tp_name()));
    let items = match value {
        Value::Bytes(bytes) => return Ok(bytes.to_vec()),
        Value::Str(_) => return Err(no_bytes()),
        Value::Undefined(_) => crate::jinja::ops::iterate(value)?,
        other => crate::jinja::ops::iterate(other).map_err(|_| no_bytes())?,
    };
    let byte = |item: &Value| {
        let number = item.as_bound().ok_or_else(|| no_integer(item))?;
        u8::try_from(number).map_err(|_| Error::value_error("bytes must be in range(0, 256)"))
    };
    items.iter().map(byte).collect()
}
