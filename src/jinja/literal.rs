//! `ast.literal_eval` after JSON's `true`, `false` and `null`: how Ansible reads back what a template
//! wrote.

use num_bigint::BigInt;

use super::value::{Dict, Entries, Key, Value};

/// How deep literals nest.
const MAX_DEPTH: usize = 150;

/// The value of a Python literal, or none when the text is none.
#[must_use]
pub fn eval(source: &str) -> Option<Value> {
    read(source, true)
}

/// The value of a Python literal without JSON's words, or none when the text is none.
#[must_use]
pub fn eval_python(source: &str) -> Option<Value> {
    if source.starts_with([' ', '\t']) { None } else { read(source, false) }
}

fn read(source: &str, json: bool) -> Option<Value> {
    let mut reader = Reader { source, at: 0, depth: 0, json };
    reader.skip();
    let value = reader.sum()?;
    reader.skip();
    let value = if reader.peek() == Some(',') { reader.bare_tuple(value)? } else { value };
    (reader.at == source.len()).then_some(value)
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    depth: usize,
    /// Whether JSON's words are known.
    json: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Skips white space, line ends within brackets, continued lines and comments.
    fn skip(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\x0c') => self.at += 1,
                Some('\n' | '\r') if self.depth > 0 || self.rest().trim().is_empty() => self.at += 1,
                Some('#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                _ => return,
            }
        }
    }

    /// `1`, `-1` and the sum that Python accepts for complex numbers only.
    fn sum(&mut self) -> Option<Value> {
        let negative = self.take("-");
        if negative || self.take("+") {
            self.skip();
            let value = self.atom()?;
            return match (&value, negative) {
                (Value::Bool(_), _) => None,
                (value, false) if value.is_number() => Some(value.clone()),
                (value, true) if value.is_number() => super::ops::neg(value).ok(),
                _ => None,
            };
        }
        self.atom()
    }

    /// The rest of a tuple that has no parentheses around it, after its first item.
    fn bare_tuple(&mut self, first: Value) -> Option<Value> {
        let mut items = vec![first];
        while self.take(",") {
            self.skip();
            if self.at == self.source.len() {
                break;
            }
            items.push(self.sum()?);
            self.skip();
        }
        Some(Value::tuple(items))
    }

    fn atom(&mut self) -> Option<Value> {
        if self.depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '[' => self.items(']').map(|(items, _)| Value::list(items)),
            '(' => {
                let (items, comma) = self.items(')')?;
                match (items.len(), comma) {
                    (1, false) => items.into_iter().next(),
                    _ => Some(Value::tuple(items)),
                }
            }
            '{' => self.dict(),
            '\'' | '"' => self.strings(),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            _ => None,
        }
    }

    fn open(&mut self) {
        self.at += 1;
        self.depth += 1;
        self.skip();
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn items(&mut self, end: char) -> Option<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        self.open();
        while self.peek()? != end {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.sum()?);
            self.skip();
            comma = self.take(",");
            self.skip();
        }
        self.close();
        Some((items, comma))
    }

    fn dict(&mut self) -> Option<Value> {
        let mut entries = Entries::new();
        let mut comma = true;
        self.open();
        while self.peek()? != '}' {
            if !comma {
                return None;
            }
            let key = self.sum()?;
            self.skip();
            if !self.take(":") {
                return None;
            }
            self.skip();
            let value = self.sum()?;
            entries.insert(Key::new(key).ok()?, value);
            self.skip();
            comma = self.take(",");
            self.skip();
        }
        self.close();
        Some(Value::Dict(Dict::new(entries)))
    }

    fn word(&mut self) -> Option<Value> {
        let len = self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
        let word = &self.rest()[..len];
        if matches!(word, "u" | "r" | "b" | "rb" | "br" | "U" | "R" | "B")
            && self.rest()[len..].starts_with(['\'', '"'])
        {
            return self.strings();
        }
        let value = match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::None,
            "true" if self.json => Value::Bool(true),
            "false" if self.json => Value::Bool(false),
            "null" if self.json => Value::None,
            _ => return None,
        };
        self.at += len;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let len = number_length(self.rest());
        let text = self.rest().get(..len)?.to_owned();
        self.at += len;
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        parse_number(&text)
    }

    /// One string literal or several beside each other.
    fn strings(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut bytes = None;
        loop {
            let start = self.at;
            let prefix_len = self.rest().find(['\'', '"'])?;
            let prefix = self.rest()[..prefix_len].to_ascii_lowercase();
            self.at += prefix_len;
            let is_bytes = prefix.contains('b');
            if *bytes.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.string(prefix.contains('r'), is_bytes, &mut text)?;
            let end = self.at;
            self.skip();
            let next = self.rest();
            let more = next.starts_with(['\'', '"']) || (next.len() > 1 && is_prefixed(next));
            if !more || start == self.at {
                self.at = end;
                break;
            }
        }
        if bytes == Some(true) {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            return bytes.map(|bytes| Value::Bytes(bytes.into()));
        }
        Some(Value::from(text))
    }

    fn string(&mut self, raw: bool, bytes: bool, out: &mut String) -> Option<()> {
        let quote = self.peek()?;
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let end = if self.rest().starts_with(&triple) { triple } else { quote.to_string() };
        self.at += end.len();
        loop {
            if self.take(&end) {
                return Some(());
            }
            let c = self.peek()?;
            self.at += c.len_utf8();
            match c {
                '\n' if end.len() == 1 => return None,
                '\0' => return None,
                '\\' if raw => {
                    let next = self.peek()?;
                    self.at += next.len_utf8();
                    out.push('\\');
                    out.push(next);
                }
                '\\' => self.escape(bytes, out)?,
                c if bytes && !c.is_ascii() => return None,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, bytes: bool, out: &mut String) -> Option<()> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            'x' => out.push(self.hex(2)?),
            'u' if !bytes => out.push(self.hex(4)?),
            'U' if !bytes => out.push(self.hex(8)?),
            '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    match self.peek().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            code = code * 8 + digit;
                            self.at += 1;
                        }
                        None => break,
                    }
                }
                out.push(char::from_u32(code)?);
            }
            c => {
                out.push('\\');
                out.push(c);
            }
        }
        Some(())
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let text = self.rest().get(..digits)?;
        let code = u32::from_str_radix(text, 16).ok()?;
        self.at += digits;
        char::from_u32(code)
    }
}

