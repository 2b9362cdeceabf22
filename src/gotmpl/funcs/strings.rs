//! Strings (sprig `strings.go`, `functions.go`; Go `strings`). Strings are bytes: `trunc` and `substr` may
//! cut a character in two.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;

use super::args::{MAX_OUTPUT, bounded, bytes, fail, fixed, int, strings, text, variadic};
use super::{Outcome, runes};
use crate::gotmpl::fmt;
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{Elem, FuncDef, FuncError, Map, MapType, Param, Str, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("trunc", &[Param::Int, Param::Str], trunc),
    fixed("abbrev", &[Param::Int, Param::Str], |_, args| {
        let width = int(args, 0);
        if width < 4 { Ok(args[1].clone()) } else { text(abbreviate(bytes(args, 1), 0, width)) }
    }),
    fixed("abbrevboth", &[Param::Int, Param::Int, Param::Str], |_, args| {
        let (left, right) = (int(args, 0), int(args, 1));
        if right < 4 || left > 0 && right < 7 {
            return Ok(args[2].clone());
        }
        text(abbreviate(bytes(args, 2), left, right))
    }),
    fixed("trim", &[Param::Str], |_, args| kept(args, 0, trim(bytes(args, 0), runes::is_space))),
    fixed("trimall", &[Param::Str, Param::Str], trim_all),
    fixed("trimAll", &[Param::Str, Param::Str], trim_all),
    fixed("trimSuffix", &[Param::Str, Param::Str], |_, args| {
        let input = bytes(args, 1);
        kept(args, 1, input.strip_suffix(bytes(args, 0)).unwrap_or(input))
    }),
    fixed("trimPrefix", &[Param::Str, Param::Str], |_, args| {
        let input = bytes(args, 1);
        kept(args, 1, input.strip_prefix(bytes(args, 0)).unwrap_or(input))
    }),
    fixed("substr", &[Param::Int, Param::Int, Param::Str], substr),
    fixed("repeat", &[Param::Int, Param::Str], |_, args| text(repeat(bytes(args, 1), int(args, 0))?)),
    fixed("contains", &[Param::Str, Param::Str], |_, args| {
        Ok(Value::Bool(memmem::find(bytes(args, 1), bytes(args, 0)).is_some()))
    }),
    fixed("hasPrefix", &[Param::Str, Param::Str], |_, args| {
        Ok(Value::Bool(bytes(args, 1).starts_with(bytes(args, 0))))
    }),
    fixed("hasSuffix", &[Param::Str, Param::Str], |_, args| {
        Ok(Value::Bool(bytes(args, 1).ends_with(bytes(args, 0))))
    }),
    variadic("quote", &[], Param::Any, |_, args| {
        text(spaced(args, |out, value| out.extend_from_slice(&quote(&strval(value)))))
    }),
    variadic("squote", &[], Param::Any, |_, args| {
        text(spaced(args, |out, value| {
            out.push(b'\'');
            fmt::append(out, value);
            out.push(b'\'');
        }))
    }),
    variadic("cat", &[], Param::Any, |_, args| text(spaced(args, fmt::append))),
    fixed("indent", &[Param::Int, Param::Str], |_, args| text(indent(b"", int(args, 0), bytes(args, 1))?)),
    fixed("nindent", &[Param::Int, Param::Str], |_, args| text(indent(b"\n", int(args, 0), bytes(args, 1))?)),
    fixed("replace", &[Param::Str, Param::Str, Param::Str], |_, args| {
        match replace(bytes(args, 2), bytes(args, 0), bytes(args, 1))? {
            Some(replaced) => text(replaced),
            None => Ok(args[2].clone()),
        }
    }),
    fixed("plural", &[Param::Str, Param::Str, Param::Int], |_, args| {
        Ok(args[usize::from(int(args, 2) != 1)].clone())
    }),
    fixed("toString", &[Param::Any], |_, args| Ok(Value::Str(to_str(&args[0])))),
    fixed("toStrings", &[Param::Any], |_, args| strings(to_strings(&args[0]))),
    fixed("join", &[Param::Str, Param::Any], |_, args| text(join(bytes(args, 0), &args[1])?)),
    fixed("sortAlpha", &[Param::Any], |_, args| match &args[0] {
        // A list of texts is sorted as it is, and stays nil.
        Value::List(list) if list.elem == Elem::Str && list.is_nil() => Ok(args[0].clone()),
        value => strings(sort_alpha(value)),
    }),
    fixed("split", &[Param::Str, Param::Str], |_, args| {
        Ok(numbered(cut(bytes(args, 1), bytes(args, 0), -1)))
    }),
    fixed("splitn", &[Param::Str, Param::Int, Param::Str], |_, args| {
        Ok(numbered(cut(bytes(args, 2), bytes(args, 0), int(args, 1))))
    }),
    fixed("splitList", &[Param::Str, Param::Str], |_, args| strings(cut(bytes(args, 1), bytes(args, 0), -1))),
];

