//! What a template writes, and how Ansible turns it into a value (`native_helpers.py`).

use super::error::Error;
use super::literal;
use super::ops;
use super::value::{Str, Value};

/// The nodes that a template wrote, joined as they come.
#[derive(Debug, Default)]
pub struct Output {
    text: String,
    nodes: usize,
    first: Option<Value>,
    tainted: bool,
}

impl Output {
    /// Adds text that stands outside of any tag.
    pub fn text(&mut self, text: &str) {
        self.nodes += 1;
        self.text.push_str(text);
    }

    /// Adds the result of `{{ … }}`: generators are unrolled, and unless values are `native`, `None` writes
    /// nothing (`_ansible_finalize`).
    ///
    /// # Errors
    /// The value is or holds a missing one.
    pub fn emit(&mut self, value: Value, native: bool) -> Result<(), Error> {
        fail_on_undefined(&value, 0)?;
        self.nodes += 1;
        let value = ops::unroll(value);
        self.tainted |= value.is_unsafe();
        match &value {
            Value::None if !native => {}
            Value::Str(text) => self.text.push_str(text.as_str()),
            Value::Bytes(bytes) => self.text.push_str(&String::from_utf8_lossy(bytes)),
            other => self.text.push_str(&super::repr::str(other)),
        }
        if self.nodes == 1 {
            self.first = Some(value);
        }
        Ok(())
    }

    /// The value of the template.
    #[must_use]
    pub fn finish(mut self, convert: bool, native: bool) -> Value {
        let only = self.first.take().filter(|_| self.nodes == 1);
        if native { self.native(only) } else { self.converted(only, convert) }
    }

    /// Text, or what the text says when it looks like a literal (`ansible_eval_concat`, `ansible_concat`).
    fn converted(self, only: Option<Value>, convert: bool) -> Value {
        if let Some(Value::Str(text)) = only.filter(|_| convert)
            && text.is_native()
        {
            return Value::Str(text);
        }
        let looks_literal = self.text.starts_with(['{', '[']) || self.text == "True" || self.text == "False";
        let value = if convert && looks_literal { literal::eval(&self.text) } else { None };
        let value = value.unwrap_or_else(|| Value::Str(Str::new(self.text)));
        if self.tainted { value.into_unsafe() } else { value }
    }

    /// The value of the only node, or what all nodes say as a literal (`ansible_native_concat`).
    fn native(self, only: Option<Value>) -> Value {
        match only {
            None if self.nodes == 0 => return Value::None,
            Some(Value::Str(text)) if text.is_vaulted() => return Value::from(text.as_str()),
            Some(Value::Str(text)) if text.is_native() => return Value::Str(text),
            Some(Value::Str(_)) | None => {}
            Some(other) => return other,
        }
        let value = match literal::eval_python(&self.text) {
            Some(Value::Str(inner)) => {
                let quote = self.text.chars().next().unwrap_or('\'');
                Value::from(format!("{quote}{}{quote}", inner.as_str()))
            }
            Some(value) => value,
            None => Value::from(self.text),
        };
        if self.tainted { value.into_unsafe() } else { value }
    }
}

fn fail_on_undefined(value: &Value, depth: usize) -> Result<(), Error> {
    if depth > 200 {
        return Ok(());
    }
    match value {
        Value::Undefined(_) => ops::defined(value),
        Value::List(list) => list.read().iter().try_for_each(|item| fail_on_undefined(item, depth + 1)),
        Value::Tuple(items) => items.iter().try_for_each(|item| fail_on_undefined(item, depth + 1)),
        Value::Dict(dict) => dict.read().values().try_for_each(|item| fail_on_undefined(item, depth + 1)),
        _ => Ok(()),
    }
}
