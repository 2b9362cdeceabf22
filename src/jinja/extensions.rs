//! Handles that lookups and modules need and that the engine does not know: found by their type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Shared handles by type, such as the client of a cluster or the owner of what a run creates.
#[derive(Clone, Default)]
pub struct Extensions(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Extensions {
    /// Adds a handle; one of the same type is replaced.
    pub fn insert<T: Any + Send + Sync>(&mut self, handle: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), handle);
    }

    /// The handle of this type.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).cloned().and_then(|handle| handle.downcast().ok())
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}
