//! JSON (sprig `defaults.go`, Helm `pkg/engine/funcs.go`), written and read as Go's `encoding/json` does.

use super::args::{bytes, fail, fixed, text};
use super::encoding::encode_base64;
use super::json_parse::{self, TypeMismatch};
use super::runes;
use crate::gotmpl::{Elem, FuncDef, FuncError, List, Map, MapType, Param, Value};
use crate::yaml::go::format_json;

const ANY: &[Param] = &[Param::Any];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("toJson", ANY, |_, args| text(encode(&args[0], Style::COMPACT).unwrap_or_default())),
    fixed("mustToJson", ANY, |_, args| text(encode(&args[0], Style::COMPACT)?)),
    fixed("toPrettyJson", ANY, |_, args| text(encode(&args[0], Style::PRETTY).unwrap_or_default())),
    fixed("mustToPrettyJson", ANY, |_, args| text(encode(&args[0], Style::PRETTY)?)),
    fixed("toRawJson", ANY, |_, args| text(encode(&args[0], Style::RAW)?)),
    fixed("mustToRawJson", ANY, |_, args| text(encode(&args[0], Style::RAW)?)),
    fixed("fromJson", &[Param::Str], |_, args| Ok(decode_map(bytes(args, 0)))),
    fixed("fromJsonArray", &[Param::Str], |_, args| Ok(decode_array(bytes(args, 0)))),
    fixed("mustFromJson", &[Param::Str], |_, args| {
        let (value, mismatch) =
            json_parse::decode(bytes(args, 0)).map_err(|error| fail(error.to_string()))?;
        mismatch.map_or(Ok(value), |mismatch| Err(fail(mismatch.to_string())))
    }),
];

/// How JSON is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    indented: bool,
    escape_html: bool,
}

impl Style {
    pub(super) const COMPACT: Self = Self { indented: false, escape_html: true };
    const PRETTY: Self = Self { indented: true, escape_html: true };
    const RAW: Self = Self { indented: false, escape_html: false };
}

/// The kind of a number that neither JSON nor YAML can write.
pub(super) const COMPLEX: &str = "complex128";

/// Deeper values are taken for cycles.
const MAX_DEPTH: usize = 1000;

