//! Template text to items, on demand; the grammar is that of Go's `text/template/parse/lex.go`.

use super::strconv::{decode_rune, is_digit, is_letter, is_print, quote};

const LEFT_DELIMITER: &[u8] = b"{{";
const RIGHT_DELIMITER: &[u8] = b"}}";
const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";
/// The trim marker and the space beside it.
const TRIM_MARKER_WIDTH: usize = 2;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    /// A printable ASCII character without a meaning of its own, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

const KEYWORDS: &[(&[u8], Kind)] = &[
    (b"block", Kind::Block),
    (b"break", Kind::Break),
    (b"continue", Kind::Continue),
    (b"define", Kind::Define),
    (b"else", Kind::Else),
    (b"end", Kind::End),
    (b"if", Kind::If),
    (b"range", Kind::Range),
    (b"nil", Kind::Nil),
    (b"template", Kind::Template),
    (b"with", Kind::With),
];

/// A piece of the text.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    pub(crate) kind: Kind,
    /// Where it begins.
    pub(crate) start: usize,
    pub(crate) text: &'a [u8],
    /// What is wrong, for [`Kind::Error`].
    pub(crate) error: Option<String>,
}

impl std::fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(self.text);
        match self.kind {
            Kind::Eof => f.write_str("EOF"),
            Kind::Error => f.write_str(self.error.as_deref().unwrap_or_default()),
            Kind::Dot => write!(f, "<{text}>"),
            kind if KEYWORDS.iter().any(|&(_, keyword)| keyword == kind) => write!(f, "<{text}>"),
            _ if self.text.len() > 10 => {
                let mut end = 0;
                for _ in 0..10 {
                    end +=
                        self.text.get(end..).filter(|rest| !rest.is_empty()).map_or(0, |r| decode_rune(r).1);
                }
                write!(f, "{}...", String::from_utf8_lossy(&quote(&self.text[..end])))
            }
            _ => f.write_str(&String::from_utf8_lossy(&quote(self.text))),
        }
    }
}

