//! YAML (Helm `pkg/engine/funcs.go`): values pushed into the Go-like emitters, and read by the Go-like reader.

use std::borrow::Cow;

use super::args::{bytes, fail, fixed, text};
use super::encoding::encode_base64;
use super::json::COMPLEX;
use crate::gotmpl::{Elem, FuncDef, FuncError, List, Map, MapType, Param, Value};
use crate::yaml::go::{Emitter, KeyOrder, Numbers, parse, sort_by_key};

const ANY: &[Param] = &[Param::Any];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("toYaml", ANY, |_, args| text(encode(&args[0], KeyOrder::V2).unwrap_or_default())),
    fixed("mustToYaml", ANY, |_, args| text(encode(&args[0], KeyOrder::V2)?)),
    fixed("toYamlPretty", ANY, |_, args| match encode(&args[0], KeyOrder::V3) {
        // go-yaml panics there, while other errors come to nothing.
        Err(error) if error.message == UNSUPPORTED => Err(error),
        encoded => text(encoded.unwrap_or_default()),
    }),
    fixed("fromYaml", &[Param::Str], |_, args| Ok(decode_map(bytes(args, 0)))),
    fixed("fromYamlArray", &[Param::Str], |_, args| Ok(decode_array(bytes(args, 0)))),
];

/// The type that only `toYamlPretty` sees: `toYaml` goes by way of JSON.
const TIME: &str = "time.Time";
const UNSUPPORTED: &str = "cannot marshal type: complex128";

/// The error about a complex number.
fn unsupported(order: KeyOrder) -> FuncError {
    match order {
        KeyOrder::V2 => fail("error marshaling into JSON: json: unsupported type: complex128"),
        KeyOrder::V3 => fail(UNSUPPORTED),
    }
}

/// Deeper values are taken for cycles.
const MAX_DEPTH: usize = 1000;

/// The value as YAML of the go-yaml version whose key order is given, without the last line break.
pub(super) fn encode(value: &Value, order: KeyOrder) -> Result<Vec<u8>, FuncError> {
    let mut out = Vec::new();
    let mut emitter = match order {
        KeyOrder::V2 => Emitter::new(&mut out),
        KeyOrder::V3 => Emitter::pretty(&mut out),
    };
    write(&mut emitter, value, order, 0)?;
    emitter.finish().map_err(|error| fail(error.to_string()))?;
    if out.last() == Some(&b'\n') {
        out.pop();
    }
    Ok(out)
}

fn write(emitter: &mut Emitter<'_>, value: &Value, order: KeyOrder, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err(fail("error marshaling into JSON: json: unsupported value: encountered a cycle"));
    }
    match value {
        Value::Nil => emitter.null(),
        Value::Bool(b) => emitter.bool(*b),
        Value::Int(n) | Value::Int64(n) => emitter.int(*n),
        Value::Int32(n) => emitter.int(i64::from(*n)),
        Value::Uint8(n) => emitter.int(i64::from(*n)),
        Value::Uint64(n) => emitter.uint(*n),
        Value::Float(f) => emitter.float(*f),
        Value::Str(text) => emitter.string(text),
        Value::List(list) => return write_list(emitter, list, order, depth),
        Value::Map(map) => return write_map(emitter, map, order, depth),
        Value::Object(object) if object.kind() == COMPLEX => return Err(unsupported(order)),
        Value::Object(object) if order == KeyOrder::V3 && object.type_name() == TIME => {
            if let Value::Str(text) = object.to_plain() {
                emitter.timestamp(&text);
            }
        }
        Value::Object(object) => match object.yaml_fields().filter(|_| order == KeyOrder::V3) {
            Some(fields) => return write_fields(emitter, &fields, depth),
            None => return write(emitter, &object.to_plain(), order, depth + 1),
        },
    }
    Ok(())
}

fn write_list(
    emitter: &mut Emitter<'_>,
    list: &List,
    order: KeyOrder,
    depth: usize,
) -> Result<(), FuncError> {
    // Only `toYaml` goes by way of JSON, which writes nil as null and bytes as text.
    if order == KeyOrder::V2 && list.is_nil() {
        emitter.null();
    } else if order == KeyOrder::V2 && list.elem == Elem::Byte {
        emitter.string(encode_base64(&list.to_bytes()).as_bytes());
    } else {
        emitter.list_start();
        for item in list.iter() {
            write(emitter, item, order, depth + 1)?;
        }
        emitter.list_end();
    }
    Ok(())
}

/// A struct, which only go-yaml v3 sees: JSON has made a map of it before v2.
fn write_fields(
    emitter: &mut Emitter<'_>,
    fields: &[(String, Value)],
    depth: usize,
) -> Result<(), FuncError> {
    emitter.map_start();
    for (name, value) in fields {
        emitter.key(name.as_bytes());
        write(emitter, value, KeyOrder::V3, depth + 1)?;
    }
    emitter.map_end();
    Ok(())
}

fn write_map(emitter: &mut Emitter<'_>, map: &Map, order: KeyOrder, depth: usize) -> Result<(), FuncError> {
    if order == KeyOrder::V2 && map.is_nil() {
        emitter.null();
        return Ok(());
    }
    emitter.map_start();
    let entries = map.borrow();
    let mut sorted: Vec<(Cow<'_, str>, &[u8], &Value)> =
        entries.iter().map(|(key, value)| (key.to_text(), key.as_bytes(), value)).collect();
    sort_by_key(&mut sorted, order, |(text, ..)| text);
    for (_, key, value) in sorted {
        emitter.key(key);
        write(emitter, value, order, depth + 1)?;
    }
    emitter.map_end();
    Ok(())
}

/// JSON values as templates see them: every number is a `float64`.
fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(b) => Value::Bool(b),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => {
            Value::List(List::new(Elem::Any, items.into_iter().map(from_json).collect()))
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key.into(), from_json(value))).collect();
            Value::Map(Map::from_entries(MapType::Any, entries))
        }
    }
}

fn kind(json: &serde_json::Value) -> &'static str {
    match json {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}

fn mismatch(json: &serde_json::Value, wanted: &str) -> String {
    let found = kind(json);
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type {wanted}"
    )
}

/// `fromYaml`: the first document; an error is the entry `Error` of the map.
fn decode_map(input: &[u8]) -> Value {
    let problem = match parse(input, Numbers::Float64) {
        Ok(serde_json::Value::Null) => return Value::Map(Map::new(MapType::Any)),
        Ok(json @ serde_json::Value::Object(_)) => return from_json(json),
        Ok(other) => mismatch(&other, "map[string]interface {}"),
        Err(error) => error.to_string(),
    };
    let map = Map::new(MapType::Any);
    map.insert("Error", Value::from(problem));
    Value::Map(map)
}

/// `fromYamlArray`: the first document; an error is the only element of the list.
fn decode_array(input: &[u8]) -> Value {
    let problem = match parse(input, Numbers::Float64) {
        Ok(serde_json::Value::Null) => return Value::List(List::new(Elem::Any, Vec::new())),
        Ok(json @ serde_json::Value::Array(_)) => return from_json(json),
        Ok(other) => mismatch(&other, "[]interface {}"),
        Err(error) => error.to_string(),
    };
    Value::List(List::new(Elem::Any, vec![Value::from(problem)]))
}
