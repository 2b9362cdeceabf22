//! Reading JSON into template values as Go's `encoding/json` does, with its error texts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::runes;
use crate::gotmpl::{Elem, List, Map, MapType, Str, Value};

/// Nesting that Go's scanner allows, less what a thread's stack allows here.
const MAX_DEPTH: usize = 1000;

/// Why text is no JSON (`json.SyntaxError`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxError {
    /// The text ends inside of a value.
    #[error("unexpected end of JSON input")]
    End,
    /// A character stands where another was wanted.
    #[error("invalid character {0} {1}")]
    Character(String, Cow<'static, str>),
    /// Arrays and objects inside of each other without end.
    #[error("exceeded max depth")]
    Depth,
}

/// JSON that does not fit the Go type it is read into (`json.UnmarshalTypeError`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("json: cannot unmarshal {found} into Go value of type {wanted}")]
pub(super) struct TypeMismatch {
    found: String,
    wanted: &'static str,
}

impl TypeMismatch {
    /// `found` in a place for a `wanted`.
    pub(super) fn new(found: impl Into<String>, wanted: &'static str) -> Self {
        Self { found: found.into(), wanted }
    }
}

/// What JSON calls the kind of a decoded value; nil where a number was too big for a `float64`.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// `json.Unmarshal` into an `interface{}`: the value, and the first number in it that no `float64` holds
/// (which does not keep the rest from being read).
pub(super) fn decode(input: &[u8]) -> Result<(Value, Option<TypeMismatch>), SyntaxError> {
    let mut reader = Reader { input, at: 0, depth: 0, mismatch: None };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok((value, reader.mismatch)),
        Some(_) => Err(reader.unexpected("after top-level value")),
    }
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
    mismatch: Option<TypeMismatch>,
}

type Read<T> = Result<T, SyntaxError>;

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error for the character at hand, or for the end.
    fn unexpected(&self, context: impl Into<Cow<'static, str>>) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::End,
            Some(byte) => SyntaxError::Character(quote_character(byte), context.into()),
        }
    }

    /// As [`Self::unexpected`] inside of a token, which Go ends by reading a space.
    fn unexpected_in_token(&self, context: impl Into<Cow<'static, str>>) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::Character(quote_character(b' '), context.into()),
            Some(_) => self.unexpected(context),
        }
    }

    fn value(&mut self) -> Read<Value> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        for wanted in word.bytes() {
            if self.peek() != Some(wanted) {
                let context = format!("in literal {word} (expecting {})", quote_character(wanted));
                return Err(self.unexpected_in_token(context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.unexpected_in_token("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.input[start..self.at]);
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        if number.is_finite() {
            return Ok(Value::Float(number));
        }
        let mismatch = TypeMismatch::new(format!("number {text}"), "float64");
        self.mismatch.get_or_insert(mismatch);
        Ok(Value::Nil)
    }

    fn digits(&mut self, context: &'static str) -> Read<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected_in_token(context));
        }
        self.skip_digits();
        Ok(())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn array(&mut self) -> Read<Value> {
        self.enter()?;
        let mut items = Vec::new();
        if self.peek() != Some(b']') {
            loop {
                self.skip_space();
                items.push(self.value()?);
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.unexpected("after array element")),
                }
            }
        }
        self.leave();
        Ok(Value::List(List::new(Elem::Any, items)))
    }

    fn object(&mut self) -> Read<Value> {
        self.enter()?;
        let mut entries = BTreeMap::new();
        if self.peek() != Some(b'}') {
            loop {
                self.skip_space();
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected("looking for beginning of object key string"));
                }
                let key = self.string()?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected("after object key"));
                }
                self.at += 1;
                self.skip_space();
                entries.insert(key, self.value()?);
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.unexpected("after object key:value pair")),
                }
            }
        }
        self.leave();
        Ok(Value::Map(Map::from_entries(MapType::Any, entries)))
    }

    /// Steps into an array or object and over the space behind its bracket.
    fn enter(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError::Depth);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn string(&mut self) -> Read<Str> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = &self.input[self.at..];
            let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1F)).count();
            push_utf8(&mut out, &rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let rune = self.escape()?;
                    runes::push(&mut out, rune);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let rune = match self.peek() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected_in_token("in string escape code")),
        };
        self.at += 1;
        Ok(rune)
    }

    /// The four digits after `\u`, and the low half of a surrogate pair when it follows.
    fn unicode_escape(&mut self) -> Read<char> {
        let high = self.hex4()?;
        if let Some(rune) = char::from_u32(high) {
            return Ok(rune);
        }
        let after_high = self.at;
        if high < 0xDC00 && self.input[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(runes::ERROR));
            }
            self.at = after_high;
        }
        Ok(runes::ERROR)
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected_in_token("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Appends text with U+FFFD for each byte that is no UTF-8.
fn push_utf8(out: &mut Vec<u8>, text: &[u8]) {
    if std::str::from_utf8(text).is_ok() {
        out.extend_from_slice(text);
    } else {
        runes::iter(text).for_each(|rune| runes::push(out, rune));
    }
}

/// A byte in Go's single quotes, as JSON errors show it.
fn quote_character(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let quoted = crate::gotmpl::strconv::quote(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes());
            format!("'{}'", String::from_utf8_lossy(&quoted[1..quoted.len() - 1]))
        }
    }
}
