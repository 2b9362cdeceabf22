//! `ansible.builtin`.

mod add_host;
mod assert;
mod async_status;
mod attributes;
mod command;
mod copy;
mod debug;
mod fail;
mod file;
mod group_by;
mod include_vars;
mod pause;
mod ping;
mod pip;
mod set_fact;
mod set_stats;
mod setup;
mod slurp;
mod stat;
mod tempfile;
mod template;
mod wait_for;
mod write;

use std::sync::Arc;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(add_host::AddHost));
    registry.add(Arc::new(assert::Assert));
    registry.add(Arc::new(async_status::AsyncStatus));
    registry.add(Arc::new(command::Command));
    registry.add(Arc::new(command::Shell));
    registry.add(Arc::new(copy::Copy));
    registry.add(Arc::new(debug::Debug));
    registry.add(Arc::new(fail::Fail));
    registry.add(Arc::new(file::File));
    registry.add(Arc::new(group_by::GroupBy));
    registry.add(Arc::new(include_vars::IncludeVars));
    registry.add(Arc::new(pause::Pause));
    registry.add(Arc::new(ping::Ping));
    registry.add(Arc::new(pip::Pip));
    registry.add(Arc::new(set_fact::SetFact));
    registry.add(Arc::new(set_stats::SetStats));
    registry.add(Arc::new(setup::Setup));
    registry.add(Arc::new(slurp::Slurp));
    registry.add(Arc::new(stat::Stat));
    registry.add(Arc::new(tempfile::Tempfile));
    registry.add(Arc::new(template::Template));
    registry.add(Arc::new(wait_for::WaitFor));
}
