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
    native: Option<Str>,
    tainted: bool,
}

impl Output {
    /// Adds text that stands outside of any tag.
    pub fn text(&mut self, text: &str) {
        self.nodes += 1;
        self.text.push_str(text);
    }

    /// Adds the result of `{{ … }}`: generators are unrolled and `None` writes nothing
    /// (`_ansible_finalize`).
    ///
    /// # Errors
    /// The value is or holds a missing one.
    pub fn emit(&mut self, value: Value) -> Result<(), Error> {
        fail_on_undefined(&value, 0)?;
        self.nodes += 1;
        let value = ops::unroll(value);
        self.tainted |= value.is_unsafe();
        match &value {
            Value::None => {}
            Value::Str(text) => {
                if self.nodes == 1 && text.is_native() {
                    self.native = Some(text.clone());
                }
                self.text.push_str(text.as_str());
            }
            other => self.text.push_str(&super::repr::str(other)),
        }
        Ok(())
    }

    /// The value of the template: text, or what the text says when it looks like a literal
    /// (`ansible_eval_concat`, `ansible_concat`).
    #[must_use]
    pub fn finish(self, convert: bool) -> Value {
        if let Some(native) = self.native.filter(|_| self.nodes == 1 && convert) {
            return Value::Str(native);
        }
        let looks_literal = self.text.starts_with(['{', '[']) || self.text == "True" || self.text == "False";
        if convert
            && looks_literal
            && let Some(value) = literal::eval(&self.text)
        {
            return if self.tainted { value.into_unsafe() } else { value };
        }
        let text = Str::new(self.text);
        Value::Str(if self.tainted { text.into_unsafe() } else { text })
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