/// The state of the scanner.
pub(crate) struct Lexer<'a> {
    input: &'a [u8],
    /// Where the next item begins.
    start: usize,
    /// Where the scanner stands.
    at: usize,
    inside_action: bool,
    paren_depth: usize,
    /// Whether `break` is a keyword: not when a function has this name.
    pub(crate) break_keyword: bool,
    /// Whether `continue` is a keyword.
    pub(crate) continue_keyword: bool,
    failed: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            start: 0,
            at: 0,
            inside_action: false,
            paren_depth: 0,
            break_keyword: true,
            continue_keyword: true,
            failed: false,
        }
    }

    /// The line of a position, from 1.
    pub(crate) fn line(&self, position: usize) -> usize {
        1 + self.input[..position.min(self.input.len())].iter().filter(|&&byte| byte == b'\n').count()
    }

    /// The next item; after an error only the end follows.
    pub(crate) fn next_item(&mut self) -> Item<'a> {
        if self.failed {
            return self.item(Kind::Eof);
        }
        if self.inside_action { self.inside_action() } else { self.text() }
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    /// The rune at the scanner and its width; `None` at the end.
    fn peek(&self) -> Option<(char, usize)> {
        match self.rest() {
            [] => None,
            rest => Some(decode_rune(rest)),
        }
    }

    fn next(&mut self) -> Option<char> {
        let (rune, width) = self.peek()?;
        self.at += width;
        Some(rune)
    }

    fn item(&mut self, kind: Kind) -> Item<'a> {
        let item = Item { kind, start: self.start, text: &self.input[self.start..self.at], error: None };
        self.start = self.at;
        item
    }

    fn error(&mut self, message: impl Into<String>) -> Item<'a> {
        self.failed = true;
        let start = self.start;
        self.start = self.input.len();
        self.at = self.input.len();
        Item { kind: Kind::Error, start, text: b"", error: Some(message.into()) }
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let accepted = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.at += usize::from(accepted);
        accepted
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    /// Scans to the next action; comments are skipped.
    fn text(&mut self) -> Item<'a> {
        loop {
            let Some(distance) = find(self.rest(), LEFT_DELIMITER) else {
                self.at = self.input.len();
                let kind = if self.at > self.start { Kind::Text } else { Kind::Eof };
                return self.item(kind);
            };
            if distance > 0 {
                let delimiter = self.at + distance;
                let mut end = delimiter;
                if left_trim_marker(&self.input[delimiter + LEFT_DELIMITER.len()..]) {
                    while end > self.start && is_space(self.input[end - 1]) {
                        end -= 1;
                    }
                }
                self.at = end;
                let item = self.item(Kind::Text);
                self.at = delimiter;
                self.start = delimiter;
                if !item.text.is_empty() {
                    return item;
                }
            }
            match self.left_delimiter() {
                Ok(Some(item)) => return item,
                Ok(None) => {}
                Err(message) => return self.error(message),
            }
        }
    }

    /// Scans the left delimiter, and the rest of the action when it is a comment: then nothing.
    fn left_delimiter(&mut self) -> Result<Option<Item<'a>>, &'static str> {
        let marker = self.at + LEFT_DELIMITER.len();
        let content = marker + if left_trim_marker(&self.input[marker..]) { TRIM_MARKER_WIDTH } else { 0 };
        if self.input[content..].starts_with(LEFT_COMMENT) {
            self.at = content;
            self.start = content;
            self.comment()?;
            return Ok(None);
        }
        self.at = marker;
        let item = self.item(Kind::LeftDelimiter);
        self.at = content;
        self.start = content;
        self.inside_action = true;
        self.paren_depth = 0;
        Ok(Some(item))
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        self.at += LEFT_COMMENT.len();
        let end = find(self.rest(), RIGHT_COMMENT).ok_or("unclosed comment")?;
        self.at += end + RIGHT_COMMENT.len();
        let trim = self.at_right_delimiter().ok_or("comment ends before closing delimiter")?;
        self.skip_right_delimiter(trim);
        self.start = self.at;
        Ok(())
    }

    /// Whether a right delimiter follows, and if so whether with a trim marker.
    fn at_right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        if right_trim_marker(rest) && rest[TRIM_MARKER_WIDTH..].starts_with(RIGHT_DELIMITER) {
            return Some(true);
        }
        rest.starts_with(RIGHT_DELIMITER).then_some(false)
    }

    fn skip_right_delimiter(&mut self, trim: bool) {
        self.at += RIGHT_DELIMITER.len();
        if trim {
            self.at += TRIM_MARKER_WIDTH;
            self.at += self.rest().iter().take_while(|&&byte| is_space(byte)).count();
        }
    }

    fn right_delimiter(&mut self, trim: bool) -> Item<'a> {
        if trim {
            self.start += TRIM_MARKER_WIDTH;
        }
        let start = self.start;
        self.skip_right_delimiter(trim);
        self.start = self.at;
        self.inside_action = false;
        Item { kind: Kind::RightDelimiter, start, text: RIGHT_DELIMITER, error: None }
    }

    fn inside_action(&mut self) -> Item<'a> {
        if let Some(trim) = self.at_right_delimiter() {
            if self.paren_depth > 0 {
                return self.error("unclosed left paren");
            }
            return self.right_delimiter(trim);
        }
        let Some((rune, width)) = self.peek() else { return self.error("unclosed action") };
        match rune {
            ' ' | '\t' | '\r' | '\n' => return self.space(),
            '+' | '-' | '0'..='9' => return self.number(),
            '.' if self.rest().get(1).is_none_or(u8::is_ascii_digit) => return self.number(),
            _ if is_alphanumeric(rune) => return self.identifier(),
            _ => {}
        }
        self.at += width;
        match rune {
            '=' => self.item(Kind::Assign),
            ':' if self.next() == Some('=') => self.item(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.item(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '.' => self.field_or_variable(Kind::Field),
            '$' => self.field_or_variable(Kind::Variable),
            '(' => {
                self.paren_depth += 1;
                self.item(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren"),
            ')' => {
                self.paren_depth -= 1;
                self.item(Kind::RightParen)
            }
            _ if rune.is_ascii() && is_print(rune) => self.item(Kind::Char),
            _ => self.error(format!("unrecognized character in action: {}", code_point(rune))),
        }
    }

    /// Scans spaces; the last of them belongs to a trim marker that follows.
    fn space(&mut self) -> Item<'a> {
        self.at += self.rest().iter().take_while(|&&byte| is_space(byte)).count();
        let last = &self.input[self.at - 1..];
        if right_trim_marker(last) && last[TRIM_MARKER_WIDTH..].starts_with(RIGHT_DELIMITER) {
            self.at -= 1;
            if self.at == self.start {
                return self.right_delimiter(true);
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Item<'a> {
        self.alphanumerics();
        if let Some(rune) = self.not_a_terminator() {
            return self.error(format!("bad character {}", code_point(rune)));
        }
        let kind = match &self.input[self.start..self.at] {
            b"true" | b"false" => Kind::Bool,
            b"break" if !self.break_keyword => Kind::Identifier,
            b"continue" if !self.continue_keyword => Kind::Identifier,
            word => {
                KEYWORDS.iter().find(|(text, _)| *text == word).map_or(Kind::Identifier, |&(_, kind)| kind)
            }
        };
        self.item(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Item<'a> {
        if self.not_a_terminator().is_none() {
            return self.item(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.alphanumerics();
        if let Some(rune) = self.not_a_terminator() {
            return self.error(format!("bad character {}", code_point(rune)));
        }
        self.item(kind)
    }

    fn alphanumerics(&mut self) {
        while let Some((rune, width)) = self.peek() {
            if !is_alphanumeric(rune) {
                break;
            }
            self.at += width;
        }
    }

    /// The rune that follows when an identifier may not end before it.
    fn not_a_terminator(&self) -> Option<char> {
        let (rune, _) = self.peek()?;
        let ends = matches!(rune, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(');
        (!ends && !self.rest().starts_with(RIGHT_DELIMITER)).then_some(rune)
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item<'a> {
        loop {
            let rune = match self.next() {
                Some('\\') => match self.next() {
                    None | Some('\n') => None,
                    Some(_) => continue,
                },
                rune => rune,
            };
            match rune {
                None | Some('\n') => return self.error(unterminated),
                Some(rune) if rune == quote => return self.item(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item<'a> {
        match self.rest().iter().position(|&byte| byte == b'`') {
            Some(length) => {
                self.at += length + 1;
                self.item(Kind::RawString)
            }
            None => self.error("unterminated raw quoted string"),
        }
    }

    fn number(&mut self) -> Item<'a> {
        let mut kind = Kind::Number;
        let mut good = self.scan_number();
        if good && matches!(self.rest().first(), Some(b'+' | b'-')) {
            kind = Kind::Complex;
            good = self.scan_number() && self.input[self.at - 1] == b'i';
        }
        if !good {
            let text = quote(&self.input[self.start..self.at]);
            return self.error(format!("bad number syntax: {}", String::from_utf8_lossy(&text)));
        }
        self.item(kind)
    }

    /// Scans what looks like a number; the parser finds out whether it is one.
    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let mut exponent: &[u8] = b"eE";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
                exponent = b"pP";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
                exponent = b"";
            } else if self.accept(b"bB") {
                digits = b"01_";
                exponent = b"";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        match self.peek() {
            Some((rune, width)) if is_alphanumeric(rune) => {
                self.at += width;
                false
            }
            _ => true,
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || is_letter(rune) || is_digit(rune)
}

fn left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

/// A rune as Go's `%#U` prints it.
fn code_point(rune: char) -> String {
    let code = u32::from(rune);
    if is_print(rune) { format!("U+{code:04X} '{rune}'") } else { format!("U+{code:04X}") }
}
