//! `wordwrap`: Python's `textwrap`.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::bind::{bind, int, text};
use super::text::lacks;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::methods;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("wordwrap", wordwrap)];

/// White space, or a word, which also ends after a hyphen between letters and before a dash.
static PARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let space = r"[\t\n\x0b\x0c\r ]";
    let word = r"[^\t\n\x0b\x0c\r ]+?";
    let punctuation = r#"[\w!"'&.,?]"#;
    let letter = r"[^\d\W]";
    let hyphen = format!("-(?:(?<={letter}{letter}-)|(?<={letter}-{punctuation}-))(?={letter}-?{letter})");
    let dash = format!("(?<={punctuation})(?=-{{2,}}\\w)");
    Regex::new(&format!(r"{space}+|(?<={punctuation})-{{2,}}(?=\w)|{word}(?:{hyphen}|(?={space}|\z)|{dash})"))
        .ok()
});

fn parts(line: &str, hyphens: bool) -> Vec<&str> {
    if hyphens && let Some(regex) = PARTS.as_ref() {
        return regex.find_iter(line).flatten().map(|found| found.as_str()).collect();
    }
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let space = is_space(first);
        let end = rest.find(|c: char| is_space(c) != space).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ')
}

fn wordwrap(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [width, break_long, wrapstring, hyphens] =
        bind(args, ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let width = width.map_or(Ok(79), |width| int(&width))?;
    let wrapstring = wrapstring.filter(|it| !it.is_none()).map_or(Ok("\n".to_owned()), |it| text(&it))?;
    let break_long = break_long.unwrap_or(Value::Bool(true));
    let hyphens = hyphens.unwrap_or(Value::Bool(true));
    ops::defined(&value)?;
    let text = value.as_str().ok_or_else(|| lacks(&value, "splitlines"))?;
    let lines = methods::split_lines(text);
    let width = match usize::try_from(width) {
        Ok(width) if width > 0 => width,
        _ if lines.iter().all(|line| line.is_empty()) => 1,
        _ => return Err(Error::value_error(format!("invalid width {width} (must be > 0)"))),
    };
    let wrapper = Wrapper { width, break_long, hyphens };
    let paragraphs: Result<Vec<String>, Error> =
        lines.iter().map(|line| Ok(wrapper.wrap(line)?.join(&wrapstring))).collect();
    Ok(Value::from(paragraphs?.join(&wrapstring)))
}

/// `TextWrapper`; what is true of its arguments is asked where it matters, as one may be missing.
struct Wrapper {
    width: usize,
    break_long: Value,
    hyphens: Value,
}

impl Wrapper {
    fn wrap(&self, line: &str) -> Result<Vec<String>, Error> {
        let size = |text: &str| text.chars().count();
        let blank = |text: &str| text.trim_matches(is_space).is_empty();
        let parts = parts(line, matches!(self.hyphens, Value::Bool(true)));
        let mut rest: Vec<String> = parts.into_iter().rev().map(ToOwned::to_owned).collect();
        let mut lines: Vec<String> = Vec::new();
        while let Some(next) = rest.last() {
            if blank(next) && !lines.is_empty() {
                rest.pop();
            }
            let mut line: Vec<String> = Vec::new();
            let mut used = 0;
            while let Some(part) = rest.pop_if(|part| used + size(part) <= self.width) {
                used += size(&part);
                line.push(part);
            }
            if let Some(part) = rest.pop_if(|part| size(part) > self.width) {
                if ops::truthy(&self.break_long)? {
                    let (head, tail) = self.broken(&part, self.width - used)?;
                    line.push(head);
                    rest.push(tail);
                } else if line.is_empty() {
                    line.push(part);
                } else {
                    rest.push(part);
                }
            }
            if line.last().is_some_and(|part| blank(part)) {
                line.pop();
            }
            if !line.is_empty() {
                lines.push(line.concat());
            }
        }
        Ok(lines)
    }

    /// The first `space` characters of a part, at a hyphen where there is one, and the rest.
    fn broken(&self, part: &str, space: usize) -> Result<(String, String), Error> {
        let mut end = space;
        let chars: Vec<char> = part.chars().collect();
        if ops::truthy(&self.hyphens)?
            && chars.len() > space
            && let Some(hyphen) = chars[..space].iter().rposition(|c| *c == '-')
            && hyphen > 0
            && chars[..hyphen].iter().any(|c| *c != '-')
        {
            end = hyphen + 1;
        }
        let end = end.min(chars.len());
        Ok((chars[..end].iter().collect(), chars[end..].iter().collect()))
    }
}
