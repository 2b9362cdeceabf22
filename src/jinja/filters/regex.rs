//! Regular expressions of Python's `re`, over `fancy-regex`.

use fancy_regex::{Captures, Regex};

use super::bind::{bind, flag, int, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Value, hashable};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("regex_replace", replace),
    ("regex_search", search),
    ("regex_findall", findall),
    ("regex_escape", escape_filter),
];

/// A pattern, which is text.
///
/// # Errors
/// It is missing, or no text.
pub(crate) fn pattern_text(pattern: &Value) -> Result<String, Error> {
    ops::defined(pattern)?;
    hashable(pattern)?;
    let text = pattern.as_str().map(ToOwned::to_owned);
    text.ok_or_else(|| Error::type_error("first argument must be string or compiled pattern"))
}

/// Compiles a Python pattern.
///
/// # Errors
/// The pattern is malformed.
pub(crate) fn compile(pattern: &str, ignorecase: bool, multiline: bool) -> Result<Regex, Error> {
    let mut flags = String::new();
    if ignorecase {
        flags.push('i');
    }
    if multiline {
        flags.push('m');
    }
    let pattern = to_rust(pattern, multiline);
    let full = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
    Regex::new(&full).map_err(|error| {
        let error = error.to_string();
        let python = PYTHON_WORDS.iter().find(|(ours, _)| error.contains(ours)).map(|(_, python)| *python);
        Error::exception(
            python.map_or_else(|| format!("invalid regular expression: {error}"), ToOwned::to_owned),
        )
    })
}

/// What the two languages say of the same mistakes in a pattern.
const PYTHON_WORDS: &[(&str, &str)] = &[
    ("Target of repeat operator is invalid", "nothing to repeat"),
    ("repetition operator missing expression", "nothing to repeat"),
    ("unclosed character class", "unterminated character set"),
    ("Invalid character class", "unterminated character set"),
    ("unclosed group", "missing ), unterminated subpattern"),
    ("Opening parenthesis without closing parenthesis", "missing ), unterminated subpattern"),
    ("unopened group", "unbalanced parenthesis"),
];

/// What Python and `fancy-regex` write differently: `\Z`, and `$` before a last newline.
fn to_rust(pattern: &str, multiline: bool) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') => out.push_str("\\z"),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '$' if !in_class && !multiline => out.push_str(r"(?=\n?\z)"),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A failure while matching: the pattern took too long.
pub(crate) fn failed(error: &fancy_regex::Error) -> Error {
    Error::exception(format!("regular expression failed: {error}"))
}

fn replace(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [pattern, replacement, ignorecase, multiline, count, mandatory] =
        bind(args, ["pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"])?;
    let value = text(&value)?;
    let pattern = pattern.map_or(Ok(String::new()), |pattern| pattern_text(&pattern))?;
    let replacement = replacement.map_or(Ok(String::new()), |it| text(&it))?;
    let regex = compile(&pattern, flag(ignorecase.as_ref())?, flag(multiline.as_ref())?)?;
    let given = count.map_or(Ok(0), |count| int(&count))?;
    // Zero is no limit, and no match is fewer than none.
    let count = if given == 0 { usize::MAX } else { usize::try_from(given).unwrap_or(0) };
    let (out, done) = substitute(&regex, &value, &replacement, count)?;
    if let Some(wanted) = mandatory.filter(|wanted| !wanted.is_none()) {
        let wanted = int(&wanted)?;
        if wanted != 0 && i64::try_from(done).unwrap_or(-1) != wanted {
            return Err(Error::plugin(format!(
                "'{pattern}' should match {wanted} times, but matches {given} times in '{value}'"
            )));
        }
    }
    Ok(Value::from(out))
}

/// All matches of a pattern, as Python's scanner finds them: an empty match may follow another match
/// immediately, though not another empty one.
struct Search<'a> {
    regex: &'a Regex,
    text: &'a str,
    at: Option<usize>,
    after_empty: bool,
}

impl<'a> Search<'a> {
    fn new(regex: &'a Regex, text: &'a str) -> Self {
        Search { regex, text, at: Some(0), after_empty: false }
    }