/// The string form that sprig's functions agree on (`strval`): bytes as text, everything else as `%v`.
pub(super) fn strval(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::Str(text) => Cow::Borrowed(text),
        Value::List(list) if list.elem == Elem::Byte => list.to_bytes(),
        _ => Cow::Owned(fmt::sprint(value)),
    }
}

/// [`strval`] as a value; a string stays shared.
pub(super) fn to_str(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        _ => strval(value).into_owned().into(),
    }
}

/// Part of a string argument as a value; the argument itself when nothing was cut off.
fn kept(args: &[Value], index: usize, part: &[u8]) -> Outcome {
    if part.len() == bytes(args, index).len() { Ok(args[index].clone()) } else { text(part) }
}

fn trunc(_: &mut dyn crate::gotmpl::FuncContext, args: &[Value]) -> Outcome {
    let (length, input) = (int(args, 0), bytes(args, 1));
    let wanted = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted >= input.len() {
        return Ok(args[1].clone());
    }
    text(if length < 0 { &input[input.len() - wanted..] } else { &input[..wanted] })
}

/// `goutils.AbbreviateFull`; a width that is too small for its offset gives nothing.
fn abbreviate(input: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = input.len() as i64;
    if length <= width {
        return input.to_vec();
    }
    let offset = offset.min(length);
    let offset = if length.wrapping_sub(offset) < width - 3 { length - (width - 3) } else { offset };
    let part = |from: i64, to: i64| &input[from.max(0) as usize..to.max(0) as usize];
    if offset <= 4 {
        return [part(0, width - 3), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        let inner = abbreviate(part(offset, length), 0, width - 3);
        return [b"...", inner.as_slice()].concat();
    }
    [b"...", part(length - (width - 3), length)].concat()
}

fn trim_all(_: &mut dyn crate::gotmpl::FuncContext, args: &[Value]) -> Outcome {
    let cutset: Vec<char> = runes::iter(bytes(args, 0)).collect();
    kept(args, 1, trim(bytes(args, 1), |rune| cutset.contains(&rune)))
}

/// Cuts the runes off both ends that `belongs` names.
fn trim(mut input: &[u8], belongs: impl Fn(char) -> bool) -> &[u8] {
    while let Some((rune, width)) = runes::first(input) {
        if !belongs(rune) {
            break;
        }
        input = &input[width..];
    }
    while let Some((rune, width)) = runes::last(input) {
        if !belongs(rune) {
            break;
        }
        input = &input[..input.len() - width];
    }
    input
}

fn substr(_: &mut dyn crate::gotmpl::FuncContext, args: &[Value]) -> Outcome {
    let (start, end, input) = (int(args, 0), int(args, 1), bytes(args, 2));
    let length = input.len() as i64;
    if start < 0 {
        if end < 0 {
            return Err(out_of_bounds(format!(":{end}]")));
        }
        if end > length {
            return Err(out_of_bounds(format!(":{end}] with length {length}")));
        }
        return kept(args, 2, &input[..end as usize]);
    }
    if end < 0 || end > length {
        if start > length {
            return Err(out_of_bounds(format!("{start}:{length}]")));
        }
        return kept(args, 2, &input[start as usize..]);
    }
    if start > end {
        return Err(out_of_bounds(format!("{start}:{end}]")));
    }
    kept(args, 2, &input[start as usize..end as usize])
}

fn out_of_bounds(range: String) -> FuncError {
    fail(format!("runtime error: slice bounds out of range [{range}"))
}

/// `strings.Repeat`, with a limit on the result.
pub(super) fn repeat(input: &[u8], count: i64) -> Result<Vec<u8>, FuncError> {
    let count = usize::try_from(count).map_err(|_| fail("strings: negative Repeat count"))?;
    bounded(count, input.len(), "strings: Repeat")?;
    if input.is_empty() {
        return Ok(Vec::new());
    }
    Ok(input.repeat(count))
}

/// Arguments that are not nil, written by `write` and separated by spaces.
fn spaced(args: &[Value], mut write: impl FnMut(&mut Vec<u8>, &Value)) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, value) in args.iter().filter(|value| !matches!(value, Value::Nil)).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        write(&mut out, value);
    }
    out
}

