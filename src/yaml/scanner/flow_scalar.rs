//! Scalars in single and double quotes, and the folding of their lines.

use std::borrow::Cow;

use super::{Dialect, Error, Mark, Scanner, Style, TokenKind};

/// The line breaks between two pieces of text, which become a space or all but the first of them.
#[derive(Default)]
pub(super) struct Fold<'a> {
    first: Option<&'a str>,
    more: String,
}

impl<'a> Fold<'a> {
    pub(super) fn is_open(&self) -> bool {
        self.first.is_some()
    }

    pub(super) fn add(&mut self, value: &'a str) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.more.push_str(value),
        }
    }

    /// Opens the fold with a break that leaves no trace (an escaped one).
    fn open_escaped(&mut self) {
        self.first = Some("");
    }

    pub(super) fn close(&mut self, text: &mut String) {
        match self.first.take() {
            Some("\n") if self.more.is_empty() => text.push(' '),
            Some("\n") | None => text.push_str(&self.more),
            Some(kept) => {
                text.push_str(kept);
                text.push_str(&self.more);
            }
        }
        self.more.clear();
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn fetch_flow_scalar(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        let quote = self.byte(0);
        self.pos += 1;
        let text = match self.scan_simple_quoted(quote) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.scan_quoted(quote, start)?),
        };
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        self.push_from(start, TokenKind::Scalar { text, style });
        Ok(())
    }

    /// The usual case: on one line, in ASCII, without escapes.
    fn scan_simple_quoted(&mut self, quote: u8) -> Option<&'a str> {
        let rest = &self.text.as_bytes()[self.pos..];
        let special = |byte: u8| byte == quote || byte >= 0x80 || matches!(byte, b'\n' | b'\r' | b'\\');
        let length = rest.iter().position(|&byte| special(byte) && !(byte == b'\\' && quote == b'\''))?;
        if rest[length] != quote || (quote == b'\'' && rest.get(length + 1) == Some(&b'\'')) {
            return None;
        }
        let text = &self.text[self.pos..self.pos + length];
        self.pos += length + 1;
        Some(text)
    }

    fn scan_quoted(&mut self, quote: u8, start: Mark) -> Result<String, Error> {
        const CONTEXT: &str = "while scanning a quoted scalar";
        let mut text = String::new();
        let mut fold = Fold::default();
        loop {
            if self.at_document_indicator() {
                let error = self.scanner_error("found unexpected document indicator");
                return Err(error.with_context(CONTEXT, start));
            }
            if self.at_end() {
                return Err(self
                    .scanner_error("found unexpected end of stream")
                    .with_context(CONTEXT, start));
            }
            self.scan_quoted_run(quote, start, &mut text, &mut fold)?;
            if self.byte(0) == quote {
                self.pos += 1;
                return Ok(text);
            }
            let blanks = self.pos;
            while self.blank() {
                self.pos += 1;
            }
            if !fold.is_open() && self.break_width(0) == 0 {
                text.push_str(&self.text[blanks..self.pos]);
                continue;
            }
            while let Some(value) = self.take_break() {
                fold.add(value);
                self.skip_blanks();
            }
            fold.close(&mut text);
        }
    }

    /// Scans text without blanks and line breaks; an escaped line break ends it and opens the fold.
    fn scan_quoted_run(
        &mut self,
        quote: u8,
        start: Mark,
        text: &mut String,
        fold: &mut Fold<'a>,
    ) -> Result<(), Error> {
        loop {
            let from = self.pos;
            while !self.blank_or_end(0) && self.byte(0) != quote && self.byte(0) != b'\\' {
                self.advance_char();
            }
            text.push_str(&self.text[from..self.pos]);
            match self.byte(0) {
                b'\\' if quote == b'\'' => {
                    text.push('\\');
                    self.pos += 1;
                }
                b'\'' if quote == b'\'' && self.byte(1) == b'\'' => {
                    text.push('\'');
                    self.pos += 2;
                }
                b'\\' if self.break_width(1) > 0 => {
                    self.pos += 1;
                    self.skip_break();
                    fold.open_escaped();
                    return Ok(());
                }
                b'\\' => text.push(self.scan_escape(start)?),
                _ => return Ok(()),
            }
        }
    }

    fn scan_escape(&mut self, start: Mark) -> Result<char, Error> {
        const CONTEXT: &str = "while parsing a quoted scalar";
        let code = self.byte(1);
        let digits = match code {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => {
                let character = simple_escape(code, self.dialect).ok_or_else(|| {
                    self.scanner_error("found unknown escape character").with_context(CONTEXT, start)
                })?;
                self.pos += 2;
                return Ok(character);
            }
        };
        self.pos += 2;
        let mut value = 0;
        for ahead in 0..digits {
            let digit = char::from(self.byte(ahead)).to_digit(16).ok_or_else(|| {
                self.scanner_error("did not find expected hexdecimal number").with_context(CONTEXT, start)
            })?;
            value = value << 4 | digit;
        }
        let character = char::from_u32(value).ok_or_else(|| {
            self.scanner_error("found invalid Unicode character escape code").with_context(CONTEXT, start)
        })?;
        self.pos += digits;
        Ok(character)
    }
}

fn simple_escape(code: u8, dialect: Dialect) -> Option<char> {
    Some(match code {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' => ' ',
        b'"' => '"',
        b'\\' => '\\',
        b'\'' if dialect == Dialect::Go => '\'',
        b'/' if dialect == Dialect::LibYaml => '/',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
