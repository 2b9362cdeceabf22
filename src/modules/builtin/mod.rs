//! `ansible.builtin`.

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(_: &mut Registry) {}
