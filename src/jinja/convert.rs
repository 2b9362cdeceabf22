//! Between values of the language and JSON.
//!
//! Two ways out: [`to_json`] is what a module, a status or a log receives (plain JSON, marks are lost);
//! [`Stored`] is what a run writes into its own state and reads back unchanged.

use std::sync::Arc;

use base64::Engine as _;
use num_bigint::BigInt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value as Json};

use super::repr;
use super::value::{Entries, Str, Timestamp, Undefined, Value};

/// A value of JSON as a value of the language.
#[must_use]
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => from_number(&number),
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::list(items.into_iter().map(from_json).collect()),
        Json::Object(map) => Value::dict(map.into_iter().map(|(key, value)| (key, from_json(value)))),
    }
}

fn from_number(number: &Number) -> Value {
    if let Some(small) = number.as_i64() {
        Value::Int(small)
    } else if let Some(big) = number.as_u64() {
        Value::from(BigInt::from(big))
    } else {
        Value::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

/// The value as plain JSON: keys become text, dates ISO text, whatever JSON lacks its `str()`.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::BigInt(number) => {
            u64::try_from(number.as_ref()).map_or_else(|_| Json::from(number.to_string()), Json::from)
        }
        Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(String::from_utf8_lossy(bytes).into_owned()),
        Value::List(list) => Json::Array(list.read().iter().map(to_json).collect()),
        Value::Tuple(items) | Value::Iterator(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Range(range) => Json::Array(range.iter().map(|item| to_json(&item)).collect()),
        Value::View(view) => Json::Array(view.items().iter().map(to_json).collect()),
        Value::Dict(dict) => Json::Object(
            dict.read()
                .iter()
                .map(|(key, value)| (key_text(key.value()), to_json(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::DateTime(time) => Json::from(repr::timestamp(time, 'T')),
        other => Json::from(repr::str(other)),
    }
}

/// A key of a dict as `json.dumps` writes it.
#[must_use]
pub fn key_text(key: &Value) -> String {
    match key {
        Value::None => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        other => other.to_string(),
    }
}

/// A value inside the state of a run: everything is kept, marks and types included.
#[derive(Debug, Clone)]
pub struct Stored(pub Value);

/// The keys under which [`Stored`] writes what JSON lacks; the first is Ansible's own.
const UNSAFE: &str = "__ansible_unsafe";
const TYPED: &str = "__daytwo_type";

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        store(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Stored(restore(json)))
    }
}

fn typed(kind: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(TYPED.to_owned(), Json::from(kind)), ("value".to_owned(), value)]))
}

fn store(value: &Value) -> Json {
    match value {
        Value::Str(text) if text.is_native() => {
            typed(if text.is_unsafe() { "native_unsafe" } else { "native" }, Json::from(text.as_str()))
        }
        Value::Str(text) if text.is_unsafe() => {
            Json::Object(Map::from_iter([(UNSAFE.to_owned(), Json::from(text.as_str()))]))
        }
        Value::List(list) => Json::Array(list.read().iter().map(store).collect()),
        Value::Tuple(items) => typed("tuple", Json::Array(items.iter().map(store).collect())),
        Value::Iterator(items) => Json::Array(items.iter().map(store).collect()),
        Value::Dict(dict) => store_dict(&dict.read()),
        Value::BigInt(number) => typed("int", Json::from(number.to_string())),
        Value::Float(number) if !number.is_finite() => typed("float", Json::from(repr::float(*number))),
        Value::Float(number) if number.fract() == 0.0 => typed("float", Json::from(repr::float(*number))),
        Value::Bytes(bytes) => {
            typed("bytes", Json::from(base64::engine::general_purpose::STANDARD.encode(bytes)))
        }
        Value::DateTime(time) => {
            typed("datetime", Json::Array(vec![Json::from(time.civil.to_string()), Json::from(time.offset)]))
        }
        Value::Date(date) => typed("date", Json::from(date.to_string())),
        Value::TimeDelta(micros) => typed("timedelta", Json::from(*micros)),
        Value::Undefined(why) => typed("undefined", Json::from(why.message())),
        other => to_json(other),
    }
}

fn store_dict(entries: &Entries) -> Json {
    let plain = entries.keys().all(|key| matches!(key.value(), Value::Str(text) if !text.is_unsafe()))
        && !entries.contains_key(TYPED)
        && !entries.contains_key(UNSAFE);
    if plain {
        let pairs = entries.iter().map(|(key, value)| (key.text().into_owned(), store(value)));
        return Json::Object(pairs.collect());
    }
    let pairs = entries.iter().map(|(key, value)| Json::Array(vec![store(key.value()), store(value)]));
    typed("dict", Json::Array(pairs.collect()))
}

fn restore(json: Json) -> Value {
    match json {
        Json::Array(items) => Value::list(items.into_iter().map(restore).collect()),
        Json::Object(mut map) => {
            if let Some(Json::String(text)) = map.get(UNSAFE) {
                return Value::Str(Str::new(text.as_str()).into_unsafe());
            }
            if let Some(Json::String(kind)) = map.remove(TYPED) {
                return restore_typed(&kind, map.remove("value").unwrap_or_default());
            }
            Value::dict(map.into_iter().map(|(key, value)| (key, restore(value))))
        }
        other => from_json(other),
    }
}

fn restore_typed(kind: &str, json: Json) -> Value {
    let text = json.as_str().unwrap_or_default();
    match kind {
        "native" => Value::Str(Str::new(text).into_native()),
        "native_unsafe" => Value::Str(Str::new(text).into_native().into_unsafe()),
        "int" => text.parse::<BigInt>().map_or(Value::None, Value::from),
        "float" => Value::Float(match text {
            "nan" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            text => text.parse().unwrap_or(f64::NAN),
        }),
        "bytes" => base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_or(Value::None, |bytes| Value::Bytes(bytes.into())),
        "datetime" => restore_datetime(&json).unwrap_or(Value::None),
        "date" => text.parse().map_or(Value::None, Value::Date),
        "timedelta" => Value::TimeDelta(json.as_i64().unwrap_or(0)),
        "undefined" => {
            Value::Undefined(Arc::new(Undefined { hint: Some(text.to_owned()), ..Undefined::default() }))
        }
        "tuple" => Value::tuple(array(json).into_iter().map(restore).collect()),
        "dict" => {
            let mut entries = Entries::new();
            for pair in array(json) {
                let mut pair = array(pair).into_iter().map(restore);
                if let (Some(key), Some(value)) = (pair.next(), pair.next())
                    && let Ok(key) = super::value::Key::new(key)
                {
                    entries.insert(key, value);
                }
            }
            Value::Dict(super::value::Dict::new(entries))
        }
        _ => from_json(json),
    }
}

fn array(json: Json) -> Vec<Json> {
    match json {
        Json::Array(items) => items,
        _ => Vec::new(),
    }
}

fn restore_datetime(json: &Json) -> Option<Value> {
    let civil = json.get(0)?.as_str()?.parse().ok()?;
    let offset = json.get(1)?.as_i64().and_then(|offset| i32::try_from(offset).ok());
    Some(Value::DateTime(Timestamp { civil, offset }))
}
