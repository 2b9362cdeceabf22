//! From text to tokens, by the rules of Jinja's own lexer (`jinja2/lexer.py`).

use super::syntax::{Delimiters, Syntax};
use crate::jinja::error::Error;
use crate::jinja::repr;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside of any tag.
    Data,
    /// `{{`.
    VariableBegin,
    /// `}}`.
    VariableEnd,
    /// `{%`, or a line statement's prefix.
    BlockBegin,
    /// `%}`, or the end of a line statement.
    BlockEnd,
    /// A comment, a `raw` tag, white space: nothing that a parser sees.
    Skipped,
    /// A name or keyword.
    Name,
    /// A string literal with its quotes.
    String,
    /// An integer literal.
    Integer,
    /// A float literal.
    Float,
    /// An operator or a bracket.
    Operator,
    /// The end of the template.
    End,
}

/// A token: its text in the source, or what is left of it after white space control.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// The byte at which it starts.
    pub(super) at: usize,
    /// Its line, from one.
    pub(super) line: u32,
}

impl Token<'_> {
    /// How messages call the token.
    pub(super) fn describe(&self) -> &str {
        match self.kind {
            Kind::Data => "template data / text",
            Kind::VariableBegin => "begin of print statement",
            Kind::VariableEnd => "end of print statement",
            Kind::BlockBegin => "begin of statement block",
            Kind::BlockEnd => "end of statement block",
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Float => "float",
            Kind::End => "end of template",
            Kind::Name | Kind::Operator | Kind::Skipped => self.text,
        }
    }
}

/// Operators, the longer ones first.
const OPERATORS: &[&str] = &[
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
    "=", ".", ":", "|", ",", ";",
];

/// Where the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Root,
    Variable,
    Block,
    Line,
}

/// Which tag opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Opening {
    Block,
    Comment,
    LineComment,
    Line,
    Variable,
}

/// The lexer. Every byte of the source is in one of its tokens, so that a source can be written again.
pub(super) struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: u32,
    state: State,
    /// The closing brackets that are awaited.
    brackets: Vec<char>,
    syntax: &'a Syntax,
    delimiters: Delimiters,
    /// Whether what was read last ended a line.
    line_starting: bool,
    /// A token that is still to be handed out.
    pending: Option<Token<'a>>,
}

impl<'a> Lexer<'a> {
    /// A lexer of a template; line ends must be `\n` (see [`super::normalise`]).
    pub(super) fn new(source: &'a str, syntax: &'a Syntax) -> Self {
        let delimiters = syntax.delimiters.as_deref().cloned().unwrap_or_default();
        Lexer {
            source,
            at: 0,
            line: 1,
            state: State::Root,
            brackets: Vec::new(),
            syntax,
            delimiters,
            line_starting: true,
            pending: None,
        }
    }

    /// A lexer of an expression without delimiters.
    pub(super) fn expression(source: &'a str, syntax: &'a Syntax) -> Self {
        Lexer { state: State::Variable, ..Lexer::new(source, syntax) }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn fail(&self, message: impl Into<String>) -> Error {
        Error::syntax(message).at_line(self.line)
    }

    /// Takes this many bytes as a token.
    fn take(&mut self, kind: Kind, len: usize) -> Token<'a> {
        let text = &self.source[self.at..self.at + len];
        let token = Token { kind, text, at: self.at, line: self.line };
        self.at += len;
        self.line += text.bytes().filter(|byte| *byte == b'\n').count() as u32;
        if len > 0 {
            self.line_starting = text.ends_with('\n');
        }
        token
    }

