//! The keywords of plays, roles, blocks, tasks and handlers (`playbook/*.py`, `FieldAttribute`s).

use indexmap::IndexMap;

use super::tree::{Place, VarMap};
use crate::jinja::Value;

/// Where a keyword may stand.
pub(super) mod on {
    /// A play.
    pub(crate) const PLAY: u8 = 1;
    /// An entry of `roles:`.
    pub(crate) const ROLE: u8 = 2;
    /// A block.
    pub(crate) const BLOCK: u8 = 4;
    /// A task.
    pub(crate) const TASK: u8 = 8;
    /// A handler.
    pub(crate) const HANDLER: u8 = 16;
    /// An `include_*` or `import_*` task.
    pub(crate) const INCLUDE: u8 = 32;
    /// An `import_playbook`.
    pub(crate) const IMPORT_PLAYBOOK: u8 = 64;
    /// Everything that runs tasks.
    pub(crate) const BASE: u8 = PLAY | ROLE | BLOCK | TASK | HANDLER | IMPORT_PLAYBOOK;
    /// Tasks and handlers.
    pub(crate) const TASKS: u8 = TASK | HANDLER;
}

/// What a keyword holds, as far as loading checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Anything, or a template.
    Any,
    /// Text.
    Text,
    /// A dict.
    Dict,
    /// A list, or one thing for a list of one.
    List,
    /// A condition or a list of conditions.
    Conditions,
    /// Things to do.
    Tasks,
}

/// One keyword.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub on: u8,
    /// What it holds.
    pub holds: Holds,
}

const fn keyword(name: &'static str, on: u8, holds: Holds) -> Keyword {
    Keyword { name, on, holds }
}

/// Every keyword of 2.18.
pub(super) const KEYWORDS: &[Keyword] = &[
    keyword("name", on::BASE | on::INCLUDE, Holds::Any),
    keyword("connection", on::BASE, Holds::Any),
    keyword("port", on::BASE, Holds::Any),
    keyword("remote_user", on::BASE, Holds::Any),
    keyword("vars", on::BASE | on::INCLUDE, Holds::Dict),
    keyword("module_defaults", on::BASE, Holds::Any),
    keyword("environment", on::BASE, Holds::Any),
    keyword("no_log", on::BASE | on::INCLUDE, Holds::Any),
    keyword("run_once", on::BASE | on::INCLUDE, Holds::Any),
    keyword("ignore_errors", on::BASE | on::INCLUDE, Holds::Any),
    keyword("ignore_unreachable", on::BASE, Holds::Any),
    keyword("check_mode", on::BASE, Holds::Any),
    keyword("diff", on::BASE, Holds::Any),
    keyword("any_errors_fatal", on::BASE, Holds::Any),
    keyword("throttle", on::BASE, Holds::Any),
    keyword("timeout", on::BASE | on::INCLUDE, Holds::Any),
    keyword("debugger", on::BASE | on::INCLUDE, Holds::Any),
    keyword("become", on::BASE, Holds::Any),
    keyword("become_method", on::BASE, Holds::Any),
    keyword("become_user", on::BASE, Holds::Any),
    keyword("become_flags", on::BASE, Holds::Any),
    keyword("become_exe", on::BASE, Holds::Any),
    keyword("tags", on::BASE | on::INCLUDE, Holds::Any),
    keyword("collections", on::BASE | on::INCLUDE, Holds::List),
    keyword("when", on::ROLE | on::BLOCK | on::TASKS | on::INCLUDE | on::IMPORT_PLAYBOOK, Holds::Conditions),
    keyword("notify", on::BLOCK | on::TASKS, Holds::List),
    keyword("delegate_to", on::ROLE | on::BLOCK | on::TASKS, Holds::Any),
    keyword("delegate_facts", on::ROLE | on::BLOCK | on::TASKS, Holds::Any),
    keyword("hosts", on::PLAY, Holds::Any),
    keyword("gather_facts", on::PLAY, Holds::Any),
    keyword("gather_subset", on::PLAY, Holds::Any),
    keyword("gather_timeout", on::PLAY, Holds::Any),
    keyword("fact_path", on::PLAY, Holds::Any),
    keyword("vars_files", on::PLAY, Holds::Any),
    keyword("vars_prompt", on::PLAY, Holds::Any),
    keyword("roles", on::PLAY, Holds::Tasks),
    keyword("handlers", on::PLAY, Holds::Tasks),
    keyword("pre_tasks", on::PLAY, Holds::Tasks),
    keyword("tasks", on::PLAY, Holds::Tasks),
    keyword("post_tasks", on::PLAY, Holds::Tasks),
    keyword("force_handlers", on::PLAY, Holds::Any),
    keyword("max_fail_percentage", on::PLAY, Holds::Any),
    keyword("serial", on::PLAY, Holds::Any),
    keyword("strategy", on::PLAY, Holds::Any),
    keyword("order", on::PLAY, Holds::Any),
    keyword("block", on::BLOCK, Holds::Tasks),
    keyword("rescue", on::BLOCK, Holds::Tasks),
    keyword("always", on::BLOCK, Holds::Tasks),
    keyword("action", on::TASKS | on::INCLUDE, Holds::Any),
    keyword("local_action", on::TASKS | on::INCLUDE, Holds::Any),
    keyword("args", on::TASKS | on::INCLUDE, Holds::Any),
    keyword("async", on::TASKS, Holds::Any),
    keyword("poll", on::TASKS, Holds::Any),
    keyword("changed_when", on::TASKS, Holds::Conditions),
    keyword("failed_when", on::TASKS, Holds::Conditions),
    keyword("until", on::TASKS, Holds::Conditions),
    keyword("retries", on::TASKS, Holds::Any),
    keyword("delay", on::TASKS, Holds::Any),
    keyword("loop", on::TASKS | on::INCLUDE, Holds::Any),
    keyword("loop_control", on::TASKS | on::INCLUDE, Holds::Dict),
    keyword("register", on::TASKS | on::INCLUDE, Holds::Text),
    keyword("listen", on::HANDLER, Holds::List),
    keyword("role", on::ROLE, Holds::Any),
];

/// Keywords that are accepted and have no effect here yet.
pub(super) const WITHOUT_EFFECT: &[&str] = &["debugger", "port", "remote_user"];

/// The keywords of a loop's `loop_control`.
pub(super) const LOOP_CONTROL: &[&str] =
    &["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"];

/// The keyword of this name in this place.
#[must_use]
pub(super) fn find(name: &str, place: u8) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name && keyword.on & place != 0)
}

/// The names of all keywords.
pub fn keyword_names() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|keyword| keyword.name)
}

/// The name of a keyword that blocks may have, as the table holds it.
#[must_use]
pub fn find_keyword(name: &str) -> Option<&'static str> {
    find(name, on::BLOCK).map(|keyword| keyword.name)
}

/// The keywords of one play, role, block or task: values as written, not templated.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    /// All but `vars`, by name.
    pub values: IndexMap<&'static str, Value>,
    /// `vars`.
    pub vars: VarMap,
    /// `when`, each condition.
    pub when: Vec<Value>,
    /// Where each condition of `when` stands.
    pub when_places: Vec<Place>,
    /// `tags`, one by one; they may be templates.
    pub tags: Vec<Value>,
}

impl Keywords {
    /// The value of this keyword.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The conditions of this keyword: a list, or one alone.
    #[must_use]
    pub fn conditions(&self, name: &str) -> Option<Vec<Value>> {
        self.get(name).map(|value| match value {
            Value::List(list) => list.items(),
            other => vec![other.clone()],
        })
    }
}
