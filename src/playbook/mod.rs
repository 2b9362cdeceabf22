//! Ansible content, pure: playbooks, roles, tasks, blocks, handlers become a typed tree.
//!
//! ```text
//! playbook.yml | role/ -> YAML with marks -> Content { plays: [Play { roles, blocks, handlers }] }
//! ```
//!
//! Everything that is static is checked while loading, and all errors are reported at once
//! ([`LoadErrors`]): unknown keywords and modules with the nearest name, loops without a list,
//! templates that do not parse, filters, tests and lookups that do not exist.

mod content;
mod error;

pub use content::{Content, ModuleNames, Options, ResolvedModule};
pub use error::{LoadError, LoadErrors};
