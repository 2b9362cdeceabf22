//! Regular expressions (sprig `regex.go`; Go `regexp`), matched by `regex-automata` with Go's syntax
//! ([`super::re2`]) and Go's rules for successive matches and replacement templates.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, Span};

use super::args::{MAX_OUTPUT, bytes, fail, fixed, int, text};
use super::re2::{self, SyntaxError};
use super::{Outcome, runes};
use crate::gotmpl::strconv::{can_backquote, quote};
use crate::gotmpl::{Elem, FuncContext, FuncDef, FuncError, List, Param, Str, Value};

const TWO: &[Param] = &[Param::Str, Param::Str];
const COUNTED: &[Param] = &[Param::Str, Param::Str, Param::Int];
const THREE: &[Param] = &[Param::Str, Param::Str, Param::Str];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("regexMatch", TWO, |_, args| {
        let found = compile(bytes(args, 0)).is_ok_and(|pattern| pattern.is_match(bytes(args, 1)));
        Ok(Value::Bool(found))
    }),
    fixed("mustRegexMatch", TWO, |_, args| Ok(Value::Bool(returned(args)?.is_match(bytes(args, 1))))),
    fixed("regexFind", TWO, |_, args| find(&*panicking(args)?, args)),
    fixed("mustRegexFind", TWO, |_, args| find(&*returned(args)?, args)),
    fixed("regexFindAll", COUNTED, |_, args| Ok(find_all(&*panicking(args)?, args))),
    fixed("mustRegexFindAll", COUNTED, |_, args| Ok(find_all(&*returned(args)?, args))),
    fixed("regexReplaceAll", THREE, |_, args| replace(&*panicking(args)?, args)),
    fixed("mustRegexReplaceAll", THREE, |_, args| replace(&*returned(args)?, args)),
    fixed("regexReplaceAllLiteral", THREE, |_, args| replace_literal(&*panicking(args)?, args)),
    fixed("mustRegexReplaceAllLiteral", THREE, |_, args| replace_literal(&*returned(args)?, args)),
    fixed("regexSplit", COUNTED, |_, args| Ok(split(&*panicking(args)?, args))),
    fixed("mustRegexSplit", COUNTED, |_, args| Ok(split(&*returned(args)?, args))),
    fixed("regexQuoteMeta", &[Param::Str], quote_meta),
];

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    names: Vec<Option<Box<str>>>,
    is_empty: bool,
}

type Compiled = Result<Rc<Pattern>, SyntaxError>;

/// Most patterns that a thread keeps compiled; charts have a few dozen, generated ones must not pile up.
const CACHE_LIMIT: usize = 512;

thread_local! {
    static CACHE: RefCell<HashMap<Box<[u8]>, Compiled>> = RefCell::default();
}

/// The compiled form of a pattern, from this thread's cache.
fn compile(pattern: &[u8]) -> Compiled {
    if let Some(known) = CACHE.with_borrow(|cache| cache.get(pattern).cloned()) {
        return known;
    }
    let compiled = build(pattern);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHE_LIMIT {
            cache.clear();
        }
        cache.insert(pattern.into(), compiled.clone());
    });
    compiled
}

fn build(pattern: &[u8]) -> Compiled {
    let parsed = re2::parse(pattern)?;
    let config = Regex::config().nfa_size_limit(Some(32 << 20)).hybrid_cache_capacity(4 << 20);
    let regex = Regex::builder().configure(config).build_from_hir(&parsed.hir);
    let regex = regex.map_err(|_| re2::too_large(pattern))?;
    Ok(Rc::new(Pattern { regex, names: parsed.names, is_empty: pattern.is_empty() }))
}

/// The pattern for a `must` function, which returns the error.
fn returned(args: &[Value]) -> Result<Rc<Pattern>, FuncError> {
    compile(bytes(args, 0)).map_err(|error| fail(error.to_string()))
}

/// The pattern for the other functions, which panic as `regexp.MustCompile` does.
fn panicking(args: &[Value]) -> Result<Rc<Pattern>, FuncError> {
    let pattern = bytes(args, 0);
    compile(pattern).map_err(|error| {
        let quoted = if can_backquote(pattern) { [b"`", pattern, b"`"].concat() } else { quote(pattern) };
        fail(format!("regexp: Compile({}): {error}", String::from_utf8_lossy(&quoted)))
    })
}

