//! `k=v` arguments in one text, split at white space but not within quotes or templates
//! (`parsing/splitter.py`).

use crate::jinja::Value;

use super::tree::VarMap;

/// Options that `command` and its kin take out of their free text.
const COMMAND_OPTIONS: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// The quotes or templates of the text do not close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed at splitting arguments, either an unbalanced jinja2 block or quotes: {0}")]
pub struct Unbalanced(pub String);

/// Reads `k=v` text; what is no `k=v` goes to `_raw_params`. With `raw`, only the options of `command`
/// are read as `k=v`.
///
/// # Errors
/// Quotes or templates do not close.
pub fn parse_kv(text: &str, raw: bool) -> Result<VarMap, Unbalanced> {
    let mut options = VarMap::new();
    let mut rest = Vec::new();
    for original in split_args(text)? {
        let decoded = decode_escapes(&original);
        let Some(at) = assignment(&decoded) else {
            let kept = if decoded.contains('=') { decoded.replace("\\=", "=") } else { original };
            rest.push(kept);
            continue;
        };
        let (key, value) = (&decoded[..at], &decoded[at + 1..]);
        if raw && !COMMAND_OPTIONS.contains(&key) {
            rest.push(original);
        } else {
            options.insert(key.trim().into(), Value::from(unquote(value.trim())));
        }
    }
    if !rest.is_empty() {
        options.insert("_raw_params".into(), Value::from(join_args(&rest)));
    }
    Ok(options)
}

/// The first `=` after the first character that no backslash precedes.
fn assignment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|&at| bytes[at] == b'=' && bytes[at - 1] != b'\\')
}

/// Text without the quotes around it.
#[must_use]
pub(super) fn unquote(text: &str) -> &str {
    let quoted = |mark: char| {
        text.len() > 1
            && text.starts_with(mark)
            && text.ends_with(mark)
            && !text[..text.len() - 1].ends_with('\\')
    };
    if quoted('"') || quoted('\'') { &text[1..text.len() - 1] } else { text }
}

fn join_args(parts: &[String]) -> String {
    let mut joined = String::new();
    for part in parts {
        if !joined.is_empty() && !joined.ends_with('\n') {
            joined.push(' ');
        }
        joined.push_str(part);
    }
    joined
}

/// `\n`, `\t`, `\x41`, … of a part become their characters.
fn decode_escapes(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (decoded, len) = escape(&rest[at..]);
        out.push_str(&decoded);
        rest = &rest[at + len..];
    }
    out.push_str(rest);
    out
}

fn escape(text: &str) -> (String, usize) {
    let hex = |digits: usize| {
        let code =
            text.get(2..2 + digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?;
        Some((c.to_string(), 2 + digits))
    };
    let single = |c: &str| Some((c.to_owned(), 2));
    let decoded = match text.chars().nth(1) {
        Some('U') => hex(8),
        Some('u') => hex(4),
        Some('x') => hex(2),
        Some('\\') => single("\\"),
        Some('\'') => single("'"),
        Some('"') => single("\""),
        Some('a') => single("\x07"),
        Some('b') => single("\x08"),
        Some('f') => single("\x0c"),
        Some('n') => single("\n"),
        Some('r') => single("\r"),
        Some('t') => single("\t"),
        Some('v') => single("\x0b"),
        _ => None,
    };
    decoded.unwrap_or_else(|| ("\\".to_owned(), 1))
}

/// What is open at some point of the text.
#[derive(Default)]
struct Open {
    quote: Option<char>,
    print: usize,
    block: usize,
    comment: usize,
}

impl Open {
    fn in_template(&self) -> bool {
        self.print > 0 || self.block > 0 || self.comment > 0
    }

    /// Counts the quotes of a token.
    fn quotes(&mut self, token: &str) {
        let mut previous = None;
        for c in token.chars() {
            if matches!(c, '"' | '\'') && previous != Some('\\') {
                match self.quote {
                    Some(open) if open == c => self.quote = None,
                    Some(_) => {}
                    None => self.quote = Some(c),
                }
            }
            previous = Some(c);
        }
    }
}

fn depth(token: &str, depth: usize, open: &str, close: &str) -> usize {
    (depth + token.matches(open).count()).saturating_sub(token.matches(close).count())
}

/// Splits text at spaces and newlines, which are kept at the end of the part before them.
///
/// # Errors
/// Quotes or templates do not close.
pub fn split_args(text: &str) -> Result<Vec<String>, Unbalanced> {
    let mut params: Vec<String> = Vec::new();
    if text.is_empty() {
        return Ok(params);
    }
    let mut open = Open::default();
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (i, token) in line.split(' ').enumerate() {
            if token.is_empty() && i != 0 {
                last(&mut params).push(' ');
                continue;
            }
            if token == "\\" && open.quote.is_none() {
                continued = true;
                continue;
            }
            place(token, i == 0, &mut open, &mut params);
        }
        if number + 1 < lines.len() && !continued {
            last(&mut params).push('\n');
        }
    }
    if open.in_template() || open.quote.is_some() {
        return Err(Unbalanced(text.to_owned()));
    }
    Ok(params)
}

fn last(params: &mut Vec<String>) -> &mut String {
    if params.is_empty() {
        params.push(String::new());
    }
    let at = params.len() - 1;
    &mut params[at]
}

/// Adds a token as a part of its own, or to the part that is still open.
fn place(token: &str, first_of_line: bool, open: &mut Open, params: &mut Vec<String>) {
    let was_quoted = open.quote.is_some();
    open.quotes(token);
    let quoted = open.quote.is_some();
    let mut placed = false;
    if quoted && !was_quoted && !open.in_template() {
        params.push(token.to_owned());
        placed = true;
    } else if open.in_template() || quoted || was_quoted {
        let part = last(params);
        if !first_of_line {
            part.push(' ');
        }
        part.push_str(token);
        placed = true;
    }
    for (level, start, end) in
        [(&mut open.print, "{{", "}}"), (&mut open.block, "{%", "%}"), (&mut open.comment, "{#", "#}")]
    {
        let now = depth(token, *level, start, end);
        if now != *level && !placed {
            params.push(token.to_owned());
            placed = true;
        }
        *level = now;
    }
    if !open.in_template() && !quoted && !placed && !token.is_empty() {
        params.push(token.to_owned());
    }
}