/// `json.Marshal`.
pub(super) fn encode(value: &Value, style: Style) -> Result<Vec<u8>, FuncError> {
    let mut writer = Writer { out: Vec::new(), style, depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), FuncError> {
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::Bool(b) => self.out.extend_from_slice(if *b { b"true" } else { b"false" }),
            Value::Int(n) | Value::Int64(n) => self.integer(*n),
            Value::Int32(n) => self.integer(*n),
            Value::Uint8(n) => self.integer(*n),
            Value::Uint64(n) => self.integer(*n),
            Value::Float(f) => self.float(*f)?,
            Value::Str(text) => self.string(text),
            Value::List(list) => self.list(list)?,
            Value::Map(map) => self.map(map)?,
            Value::Object(object) if object.kind() == COMPLEX => {
                return Err(fail("json: unsupported type: complex128"));
            }
            Value::Object(object) => match object.json_fields() {
                Some(fields) => self.fields(&fields)?,
                None => self.value(&object.to_plain())?,
            },
        }
        Ok(())
    }

    fn integer(&mut self, number: impl std::fmt::Display) {
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    fn float(&mut self, float: f64) -> Result<(), FuncError> {
        if let Some(written) = format_json(float) {
            self.out.extend_from_slice(written.as_bytes());
            return Ok(());
        }
        let name = if float.is_nan() {
            "NaN"
        } else if float > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Err(fail(format!("json: unsupported value: {name}")))
    }

    fn list(&mut self, list: &List) -> Result<(), FuncError> {
        if list.is_nil() {
            self.out.extend_from_slice(b"null");
        } else if list.elem == Elem::Byte {
            self.string(encode_base64(&list.to_bytes()).as_bytes());
        } else {
            self.open(b'[')?;
            for (index, item) in list.iter().enumerate() {
                self.item(index);
                self.value(item)?;
            }
            self.close(b']', list.is_empty());
        }
        Ok(())
    }

    fn map(&mut self, map: &Map) -> Result<(), FuncError> {
        if map.is_nil() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        self.open(b'{')?;
        for (index, (key, value)) in map.borrow().iter().enumerate() {
            self.entry(index, key, value)?;
        }
        self.close(b'}', map.is_empty());
        Ok(())
    }

    fn fields(&mut self, fields: &[(&'static str, Value)]) -> Result<(), FuncError> {
        self.open(b'{')?;
        for (index, (name, value)) in fields.iter().enumerate() {
            self.entry(index, name.as_bytes(), value)?;
        }
        self.close(b'}', fields.is_empty());
        Ok(())
    }

    fn entry(&mut self, index: usize, key: &[u8], value: &Value) -> Result<(), FuncError> {
        self.item(index);
        self.string(key);
        self.out.extend_from_slice(if self.style.indented { b": " } else { b":" });
        self.value(value)
    }

    fn open(&mut self, bracket: u8) -> Result<(), FuncError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fail("json: unsupported value: encountered a cycle via map[string]interface {}"));
        }
        self.out.push(bracket);
        Ok(())
    }

    fn item(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
        self.break_line();
    }

    fn close(&mut self, bracket: u8, empty: bool) {
        self.depth -= 1;
        if !empty {
            self.break_line();
        }
        self.out.push(bracket);
    }

    fn break_line(&mut self) {
        if self.style.indented {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.depth, b' ');
        }
    }

    fn string(&mut self, input: &[u8]) {
        self.out.push(b'"');
        let mut copied = 0;
        let mut at = 0;
        while at < input.len() {
            let (rune, width) = match input[at] {
                byte if byte < 0x80 => (char::from(byte), 1),
                _ => runes::first(&input[at..]).unwrap_or((runes::ERROR, 1)),
            };
            if let Some(escape) = escape(rune, width, self.style.escape_html) {
                self.out.extend_from_slice(&input[copied..at]);
                self.out.extend_from_slice(escape.as_bytes());
                copied = at + width;
            }
            at += width;
        }
        self.out.extend_from_slice(&input[copied..]);
        self.out.push(b'"');
    }
}

/// How a character is written when not as itself; `width` tells an invalid byte from a real U+FFFD.
fn escape(rune: char, width: usize, html: bool) -> Option<std::borrow::Cow<'static, str>> {
    Some(match rune {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\u{8}' => "\\b".into(),
        '\u{c}' => "\\f".into(),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        '<' | '>' | '&' if html => format!("\\u{:04x}", rune as u32).into(),
        '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", rune as u32).into(),
        runes::ERROR if width == 1 => "\\ufffd".into(),
        _ => return None,
    })
}

/// `fromJson`: an error is the entry `Error` of the map.
fn decode_map(input: &[u8]) -> Value {
    let (map, problem) = match json_parse::decode(input) {
        Ok((Value::Nil, None)) => return Value::Map(Map::nil(MapType::Any)),
        Ok((Value::Map(map), mismatch)) => (map, mismatch.map(|mismatch| mismatch.to_string())),
        Ok((other, _)) => {
            let mismatch = TypeMismatch::new(json_parse::kind(&other), "map[string]interface {}");
            (Map::new(MapType::Any), Some(mismatch.to_string()))
        }
        Err(error) => (Map::new(MapType::Any), Some(error.to_string())),
    };
    if let Some(problem) = problem {
        map.insert("Error", Value::from(problem));
    }
    Value::Map(map)
}

/// `fromJsonArray`: an error is the only element of the list.
fn decode_array(input: &[u8]) -> Value {
    let problem = match json_parse::decode(input) {
        Ok((Value::Nil, None)) => return Value::List(List::nil(Elem::Any)),
        Ok((Value::List(list), None)) => return Value::List(list),
        Ok((Value::List(_), Some(mismatch))) => mismatch.to_string(),
        Ok((other, _)) => TypeMismatch::new(json_parse::kind(&other), "[]interface {}").to_string(),
        Err(error) => error.to_string(),
    };
    Value::List(List::new(Elem::Any, vec![Value::from(problem)]))
}
