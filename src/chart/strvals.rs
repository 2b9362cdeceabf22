//! The syntax of `--set` and its relatives: `a.b[0].c=value,d={x,y}`.
//!
//! Follows `pkg/strvals/{parser,literal_parser}.go` of Helm 4, in its oddities too: text that ends in
//! the middle of a key's index is accepted.

use serde_json::{Map, Value};

/// The highest index of a list.
const MAX_INDEX: usize = 65536;
/// How deep a key may nest.
const MAX_NESTING: usize = 30;

/// How the value behind `=` is read.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// `--set`: true, false, null, an integer, or else a text.
    Typed,
    /// `--set-string`: a text.
    Text,
    /// `--set-json`: any JSON value; nothing is null.
    Json,
    /// `--set-literal`: the rest of the line as it stands.
    Literal,
    /// `--set-file`: what the function makes of the text, which names a file.
    File(&'a dyn Fn(&str) -> Result<Value, String>),
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// Sets in `data` what `text` says, over what is there.
///
/// # Errors
/// When the text breaks the syntax or contradicts the structure of `data`, which may be partly changed then.
pub fn parse_into(text: &str, data: &mut Map<String, Value>, values: Values) -> Result<(), Error> {
    let mut parser = Parser { text, values };
    loop {
        match parser.key(data, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Failed(message)) => return Err(Error(message)),
        }
    }
}

/// Why reading stops.
enum Stop {
    /// The text is at its end, which is no error.
    End,
    /// The text is wrong.
    Failed(String),
}

fn failed<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(message.into()))
}

