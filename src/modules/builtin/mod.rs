//! `ansible.builtin`.

mod add_host;
mod archive;
mod assemble;
mod assert;
mod async_status;
mod attributes;
mod blockinfile;
mod checksum;
mod command;
mod copy;
mod debug;
mod edit;
mod encoding;
mod facts;
mod fail;
mod fetch;
mod file;
mod find;
mod flags;
mod form;
mod get_url;
mod getent;
mod group_by;
mod include_vars;
mod lineinfile;
mod pause;
mod ping;
mod pip;
pub(super) mod process;
mod raw;
mod replace;
mod script;
mod set_fact;
mod set_stats;
mod slurp;
mod stat;
mod tempfile;
mod template;
mod text;
mod times;
mod tree;
mod unarchive;
mod uri;
mod wait_for;
mod web;
mod words;
mod write;

use std::sync::Arc;

pub(super) use attributes::errno;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(add_host::AddHost));
    registry.add(Arc::new(assemble::Assemble));
    registry.add(Arc::new(assert::Assert));
    registry.add(Arc::new(async_status::AsyncStatus));
    registry.add(Arc::new(blockinfile::Blockinfile));
    registry.add(Arc::new(command::Command));
    registry.add(Arc::new(command::Shell));
    registry.add(Arc::new(copy::Copy));
    registry.add(Arc::new(debug::Debug));
    registry.add(Arc::new(fail::Fail));
    registry.add(Arc::new(fetch::Fetch));
    registry.add(Arc::new(file::File));
    registry.add(Arc::new(find::Find));
    registry.add(Arc::new(get_url::GetUrl));
    registry.add(Arc::new(getent::Getent));
    registry.add(Arc::new(group_by::GroupBy));
    registry.add(Arc::new(include_vars::IncludeVars));
    registry.add(Arc::new(lineinfile::Lineinfile));
    registry.add(Arc::new(pause::Pause));
    registry.add(Arc::new(ping::Ping));
    registry.add(Arc::new(pip::Pip));
    registry.add(Arc::new(raw::Raw));
    registry.add(Arc::new(replace::Replace));
    registry.add(Arc::new(script::Script));
    registry.add(Arc::new(set_fact::SetFact));
    registry.add(Arc::new(set_stats::SetStats));
    registry.add(Arc::new(facts::Setup));
    registry.add(Arc::new(slurp::Slurp));
    registry.add(Arc::new(stat::Stat));
    registry.add(Arc::new(tempfile::Tempfile));
    registry.add(Arc::new(template::Template));
    registry.add(Arc::new(unarchive::Unarchive));
    registry.add(Arc::new(uri::Uri));
    registry.add(Arc::new(wait_for::WaitFor));
}
