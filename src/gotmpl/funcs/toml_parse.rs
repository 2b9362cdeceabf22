//! Reading TOML into template values as BurntSushi/toml 1.6 does, with its error texts.

use std::collections::HashSet;

use super::dates::time_value;
use super::numbers::{NotInt, parse_float, parse_int};
use super::time::{Time, Zone};
use super::{layout, runes};
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{Elem, List, Map, MapType, Str, Value};

/// Why text is no TOML (`toml.ParseError`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("toml: line {line}{}: {message}", last_key_text(.last_key))]
pub(super) struct ParseError {
    line: usize,
    last_key: String,
    message: String,
}

fn last_key_text(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" (last key {})", quoted(key.as_bytes())) }
}

fn quoted(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}

/// The zone of a date and time without an offset.
pub(super) const LOCAL_DATETIME: &str = "datetime-local";
/// The zone of a date.
pub(super) const LOCAL_DATE: &str = "date-local";
/// The zone of a time of day.
pub(super) const LOCAL_TIME: &str = "time-local";

/// Arrays and inline tables inside of each other.
const MAX_DEPTH: usize = 200;

type Parsed<T> = Result<T, ParseError>;
/// The prefix of a number, what kind it is and which digits it has.
type Base = (&'static [u8], &'static str, fn(u8) -> bool);
type Key = Vec<Str>;

/// Where an inline table belongs.
struct Outside {
    key: Key,
    /// The tables around it, unless it is an element of an array.
    root: Option<Map>,
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    line: usize,
    depth: usize,
    root: Map,
    /// The table that keys belong to.
    context: Key,
    /// The key whose value is being read.
    current: Option<Str>,
    /// Tables that exist only because a longer key names them.
    implicit: HashSet<String>,
    /// Keys whose value is an array.
    arrays: HashSet<String>,
    /// Keys whose value is an array of tables.
    table_arrays: HashSet<String>,
    /// What the inline tables that are being read are part of.
    outside: Vec<Outside>,
    /// The line of the key whose value is being read.
    key_line: usize,
}

/// Parses a document.
pub(super) fn parse(input: &[u8]) -> Parsed<Map> {
    let input = [&b"\xff\xfe"[..], b"\xfe\xff", b"\xef\xbb\xbf"]
        .iter()
        .find_map(|mark| input.strip_prefix(*mark))
        .unwrap_or(input);
    let mut parser = Parser {
        input,
        at: 0,
        line: 1,
        depth: 0,
        root: Map::new(MapType::Any),
        context: Vec::new(),
        current: None,
        implicit: HashSet::new(),
        arrays: HashSet::new(),
        table_arrays: HashSet::new(),
        outside: Vec::new(),
        key_line: 1,
    };
    if input[..input.len().min(6)].contains(&0) {
        return Err(parser.error_at(
            1,
            "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8",
        ));
    }
    parser.document()?;
    Ok(parser.root)
}

fn is_bare(rune: char) -> bool {
    rune.is_ascii_alphanumeric() || rune == '_' || rune == '-'
}

fn is_blank(rune: char) -> bool {
    rune == ' ' || rune == '\t'
}

fn is_break(rune: char) -> bool {
    rune == '\n' || rune == '\r'
}

/// A key as it is written in a path.
fn path(key: &[Str]) -> String {
    let part = |key: &Str| {
        if !key.is_empty() && runes::iter(key).all(is_bare) { key.to_string() } else { quoted(key) }
    };
    key.iter().map(part).collect::<Vec<_>>().join(".")
}

