//! TOML (Helm `pkg/engine/funcs.go`), written as BurntSushi/toml 1.6 does: in each table the plain keys first,
//! tables and arrays of tables behind them, indented by their depth.

use std::borrow::Cow;

use super::args::{bytes, fail, fixed, text};
use super::json::COMPLEX;
use super::time::{Time, Zone};
use super::{dates, layout, toml_parse};
use crate::gotmpl::float::float_g;
use crate::gotmpl::{FuncDef, List, Map, MapType, Param, Str, Value};

const ANY: &[Param] = &[Param::Any];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("toToml", ANY, |_, args| match encode(&args[0]) {
        Ok(out) => text(out),
        Err(Failure::Error(message)) => text(message.into_owned()),
        Err(Failure::Panic(message)) => Err(fail(message.into_owned())),
    }),
    fixed("mustToToml", ANY, |_, args| match encode(&args[0]) {
        Ok(out) => text(out),
        Err(Failure::Error(message) | Failure::Panic(message)) => Err(fail(message.into_owned())),
    }),
    fixed("fromToml", &[Param::Str], |_, args| Ok(Value::Map(decode(bytes(args, 0))))),
];

/// What keeps a value from being written.
enum Failure {
    /// The encoder returns it.
    Error(Cow<'static, str>),
    /// It is beyond what the encoder handles.
    Panic(Cow<'static, str>),
}

const NIL_ELEMENT: Failure = Failure::Error(Cow::Borrowed("toml: cannot encode array with nil element"));
const NO_KEY: Failure = Failure::Error(Cow::Borrowed("toml: top-level values must be Go maps or structs"));
const INVALID: Failure = Failure::Panic(Cow::Borrowed("reflect: call of reflect.Value.Type on zero Value"));
const TOO_DEEP: Failure = Failure::Panic(Cow::Borrowed("toml: value is nested too deeply"));

const MAX_DEPTH: usize = 500;

/// What a value is to TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Scalar,
    Array,
    Table,
    TableArray,
}

fn encode(value: &Value) -> Result<Vec<u8>, Failure> {
    if matches!(value, Value::Nil) {
        return Err(INVALID);
    }
    let mut writer = Writer { out: Vec::new(), path: Vec::new() };
    writer.entry(value, 0)?;
    Ok(writer.out)
}

/// The kind of a value; arrays are searched for nil all the way down.
fn kind(value: &Value, depth: usize) -> Result<Kind, Failure> {
    if depth > MAX_DEPTH {
        return Err(TOO_DEEP);
    }
    Ok(match value {
        Value::Nil => Kind::Nil,
        Value::Map(map) => {
            if map.is_nil() {
                Kind::Nil
            } else {
                Kind::Table
            }
        }
        Value::List(list) if list.is_nil() => Kind::Nil,
        Value::List(list) => {
            let mut all_tables = !list.is_empty();
            for item in list.iter() {
                match kind(item, depth + 1)? {
                    Kind::Nil => return Err(NIL_ELEMENT),
                    found => all_tables &= found == Kind::Table,
                }
            }
            if all_tables { Kind::TableArray } else { Kind::Array }
        }
        Value::Object(object) => match object.to_plain() {
            Value::Object(_) => Kind::Scalar,
            plain => kind(&plain, depth + 1)?,
        },
        _ => Kind::Scalar,
    })
}

struct Writer {
    out: Vec<u8>,
    /// The keys from the top to the current value.
    path: Vec<Str>,
}

impl Writer {
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + 2 * self.path.len().saturating_sub(1), b' ');
    }

    /// The value at the current path.
    fn entry(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        match (kind(value, depth)?, value) {
            (Kind::Nil, Value::List(_)) if self.path.is_empty() => self.element(value, depth),
            (Kind::Nil, _) => Ok(()),
            (Kind::Table, Value::Map(map)) => self.table(map, depth),
            (Kind::TableArray, Value::List(list)) => self.table_array(list, depth),
            (_, Value::Object(object)) => match (object.to_plain(), object.type_name().as_ref()) {
                (plain @ (Value::Map(_) | Value::List(_)), _) => self.entry(&plain, depth + 1),
                _ => self.key_value(value, depth),
            },
            _ => self.key_value(value, depth),
        }
    }

    fn key_value(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        let Some(key) = self.path.last().cloned() else { return self.element(value, depth) };
        self.indent();
        push_key(&mut self.out, &key);
        self.out.extend_from_slice(b" = ");
        self.element(value, depth)?;
        self.newline();
        Ok(())
    }

    fn header(&mut self, open: &[u8], close: &[u8]) {
        self.indent();
        self.out.extend_from_slice(open);
        for (index, key) in self.path.iter().enumerate() {
            if index > 0 {
                self.out.push(b'.');
            }
            push_key(&mut self.out, key);
        }
        self.out.extend_from_slice(close);
        self.newline();
    }

    fn table(&mut self, map: &Map, depth: usize) -> Result<(), Failure> {
        if self.path.len() == 1 {
            self.newline();
        }
        if !self.path.is_empty() {
            self.header(b"[", b"]");
        }
        self.entries(map, depth)
    }

    fn table_array(&mut self, list: &List, depth: usize) -> Result<(), Failure> {
        if self.path.is_empty() {
            return Err(NO_KEY);
        }
        for item in list.iter() {
            self.newline();
            self.header(b"[[", b"]]");
            let plain = match item {
                Value::Object(object) => object.to_plain(),
                _ => item.clone(),
            };
            if let Value::Map(map) = plain {
                self.entries(&map, depth + 1)?;
            }
        }
        Ok(())
    }

    fn entries(&mut self, map: &Map, depth: usize) -> Result<(), Failure> {
        let (plain, tables) = partition(map, depth)?;
        for (key, value) in plain.into_iter().chain(tables) {
            self.path.push(key);
            self.entry(&value, depth + 1)?;
            self.path.pop();
        }
        Ok(())
    }

    /// A value behind its `=` or in an array.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        match value {
            Value::Nil => return Err(INVALID),
            Value::Bool(b) => self.write(b),
            Value::Int(n) | Value::Int64(n) => self.write(n),
            Value::Int32(n) => self.write(n),
            Value::Uint8(n) => self.write(n),
            Value::Uint64(n) => self.write(n),
            Value::Float(f) => self.float(*f),
            Value::Str(text) => push_quoted(&mut self.out, text),
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(b']');
            }
            Value::Map(map) => self.inline_table(map, depth)?,
            Value::Object(object) if object.kind() == COMPLEX => return Err(self.unsupported(COMPLEX)),
            Value::Object(object) => match (object.type_name().as_ref(), object.to_plain()) {
                ("time.Time", Value::Str(written)) => {
                    let local = dates::as_time(value).and_then(written_locally);
                    self.out.extend_from_slice(local.as_deref().unwrap_or(&written));
                }
                ("time.Duration", _) => push_quoted(&mut self.out, object.display().as_bytes()),
                (_, plain) => self.element(&plain, depth + 1)?,
            },
        }
        Ok(())
    }

    /// A table in an array; a comma follows every entry but the last, also if that is nil and left out.
    fn inline_table(&mut self, map: &Map, depth: usize) -> Result<(), Failure> {
        let (plain, tables) = partition(map, depth)?;
        self.out.push(b'{');
        let last = plain.len() + tables.len();
        for (index, (key, value)) in plain.into_iter().chain(tables).enumerate() {
            if kind(&value, depth)? == Kind::Nil {
                continue;
            }
            push_key(&mut self.out, &key);
            self.out.extend_from_slice(b" = ");
            self.element(&value, depth + 1)?;
            if index + 1 != last {
                self.out.extend_from_slice(b", ");
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn unsupported(&self, kind: &str) -> Failure {
        let key: Vec<_> = self.path.iter().map(|part| part.to_text()).collect();
        Failure::Error(format!("unsupported type for key '{}': {kind}", key.join(".")).into())
    }

    fn write(&mut self, value: impl std::fmt::Display) {
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    fn float(&mut self, float: f64) {
        if !float.is_finite() {
            let sign = if float.is_sign_negative() { "-" } else { "" };
            return self.write(format_args!("{sign}{}", if float.is_nan() { "nan" } else { "inf" }));
        }
        let written = float_g(float);
        let point = if written.contains(['e', '.']) { "" } else { ".0" };
        self.write(format_args!("{written}{point}"));
    }
}

/// A time that was read without an offset, or without a date, as it was read.
fn written_locally(time: &Time) -> Option<Vec<u8>> {
    let layout: &[u8] = match time.zone.name() {
        toml_parse::LOCAL_DATETIME => b"2006-01-02T15:04:05.999999999",
        toml_parse::LOCAL_DATE => b"2006-01-02",
        toml_parse::LOCAL_TIME => b"15:04:05.999999999",
        _ => return None,
    };
    Some(layout::format(&time.in_zone(Zone::Utc), layout))
}

/// Entries in the order of their keys.
type Entries = Vec<(Str, Value)>;

/// The entries that are not tables, and those that are.
fn partition(map: &Map, depth: usize) -> Result<(Entries, Entries), Failure> {
    let (mut plain, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in map.snapshot() {
        match kind(&value, depth)? {
            Kind::Table | Kind::TableArray => tables.push((key, value)),
            _ => plain.push((key, value)),
        }
    }
    Ok((plain, tables))
}

/// A key, quoted unless it is bare.
fn push_key(out: &mut Vec<u8>, key: &[u8]) {
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(is_bare) {
        out.extend_from_slice(key);
    } else {
        push_quoted(out, key);
    }
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

/// `fromToml`: an error is the entry `Error` of the map.
fn decode(input: &[u8]) -> Map {
    toml_parse::parse(input).unwrap_or_else(|error| {
        let map = Map::new(MapType::Any);
        map.insert("Error", Value::from(error.to_string()));
        map
    })
}
