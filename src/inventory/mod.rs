//! Hosts, groups and their variables, pure: which hosts a pattern means and what each host knows.
//!
//! ```text
//! -i sources ─ sources ─┬─ host_list, ini, yaml, script, constructed ─> Inventory ─ pattern ─> hosts
//!                       └─ vars_files (group_vars/, host_vars/) ──────────┘      └─ vars(host)
//! add_host, group_by ─────────────────────────────────────────────────────┘
//! ```
//!
//! An [`Inventory`] is an ordinary serialisable value: a part of a run's state. It reads the files that it
//! is given and runs inventory scripts while it is loaded, never later. It follows ansible-core's `inventory/`,
//! `plugins/inventory/` and the inventory part of `vars/manager.py`.

mod address;
mod combine;
mod constructed;
mod error;
mod hosts;
mod ini;
mod pattern;
mod script;
mod sources;
mod vars_files;
mod words;
mod yaml;

pub use address::{expand_pattern, parse_address};
pub use combine::{merge_dicts, overlay};
pub use error::InventoryError;
pub use hosts::{Group, Host, HostVars, Inventory, LOCALHOST};
pub use pattern::{Matched, split_patterns};
pub use sources::{LoadOptions, Loaded, Plugin};