impl Parser<'_> {
    fn error_at(&self, line: usize, message: impl Into<String>) -> ParseError {
        let mut key = self.whole_context();
        let last_key = match (&self.current, key.is_empty()) {
            (None, _) => path(&key),
            (Some(current), true) => current.to_string(),
            (Some(current), false) => {
                key.push(current.clone());
                path(&key[..key.len() - 1]) + "." + &current.to_string()
            }
        };
        ParseError { line, last_key, message: message.into() }
    }

    /// The key of the current table, from the top.
    fn whole_context(&self) -> Key {
        self.outside.iter().flat_map(|outside| &outside.key).chain(&self.context).cloned().collect()
    }

    fn already_defined(&self, key: &[Str]) -> ParseError {
        let outside: Key = self.outside.iter().flat_map(|outside| &outside.key).chain(key).cloned().collect();
        self.error_at(self.key_line, format!("Key '{}' has already been defined.", path(&outside)))
    }

    /// Whether the key of an inline table exists from before.
    fn is_defined_outside(&self, key: &[Str]) -> bool {
        let Some(Outside { key: outer, root: Some(root) }) = self.outside.last() else { return false };
        let mut found = Some(Value::Map(root.clone()));
        for part in outer.iter().chain(key) {
            found = match found {
                Some(Value::Map(table)) => table.get(part),
                Some(Value::List(tables)) => match tables.last() {
                    Some(Value::Map(table)) => table.get(part),
                    _ => None,
                },
                _ => None,
            };
        }
        found.is_some()
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        self.error_at(self.line, message)
    }

    /// The error about the next character, which is quoted; a line break counts as read.
    fn unexpected(&self, message: impl FnOnce(&str) -> String) -> ParseError {
        if let Err(error) = self.allowed() {
            return error;
        }
        match self.peek() {
            Some(rune) => {
                let line = self.line + usize::from(rune == '\n');
                self.error_at(line, message(&quoted_rune(rune)))
            }
            None => self.error_at(self.end_line(), message(&quoted_rune('\0'))),
        }
    }

    /// The last line that has text.
    fn end_line(&self) -> usize {
        if self.at >= 1 && self.input.get(self.at - 1) == Some(&b'\n') { self.line - 1 } else { self.line }
    }

    fn at_end(&self, message: &str) -> ParseError {
        self.error_at(self.end_line(), message)
    }

    fn peek(&self) -> Option<char> {
        runes::first(&self.input[self.at..]).map(|(rune, _)| rune)
    }

    /// Whether the next character is one that a document may contain.
    fn allowed(&self) -> Parsed<()> {
        let Some((rune, width)) = runes::first(&self.input[self.at..]) else { return Ok(()) };
        if rune == runes::ERROR && width == 1 {
            return Err(self.error(format!("invalid UTF-8 byte: 0x{:02x}", self.input[self.at])));
        }
        let is_control = match rune {
            '\t' | '\n' => false,
            '\r' => self.input.get(self.at + 1) != Some(&b'\n'),
            _ => rune < ' ' || rune == '\u{7f}',
        };
        if is_control {
            let code = rune as u32;
            return Err(self.error(format!("TOML files cannot contain control characters: '0x{code:02x}'")));
        }
        Ok(())
    }

    /// Reads a character, refusing what no document may contain.
    fn next(&mut self) -> Parsed<Option<char>> {
        self.allowed()?;
        let Some((rune, width)) = runes::first(&self.input[self.at..]) else { return Ok(None) };
        self.line += usize::from(rune == '\n');
        self.at += width;
        Ok(Some(rune))
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) -> Parsed<()> {
        while self.peek().is_some_and(&belongs) {
            self.next()?;
        }
        Ok(())
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.input[self.at..].starts_with(text.as_bytes());
        if found {
            self.at += text.len();
        }
        found
    }

    fn comment(&mut self) -> Parsed<()> {
        while self.peek().is_some_and(|rune| !is_break(rune)) {
            self.next()?;
        }
        Ok(())
    }

    fn document(&mut self) -> Parsed<()> {
        loop {
            self.skip(|rune| is_blank(rune) || is_break(rune))?;
            match self.peek() {
                None => return Ok(()),
                Some('#') => {
                    self.comment()?;
                    continue;
                }
                Some('[') => self.header()?,
                Some(_) => self.top_entry()?,
            }
            self.line_end()?;
        }
    }

    fn line_end(&mut self) -> Parsed<()> {
        self.skip(is_blank)?;
        match self.peek() {
            None => Ok(()),
            Some('#') => self.comment(),
            Some(rune) if is_break(rune) => self.next().map(|_| ()),
            Some(_) => Err(self.unexpected(|rune| {
                format!(
                    "expected a top-level item to end with a newline, comment, or EOF, but got {rune} instead"
                )
            })),
        }
    }

    /// `[table]` or `[[array of tables]]`.
    fn header(&mut self) -> Parsed<()> {
        self.next()?;
        let is_array = self.eat("[");
        let key = self.table_name()?;
        self.key_line = self.line;
        if is_array && !self.eat("]") {
            return Err(self.unexpected(|rune| {
                format!("expected end of table array name delimiter ']', but got {rune} instead")
            }));
        }
        self.add_context(&key, is_array)
    }

    fn table_name(&mut self) -> Parsed<Key> {
        let mut key = Vec::new();
        loop {
            self.skip(is_blank)?;
            match self.peek() {
                None => return Err(self.at_end("unexpected end of table name (table names cannot be empty)")),
                Some(']') => {
                    return Err(self.error("unexpected end of table name (table names cannot be empty)"));
                }
                Some('.') => {
                    return Err(self.error("unexpected table separator (table names cannot be empty)"));
                }
                Some(_) => key.push(self.key_part()?),
            }
            self.skip(is_blank)?;
            match self.peek() {
                Some('.') => self.at += 1,
                Some(']') => {
                    self.at += 1;
                    return Ok(key);
                }
                _ => {
                    return Err(self.unexpected(|rune| {
                        format!("expected '.' or ']' to end table name, but got {rune} instead")
                    }));
                }
            }
        }
    }

    /// A bare or quoted part of a key.
    fn key_part(&mut self) -> Parsed<Str> {
        match self.peek() {
            Some('"') => {
                self.at += 1;
                self.basic_string()
            }
            Some('\'') => {
                self.at += 1;
                self.raw_string()
            }
            _ => {
                let start = self.at;
                self.skip(is_bare)?;
                Ok(self.input[start..self.at].into())
            }
        }
    }

    /// A dotted key and its `=`.
    fn key(&mut self) -> Parsed<Key> {
        self.skip(is_blank)?;
        match self.peek() {
            Some('=') => return Err(self.error("unexpected '=': key name appears blank")),
            None => return Err(self.at_end("unexpected '=': key name appears blank")),
            Some('.') => return Err(self.error("unexpected '.': keys cannot start with a '.'")),
            Some(_) => {}
        }
        let mut key = Vec::new();
        loop {
            self.skip(is_blank)?;
            match self.peek() {
                Some('=') => return Err(self.error("unexpected '='")),
                None => return Err(self.at_end("unexpected '='")),
                Some('.') => return Err(self.error("unexpected '.'")),
                Some(_) => key.push(self.key_part()?),
            }
            self.skip(is_blank)?;
            match self.peek() {
                Some('.') => self.at += 1,
                Some('=') => {
                    self.at += 1;
                    return Ok(key);
                }
                None => return Err(self.at_end("unexpected EOF; expected key separator '='")),
                Some('\n') => return Err(self.error("expected '.' or '=', but got '\\n' instead")),
                Some(_) => {
                    return Err(
                        self.unexpected(|rune| format!("expected '.' or '=', but got {rune} instead"))
                    );
                }
            }
        }
    }

    fn top_entry(&mut self) -> Parsed<()> {
        let outer = self.context.clone();
        let last = self.begin_entry()?;
        let value = self.value()?;
        self.define(&last, value)?;
        self.context = outer;
        self.current = None;
        Ok(())
    }

    /// Reads a key and enters the tables that it names; gives its last part.
    fn begin_entry(&mut self) -> Parsed<Str> {
        let mut key = self.key()?;
        self.key_line = self.line;
        let last = key.pop().unwrap_or_else(|| Str::from(""));
        self.current = Some(last.clone());
        for part in &key {
            let mut context = self.context.clone();
            context.push(part.clone());
            self.implicit.insert(path(&context));
            self.add_context(&context, false)?;
        }
        Ok(last)
    }

    /// Makes a table the current one, creating it and its parents where they are missing.
    fn add_context(&mut self, key: &[Str], is_array: bool) -> Parsed<()> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        let mut table = self.root.clone();
        for (index, part) in parents.iter().enumerate() {
            let place = &parents[..=index];
            if table.get(part).is_none() {
                self.implicit.insert(path(place));
                table.insert(part.clone(), Value::Map(Map::new(MapType::Any)));
            }
            table = self
                .table_in(&table, part, place)
                .ok_or_else(|| self.error(format!("Key '{}' was already created as a hash.", path(place))))?;
        }
        self.context = parents.to_vec();
        if is_array {
            self.add_table_to_array(&table, last, key)?;
        } else {
            self.define(last, Value::Map(Map::new(MapType::Any)))?;
        }
        self.context = key.to_vec();
        Ok(())
    }

    fn add_table_to_array(&mut self, table: &Map, last: &Str, key: &[Str]) -> Parsed<()> {
        let place = path(key);
        let items = match table.get(last) {
            None => Vec::new(),
            Some(Value::List(list)) if self.table_arrays.contains(&place) => list.to_vec(),
            Some(_) => {
                let message = format!("Key '{place}' was already created and cannot be used as an array.");
                return Err(self.error(message));
            }
        };
        let items = items.into_iter().chain([Value::Map(Map::new(MapType::Any))]).collect();
        table.insert(last.clone(), Value::List(List::new(Elem::Any, items)));
        self.table_arrays.insert(place);
        Ok(())
    }

    /// The table at a key, or the last one of an array of tables.
    fn table_in(&self, table: &Map, part: &Str, place: &[Str]) -> Option<Map> {
        match table.get(part)? {
            Value::Map(inner) => Some(inner),
            Value::List(list) if self.table_arrays.contains(&path(place)) => match list.last() {
                Some(Value::Map(inner)) => Some(inner.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Sets a key of the current table, which must be new or implicit.
    fn define(&mut self, key: &Str, value: Value) -> Parsed<()> {
        let mut table = self.root.clone();
        for (index, part) in self.context.iter().enumerate() {
            let place = &self.context[..=index];
            table = self.table_in(&table, part, place).ok_or_else(|| self.already_defined(place))?;
        }
        let mut whole = self.context.clone();
        whole.push(key.clone());
        if self.is_defined_outside(&whole) {
            return Err(self.already_defined(&whole));
        }
        let place = path(&whole);
        if table.get(key).is_some() {
            if !self.implicit.remove(&place) {
                return Err(self.already_defined(&whole));
            }
            if !self.arrays.contains(&place) {
                return Ok(());
            }
        }
        table.insert(key.clone(), value);
        Ok(())
    }

    fn value(&mut self) -> Parsed<Value> {
        self.skip(is_blank)?;
        let Some(rune) = self.peek() else { return Err(self.at_end("unexpected EOF; expected value")) };
        match rune {
            '[' => self.nested(Self::array),
            '{' => self.nested(Self::inline_table),
            '"' if self.eat("\"\"\"") => Ok(Value::Str(self.multiline_string()?)),
            '"' => {
                self.at += 1;
                Ok(Value::Str(self.basic_string()?))
            }
            '\'' if self.eat("'''") => Ok(Value::Str(self.multiline_raw_string()?)),
            '\'' => {
                self.at += 1;
                Ok(Value::Str(self.raw_string()?))
            }
            '.' => Err(self.error("floats must start with a digit, not '.'")),
            '0'..='9' => self.number_or_date(),
            '+' | '-' => self.signed_number(),
            _ if runes::is_letter(rune) => self.word(),
            '\n' => Err(self.error("expected value but found '\\n' instead")),
            _ => {
                self.next()?;
                Err(self.error(format!("expected value but found {} instead", quoted_rune(rune))))
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("values are nested too deeply"));
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Parsed<Value> {
        for (word, float) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
            if self.eat(word) {
                return Ok(Value::Float(float));
            }
        }
        let start = self.at;
        self.skip(runes::is_letter)?;
        match &self.input[start..self.at] {
            b"true" => Ok(Value::Bool(true)),
            b"false" => Ok(Value::Bool(false)),
            word => Err(self.error(format!("expected value but found {} instead", quoted(word)))),
        }
    }

    fn skip_space_and_comments(&mut self) -> Parsed<()> {
        loop {
            self.skip(|rune| is_blank(rune) || is_break(rune))?;
            if self.peek() != Some('#') {
                return Ok(());
            }
            self.comment()?;
        }
    }

    fn array(&mut self) -> Parsed<Value> {
        let mut place = self.context.clone();
        place.extend(self.current.clone());
        self.arrays.insert(path(&place));
        let mut items = Vec::new();
        loop {
            self.skip_space_and_comments()?;
            match self.peek() {
                Some(',') => return Err(self.error("unexpected comma")),
                Some(']') => break,
                _ => items.push(self.value()?),
            }
            self.skip_space_and_comments()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => break,
                _ => {
                    let found = self.rune_or_end();
                    return Err(self.unexpected(|_| {
                        format!("expected a comma (',') or array terminator (']'), but got {found}")
                    }));
                }
            }
        }
        self.at += 1;
        Ok(Value::List(List::new(Elem::Any, items)))
    }

    fn rune_or_end(&self) -> String {
        self.peek().map_or_else(|| "end of file".to_owned(), |rune| format!("'{rune}'"))
    }

    fn inline_table(&mut self) -> Parsed<Value> {
        let (outer_context, outer_key) = (self.context.clone(), self.current.clone());
        let in_array =
            self.arrays.contains(&path(&[outer_context.as_slice(), outer_key.as_slice()].concat()));
        let mut context = outer_context.clone();
        context.extend(self.current.take());
        if !in_array {
            self.implicit.insert(path(&context));
        }
        // Its keys are checked among themselves in a table of its own.
        let saved_root = std::mem::replace(&mut self.root, Map::new(MapType::Any));
        let saved_implicit = std::mem::take(&mut self.implicit);
        self.outside.push(Outside { key: context.clone(), root: (!in_array).then(|| saved_root.clone()) });
        self.context = Vec::new();
        let line = self.key_line;
        let read = self.inline_entries();
        self.key_line = line;
        self.outside.pop();
        let table = std::mem::replace(&mut self.root, saved_root);
        self.implicit = saved_implicit;
        self.context = outer_context;
        self.current = outer_key;
        read?;
        if !in_array {
            self.implicit.remove(&path(&context));
        }
        Ok(Value::Map(table))
    }

    fn inline_entries(&mut self) -> Parsed<()> {
        loop {
            self.skip_space_and_comments()?;
            match self.peek() {
                Some(',') => return Err(self.error("unexpected comma")),
                Some('}') => break,
                _ => {}
            }
            let last = self.begin_entry()?;
            let value = self.value()?;
            self.define(&last, value)?;
            self.context = Vec::new();
            self.skip_space_and_comments()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => break,
                _ => {
                    let found = self.rune_or_end();
                    return Err(self.unexpected(|_| {
                        format!(
                            "expected a comma or an inline table terminator '}}', but got {found} instead"
                        )
                    }));
                }
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A string behind its `"`.
    fn basic_string(&mut self) -> Parsed<Str> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.at_end("unexpected EOF; expected '\"'")),
                Some(rune) if is_break(rune) => return Err(self.error("strings cannot contain newlines")),
                Some('"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some('\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(rune) => {
                    self.next()?;
                    runes::push(&mut out, rune);
                }
            }
        }
    }

    fn raw_string(&mut self) -> Parsed<Str> {
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.at_end("unexpected EOF; expected \"'\"")),
                Some(rune) if is_break(rune) => return Err(self.error("strings cannot contain newlines")),
                Some('\'') => {
                    self.at += 1;
                    return Ok(self.input[start..self.at - 1].into());
                }
                Some(_) => {
                    self.next()?;
                }
            }
        }
    }

    fn skip_first_break(&mut self) -> Parsed<()> {
        if self.input[self.at..].starts_with(b"\r\n") {
            self.next()?;
        }
        if self.peek() == Some('\n') {
            self.next()?;
        }
        Ok(())
    }

    fn multiline_string(&mut self) -> Parsed<Str> {
        self.skip_first_break()?;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.at_end("unexpected EOF; expected '\"\"\"'")),
                Some('"') => match self.closing_quotes(b'"') {
                    Some(Ok(extra)) => {
                        out.resize(out.len() + extra, b'"');
                        return Ok(out.into());
                    }
                    Some(Err(())) => return Err(self.error("unexpected '\"\"\"\"\"\"'")),
                    None => {
                        self.at += 1;
                        out.push(b'"');
                    }
                },
                Some('\\') => {
                    self.at += 1;
                    let blank =
                        self.input[self.at..].iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
                    if self.input[self.at..self.at + blank].contains(&b'\n') {
                        self.skip(|rune| is_blank(rune) || is_break(rune))?;
                    } else {
                        self.escape(&mut out)?;
                    }
                }
                Some(rune) => {
                    self.next()?;
                    runes::push(&mut out, rune);
                }
            }
        }
    }

    /// Reads three to five quotes, of which all but three belong to the text.
    fn closing_quotes(&mut self, quote: u8) -> Option<Result<usize, ()>> {
        let count = self.input[self.at..].iter().take_while(|byte| **byte == quote).count();
        match count {
            0..3 => None,
            3..6 => {
                self.at += count;
                Some(Ok(count - 3))
            }
            _ => Some(Err(())),
        }
    }

    fn multiline_raw_string(&mut self) -> Parsed<Str> {
        self.skip_first_break()?;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.at_end("unexpected EOF; expected \"'''\"")),
                Some('\'') => match self.closing_quotes(b'\'') {
                    Some(Ok(_)) => return Ok(self.input[start..self.at - 3].into()),
                    Some(Err(())) => return Err(self.error("unexpected \"''''''\"")),
                    None => self.at += 1,
                },
                Some(_) => {
                    self.next()?;
                }
            }
        }
    }

    /// What a backslash begins.
    fn escape(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let Some(rune) = self.next()? else { return Err(self.at_end("invalid escape in string '\\\0'")) };
        let plain = match rune {
            'b' => Some('\u{8}'),
            't' => Some('\t'),
            'n' => Some('\n'),
            'f' => Some('\u{c}'),
            'r' => Some('\r'),
            'e' => Some('\u{1b}'),
            '"' | '\\' => Some(rune),
            _ => None,
        };
        if let Some(plain) = plain {
            runes::push(out, plain);
            return Ok(());
        }
        let (digits, words) = match rune {
            ' ' | '\t' => return Err(self.error(format!("invalid escape: '\\{rune}'"))),
            'x' => (2, "two hexadecimal digits after '\\x'"),
            'u' => (4, "four hexadecimal digits after '\\u'"),
            'U' => (8, "eight hexadecimal digits after '\\U'"),
            _ => return Err(self.error(format!("invalid escape in string '\\{rune}'"))),
        };
        let start = self.at;
        for _ in 0..digits {
            let found = self.next()?;
            if !found.is_some_and(|rune| rune.is_ascii_hexdigit()) {
                let read = quoted(&self.input[start - 2..self.at]);
                return Err(self.error(format!("expected {words}, but got {read} instead")));
            }
        }
        let text = String::from_utf8_lossy(&self.input[start..self.at]).into_owned();
        let rune = u32::from_str_radix(&text, 16).ok().and_then(char::from_u32);
        let rune =
            rune.ok_or_else(|| self.error(format!("Escaped character '\\u{text}' is not valid UTF-8.")))?;
        runes::push(out, rune);
        Ok(())
    }

    /// The run of characters at hand.
    fn take(&mut self, belongs: impl Fn(u8) -> bool) -> String {
        let length = self.input[self.at..].iter().take_while(|byte| belongs(**byte)).count();
        let text = String::from_utf8_lossy(&self.input[self.at..self.at + length]).into_owned();
        self.at += length;
        text
    }

    fn signed_number(&mut self) -> Parsed<Value> {
        let rest = &self.input[self.at + 1..];
        let negative = self.input[self.at] == b'-';
        for (word, float) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
            if rest.starts_with(word.as_bytes()) {
                self.at += 1 + word.len();
                return Ok(Value::Float(if negative { -float } else { float }));
            }
        }
        match rest {
            [b'0', base @ (b'b' | b'o' | b'x'), ..] => {
                let sign = char::from(self.input[self.at]);
                let base = char::from(*base);
                Err(self.error(format!("cannot use sign with non-decimal numbers: '{sign}0{base}'")))
            }
            [b'.', ..] => Err(self.error("floats must start with a digit, not '.'")),
            [digit, ..] if digit.is_ascii_digit() => self.decimal_number(),
            _ => {
                self.at += 1;
                Err(self.unexpected(|rune| format!("expected a digit but got {rune}")))
            }
        }
    }

    fn number_or_date(&mut self) -> Parsed<Value> {
        let rest = &self.input[self.at..];
        let bases: [Base; 3] = [
            (b"0b", "a binary", |byte| matches!(byte, b'0' | b'1')),
            (b"0o", "an octal", |byte| matches!(byte, b'0'..=b'7')),
            (b"0x", "a hexadecimal", |byte| byte.is_ascii_hexdigit()),
        ];
        for (prefix, name, belongs) in bases {
            if !rest.starts_with(prefix) {
                continue;
            }
            if !rest.get(2).is_some_and(|byte| belongs(*byte)) {
                self.at += 2;
                let found = self.peek().unwrap_or('\0');
                let prefix = String::from_utf8_lossy(prefix);
                return Err(self.error(format!("not {name} number: '{prefix}{found}'")));
            }
            let digits = rest[2..].iter().take_while(|byte| belongs(**byte) || **byte == b'_').count();
            let text = String::from_utf8_lossy(&rest[..2 + digits]).into_owned();
            self.at += 2 + digits;
            return self.integer(&text);
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match rest.get(digits) {
            Some(b'-' | b':') => self.date(),
            _ => self.decimal_number(),
        }
    }

    fn decimal_number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.at += usize::from(matches!(self.input[self.at], b'+' | b'-'));
        self.take(|byte| byte.is_ascii_digit() || byte == b'_');
        let is_float = matches!(self.input.get(self.at), Some(b'.' | b'e' | b'E'));
        if is_float {
            self.take(|byte| byte.is_ascii_digit() || b"_.-+eE".contains(&byte));
        }
        let text = String::from_utf8_lossy(&self.input[start..self.at]).into_owned();
        if is_float { self.float(&text) } else { self.integer(&text) }
    }

    fn integer(&self, text: &str) -> Parsed<Value> {
        let shown = quoted(text.as_bytes());
        if !underscores_valid(text) {
            let problem = "underscores must be surrounded by digits";
            return Err(self.error(format!("Invalid integer {shown}: {problem}")));
        }
        if has_leading_zero(text) {
            return Err(self.error(format!("Invalid integer {shown}: cannot have leading zeroes")));
        }
        match parse_int(text.as_bytes(), 0) {
            Ok(number) => Ok(Value::Int64(number)),
            Err(NotInt::Range(_)) => Err(self.error(format!("{text} is out of range for int64"))),
            Err(NotInt::Syntax) => Err(self.error(format!("Invalid integer {shown}"))),
        }
    }

    fn float(&self, text: &str) -> Parsed<Value> {
        let shown = quoted(text.as_bytes());
        let mut parts = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).peekable();
        let leading_zero = parts.peek().is_some_and(|part| has_leading_zero(part));
        if !parts.all(underscores_valid) {
            let problem = "underscores must be surrounded by digits";
            return Err(self.error(format!("Invalid float {shown}: {problem}")));
        }
        if leading_zero {
            return Err(self.error(format!("Invalid float {shown}: cannot have leading zeroes")));
        }
        let lonely_point =
            |(at, _): (usize, _)| !text[at + 1..].starts_with(|next: char| next.is_ascii_digit());
        if text.match_indices('.').any(lonely_point) {
            let problem = "'.' must be followed by one or more digits";
            return Err(self.error(format!("Invalid float {shown}: {problem}")));
        }
        let plain = text.replace('_', "");
        match parse_float(plain.as_bytes()) {
            Some(float) => Ok(Value::Float(float)),
            None if plain.parse::<f64>().is_ok() => {
                Err(self.error(format!("{text} is out of range for float64")))
            }
            None => Err(self.error(format!("Invalid float value: {shown}"))),
        }
    }

    fn date(&mut self) -> Parsed<Value> {
        const LAYOUTS: [(&str, Option<&str>); 7] = [
            ("2006-01-02T15:04:05.999999999Z07:00", None),
            ("2006-01-02T15:04:05.999999999", Some(LOCAL_DATETIME)),
            ("2006-01-02", Some(LOCAL_DATE)),
            ("15:04:05.999999999", Some(LOCAL_TIME)),
            ("2006-01-02T15:04Z07:00", None),
            ("2006-01-02T15:04", Some(LOCAL_DATETIME)),
            ("15:04", Some(LOCAL_TIME)),
        ];
        let text = self.take(|byte| byte.is_ascii_digit() || b"-:Tt .Zz+".contains(&byte));
        let written = text.trim().replace('z', "Z").replace(['t', ' '], "T");
        let invalid = || self.error(format!("invalid datetime: {}", quoted(written.as_bytes())));
        for (layout, local) in LAYOUTS {
            if let Ok(time) = layout::parse(layout.as_bytes(), written.as_bytes()) {
                let time = local.map_or(time.clone(), |zone| in_local_zone(time, zone));
                return if lacks_zero(&written, layout) { Err(invalid()) } else { Ok(time_value(time)) };
            }
        }
        Err(invalid())
    }
}

/// A time of which only the fields are known, in a zone that says so, with the offset that holds here now.
fn in_local_zone(time: Time, zone: &str) -> Time {
    let (_, offset, _) = Time::now().offset();
    Time { seconds: time.seconds - offset, zone: Zone::Fixed(zone.into(), offset), ..time }
}

/// Whether the text is shorter somewhere than its layout.
fn lacks_zero(text: &str, layout: &str) -> bool {
    layout
        .bytes()
        .take_while(|byte| !matches!(byte, b'.' | b'Z'))
        .enumerate()
        .any(|(at, byte)| !byte.is_ascii_digit() && text.as_bytes().get(at) != Some(&byte))
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', b'b' | b'o' | b'x', ..] => false,
        [b'0', _, ..] | [b'+' | b'-', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_valid(text: &str) -> bool {
    let mut after_digit = false;
    for byte in text.bytes() {
        if byte == b'_' && !after_digit {
            return false;
        }
        after_digit = byte.is_ascii_hexdigit();
    }
    after_digit
}

/// A character in Go's single quotes.
fn quoted_rune(rune: char) -> String {
    let text = crate::gotmpl::strconv::quote_rune(rune, false);
    String::from_utf8_lossy(&text).into_owned()
}