struct Parser<'a> {
    /// What is still to be read.
    text: &'a str,
    values: Values<'a>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.text.chars();
        let next = chars.next();
        self.text = chars.as_str();
        next
    }

    fn skip(&mut self, wanted: char) -> bool {
        let rest = self.text.strip_prefix(wanted);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    /// Reads up to one of the characters; `None` for it is the end of the text.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut read = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (read, Some(c));
            }
            if c == '\\' && !matches!(self.values, Values::Literal) {
                match self.next() {
                    Some(escaped) => read.push(escaped),
                    None => break,
                }
            } else {
                read.push(c);
            }
        }
        (read, None)
    }

    /// Reads one key with its value into `data`.
    fn key(&mut self, data: &mut Map<String, Value>, nesting: usize) -> Result<(), Stop> {
        let stops: &[char] =
            if matches!(self.values, Values::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        match self.until(stops) {
            (key, None) if key.is_empty() => Err(Stop::End),
            (key, None) => failed(format!("key {key:?} has no value")),
            (key, Some('[')) => self.list(data, key, nesting),
            (key, Some('=')) => {
                let (value, result) = self.value();
                if let Some(value) = value {
                    set(data, key, value);
                }
                result
            }
            (key, Some('.')) => self.map(data, key, nesting + 1),
            (key, Some(_)) => {
                let message = format!("key {key:?} has no value (cannot end with ,)");
                set(data, key, Value::String(String::new()));
                failed(message)
            }
        }
    }

    /// Reads what follows `key[`.
    fn list(&mut self, data: &mut Map<String, Value>, key: String, nesting: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let mut list = match data.remove(&key) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                let message = format!("unable to parse key: {key:?} is no list");
                data.insert(key, other);
                return failed(message);
            }
        };
        let result = self.item(&mut list, index, nesting);
        set(data, key, Value::Array(list));
        result
    }

    /// Reads what follows `key.`.
    fn map(&mut self, data: &mut Map<String, Value>, key: String, nesting: usize) -> Result<(), Stop> {
        check_nesting(nesting)?;
        let (mut inner, existed) = match data.remove(&key) {
            None => (Map::new(), false),
            Some(Value::Object(inner)) => (inner, true),
            Some(other) => {
                let message = format!("unable to parse key: {key:?} is no map");
                data.insert(key, other);
                return failed(message);
            }
        };
        let result = self.key(&mut inner, nesting);
        if inner.is_empty() && result.is_ok() {
            return failed(format!("key map {key:?} has no value"));
        }
        if existed || !inner.is_empty() {
            set(data, key, Value::Object(inner));
        }
        result
    }

    /// Reads the number in `[…]`.
    fn index(&mut self) -> Result<usize, Stop> {
        match self.until(&[']']) {
            (_, None) => Err(Stop::End),
            (text, Some(_)) => match text.parse::<i64>() {
                Err(_) => failed(format!("error parsing index: {text:?} is no number")),
                Ok(index) => match usize::try_from(index) {
                    Ok(index) => Ok(index),
                    Err(_) => failed(format!("negative {index} index not allowed")),
                },
            },
        }
    }

    /// Reads what follows `[index]` into the list.
    fn item(&mut self, list: &mut Vec<Value>, index: usize, nesting: usize) -> Result<(), Stop> {
        check_nesting(nesting)?;
        match self.until(&['[', '.', '=']) {
            (extra, _) if !extra.is_empty() => {
                failed(format!("unexpected data at end of array index: {extra:?}"))
            }
            (_, None) => Err(Stop::End),
            (_, Some('=')) => match self.value() {
                (Some(value), Ok(()) | Err(Stop::End)) => set_index(list, index, value),
                (_, result) => result,
            },
            (_, Some('[')) => {
                let next = self.index()?;
                let mut inner = match list.get(index) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(inner)) => inner.clone(),
                    Some(_) => return failed(format!("unable to parse key: item {index} is no list")),
                };
                self.item(&mut inner, next, nesting + 1)?;
                set_index(list, index, Value::Array(inner))
            }
            (_, Some(_)) => self.item_map(list, index, nesting),
        }
    }

    /// Reads what follows `[index].` into the list.
    fn item_map(&mut self, list: &mut Vec<Value>, index: usize, nesting: usize) -> Result<(), Stop> {
        let Some(slot) = list.get_mut(index) else {
            let mut inner = Map::new();
            self.key(&mut inner, nesting)?;
            return set_index(list, index, Value::Object(inner));
        };
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        match slot {
            Value::Object(inner) => self.key(inner, nesting),
            _ => Ok(()),
        }
    }

    /// Reads the value behind `=`: what to set, if anything, and how to go on.
    fn value(&mut self) -> (Option<Value>, Result<(), Stop>) {
        match self.values {
            Values::Json => return self.json(),
            Values::Literal => {
                return (Some(Value::String(std::mem::take(&mut self.text).to_owned())), Ok(()));
            }
            _ if self.text.is_empty() => return (Some(Value::String(String::new())), Err(Stop::End)),
            _ => {}
        }
        let value = if self.skip('{') {
            self.braces()
        } else {
            let (text, _) = self.until(&[',']);
            self.scalar(text)
        };
        match value {
            Ok(value) => (Some(value), Ok(())),
            Err(stop) => (None, Err(stop)),
        }
    }

    /// Reads the rest of `{a,b}`.
    fn braces(&mut self) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return failed("list must terminate with '}'");
            }
            items.push(self.scalar(text)?);
            if stop == Some('}') {
                self.skip(',');
                return Ok(Value::Array(items));
            }
        }
    }

    /// Reads a JSON value and the comma behind it.
    fn json(&mut self) -> (Option<Value>, Result<(), Stop>) {
        if self.is_blank() {
            return (Some(Value::Null), Ok(()));
        }
        let mut stream = serde_json::Deserializer::from_str(self.text).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return (None, failed(error.to_string())),
            None => return (None, Err(Stop::End)),
        };
        self.text = self.text.get(stream.byte_offset()..).unwrap_or_default();
        self.is_blank();
        (Some(floats(value)), Ok(()))
    }

    /// Skips space; whether a comma, which is skipped too, or the end follows.
    fn is_blank(&mut self) -> bool {
        self.text = self.text.trim_start();
        self.text.is_empty() || self.skip(',')
    }

    fn scalar(&self, text: String) -> Result<Value, Stop> {
        match self.values {
            Values::Typed => Ok(typed(text)),
            Values::File(read) => read(&text).or_else(failed),
            _ => Ok(Value::String(text)),
        }
    }
}

