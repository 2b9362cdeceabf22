//! Go structs as templates see them: named fields, few methods, nothing else.

use std::borrow::Cow;
use std::rc::Rc;

use crate::gotmpl::{Elem, FuncError, List, Map, MapType, Object, Signature, Value, fmt};

/// A method of a record, without parameters.
pub(super) type Method = (&'static str, fn(&Record) -> Value);

/// A value of a Go struct type, or a pointer to one.
#[derive(Debug)]
pub(super) struct Record {
    /// What `%T` prints.
    pub(super) type_name: &'static str,
    /// The fields in Go's order.
    pub(super) fields: Vec<Field>,
    /// The methods.
    pub(super) methods: &'static [Method],
}

/// A field of a [`Record`].
#[derive(Debug)]
pub(super) struct Field {
    /// Go's name; unexported ones (lower case) only show when the record is printed.
    pub(super) name: &'static str,
    /// The name in JSON.
    pub(super) json: &'static str,
    /// Whether JSON leaves it out when it is empty.
    pub(super) omit_empty: bool,
    /// The value.
    pub(super) value: Value,
}

impl Field {
    /// A field that JSON always shows under Go's name.
    pub(super) fn new(name: &'static str, value: Value) -> Self {
        Self { name, json: name, omit_empty: false, value }
    }

    /// A field with a JSON name, left out when it is empty.
    pub(super) fn tagged(name: &'static str, json: &'static str, value: Value) -> Self {
        Self { name, json, omit_empty: true, value }
    }

    fn is_exported(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_uppercase())
    }
}

impl Record {
    /// The record as a value.
    pub(super) fn into_value(self) -> Value {
        Value::Object(Rc::new(self))
    }
}

impl Object for Record {
    fn type_name(&self) -> Cow<'_, str> {
        self.type_name.into()
    }

    fn kind(&self) -> &'static str {
        if self.type_name.starts_with('*') { "ptr" } else { "struct" }
    }

    fn display(&self) -> Cow<'_, str> {
        let values: Vec<String> = self
            .fields
            .iter()
            .map(|field| String::from_utf8_lossy(&fmt::sprint(&field.value)).into_owned())
            .collect();
        let pointer = if self.type_name.starts_with('*') { "&" } else { "" };
        format!("{pointer}{{{}}}", values.join(" ")).into()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields
            .iter()
            .find(|field| field.name == name && field.is_exported())
            .map(|field| field.value.clone())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        self.methods.iter().find(|(of, _)| *of == name).map(|_| Signature { params: &[], variadic: None })
    }

    fn call(&self, name: &str, _: &[Value]) -> Option<Result<Value, FuncError>> {
        self.methods.iter().find(|(of, _)| *of == name).map(|(_, method)| Ok(method(self)))
    }

    fn print(&self) -> Cow<'_, str> {
        match self.methods.iter().find(|(name, _)| *name == "String") {
            Some((_, method)) => String::from_utf8_lossy(&fmt::sprint(&method(self))).into_owned().into(),
            None => self.display(),
        }
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let shown = |field: &&Field| field.is_exported() && !(field.omit_empty && is_empty(&field.value));
        Some(self.fields.iter().filter(shown).map(|field| (field.json, field.value.clone())).collect())
    }

    fn yaml_fields(&self) -> Option<Vec<(String, Value)>> {
        let shown = self.fields.iter().filter(|field| field.is_exported());
        Some(shown.map(|field| (field.name.to_lowercase(), field.value.clone())).collect())
    }

    fn to_plain(&self) -> Value {
        let plain = Map::new(MapType::Any);
        for (name, value) in self.json_fields().unwrap_or_default() {
            plain.insert(name, to_plain(&value));
        }
        Value::Map(plain)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn to_plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.to_plain(),
        Value::List(items) if items.elem == Elem::Any => {
            Value::List(List::new(Elem::Any, items.iter().map(to_plain).collect()))
        }
        other => other.clone(),
    }
}

/// Whether `encoding/json` takes the value for empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(false) => true,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
