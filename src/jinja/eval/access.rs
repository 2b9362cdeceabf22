//! Attributes and items of values (`Environment.getattr`, `Environment.getitem`).

use std::sync::Arc;

use super::Interpreter;
use crate::jinja::error::Error;
use crate::jinja::value::{Key, Undefined, Value};
use crate::jinja::{methods, ops};

impl Interpreter<'_> {
    /// `object.name`: a method or attribute first, an entry of a dict then.
    ///
    /// # Errors
    /// Whatever computing the attribute raises.
    pub fn attribute(&mut self, object: &Value, name: &str) -> Result<Value, Error> {
        if object.is_strict_undefined() {
            return Ok(object.clone());
        }
        if methods::has(object, name) {
            return Ok(methods::bound(object, name));
        }
        if let Some(value) = methods::property(object, name) {
            return Ok(value);
        }
        if object.is_undefined() {
            return Err(ops::undefined_error(object));
        }
        match self.entry(object, &Value::from(name))? {
            Some(value) => Ok(value),
            None => Ok(missing(object, &Value::from(name))),
        }
    }

    /// `object[key]`: an entry first, an attribute of that name then.
    ///
    /// # Errors
    /// Whatever computing the item raises.
    pub fn item(&mut self, object: &Value, key: &Value) -> Result<Value, Error> {
        if object.is_strict_undefined() {
            return Ok(object.clone());
        }
        if object.is_undefined() {
            return Err(ops::undefined_error(object));
        }
        let is_mapping = match object {
            Value::Dict(_) => true,
            Value::Object(object) => object.keys().is_some(),
            _ => false,
        };
        if is_mapping {
            ops::defined(key)?;
        }
        if let Some(value) = self.entry(object, key)? {
            return Ok(value);
        }
        if let Some(name) = key.as_str() {
            if methods::has(object, name) {
                return Ok(methods::bound(object, name));
            }
            if let Some(value) = methods::property(object, name) {
                return Ok(value);
            }
        }
        Ok(missing(object, key))
    }

    fn entry(&mut self, object: &Value, key: &Value) -> Result<Option<Value>, Error> {
        let pick = |items: &[Value]| {
            let index = key.as_int()?;
            let len = i64::try_from(items.len()).ok()?;
            let index = if index < 0 { index + len } else { index };
            usize::try_from(index).ok().and_then(|index| items.get(index).cloned())
        };
        Ok(match object {
            Value::Dict(dict) => Key::new(key.clone()).ok().and_then(|key| dict.read().get(&key).cloned()),
            Value::List(list) => pick(&list.read()),
            Value::Tuple(items) => pick(items),
            Value::Range(range) => key.as_int().and_then(|index| range.get(index)),
            Value::Str(text) => key.as_int().and_then(|index| character(text.as_str(), index)).map(|c| {
                let c = crate::jinja::value::Str::new(c.to_string());
                Value::Str(if text.is_unsafe() { c.into_unsafe() } else { c })
            }),
            Value::Object(object) => {
                let value = object.attribute(key, self)?;
                if let Some(value) = &value {
                    self.tainted = self.tainted || object.taints() && value.is_unsafe();
                }
                value
            }
            _ => None,
        })
    }
}

fn character(text: &str, index: i64) -> Option<char> {
    match usize::try_from(index) {
        Ok(index) => text.chars().nth(index),
        Err(_) => text.chars().rev().nth(usize::try_from(-(index + 1)).ok()?),
    }
}

/// The missing attribute or item of an object (`Undefined(obj=…, name=…)`).
fn missing(object: &Value, key: &Value) -> Value {
    Value::Undefined(Arc::new(Undefined {
        name: Some(key.clone()),
        object: Some(object.clone()),
        ..Undefined::default()
    }))
}