fn check_nesting(nesting: usize) -> Result<(), Stop> {
    if nesting > MAX_NESTING {
        return failed(format!(
            "value name nested level is greater than maximum supported nested level of {MAX_NESTING}"
        ));
    }
    Ok(())
}

fn set(data: &mut Map<String, Value>, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

fn set_index(list: &mut Vec<Value>, index: usize, value: Value) -> Result<(), Stop> {
    if index > MAX_INDEX {
        return failed(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}"));
    }
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    list[index] = value;
    Ok(())
}

/// What `--set` makes of a text.
fn typed(text: String) -> Value {
    for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
        if text.eq_ignore_ascii_case(word) {
            return value;
        }
    }
    match text.parse::<i64>() {
        Ok(number) if text == "0" || !text.starts_with('0') => number.into(),
        _ => Value::String(text),
    }
}

/// Go's JSON decoder knows only floats.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, floats(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str, values: Values) -> Value {
        let mut data = Map::new();
        match parse_into(text, &mut data, values) {
            Ok(()) => Value::Object(data),
            Err(error) => Value::String(error.to_string()),
        }
    }

    #[test]
    fn set_reads_as_in_helm() {
        for (text, expected) in [
            (
                "a=1,b=x,c=true,d=null,e=010,f=0,g=-3",
                json!({"a":1,"b":"x","c":true,"d":null,"e":"010","f":0,"g":-3}),
            ),
            ("a.b.c=1,a.b.d=2", json!({"a":{"b":{"c":1,"d":2}}})),
            ("a={1,b},c=d", json!({"a":[1,"b"],"c":"d"})),
            ("a[1]=x,a[0].b=y", json!({"a":[{"b":"y"},"x"]})),
            ("a[0][1]=x", json!({"a":[[null,"x"]]})),
            ("a\\.b=c\\,d", json!({"a.b":"c,d"})),
            ("a=", json!({"a":""})),
            ("a=,b=1", json!({"a":"","b":1})),
            ("a={}", json!({"a":[""]})),
            ("=1", json!({})),
            ("a[", json!({})),
            ("a[0]", json!({"a":[]})),
            ("a[0].b=", json!({"a":[]})),
        ] {
            assert_eq!(parsed(text, Values::Typed), expected, "{text}");
        }
        for (text, message) in [
            ("a", "key \"a\" has no value"),
            ("a,b=1", "key \"a\" has no value (cannot end with ,)"),
            ("a.=1", "key map \"a\" has no value"),
            ("a={1", "list must terminate with '}'"),
            ("a[-1]=1", "negative -1 index not allowed"),
            ("a[70000]=1", "index of 70000 is greater than maximum supported index of 65536"),
            ("a[0]x=1", "unexpected data at end of array index: \"x\""),
            ("a=1,a.b=2", "unable to parse key: \"a\" is no map"),
        ] {
            assert_eq!(parsed(text, Values::Typed), json!(message), "{text}");
        }
        let deep = "a.".repeat(31) + "a=1";
        assert!(parsed(&deep, Values::Typed).is_string());
    }

    #[test]
    fn the_other_flags_differ_in_the_value() {
        assert_eq!(parsed("a=1,b=true", Values::Text), json!({"a":"1","b":"true"}));
        assert_eq!(
            parsed("a={\"b\":[1]}, c=null,d=,e=\"x\"", Values::Json),
            json!({"a":{"b":[1.0]}," c":null,"d":null,"e":"x"})
        );
        assert_eq!(parsed("a.b=c,d=\\e", Values::Literal), json!({"a":{"b":"c,d=\\e"}}));
        let read = |path: &str| Ok(json!(format!("<{path}>")));
        assert_eq!(parsed("a=x,b=y", Values::File(&read)), json!({"a":"<x>","b":"<y>"}));
    }
}