    /// The next token; [`Kind::End`] for ever at the end.
    ///
    /// # Errors
    /// The text is malformed.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Error> {
        if let Some(token) = self.pending.take() {
            return Ok(token);
        }
        if self.at >= self.source.len() && self.state != State::Line {
            return Ok(Token { kind: Kind::End, text: "", at: self.at, line: self.line });
        }
        match self.state {
            State::Root => self.root(),
            _ => self.inside(),
        }
    }

    /// Text up to the next tag, and the tag's opening.
    fn root(&mut self) -> Result<Token<'a>, Error> {
        let Some((found, opening, prefix)) = self.opening() else {
            let len = self.rest().len();
            return Ok(self.take(Kind::Data, len));
        };
        let start = self.at;
        let text = &self.source[start..found];
        let after = found + prefix;
        let sign = self.source[after..].chars().next().filter(|c| matches!(c, '-' | '+'));
        let sign =
            sign.filter(|_| opening != Opening::LineComment && opening != Opening::Line || sign.is_some());
        let mut data = Token { kind: Kind::Data, text, at: start, line: self.line };
        match sign {
            Some('-') => data.text = text.trim_end_matches(is_space),
            Some(_) => {}
            None if self.syntax.lstrip_blocks && opening != Opening::Variable => {
                let line_start = text.rfind('\n').map_or(0, |at| at + 1);
                let blank = text[line_start..].chars().all(is_space);
                if blank && (line_start > 0 || self.line_starting) {
                    data.text = &text[..line_start];
                }
            }
            None => {}
        }
        self.take(Kind::Data, found - start);
        let tag = self.tag(opening, prefix + usize::from(sign.is_some()), prefix)?;
        if data.text.is_empty() {
            return Ok(tag);
        }
        self.pending = Some(tag);
        Ok(data)
    }

    /// The opening of a tag; a comment or raw block is taken whole.
    fn tag(&mut self, opening: Opening, len: usize, prefix: usize) -> Result<Token<'a>, Error> {
        match opening {
            Opening::Variable => {
                self.state = State::Variable;
                Ok(self.take(Kind::VariableBegin, len))
            }
            Opening::Line => {
                self.state = State::Line;
                Ok(self.take(Kind::BlockBegin, len))
            }
            Opening::LineComment => {
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                Ok(self.take(Kind::Skipped, end))
            }
            Opening::Comment => self.comment(len),
            Opening::Block => match self.raw_begin(prefix) {
                Some(len) => self.raw(len),
                None => {
                    self.state = State::Block;
                    Ok(self.take(Kind::BlockBegin, len))
                }
            },
        }
    }

    /// The nearest opening: where, of what, and how long it is without a sign.
    fn opening(&self) -> Option<(usize, Opening, usize)> {
        let mut candidates: Vec<(&str, Opening)> = vec![
            (&self.delimiters.block.0, Opening::Block),
            (&self.delimiters.comment.0, Opening::Comment),
            (&self.delimiters.variable.0, Opening::Variable),
        ];
        candidates.sort_by_key(|(text, opening)| std::cmp::Reverse((text.len(), *opening)));
        let mut best: Option<(usize, Opening, usize)> = None;
        for (text, opening) in candidates {
            let found = self.rest().find(text).map(|at| (self.at + at, opening, text.len()));
            if let Some(found) = found
                && best.is_none_or(|best| found.0 < best.0)
            {
                best = Some(found);
            }
        }
        let lines = [
            (self.delimiters.line_statement.as_deref(), Opening::Line),
            (self.delimiters.line_comment.as_deref(), Opening::LineComment),
        ];
        for (prefix, opening) in lines {
            let found = prefix.and_then(|prefix| self.line_opening(prefix, opening));
            if let Some((at, len)) = found
                && best.is_none_or(|best| at < best.0 || (at == best.0 && len > best.2))
            {
                best = Some((at, opening, len));
            }
        }
        best
    }

    /// Where a line statement or line comment begins, with the white space before its prefix.
    fn line_opening(&self, prefix: &str, opening: Opening) -> Option<(usize, usize)> {
        let mut from = self.at;
        while let Some(found) = self.source[from..].find(prefix).map(|at| from + at) {
            let line_start = self.source[..found].rfind('\n').map_or(0, |at| at + 1);
            let indent = self.source[..found].trim_end_matches([' ', '\t', '\x0b']).len();
            let at_line_start = indent <= line_start;
            if at_line_start && line_start >= self.at {
                return Some((line_start, found - line_start + prefix.len()));
            }
            if opening == Opening::LineComment && !at_line_start && indent >= self.at {
                return Some((indent, found - indent + prefix.len()));
            }
            from = found + prefix.len();
        }
        None
    }

    /// The length of an opening `raw` tag that stands here.
    fn raw_begin(&self, prefix: usize) -> Option<usize> {
        let rest = &self.rest()[prefix..];
        let body = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start_matches(is_space);
        let body = body.strip_prefix("raw")?.trim_start_matches(is_space);
        let end = &self.delimiters.block.1;
        let after = match body.strip_prefix('-').and_then(|body| body.strip_prefix(end.as_str())) {
            Some(after) => after.trim_start_matches(is_space),
            None => body.strip_prefix(end.as_str())?,
        };
        Some(self.rest().len() - after.len())
    }

    /// A raw block, whose opening has this length: its text is data.
    fn raw(&mut self, len: usize) -> Result<Token<'a>, Error> {
        let opening = self.take(Kind::Skipped, len);
        let start = self.at;
        let block = self.delimiters.block.0.clone();
        let mut from = self.at;
        while let Some(found) = self.source[from..].find(&block).map(|at| from + at) {
            if let Some((sign, end)) = self.raw_end(found, block.len()) {
                let text = &self.source[start..found];
                let mut data = Token { kind: Kind::Data, text, at: start, line: self.line };
                match sign {
                    Some('-') => data.text = text.trim_end_matches(is_space),
                    Some(_) => {}
                    None if self.syntax.lstrip_blocks => {
                        let line_start = text.rfind('\n').map_or(0, |at| at + 1);
                        if text[line_start..].chars().all(is_space) && (line_start > 0 || self.line_starting)
                        {
                            data.text = &text[..line_start];
                        }
                    }
                    None => {}
                }
                self.take(Kind::Data, found - start);
                self.take(Kind::Skipped, end - found);
                return Ok(if data.text.is_empty() { opening } else { data });
            }
            from = found + block.len();
        }
        Err(self.fail("Missing end of raw directive"))
    }

    /// The sign and the end of a closing `raw` tag that starts at this byte.
    fn raw_end(&self, at: usize, prefix: usize) -> Option<(Option<char>, usize)> {
        let rest = &self.source[at + prefix..];
        let sign = rest.chars().next().filter(|c| matches!(c, '-' | '+'));
        let body = &rest[usize::from(sign.is_some())..];
        let body = body.trim_start_matches(is_space).strip_prefix("endraw")?.trim_start_matches(is_space);
        let len = self.block_end(body, &self.delimiters.block.1)?;
        Some((sign, self.source.len() - body.len() + len))
    }

    /// The length of a closing delimiter of a block or comment at the start of a text.
    fn block_end(&self, text: &str, end: &str) -> Option<usize> {
        if let Some(after) = text.strip_prefix('+').and_then(|text| text.strip_prefix(end)) {
            return Some(text.len() - after.len());
        }
        if let Some(after) = text.strip_prefix('-').and_then(|text| text.strip_prefix(end)) {
            return Some(text.len() - after.trim_start_matches(is_space).len());
        }
        let after = text.strip_prefix(end)?;
        let newline = self.syntax.trim_blocks && after.starts_with('\n');
        Some(end.len() + usize::from(newline))
    }

    fn comment(&mut self, len: usize) -> Result<Token<'a>, Error> {
        let end = self.delimiters.comment.1.clone();
        let body = &self.rest()[len.min(self.rest().len())..];
        let Some(found) = body.find(&end) else { return Err(self.fail("Missing end of comment tag")) };
        let signed = body[..found].ends_with(['-', '+']);
        let close = found - usize::from(signed);
        let close_len = self.block_end(&body[close..], &end).unwrap_or(end.len());
        Ok(self.take(Kind::Skipped, len + close + close_len))
    }

    /// A token within a tag.
    fn inside(&mut self) -> Result<Token<'a>, Error> {
        if self.brackets.is_empty()
            && let Some((kind, len)) = self.closing()
        {
            self.state = State::Root;
            return Ok(self.take(kind, len));
        }
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token { kind: Kind::End, text: "", at: self.at, line: self.line });
        };
        if is_space(first) {
            let len = rest.len() - rest.trim_start_matches(is_space).len();
            return Ok(self.take(Kind::Skipped, len));
        }
        if let Some((kind, len)) = number(rest, self.source[..self.at].ends_with('.')) {
            return Ok(self.take(kind, len));
        }
        if first.is_alphanumeric() || first == '_' {
            let len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            return self.name(len);
        }
        if let Some(len) = string(rest) {
            return Ok(self.take(Kind::String, len));
        }
        if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            self.balance(operator)?;
            return Ok(self.take(Kind::Operator, operator.len()));
        }
        let position = self.source[..self.at].chars().count();
        Err(self.fail(format!("unexpected char {} at {position}", repr::quote(&first.to_string()))))
    }

    fn name(&mut self, len: usize) -> Result<Token<'a>, Error> {
        if self.rest().starts_with(|c: char| c.is_numeric()) {
            return Err(self.fail("Invalid character in identifier"));
        }
        Ok(self.take(Kind::Name, len))
    }

    /// The closing delimiter of the tag, if it stands here.
    fn closing(&self) -> Option<(Kind, usize)> {
        let rest = self.rest();
        match self.state {
            State::Variable => {
                let end = self.delimiters.variable.1.as_str();
                if let Some(after) = rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(end)) {
                    return Some((Kind::VariableEnd, rest.len() - after.trim_start_matches(is_space).len()));
                }
                rest.starts_with(end).then_some((Kind::VariableEnd, end.len()))
            }
            State::Block => self.block_end(rest, &self.delimiters.block.1).map(|len| (Kind::BlockEnd, len)),
            State::Line => {
                let blank = rest.len() - rest.trim_start_matches(is_space).len();
                let newline = rest[..blank].rfind('\n').map(|at| at + 1);
                newline.or((blank == rest.len()).then_some(blank)).map(|len| (Kind::BlockEnd, len))
            }
            State::Root => None,
        }
    }

    fn balance(&mut self, operator: &str) -> Result<(), Error> {
        match operator {
            "{" => self.brackets.push('}'),
            "(" => self.brackets.push(')'),
            "[" => self.brackets.push(']'),
            "}" | ")" | "]" => match self.brackets.pop() {
                None => return Err(self.fail(format!("unexpected '{operator}'"))),
                Some(expected) if !operator.starts_with(expected) => {
                    return Err(self.fail(format!("unexpected '{operator}', expected '{expected}'")));
                }
                Some(_) => {}
            },
            _ => {}
        }
        Ok(())
    }
}