/// Text to match: UTF-8, with the way back to the original where that is not.
struct Subject<'a> {
    original: &'a [u8],
    text: Cow<'a, [u8]>,
    /// For each byte of `text` and its end the position in `original`; empty when they are equal.
    positions: Vec<usize>,
}

impl<'a> Subject<'a> {
    fn new(original: &'a [u8]) -> Self {
        if std::str::from_utf8(original).is_ok() {
            return Self { original, text: Cow::Borrowed(original), positions: Vec::new() };
        }
        let (mut text, mut positions, mut at) = (Vec::new(), Vec::new(), 0);
        for (rune, part) in runes::split(original) {
            runes::push(&mut text, rune);
            positions.resize(text.len(), at);
            at += part.len();
        }
        positions.push(at);
        Self { original, text: Cow::Owned(text), positions }
    }

    fn part(&self, span: Span) -> &'a [u8] {
        let place = |at: usize| self.positions.get(at).copied().unwrap_or(at);
        &self.original[place(span.start)..place(span.end)]
    }

    /// The width of the character at a position; 0 at the end.
    fn width(&self, at: usize) -> usize {
        runes::first(&self.text[at..]).map_or(0, |(_, width)| width)
    }
}

impl Pattern {
    fn is_match(&self, input: &[u8]) -> bool {
        self.regex.is_match(Input::new(&*Subject::new(input).text))
    }

    fn find_at(&self, subject: &Subject<'_>, at: usize) -> Option<Span> {
        let input = Input::new(&*subject.text).span(at..subject.text.len());
        self.regex.find(input).map(|found| found.span())
    }

    /// At most `limit` successive matches; an empty one right after another does not count.
    fn matches(&self, subject: &Subject<'_>, limit: usize) -> Vec<Span> {
        let mut found = Vec::new();
        let (mut at, mut previous_end) = (0, None);
        while found.len() < limit && at <= subject.text.len() {
            let Some(span) = self.find_at(subject, at) else { break };
            let mut accepted = true;
            if span.end == at {
                accepted = Some(span.start) != previous_end;
                at += subject.width(at).max(1);
            } else {
                at = span.end;
            }
            previous_end = Some(span.end);
            if accepted {
                found.push(span);
            }
        }
        found
    }

    /// Replaces every match with what `write` appends.
    fn replace(
        &self,
        subject: &Subject<'_>,
        needs_groups: bool,
        mut write: impl FnMut(&mut Vec<u8>, &dyn Fn(usize) -> Option<Span>),
    ) -> Result<Vec<u8>, FuncError> {
        let end = subject.text.len();
        let mut captures: Captures = self.regex.create_captures();
        let mut out = Vec::with_capacity(subject.original.len());
        let (mut copied, mut at) = (0, 0);
        while at <= end {
            let span = if needs_groups {
                self.regex.captures(Input::new(&*subject.text).span(at..end), &mut captures);
                captures.get_group(0)
            } else {
                self.find_at(subject, at)
            };
            let Some(span) = span else { break };
            out.extend_from_slice(subject.part(Span::from(copied..span.start)));
            if span.end > copied || span.start == 0 {
                write(&mut out, &|group| captures.get_group(group));
            }
            if out.len() > MAX_OUTPUT {
                return Err(fail("regexReplaceAll: output length overflow"));
            }
            copied = span.end;
            let step = subject.width(at).max(1);
            at = if at + step > span.end { at + step } else { span.end };
        }
        out.extend_from_slice(subject.part(Span::from(copied..end)));
        Ok(out)
    }
}

fn find(pattern: &Pattern, args: &[Value]) -> Outcome {
    let subject = Subject::new(bytes(args, 1));
    text(pattern.find_at(&subject, 0).map_or(&[][..], |span| subject.part(span)))
}

fn strings_or_nil(parts: Vec<Value>) -> Value {
    Value::List(if parts.is_empty() { List::nil(Elem::Str) } else { List::new(Elem::Str, parts) })
}

