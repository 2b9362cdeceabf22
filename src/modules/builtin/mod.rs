//! `ansible.builtin`.

mod assert;
mod command;
mod debug;
mod fail;
mod include_vars;
mod pause;
mod ping;
mod set_fact;
mod set_stats;

use std::sync::Arc;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(assert::Assert));
    registry.add(Arc::new(command::Command));
    registry.add(Arc::new(command::Shell));
    registry.add(Arc::new(debug::Debug));
    registry.add(Arc::new(fail::Fail));
    registry.add(Arc::new(include_vars::IncludeVars));
    registry.add(Arc::new(pause::Pause));
    registry.add(Arc::new(ping::Ping));
    registry.add(Arc::new(set_fact::SetFact));
    registry.add(Arc::new(set_stats::SetStats));
}