fn indent(before: &[u8], spaces: i64, input: &[u8]) -> Result<Vec<u8>, FuncError> {
    let width = usize::try_from(spaces).map_err(|_| fail("strings: negative Repeat count"))?;
    let breaks = memchr::memchr_iter(b'\n', input).count();
    bounded(breaks + 1, width, "strings: Repeat")?;
    let mut out = Vec::with_capacity(before.len() + input.len() + (breaks + 1) * width);
    out.extend_from_slice(before);
    for (index, line) in input.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + width, b' ');
        out.extend_from_slice(line);
    }
    Ok(out)
}

/// `strings.ReplaceAll`; `None` when nothing matches.
fn replace(input: &[u8], old: &[u8], new: &[u8]) -> Result<Option<Vec<u8>>, FuncError> {
    if old.is_empty() {
        bounded(input.len() + 1, new.len() + 1, "strings: Replace")?;
        let mut out = new.to_vec();
        for (_, rune) in runes::split(input) {
            out.extend_from_slice(rune);
            out.extend_from_slice(new);
        }
        return Ok(Some(out));
    }
    let mut matches = memmem::find_iter(input, old).peekable();
    if matches.peek().is_none() {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(input.len());
    let mut copied = 0;
    for at in matches {
        out.extend_from_slice(&input[copied..at]);
        out.extend_from_slice(new);
        copied = at + old.len();
        if out.len() > MAX_OUTPUT {
            return Err(fail("strings: Replace: output length overflow"));
        }
    }
    out.extend_from_slice(&input[copied..]);
    Ok(Some(out))
}

/// `strings.SplitN`: at most `limit` parts unless it is negative; an empty separator cuts between runes.
fn cut<'a>(input: &'a [u8], separator: &[u8], limit: i64) -> Vec<&'a [u8]> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if limit == 0 {
        return parts;
    }
    let mut rest = input;
    if separator.is_empty() {
        while let Some((_, width)) = runes::first(rest) {
            if parts.len() + 1 == limit {
                parts.push(rest);
                return parts;
            }
            let (head, tail) = rest.split_at(width);
            parts.push(head);
            rest = tail;
        }
        return parts;
    }
    let finder = memmem::Finder::new(separator);
    while parts.len() + 1 < limit {
        let Some(at) = finder.find(rest) else { break };
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

/// The `map[string]string` of parts that `split` gives: `_0`, `_1`, …
fn numbered(parts: Vec<&[u8]>) -> Value {
    let entries: BTreeMap<Str, Value> = parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| (Str::from(format!("_{index}")), Value::Str(part.into())))
        .collect();
    Value::Map(Map::from_entries(MapType::Str, entries))
}

/// `strslice`: the elements as strings, nil ones left out; a scalar is its own only element.
pub(super) fn to_strings(value: &Value) -> Vec<Str> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(list) => list.iter().filter(|item| !matches!(item, Value::Nil)).map(to_str).collect(),
        Value::Object(object) if object.kind() == "slice" => match object.to_plain() {
            Value::List(list) => list.iter().map(to_str).collect(),
            _ => vec![to_str(value)],
        },
        _ => vec![to_str(value)],
    }
}

fn join(separator: &[u8], value: &Value) -> Result<Vec<u8>, FuncError> {
    let parts = to_strings(value);
    let total: usize = parts.iter().map(|part| part.len()).sum();
    bounded(total + parts.len().saturating_mul(separator.len()), 1, "strings: Join")?;
    let mut out = Vec::with_capacity(total + parts.len() * separator.len());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(part);
    }
    Ok(out)
}

fn sort_alpha(value: &Value) -> Vec<Str> {
    if matches!(value, Value::Nil) {
        return vec![to_str(value)];
    }
    let mut parts = to_strings(value);
    parts.sort();
    parts
}
