//! Between values of the language and JSON.
//!
//! Two ways out: [`to_json`] is what a module, a status or a log receives (plain JSON, marks are lost);
//! [`Stored`] is what a run writes into its own state and reads back unchanged.

use std::sync::Arc;

use base64::Engine as _;
use num_bigint::BigInt;
use serde::ser::SerializeMap;
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
        Value::Sealed(sealed) => Json::from(sealed.ciphertext()),
        Value::Bytes(bytes) => Json::from(String::from_utf8_lossy(bytes).into_owned()),
        Value::List(list) => Json::Array(list.read().iter().map(to_json).collect()),
        Value::Tuple(items) | Value::Iterator(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Range(range) => match range.items() {
            Some(items) => Json::Array(items.iter().map(to_json).collect()),
            None => Json::from(range.to_string()),
        },
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
        StoredRef(&self.0).serialize(serializer)
    }
}

/// A value to be stored: dicts keep the order of their keys.
struct StoredRef<'a>(&'a Value);

impl Serialize for StoredRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::None => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) if number.is_finite() && number.fract() != 0.0 => {
                serializer.serialize_f64(*number)
            }
            Value::Str(text) if text.is_native() => {
                let kind = if text.is_unsafe() { "native_unsafe" } else { "native" };
                typed(serializer, kind, &text.as_str())
            }
            Value::Str(text) if text.is_unsafe() => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(UNSAFE, text.as_str())?;
                map.end()
            }
            Value::Str(text) => serializer.serialize_str(text.as_str()),
            Value::List(list) => serializer.collect_seq(list.read().iter().map(StoredRef)),
            Value::Iterator(items) => serializer.collect_seq(items.iter().map(StoredRef)),
            Value::Tuple(items) => {
                typed(serializer, "tuple", &items.iter().map(StoredRef).collect::<Vec<_>>())
            }
            Value::Dict(dict) => store_dict(&dict.read(), serializer),
            Value::BigInt(number) => typed(serializer, "int", &number.to_string()),
            Value::Float(number) => typed(serializer, "float", &repr::float(*number)),
            Value::Bytes(bytes) => {
                typed(serializer, "bytes", &base64::engine::general_purpose::STANDARD.encode(bytes))
            }
            Value::DateTime(time) => typed(serializer, "datetime", &(time.civil.to_string(), time.offset)),
            Value::Date(date) => typed(serializer, "date", &date.to_string()),
            Value::TimeDelta(micros) => typed(serializer, "timedelta", micros),
            Value::Sealed(sealed) => typed(serializer, "vault", &sealed.ciphertext()),
            Value::Undefined(why) => typed(serializer, "undefined", &why.message()),
            other => to_json(other).serialize(serializer),
        }
    }
}

fn typed<S: Serializer>(serializer: S, kind: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry(TYPED, kind)?;
    map.serialize_entry("value", value)?;
    map.end()
}

fn store_dict<S: Serializer>(entries: &Entries, serializer: S) -> Result<S::Ok, S::Error> {
    let plain = entries.keys().all(|key| matches!(key.value(), Value::Str(text) if !text.is_unsafe()))
        && !entries.contains_key(TYPED)
        && !entries.contains_key(UNSAFE);
    if plain {
        return serializer.collect_map(entries.iter().map(|(key, value)| (key.text(), StoredRef(value))));
    }
    let pairs: Vec<_> =
        entries.iter().map(|(key, value)| (StoredRef(key.value()), StoredRef(value))).collect();
    typed(serializer, "dict", &pairs)
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ordered::deserialize(deserializer).map(|ordered| Stored(restore(ordered)))
    }
}

/// JSON whose objects keep the order of their keys.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ordered {
    Null(()),
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Ordered>),
    Object(indexmap::IndexMap<String, Ordered>),
}

impl Ordered {
    fn text(&self) -> &str {
        match self {
            Ordered::Text(text) => text,
            _ => "",
        }
    }

    fn items(self) -> Vec<Ordered> {
        match self {
            Ordered::Array(items) => items,
            _ => Vec::new(),
        }
    }

    fn number(&self) -> Option<i64> {
        match self {
            Ordered::Number(number) => number.as_i64(),
            _ => None,
        }
    }
}

fn restore(json: Ordered) -> Value {
    match json {
        Ordered::Null(()) => Value::None,
        Ordered::Bool(flag) => Value::Bool(flag),
        Ordered::Number(number) => from_number(&number),
        Ordered::Text(text) => Value::from(text),
        Ordered::Array(items) => Value::list(items.into_iter().map(restore).collect()),
        Ordered::Object(mut map) => {
            if let Some(Ordered::Text(text)) = map.get(UNSAFE) {
                return Value::Str(Str::new(text.as_str()).into_unsafe());
            }
            if let Some(Ordered::Text(kind)) = map.shift_remove(TYPED) {
                return restore_typed(&kind, map.shift_remove("value").unwrap_or(Ordered::Null(())));
            }
            Value::dict(map.into_iter().map(|(key, value)| (key, restore(value))))
        }
    }
}

fn restore_typed(kind: &str, json: Ordered) -> Value {
    let text = json.text();
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
        "datetime" => restore_datetime(json.items()).unwrap_or(Value::None),
        "date" => text.parse().map_or(Value::None, Value::Date),
        "timedelta" => Value::TimeDelta(json.number().unwrap_or(0)),
        "vault" => Value::Sealed(crate::vault::Sealed::new(text)),
        "undefined" => {
            Value::Undefined(Arc::new(Undefined { hint: Some(text.to_owned()), ..Undefined::default() }))
        }
        "tuple" => Value::tuple(json.items().into_iter().map(restore).collect()),
        "dict" => {
            let mut entries = Entries::new();
            for pair in json.items() {
                let mut pair = pair.items().into_iter().map(restore);
                if let (Some(key), Some(value)) = (pair.next(), pair.next())
                    && let Ok(key) = super::value::Key::new(key)
                {
                    entries.insert(key, value);
                }
            }
            Value::Dict(super::value::Dict::new(entries))
        }
        _ => restore(json),
    }
}

fn restore_datetime(parts: Vec<Ordered>) -> Option<Value> {
    let mut parts = parts.into_iter();
    let civil = parts.next()?.text().parse().ok()?;
    let offset = parts.next()?.number().and_then(|offset| i32::try_from(offset).ok());
    Some(Value::DateTime(Timestamp { civil, offset }))
}
