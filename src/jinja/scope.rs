//! The names that a template itself has set, by nesting: template, loop, macro, with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::value::Value;

/// One level of names.
#[derive(Debug, Default)]
pub struct Scope {
    names: Mutex<HashMap<Arc<str>, Value>>,
    /// Variables that were looked up on this level.
    found: Mutex<HashMap<Arc<str>, Value>>,
    parent: Option<Arc<Scope>>,
    isolated: bool,
}

/// What a scope knows of a name.
pub struct Found {
    /// The value, if a level has it.
    pub value: Option<Value>,
    /// Whether the variables around the template are out of reach (`import` without context).
    pub isolated: bool,
}

impl Scope {
    /// The outermost level of a template.
    #[must_use]
    pub fn root() -> Arc<Scope> {
        Arc::default()
    }

    /// The outermost level of a template that does not see the variables around it.
    #[must_use]
    pub fn isolated() -> Arc<Scope> {
        Arc::new(Scope { isolated: true, ..Scope::default() })
    }

    /// A level within this one.
    #[must_use]
    pub fn nested(self: &Arc<Scope>) -> Arc<Scope> {
        Arc::new(Scope { parent: Some(Arc::clone(self)), ..Scope::default() })
    }

    /// The value of a name, from the innermost level out.
    #[must_use]
    pub fn get(&self, name: &str) -> Found {
        let mut scope = Some(self);
        let mut isolated = false;
        while let Some(level) = scope {
            for known in [&level.names, &level.found] {
                if let Some(value) = known.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
                    return Found { value: Some(value.clone()), isolated };
                }
            }
            isolated = level.isolated;
            scope = level.parent.as_deref();
        }
        Found { value: None, isolated }
    }

    /// Sets a name on this level.
    pub fn set(&self, name: impl Into<Arc<str>>, value: Value) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), value);
    }

    /// Notes what a variable gave, so that this level and those within it see the same.
    pub fn keep(&self, name: &Arc<str>, value: Value) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(name), value);
    }

    /// The names of this level alone.
    #[must_use]
    pub fn own(&self) -> HashMap<Arc<str>, Value> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all names of this level, which breaks the circle of a macro that holds its own scope.
    pub fn clear(&self) {
        for known in [&self.names, &self.found] {
            let names = std::mem::take(&mut *known.lock().unwrap_or_else(PoisonError::into_inner));
            drop(names);
        }
    }
}
