//! YAML into types, as sigs.k8s.io/yaml and `encoding/json` fill them.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value};

use super::decode::{Decoder, Error, Numbers};
use super::float;
use crate::yaml::{Dialect, Document, Kind, Limits, Mark, Node, Source};

/// Reads the first document of a text into a type.
///
/// As in Go, the names of a struct's fields match in any case, unknown fields are ignored, a null leaves a field as
/// it is by default (`#[serde(default)]`), and numbers and booleans become text where text is wanted.
/// (Structs with `#[serde(flatten)]` are maps for serde: their fields match exactly.)
///
/// # Errors
/// As [`super::parse`], and values that are not of the type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let source = Source::new(bytes);
    match source.documents(Dialect::Go, Limits::default()).next() {
        Some(document) => from_document(&document?),
        None => T::deserialize(Typed(&Value::Null)).map_err(|mismatch| mismatch.located(None)),
    }
}

/// Reads a document into a type, as [`from_slice`].
///
/// # Errors
/// As [`from_slice`].
pub fn from_document<T: DeserializeOwned>(document: &Document<'_>) -> Result<T, Error> {
    let value = Decoder::new(Numbers::Yaml).decode(document)?;
    T::deserialize(Typed(&value)).map_err(|mismatch| mismatch.located(Some(document.root())))
}

/// A value that is not of the type, and the way to it from the inside out.
#[derive(Debug)]
struct Mismatch {
    problem: String,
    path: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

impl Mismatch {
    fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    fn located(self, root: Option<Node<'_>>) -> Error {
        let path = self.path.iter().rev().map(Step::to_string).collect();
        Error::Type { problem: self.problem, path, mark: root.map(|root| find(root, &self.path)) }
    }
}

/// The place of a value, or of the innermost collection around it that is written out.
fn find(root: Node<'_>, path: &[Step]) -> Mark {
    let mut node = root;
    for step in path.iter().rev() {
        let inner = match (step, node.dereferenced().kind()) {
            (Step::Key(key), Kind::Mapping) => node.get(key),
            (Step::Item(number), Kind::Sequence) => node.dereferenced().items().nth(*number),
            _ => None,
        };
        let Some(inner) = inner else { break };
        node = inner;
    }
    node.mark()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, ".{key}"),
            Self::Item(number) => write!(f, "[{number}]"),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { problem: message.to_string(), path: Vec::new() }
    }
}

/// A value that becomes a type.
#[derive(Clone, Copy)]
struct Typed<'v>(&'v Value);

impl<'de> Typed<'de> {
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.as_f64() {
            // JSON's text of a float may be an integer's text.
            Some(float) if self.0.is_f64() && float.fract() == 0.0 && float.abs() < 9e18 => {
                visitor.visit_i64(float as i64)
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

macro_rules! deserialize_integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.integer(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Typed<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => visitor.visit_i64(int),
                (None, Some(uint)) => visitor.visit_u64(uint),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), number: 0 }),
            Value::Object(map) => visitor
                .visit_map(Entries::new(map.iter().map(|(k, v)| (k.as_str(), k.as_str(), v)).collect())),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Bool(value) => visitor.visit_string(value.to_string()),
            Value::Number(number) => visitor.visit_string(number_text(number)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Object(map) => visitor.visit_map(Entries::new(matched(map, fields))),
            // A struct that is null stays as it is by default.
            Value::Null => visitor.visit_map(Entries::new(Vec::new())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.0.deserialize_enum(name, variants, visitor).map_err(de::Error::custom)
    }

    deserialize_integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The text of a number that becomes a string: floats in single precision.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float::format_shortest_32(float),
        _ => number.to_string(),
    }
}

/// The field that an entry fills, the key as written, and the value.
type Entry<'v> = (&'v str, &'v str, &'v Value);

/// The entries that fill fields; a later one replaces an earlier one of the same field.
fn matched<'v>(map: &'v Map<String, Value>, fields: &'static [&'static str]) -> Vec<Entry<'v>> {
    let mut entries: Vec<Entry<'v>> = Vec::with_capacity(map.len());
    for (key, value) in map {
        let exact = fields.iter().find(|field| *field == key);
        let folded = || fields.iter().find(|field| field.to_lowercase() == key.to_lowercase());
        let Some(field) = exact.or_else(folded).filter(|_| !value.is_null()) else { continue };
        entries.retain(|(other, _, _)| other != field);
        entries.push((field, key, value));
    }
    entries
}

struct Items<'v> {
    items: std::slice::Iter<'v, Value>,
    number: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let number = self.number;
        self.number += 1;
        seed.deserialize(Typed(item)).map(Some).map_err(|mismatch| mismatch.within(Step::Item(number)))
    }
}

struct Entries<'v> {
    entries: std::vec::IntoIter<Entry<'v>>,
    value: Option<(&'v str, &'v Value)>,
}

impl<'v> Entries<'v> {
    fn new(entries: Vec<Entry<'v>>) -> Self {
        Self { entries: entries.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((field, key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some((key, value));
        let name: StrDeserializer<'_, Mismatch> = field.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let (key, value) = self.value.take().ok_or_else(|| de::Error::custom("a value without its key"))?;
        seed.deserialize(Typed(value)).map_err(|mismatch| mismatch.within(Step::Key(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, rename_all = "camelCase")]
    struct Metadata {
        name: String,
        app_version: String,
        keywords: Vec<String>,
        annotations: BTreeMap<String, String>,
        deprecated: bool,
        weight: i32,
        parent: Option<Box<Metadata>>,
    }

    #[test]
    fn go_fills_structs_leniently() {
        let metadata: Metadata = from_slice(
            b"Name: x\nAPPVERSION: 1.10\nkeywords: [1, yes, 1234567, 1234567.0]\nannotations: {a: 1, b: on}\n\
              deprecated: null\nweight: 2.0\nunknown: {}\nparent: {name: ~}\n",
        )
        .unwrap();
        let expected = Metadata {
            name: "x".to_owned(),
            app_version: "1.1".to_owned(),
            keywords: ["1", "true", "1234567", "1.234567e+06"].map(str::to_owned).to_vec(),
            annotations: [("a", "1"), ("b", "true")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            deprecated: false,
            weight: 2,
            parent: Some(Box::default()),
        };
        assert_eq!(metadata, expected);
        assert_eq!(from_slice::<Metadata>(b"").unwrap(), Metadata::default());
    }

    #[test]
    fn mismatches_have_places() {
        let error =
            from_slice::<Metadata>(b"name: x\nparent:\n  parent:\n    keywords: [a, {}]\n").unwrap_err();
        let Error::Type { path, .. } = &error else { panic!("{error}") };
        assert_eq!(path, ".parent.parent.keywords[1]");
        assert_eq!(error.mark().map(|mark| (mark.line, mark.column)), Some((4, 19)));
        assert!(
            error.to_string().starts_with("error unmarshaling JSON: while decoding JSON: invalid type: map")
        );
    }
}
