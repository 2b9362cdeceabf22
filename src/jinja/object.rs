//! Values that are more than data: functions, macros, namespaces, `loop`, `hostvars`.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, RwLock};

use super::error::Error;
use super::eval::Interpreter;
use super::value::{Entries, Value};

/// Arguments of a call: by position and by name.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// By position.
    pub positional: Vec<Value>,
    /// By name, in the order of the call.
    pub named: Vec<(String, Value)>,
}

impl Args {
    /// Takes the argument with this position or this name.
    ///
    /// # Errors
    /// The argument is given twice.
    pub fn get(&mut self, position: usize, name: &str) -> Result<Option<Value>, Error> {
        let named = self.named.iter().position(|(given, _)| given == name).map(|i| self.named.remove(i).1);
        match (self.positional.get(position).cloned(), named) {
            (Some(_), Some(_)) => {
                Err(Error::type_error(format!("got multiple values for argument '{name}'")))
            }
            (positional, named) => Ok(positional.or(named)),
        }
    }
}

/// A value that is more than data.
pub trait Object: Any + fmt::Debug + Send + Sync {
    /// Python's name of the type.
    fn type_name(&self) -> &'static str;

    /// The attribute or item, or none when it is missing.
    ///
    /// # Errors
    /// Whatever computing the attribute raises.
    fn attribute(&self, name: &Value, interpreter: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let _ = (name, interpreter);
        Ok(None)
    }

    /// Whether a template that reads something unsafe from the object gives something unsafe.
    fn taints(&self) -> bool {
        true
    }

    /// Sets an attribute (`{% set ns.x = 1 %}`); false when the object has none to set.
    fn set_attribute(&self, name: &str, value: Value) -> bool {
        let _ = (name, value);
        false
    }

    /// Calls the object.
    ///
    /// # Errors
    /// Whatever the call raises; objects that are not callable raise Python's `TypeError`.
    fn call(&self, args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        let _ = (args, interpreter);
        Err(Error::type_error(format!("'{}' object is not callable", self.type_name())))
    }

    /// The keys, for an object that behaves as a mapping.
    fn keys(&self) -> Option<Vec<Value>> {
        None
    }

    /// The items, for an object that behaves as a tuple.
    fn items(&self) -> Option<&[Value]> {
        None
    }

    /// Whether the object can be called.
    fn callable(&self) -> bool {
        false
    }

    /// What `str()` writes.
    fn text(&self) -> String {
        format!("<{} object>", self.type_name())
    }

    /// What `repr()` writes.
    fn repr(&self) -> String {
        self.text()
    }
}

/// `namespace(a=1)`: attributes that a nested scope may set; also the module that `{% import %}` gives.
#[derive(Debug, Default)]
pub struct Namespace {
    entries: RwLock<Entries>,
    module: bool,
}

impl Namespace {
    /// A namespace of these attributes.
    #[must_use]
    pub fn new(entries: Entries) -> Arc<Self> {
        Arc::new(Namespace { entries: RwLock::new(entries), module: false })
    }

    /// The module of an imported template.
    #[must_use]
    pub fn module(entries: Entries) -> Arc<Self> {
        Arc::new(Namespace { entries: RwLock::new(entries), module: true })
    }
}

impl Object for Namespace {
    fn type_name(&self) -> &'static str {
        if self.module { "TemplateModule" } else { "Namespace" }
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let entries = self.entries.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(name.as_str().and_then(|name| entries.get(name).cloned()))
    }

    fn set_attribute(&self, name: &str, value: Value) -> bool {
        if !self.module {
            self.entries
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .insert(name.into(), value);
        }
        !self.module
    }

    fn text(&self) -> String {
        let entries = self.entries.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        format!("<Namespace {}>", Value::Dict(super::value::Dict::new(entries)))
    }
}

/// A global function of the language.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub call: fn(Args, &mut Interpreter<'_>) -> Result<Value, Error>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn type_name(&self) -> &'static str {
        "function"
    }

    fn call(&self, args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        (self.call)(args, interpreter)
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<function {}>", self.name)
    }
}