fn limit(args: &[Value]) -> usize {
    usize::try_from(int(args, 2)).unwrap_or(usize::MAX)
}

fn find_all(pattern: &Pattern, args: &[Value]) -> Value {
    let subject = Subject::new(bytes(args, 1));
    let found = pattern.matches(&subject, limit(args));
    strings_or_nil(found.into_iter().map(|span| Value::Str(Str::from(subject.part(span)))).collect())
}

fn split(pattern: &Pattern, args: &[Value]) -> Value {
    let (limit, subject) = (limit(args), Subject::new(bytes(args, 1)));
    if limit == 0 {
        return Value::List(List::nil(Elem::Str));
    }
    if subject.original.is_empty() && !pattern.is_empty {
        return Value::List(List::new(Elem::Str, vec![Value::from("")]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for span in pattern.matches(&subject, limit) {
        if int(args, 2) > 0 && parts.len() + 1 >= limit {
            break;
        }
        end = span.start;
        if span.end != 0 {
            parts.push(subject.part(Span::from(begin..end)));
        }
        begin = span.end;
    }
    if end != subject.text.len() {
        parts.push(subject.part(Span::from(begin..subject.text.len())));
    }
    let parts = parts.into_iter().map(|part| Value::Str(part.into())).collect();
    Value::List(List::new(Elem::Str, parts))
}

fn replace_literal(pattern: &Pattern, args: &[Value]) -> Outcome {
    let subject = Subject::new(bytes(args, 1));
    let replacement = bytes(args, 2);
    text(pattern.replace(&subject, false, |out, _| out.extend_from_slice(replacement))?)
}

fn replace(pattern: &Pattern, args: &[Value]) -> Outcome {
    let template = bytes(args, 2);
    if !template.contains(&b'$') {
        return replace_literal(pattern, args);
    }
    let subject = Subject::new(bytes(args, 1));
    text(pattern.replace(&subject, true, |out, group| {
        expand(out, template, &pattern.names, |index| group(index).map(|span| subject.part(span)));
    })?)
}

/// `Regexp.Expand`: `$1`, `${1}`, `$name`; a name is as long as possible, so `$1W` is the group `1W`.
fn expand<'a>(
    out: &mut Vec<u8>,
    mut template: &[u8],
    names: &[Option<Box<str>>],
    group: impl Fn(usize) -> Option<&'a [u8]>,
) {
    while let Some(dollar) = memchr::memchr(b'$', template) {
        out.extend_from_slice(&template[..dollar]);
        template = &template[dollar + 1..];
        if let Some(rest) = template.strip_prefix(b"$") {
            out.push(b'$');
            template = rest;
            continue;
        }
        let Some((name, rest)) = reference(template) else {
            out.push(b'$');
            continue;
        };
        template = rest;
        let value = match group_number(name) {
            Some(number) => group(number),
            None => {
                let named =
                    |known: &Option<Box<str>>| known.as_deref().is_some_and(|known| known.as_bytes() == name);
                let mut indices = (0..names.len()).filter(|index| named(&names[*index]));
                indices.find_map(&group)
            }
        };
        out.extend_from_slice(value.unwrap_or_default());
    }
    out.extend_from_slice(template);
}

/// The name after a `$`, and what follows it.
fn reference(template: &[u8]) -> Option<(&[u8], &[u8])> {
    let (braced, body) = template.strip_prefix(b"{").map_or((false, template), |body| (true, body));
    let is_name = |rune: char| rune == '_' || runes::is_letter(rune) || runes::is_digit(rune);
    let length: usize =
        runes::split(body).take_while(|(rune, _)| is_name(*rune)).map(|(_, part)| part.len()).sum();
    let (name, rest) = body.split_at(length);
    if name.is_empty() {
        return None;
    }
    if braced { Some((name, rest.strip_prefix(b"}")?)) } else { Some((name, rest)) }
}

fn group_number(name: &[u8]) -> Option<usize> {
    if name.len() > 1 && name[0] == b'0' || name.len() > 9 || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

fn quote_meta(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let mut out = Vec::with_capacity(bytes(args, 0).len());
    for byte in bytes(args, 0) {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    text(out)
}
