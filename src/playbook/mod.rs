//! Ansible content, pure: playbooks, roles, tasks, blocks, handlers become a typed tree.
//!
//! ```text
//! playbook.yml | role/ -> YAML with marks -> Content { plays: [Play { roles, tasks, handlers }] }
//! ```
//!
//! Everything that is static is checked while loading, and all errors are reported at once
//! ([`LoadErrors`]): unknown keywords and modules with the nearest name, loops without a list, filters,
//! tests and lookups that do not exist. What Ansible itself finds only when it runs (a template that
//! does not parse, an included file that is missing) is kept as [`Content::warnings`].

mod check;
mod config;
mod content;
mod error;
mod files;
mod keywords;
mod lint;
mod loader;
mod nearest;
mod reach;
mod splitter;
mod tree;

pub use config::{Config, ConfigError, Origin, SETTINGS, Setting, SettingKind};
pub use content::{
    Content, DuplicateKeys, ModuleNames, Options, ResolvedModule, UNAVAILABLE, collection_playbook,
    imported_directories,
};
pub use error::{Kind, LoadError, LoadErrors, source_position};
pub use files::files_below;
pub use keywords::{Keywords, find_keyword, keyword_names};
pub use lint::{Report, lint};
pub use loader::{META_ACTIONS, RoleFiles};
pub use reach::Reached;
pub use splitter::{parse_kv, split_args};
pub use tree::{Action, Block, Import, Loop, Node, Nodes, Place, Play, Role, RoleUse, Task, VarMap};