    fn next(&mut self) -> Result<Option<Captures<'a, str>>, Error> {
        while let Some(at) = self.at {
            let found = self.regex.captures_from_pos(self.text, at).map_err(|error| failed(&error))?;
            let Some(whole) = found.as_ref().and_then(|found| found.get(0)) else {
                self.at = None;
                return Ok(None);
            };
            let (start, end) = (whole.start(), whole.end());
            if self.after_empty && start == end && start == at {
                self.after_empty = false;
                self.at = self.text[at..].chars().next().map(|c| at + c.len_utf8());
                continue;
            }
            self.after_empty = start == end;
            self.at = Some(end);
            return Ok(found);
        }
        Ok(None)
    }
}

/// `re.subn`.
///
/// # Errors
/// The template of the replacement is malformed, or matching fails.
pub(crate) fn substitute(
    regex: &Regex,
    value: &str,
    replacement: &str,
    count: usize,
) -> Result<(String, usize), Error> {
    let template = Template::parse(replacement, regex)?;
    let mut out = String::new();
    let mut copied = 0;
    let mut done = 0;
    let mut search = Search::new(regex, value);
    while done < count {
        let Some(captures) = search.next()? else { break };
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&value[copied..whole.start()]);
        template.expand(&captures, &mut out);
        copied = whole.end();
        done += 1;
    }
    out.push_str(&value[copied..]);
    Ok((out, done))
}

/// What letters mean behind a backslash in a replacement.
const ESCAPES: &[(char, char)] = &[
    ('a', '\x07'),
    ('b', '\x08'),
    ('f', '\x0c'),
    ('n', '\n'),
    ('r', '\r'),
    ('t', '\t'),
    ('v', '\x0b'),
    ('0', '\0'),
    ('\\', '\\'),
];

/// The template of a replacement: `\1`, `\g<1>`, `\g<name>`, `\n` and other escapes. Python reads it before
/// anything is found.
pub(crate) struct Template(Vec<Piece>);

enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a template for a pattern.
    ///
    /// # Errors
    /// An escape has no meaning, or the pattern has no such group; the words are Python's.
    pub(crate) fn parse(template: &str, pattern: &Regex) -> Result<Self, Error> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut chars = template.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            let group = match chars.next() {
                None => {
                    return Err(Error::exception(format!("bad escape (end of pattern) at position {at}")));
                }
                Some((_, 'g')) => {
                    if chars.next_if(|(_, c)| *c == '<').is_none() {
                        return Err(Error::exception(format!("missing < at position {}", at + 2)));
                    }
                    let name: String =
                        std::iter::from_fn(|| chars.next_if(|(_, c)| *c != '>')).map(|(_, c)| c).collect();
                    if chars.next().is_none() {
                        let wrong = if name.is_empty() {
                            "missing group name"
                        } else {
                            "missing >, unterminated name"
                        };
                        return Err(Error::exception(format!("{wrong} at position {}", at + 3)));
                    }
                    group_of(&name, at + 3, pattern)?
                }
                Some((place, digit @ '1'..='9')) => {
                    let second = chars.next_if(|(_, c)| c.is_ascii_digit());
                    let digits =
                        String::from_iter([Some(digit), second.map(|(_, c)| c)].into_iter().flatten());
                    group_of(&digits, place, pattern)?
                }
                Some((_, letter)) => {
                    match ESCAPES.iter().find(|(known, _)| *known == letter) {
                        Some((_, meant)) => text.push(*meant),
                        None if letter.is_ascii_alphabetic() => {
                            return Err(Error::exception(format!("bad escape \\{letter} at position {at}")));
                        }
                        None => text.extend(['\\', letter]),
                    }
                    continue;
                }
            };
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Group(group));
        }
        pieces.push(Piece::Text(text));
        Ok(Template(pieces))
    }

    /// Writes what a match makes of the template.
    pub(crate) fn expand(&self, captures: &Captures<'_, str>, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(number) => {
                    out.push_str(captures.get(*number).map_or("", |group| group.as_str()))
                }
            }
        }
    }
}

