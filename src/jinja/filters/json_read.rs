//! JSON as Python's `json.loads` reads it: its messages, its numbers without end, `NaN` and `Infinity`.

use num_bigint::BigInt;

use crate::jinja::error::Error;
use crate::jinja::value::{Dict, Entries, Key, Value};

/// How deep JSON nests.
const MAX_DEPTH: usize = 900;

/// `json.loads(text)`.
///
/// # Errors
/// The text is no JSON.
pub fn loads(text: &str) -> Result<Value, Error> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, depth: 0 };
    if chars.first() == Some(&'\u{feff}') {
        return Err(reader.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    reader.skip();
    let value = reader.value()?;
    reader.skip();
    if reader.at < chars.len() { Err(reader.fail("Extra data", reader.at)) } else { Ok(value) }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn fail(&self, message: &str, at: usize) -> Error {
        let before = &self.chars[..at.min(self.chars.len())];
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let column = at - before.iter().rposition(|c| *c == '\n').map_or(0, |newline| newline + 1) + 1;
        Error::value_error(format!("{message}: line {line} column {column} (char {at})"))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let len = word.chars().count();
        let found =
            self.chars.get(self.at..self.at + len).is_some_and(|it| it.iter().copied().eq(word.chars()));
        if found {
            self.at += len;
        }
        found
    }

    fn value(&mut self) -> Result<Value, Error> {
        match self.peek() {
            Some('"') => {
                self.at += 1;
                self.string().map(Value::from)
            }
            Some('{') => self.nested(Reader::object),
            Some('[') => self.nested(Reader::array),
            Some('n') if self.word("null") => Ok(Value::None),
            Some('t') if self.word("true") => Ok(Value::Bool(true)),
            Some('f') if self.word("false") => Ok(Value::Bool(false)),
            Some('N') if self.word("NaN") => Ok(Value::Float(f64::NAN)),
            Some('I') if self.word("Infinity") => Ok(Value::Float(f64::INFINITY)),
            Some('-') if self.word("-Infinity") => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => self.number().ok_or_else(|| self.fail("Expecting value", self.at)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::exception("maximum recursion depth exceeded while decoding a JSON object"));
        }
        self.depth += 1;
        self.at += 1;
        self.skip();
        let value = stacker::maybe_grow(64 * 1024, 1024 * 1024, || read(self));
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut entries = Entries::new();
        if self.peek() != Some('}') {
            loop {
                if self.peek() != Some('"') {
                    return Err(self.fail("Expecting property name enclosed in double quotes", self.at));
                }
                self.at += 1;
                let key = self.string()?;
                self.skip();
                if self.peek() != Some(':') {
                    return Err(self.fail("Expecting ':' delimiter", self.at));
                }
                self.at += 1;
                self.skip();
                entries.insert(Key::from(key), self.value()?);
                if self.closed('}')? {
                    break;
                }
            }
        }
        self.at += 1;
        Ok(Value::Dict(Dict::new(entries)))
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        if self.peek() != Some(']') {
            loop {
                items.push(self.value()?);
                if self.closed(']')? {
                    break;
                }
            }
        }
        self.at += 1;
        Ok(Value::list(items))
    }

    /// Whether the end is next; else a comma must be.
    fn closed(&mut self, end: char) -> Result<bool, Error> {
        self.skip();
        match self.peek() {
            Some(c) if c == end => Ok(true),
            Some(',') => {
                self.at += 1;
                self.skip();
                Ok(false)
            }
            _ => Err(self.fail("Expecting ',' delimiter", self.at)),
        }
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        let digits = |at: usize| {
            self.chars[at.min(self.chars.len())..].iter().take_while(|c| c.is_ascii_digit()).count()
        };
        let mut at = start + usize::from(self.peek() == Some('-'));
        at += match self.chars.get(at) {
            Some('0') => 1,
            _ => digits(at),
        };
        if !self.chars.get(at.checked_sub(1)?)?.is_ascii_digit() {
            return None;
        }
        let whole = at;
        if self.chars.get(at) == Some(&'.') && digits(at + 1) > 0 {
            at += 1 + digits(at + 1);
        }
        if matches!(self.chars.get(at), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.chars.get(at + 1), Some('+' | '-')));
            let count = digits(at + 1 + sign);
            if count > 0 {
                at += 1 + sign + count;
            }
        }
        let text: String = self.chars[start..at].iter().collect();
        self.at = at;
        if at == whole {
            text.parse::<BigInt>().ok().map(Value::from)
        } else {
            text.parse().ok().map(Value::Float)
        }
    }

    /// The rest of a string whose opening quote is read.
    fn string(&mut self) -> Result<String, Error> {
        let begin = self.at - 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(self.fail("Unterminated string starting at", begin));
            };
            self.at += 1;
            match c {
                '"' => return Ok(out),
                '\\' => self.escape(begin, &mut out)?,
                c if c <= '\u{1f}' => return Err(self.fail("Invalid control character at", self.at - 1)),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, begin: usize, out: &mut String) -> Result<(), Error> {
        let Some(c) = self.peek() else { return Err(self.fail("Unterminated string starting at", begin)) };
        self.at += 1;
        out.push(match c {
            '"' | '\\' | '/' => c,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut code = self.hex()?;
                let pair =
                    self.chars.get(self.at) == Some(&'\\') && self.chars.get(self.at + 1) == Some(&'u');
                if (0xd800..0xdc00).contains(&code) && pair {
                    let back = self.at;
                    self.at += 2;
                    match self.hex() {
                        Ok(low @ 0xdc00..=0xdfff) => {
                            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                        }
                        _ => self.at = back,
                    }
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.fail("Invalid \\escape", self.at - 2)),
        });
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits: Option<String> =
            self.chars.get(self.at..self.at + 4).map(|digits| digits.iter().collect());
        let code = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u32::from_str_radix(&digits, 16).ok());
        let code = code.ok_or_else(|| self.fail("Invalid \\uXXXX escape", self.at - 1))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_python() {
        for (text, message) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("[1,", "Expecting value: line 1 column 4 (char 3)"),
            ("[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"),
            ("{a", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            ("{\"a\"", "Expecting ':' delimiter: line 1 column 5 (char 4)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("\n\"a", "Unterminated string starting at: line 2 column 1 (char 1)"),
        ] {
            assert_eq!(loads(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn numbers_have_no_end() {
        assert_eq!(
            loads("[12345678901234567890123, -0, 1e3]").unwrap().to_string(),
            "[12345678901234567890123, 0, 1000.0]"
        );
    }
}