fn is_prefixed(text: &str) -> bool {
    let prefix: String =
        text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    matches!(prefix.as_str(), "u" | "r" | "b" | "rb" | "br") && text[prefix.len()..].starts_with(['\'', '"'])
}

/// How many characters a number takes, including one that turns out to be malformed.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut len = 0;
    while let Some(&byte) = bytes.get(len) {
        let exponent_sign = matches!(byte, b'+' | b'-')
            && len > 0
            && matches!(bytes[len - 1], b'e' | b'E')
            && !text.starts_with("0x")
            && !text.starts_with("0X");
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || exponent_sign {
            len += 1;
        } else {
            break;
        }
    }
    len
}

/// A Python number: decimal without leading zeros, `0x`, `0o`, `0b`, float; `_` between digits.
#[must_use]
pub fn parse_number(text: &str) -> Option<Value> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let plain = text.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return BigInt::parse_bytes(digits.as_bytes(), radix).map(Value::from);
        }
    }
    if lower.bytes().all(|byte| byte.is_ascii_digit()) {
        let leading_zero =
            lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|byte| byte != b'0');
        return if leading_zero { None } else { lower.parse::<BigInt>().ok().map(Value::from) };
    }
    let valid = lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
    valid.then(|| lower.parse().ok().map(Value::Float)).flatten()
}
