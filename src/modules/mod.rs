//! What one task can do: one file per module, grouped by collection.
//!
//! ```text
//! task args ─ template ─> Spec::validate ─> Args ─> Module::run(ModuleContext) ─> TaskResult
//! ```
//!
//! A module declares its arguments as data ([`Spec`]); the executor finds it by name in the
//! [`Registry`]. Modules know no controller: what they need of a cluster comes through
//! [`ModuleContext::extensions`].

pub mod builtin;
pub mod connection;
mod context;
pub mod daytwo_core;
pub mod documentation;
pub mod external;
pub mod jobs;
pub mod kubernetes_core;
pub mod operator_sdk_util;
mod refused;
mod registry;
mod result;
pub mod session;
mod spec;
mod validate;

pub use context::{ModuleContext, ProcessEnvironment, TaskInfo};
pub use registry::{Entry, Module, Registry};
pub use result::{ModuleError, TaskResult};
pub use spec::{Args, CheckMode, Choices, Doc, Kind, Opt, Requirement, Spec};
pub use validate::expand_path;

/// Every filter, test and lookup that this program has: those of the language, and those that need more: the
/// configuration, a cluster.
#[must_use]
pub fn plugins() -> crate::jinja::Plugins {
    let mut plugins = crate::jinja::Plugins::builtin();
    builtin::register_plugins(&mut plugins);
    kubernetes_core::register_plugins(&mut plugins);
    plugins
}

/// The same, and those that content brings along for the names that this program does not have.
#[must_use]
pub fn plugins_with(library: &external::Library) -> crate::jinja::Plugins {
    plugins().with_foreign(Some(external::plugins(library)))
}