/// White space of Python's `\s`.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a string literal.
fn string(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next()?;
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}

/// The length of digits with single `_` between them.
fn digits(text: &str, valid: fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes();
    let mut len = 0;
    while let Some(&byte) = bytes.get(len) {
        if valid(byte) {
            len += 1;
        } else if byte == b'_' && len > 0 && bytes.get(len + 1).is_some_and(|next| valid(*next)) {
            len += 2;
        } else {
            break;
        }
    }
    len
}

/// The number that a text begins with. After a dot there is no float: `a.0.1`.
fn number(text: &str, after_dot: bool) -> Option<(Kind, usize)> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let whole = digits(text, is_digit);
    if whole == 0 {
        return None;
    }
    if !after_dot {
        let fraction = text[whole..].strip_prefix('.').map_or(0, |rest| digits(rest, is_digit));
        let mantissa = whole + if fraction > 0 { fraction + 1 } else { 0 };
        let exponent = text[mantissa..].strip_prefix(['e', 'E']).map_or(0, |rest| {
            let signed = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            let len = digits(signed, is_digit);
            if len > 0 { 1 + rest.len() - signed.len() + len } else { 0 }
        });
        if fraction > 0 || exponent > 0 {
            return Some((Kind::Float, mantissa + exponent));
        }
    }
    type Digit = fn(u8) -> bool;
    let radix: &[(&str, Digit)] = &[
        ("0b", |byte| matches!(byte, b'0' | b'1')),
        ("0o", |byte| matches!(byte, b'0'..=b'7')),
        ("0x", |byte| byte.is_ascii_hexdigit()),
    ];
    for (prefix, valid) in radix {
        if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let body = &text[2..];
            let skipped = usize::from(body.starts_with('_'));
            let len = digits(&body[skipped..], *valid);
            if len > 0 {
                return Some((Kind::Integer, 2 + skipped + len));
            }
        }
    }
    let len = if text.starts_with('0') { digits(text, |byte| byte == b'0') } else { whole };
    Some((Kind::Integer, len))
}
