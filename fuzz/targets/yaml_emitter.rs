//! The YAML emitters: any value is written so that it is read as the same.
//!
//! The bytes are spent on building a value: one for the kind of each part, and those that it consists of.

use std::sync::Arc;

use daytwo::yaml::go::Numbers;
use daytwo::yaml::python::{self, Dict, DumpOptions, Node};
use serde_json::{Map, Value};

use super::yaml_reader::written_and_read;

/// Deeper parts are scalars.
const MAX_DEPTH: usize = 12;

pub(crate) fn run(data: &[u8]) {
    let value = Bytes(data).value(0);
    written_and_read(&value, Numbers::Json);
    let python = of_python(&value);
    for allow_unicode in [false, true] {
        for default_flow_style in [Some(false), Some(true), None] {
            let options = DumpOptions { allow_unicode, default_flow_style, ..DumpOptions::default() };
            let Ok(text) = python::dump(&python, &options) else { continue };
            let again = python::load(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(same(&again.value, &python), "{:?} became {:?} by\n{text}", python, again.value);
        }
    }
}

/// Bytes that become a value.
struct Bytes<'d>(&'d [u8]);

impl<'d> Bytes<'d> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn take(&mut self, count: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        String::from_utf8_lossy(self.take(length)).into_owned()
    }

    fn bits(&mut self) -> u64 {
        self.take(8).iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    fn value(&mut self, depth: usize) -> Value {
        let kind = self.byte();
        let count = usize::from(kind >> 4);
        match kind % 16 {
            0 => Value::Null,
            1 => Value::Bool(count % 2 == 0),
            2 => self.bits().cast_signed().into(),
            3 => i64::from(self.byte().cast_signed()).into(),
            4 => float(f64::from_bits(self.bits())),
            5..=8 if depth < MAX_DEPTH => (0..count).map(|_| self.value(depth + 1)).collect(),
            9..=12 if depth < MAX_DEPTH => {
                let entries = (0..count).map(|_| (self.text(), self.value(depth + 1)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            _ => Value::String(self.text()),
        }
    }
}

/// A number as JSON readers give it: integers are told by having no fraction.
fn float(float: f64) -> Value {
    if !float.is_finite() {
        return Value::Null;
    }
    const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
    match float {
        whole if whole.fract() != 0.0 => float.into(),
        whole if whole.abs() < BEYOND_I64 => (whole as i64).into(),
        whole if whole > 0.0 && whole < 2.0 * BEYOND_I64 => (whole as u64).into(),
        large => large.into(),
    }
}

/// The same value of Python.
fn of_python(value: &Value) -> python::Value {
    match value {
        Value::Null => python::Value::None,
        Value::Bool(truth) => python::Value::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => python::Value::Int(integer),
            None => python::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => python::Value::Str(text.as_str().into()),
        Value::Array(items) => {
            python::Value::List(Arc::new(items.iter().map(|item| Node::from(of_python(item))).collect()))
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                (Node::from(python::Value::Str(key.as_str().into())), Node::from(of_python(value)))
            });
            python::Value::Dict(Arc::new(entries.collect::<Dict>()))
        }
    }
}

/// Whether two values are equal, wherever they came from.
fn same(a: &python::Value, b: &python::Value) -> bool {
    match (a, b) {
        (python::Value::List(a), python::Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(&a.value, &b.value))
        }
        (python::Value::Dict(a), python::Value::Dict(b)) => {
            let found = |(key, value): &(Node, Node)| {
                key.value
                    .as_str()
                    .and_then(|key| b.get(key))
                    .is_some_and(|found| same(&value.value, &found.value))
            };
            a.len() == b.len() && a.entries().iter().all(found)
        }
        (a, b) => a == b,
    }
}
