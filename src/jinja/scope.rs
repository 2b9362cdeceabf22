//! The names that a template itself has set, by nesting: template, loop, macro, with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::value::Value;

/// One level of names.
#[derive(Debug, Default)]
pub struct Scope {
    names: Mutex<HashMap<Arc<str>, Value>>,
    parent: Option<Arc<Scope>>,
}

impl Scope {
    /// The outermost level of a template.
    #[must_use]
    pub fn root() -> Arc<Scope> {
        Arc::default()
    }

    /// A level within this one.
    #[must_use]
    pub fn nested(self: &Arc<Scope>) -> Arc<Scope> {
        Arc::new(Scope { names: Mutex::default(), parent: Some(Arc::clone(self)) })
    }

    /// The value of a name, from the innermost level out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        let mut scope = Some(self);
        while let Some(level) = scope {
            if let Some(value) = level.names.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
                return Some(value.clone());
            }
            scope = level.parent.as_deref();
        }
        None
    }

    /// Sets a name on this level.
    pub fn set(&self, name: impl Into<Arc<str>>, value: Value) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), value);
    }

    /// The names of this level alone.
    #[must_use]
    pub fn own(&self) -> HashMap<Arc<str>, Value> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all names of this level, which breaks the circle of a macro that holds its own scope.
    pub fn clear(&self) {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
        drop(names);
    }
}