/// The number of a group that a template names at a position.
fn group_of(name: &str, position: usize, pattern: &Regex) -> Result<usize, Error> {
    match name.parse::<usize>() {
        Ok(number) if number < pattern.captures_len() => Ok(number),
        Ok(number) => {
            Err(Error::exception(format!("invalid group reference {number} at position {position}")))
        }
        Err(_) if name.is_empty() => {
            Err(Error::exception(format!("missing group name at position {position}")))
        }
        Err(_) => pattern.capture_names().position(|known| known == Some(name)).ok_or_else(|| {
            Error::exception(format!("unknown group name {}", crate::jinja::repr::quote(name)))
        }),
    }
}

fn search(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let value = text(&value)?;
    let mut positional = args.positional.into_iter();
    let named =
        |name: &str| args.named.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    let pattern = pattern_text(&needed(positional.next().or_else(|| named("regex")), "regex")?)?;
    let groups = positional.map(|group| Group::parse(&text(&group)?)).collect::<Result<Vec<_>, _>>()?;
    let regex = compile(&pattern, flag(named("ignorecase").as_ref())?, flag(named("multiline").as_ref())?)?;
    let Some(captures) = regex.captures(&value).map_err(|error| failed(&error))? else {
        return Ok(Value::None);
    };
    let found = |group: Option<fancy_regex::Match<'_>>| {
        group.map_or(Value::None, |group| Value::from(group.as_str()))
    };
    if groups.is_empty() {
        return Ok(found(captures.get(0)));
    }
    let missing = || Error::exception("no such group");
    let mut items = Vec::new();
    for group in groups {
        items.push(match group {
            Group::Number(number) if number < captures.len() => found(captures.get(number)),
            Group::Name(name) if regex.capture_names().flatten().any(|known| known == name) => {
                found(captures.name(&name))
            }
            _ => return Err(missing()),
        });
    }
    Ok(Value::list(items))
}

/// A group that `regex_search` is asked for: `\1`, `\g<1>` or `\g<name>`.
enum Group {
    Number(usize),
    Name(String),
}

impl Group {
    fn parse(text: &str) -> Result<Group, Error> {
        let nothing = || Error::exception("'NoneType' object has no attribute 'group'");
        if let Some(rest) = text.strip_prefix("\\g") {
            let name = rest.strip_prefix('<').and_then(|rest| Some(rest.split_at(rest.rfind('>')?).0));
            return name
                .filter(|name| !name.is_empty())
                .map(|name| Group::Name(name.to_owned()))
                .ok_or_else(nothing);
        }
        let Some(rest) = text.strip_prefix('\\') else { return Err(Error::plugin("Unknown argument")) };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().map(Group::Number).map_err(|_| nothing())
    }
}

fn findall(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [pattern, multiline, ignorecase] = bind(args, ["regex", "multiline", "ignorecase"])?;
    let value = text(&value)?;
    let pattern = pattern_text(&needed(pattern, "regex")?)?;
    let regex = compile(&pattern, flag(ignorecase.as_ref())?, flag(multiline.as_ref())?)?;
    let mut found = Vec::new();
    let mut search = Search::new(&regex, &value);
    while let Some(captures) = search.next()? {
        let group = |at: usize| Value::from(captures.get(at).map_or("", |group| group.as_str()));
        found.push(match captures.len() {
            1 => group(0),
            2 => group(1),
            count => Value::tuple((1..count).map(group).collect()),
        });
    }
    Ok(Value::list(found))
}

/// `re.escape`.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn escape_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [kind] = bind(args, ["re_type"])?;
    let kind = kind.map_or(Ok("python".to_owned()), |kind| text(&kind))?;
    let value = text(&value)?;
    match kind.as_str() {
        "python" => Ok(Value::from(escape(&value))),
        "posix_basic" => {
            let escaped = value.chars().flat_map(|c| {
                let special = "].[^$*\\".contains(c);
                special.then_some('\\').into_iter().chain([c])
            });
            Ok(Value::from(escaped.collect::<String>()))
        }
        "posix_extended" => Err(Error::plugin(format!("Regex type ({kind}) not yet implemented"))),
        _ => Err(Error::plugin(format!("Invalid regex type ({kind})"))),
    }
}
