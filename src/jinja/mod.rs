//! Ansible's templating: Jinja's language with Ansible's values, undefined, filters, tests and lookups.
//!
//! ```text
//! text ─ parse ─> ast::Template ─ eval::Interpreter + Vars + Plugins ─> Output ─> Value
//! ```
//!
//! The target is ansible-core 2.18 with `jinja2_native = False`: what a template writes is text, read
//! back as a literal when it looks like a list, a dict or a bool. [`Templar`] is the way in. Parser and machine
//! are our own: the grammar is Jinja's to the letter, and values are Python's: mutable lists and dicts,
//! undefined values that carry their message, unsafe text, integers without end.

pub mod ast;
pub mod convert;
pub mod datetime;
pub mod encoding;
mod error;
pub mod eval;
mod extensions;
pub mod filters;
mod format;
mod globals;
pub mod literal;
pub mod lookups;
mod loops;
mod macros;
mod methods;
mod names;
mod notices;
pub mod object;
pub mod ops;
mod output;
pub mod parse;
mod plugins;
mod range;
pub mod repr;
mod scope;
pub mod search;
mod settings;
mod stack;
mod templar;
pub mod tests;
pub mod value;
pub mod yaml;

pub use error::{Error, ErrorKind};
pub use extensions::Extensions;
pub use methods::{is_identifier, split_lines};
pub use notices::{Notice, Notices};
pub use plugins::{Filter, Foreign, Plugins, Test};
pub use settings::Settings;
pub use templar::{Environment, Templar, TemplateOptions, Vars, possibly_template};
pub use value::Value;
