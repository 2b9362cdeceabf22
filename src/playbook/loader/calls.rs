//! The call of a task: which key names the module, its arguments, and what is wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Loader, Surroundings, dict_of, pairs_of, place_of, python_subset};
use crate::jinja::{self, Value};
use crate::playbook::content::UNAVAILABLE;
use crate::playbook::error::Kind as Wrong;
use crate::playbook::keywords::{self, KEYWORDS, on};
use crate::playbook::nearest::nearest;
use crate::playbook::splitter;
use crate::playbook::tree::{Action, Place, VarMap};
use crate::yaml::python;

impl Loader<'_> {
    /// Finds the module of a task and its arguments (`ModuleArgsParser`).
    pub(super) fn call(
        &mut self,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        place: &Place,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Call> {
        let mut calls: Vec<(&python::Node, &python::Node)> = Vec::new();
        let mut unknown = Vec::new();
        for (key, value) in dict.entries() {
            let Some(name) = key.value.as_str() else { continue };
            let is_keyword = keywords::find(name, on::TASK | on::HANDLER | on::INCLUDE).is_some();
            if matches!(name, "action" | "local_action") {
                calls.push((key, value));
            } else if !is_keyword && !name.starts_with("with_") {
                if Kind::of(name) != Kind::Module || self.options.modules.resolve(name, collections).is_some()
                {
                    calls.push((key, value));
                } else {
                    unknown.push((key, name));
                }
            }
        }
        match (calls.as_slice(), unknown.as_slice()) {
            ([(key, value)], _) => self.arguments(key, value, dict, file, collections, around),
            ([], []) => {
                self.fail(place, "no module/action detected in task.", None);
                None
            }
            ([], [(key, name), ..]) => {
                if let Some(reason) = self.options.modules.refusal(name) {
                    let message = format!("the module '{name}' is not available here: {reason}");
                    let place = place_of(file, key);
                    self.warn_as(Wrong::Module, &place, message.as_str(), None);
                    let args = VarMap::from_iter([("reason".into(), Value::from(message).into_unsafe())]);
                    return Some(Call { key: (*name).to_owned(), name: (*name).to_owned(), args, place });
                }
                let names = self.options.modules.names();
                let names = names.iter().map(String::as_str).chain(Kind::NAMES.iter().map(|(name, _)| *name));
                let near = nearest(name, names.chain(KEYWORDS.iter().map(|keyword| keyword.name)));
                let hint = near.map(|near| format!("did you mean '{near}'?"));
                let message = format!(
                    "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
                );
                self.fail_as(Wrong::Module, &place_of(file, key), message, hint);
                None
            }
            ([(first, _), (second, _), ..], _) => {
                let (first, second) = (jinja::yaml::value(first), jinja::yaml::value(second));
                self.fail(place, format!("conflicting action statements: {first}, {second}"), None);
                None
            }
        }
    }

    fn arguments(
        &mut self,
        key: &python::Node,
        value: &python::Node,
        dict: &python::Dict,
        file: &Arc<PathBuf>,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Call> {
        let key = key.value.as_str().unwrap_or_default().to_owned();
        let place = place_of(file, value);
        self.check_templates(value, file);
        let mut args = self.extra_args(dict, file);
        let (name, given) = match (key.as_str(), &value.value) {
            ("action" | "local_action", python::Value::Str(text)) => {
                let behind = text.strip_prefix("{{").and_then(|rest| rest.find("}}")).map_or(0, |at| at + 4);
                let end = text[behind..].find(char::is_whitespace).map_or(text.len(), |at| behind + at);
                let (name, rest) = text.split_at(end);
                let name = self.static_text(name, &place, around)?;
                (name, python::Value::Str(rest.trim().into()))
            }
            ("action" | "local_action", python::Value::Dict(action)) => {
                let module = action.get("module").and_then(|module| module.value.as_str());
                let Some(module) = module else {
                    self.fail(&place, "no module/action detected in task.", None);
                    return None;
                };
                let rest = python_subset(action, |key| key != "module");
                (module.to_owned(), dict_of(rest))
            }
            (name, given) => (name.to_owned(), given.clone()),
        };
        let module = self.options.modules.resolve(&name, collections);
        let raw = module.is_some_and(|module| module.raw_params);
        match &given {
            python::Value::None => {}
            python::Value::Dict(dict) => args.extend(pairs_of(dict.entries())),
            python::Value::Pairs(pairs) => args.extend(pairs_of(pairs)),
            python::Value::Str(text) if Kind::of(&name).takes_text() => {
                args.insert("_raw_params".into(), Value::from(text.trim()));
            }
            python::Value::Str(text) => match splitter::parse_kv(text, raw) {
                Ok(parsed) => args.extend(parsed),
                Err(error) => {
                    self.fail(&place, error.to_string(), None);
                    return None;
                }
            },
            other => {
                let found = jinja::yaml::value(&python::Node { value: other.clone(), ..value.clone() });
                self.fail(
                    &place,
                    format!("unexpected parameter type in action: {}", found.plain_type_name()),
                    None,
                );
                return None;
            }
        }
        if let Some(arg) = args.keys().find(|arg| !raw && arg.starts_with("_ansible_")) {
            let message = format!(
                "Invalid parameter specified beginning with keyword '_ansible_' for action '{name}': '{arg}'. The prefix '_ansible_' is reserved for internal use only."
            );
            self.fail(&place, message, None);
            return None;
        }
        // Text that is no `k=v` may be a template of a dict.
        let is_template = |text: &Value| text.to_string().contains("{{");
        if module.is_some_and(|module| !module.free_form) && args.get("_raw_params").is_some_and(is_template)
        {
            let text = args.shift_remove("_raw_params").unwrap_or(Value::None);
            args.insert("_variable_params".into(), text);
        }
        Some(Call { key, name, args, place })
    }

    /// `args:` of a task: a dict, `k=v` text, or a template of a dict.
    fn extra_args(&mut self, dict: &python::Dict, file: &Arc<PathBuf>) -> VarMap {
        let Some(node) = dict.get("args") else { return VarMap::new() };
        match &node.value {
            python::Value::Dict(dict) => self.variables(dict, file),
            python::Value::Str(text) if text.contains("{{") => {
                VarMap::from_iter([("_variable_params".into(), Value::from(text.as_ref()))])
            }
            python::Value::Str(text) => splitter::parse_kv(text, false).unwrap_or_default(),
            _ => VarMap::new(),
        }
    }

    pub(super) fn action(
        &mut self,
        call: &Call,
        kind: Kind,
        place: &Place,
        collections: &[String],
        around: &Surroundings,
    ) -> Option<Action> {
        Some(match kind {
            Kind::IncludeTasks => {
                if call.file().is_none() {
                    self.fail(place, format!("No file specified for {}", call.name), None);
                }
                self.check_args(call, &["file", "_raw_params", "apply"]);
                Action::IncludeTasks
            }
            Kind::IncludeRole => {
                if call.role().is_none() {
                    self.fail(place, format!("'name' is a required field for {}.", call.name), None);
                }
                self.check_role_args(call);
                Action::IncludeRole
            }
            Kind::Meta => {
                self.check_meta(call, around);
                Action::Meta
            }
            Kind::ImportTasks | Kind::ImportRole => return None,
            Kind::Module => {
                let Some(module) = self.options.modules.resolve(&call.name, collections) else {
                    self.options.modules.refusal(&call.name)?;
                    return Some(Action::Module(UNAVAILABLE));
                };
                if call.args.contains_key("_raw_params") && !module.free_form {
                    let message = format!(
                        "this task '{}' has extra params, which is only allowed in modules that take free text",
                        call.name
                    );
                    self.fail(&call.place, message, None);
                }
                self.check_module_args(call, module.name);
                Action::Module(module.name)
            }
        })
    }

    pub(super) fn check_args(&mut self, call: &Call, valid: &[&str]) {
        let bad: Vec<&str> = call.args.keys().map(AsRef::as_ref).filter(|key| !valid.contains(key)).collect();
        if !bad.is_empty() {
            self.fail(&call.place, format!("Invalid options for {}: {}", call.name, bad.join(",")), None);
        }
    }

    pub(super) fn check_role_args(&mut self, call: &Call) {
        self.check_args(call, ROLE_ARGS);
        for (name, value) in call.args.iter().filter(|(name, _)| name.ends_with("_from")) {
            if !matches!(value, Value::Str(_)) {
                let kind = value.type_name();
                let message = format!("Expected a string for {name} but got <class '{kind}'> instead");
                self.fail(&call.place, message, None);
            }
        }
    }

    /// Warns of arguments that a module does not have: the task will fail.
    fn check_module_args(&mut self, call: &Call, module: &'static str) {
        let Some(known) = self.options.modules.arguments(module) else { return };
        let unknown = call.args.keys().filter(|key| !key.starts_with('_') && !known.contains(&key.as_ref()));
        for name in unknown.cloned().collect::<Vec<_>>() {
            let near = nearest(&name, known.iter().copied());
            let hint = near.map(|near| format!("did you mean '{near}'?"));
            let message = format!("the module '{module}' has no argument '{name}'");
            self.warn_as(Wrong::Argument, &call.place, message, hint);
        }
    }

    fn check_meta(&mut self, call: &Call, around: &Surroundings) {
        let action = call.args.get("_raw_params").map(ToString::to_string).unwrap_or_default();
        let action = action.trim();
        if action == "end_role" && around.handlers {
            self.fail(&call.place, "Cannot execute 'end_role' from a handler", None);
        } else if action == "end_role" && around.role.is_none() {
            self.fail(&call.place, "Cannot execute 'end_role' from outside of a role", None);
        }
        if !META_ACTIONS.contains(&action) && !action.contains("{{") {
            let hint =
                nearest(action, META_ACTIONS.iter().copied()).map(|near| format!("did you mean '{near}'?"));
            self.fail(&call.place, format!("invalid meta action requested: {action}"), hint);
        }
    }
}

/// The arguments of `include_role` and `import_role`.
const ROLE_ARGS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// What `meta` can do.
pub const META_ACTIONS: &[&str] = &[
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
];

/// The module call of a task.
pub(super) struct Call {
    /// The key under which it stands.
    pub key: String,
    /// The module as named.
    pub name: String,
    pub args: VarMap,
    pub place: Place,
}

impl Call {
    /// The file that it names.
    pub(super) fn file(&self) -> Option<String> {
        self.args.get("_raw_params").or_else(|| self.args.get("file")).map(ToString::to_string)
    }

    /// The role that it names.
    pub(super) fn role(&self) -> Option<String> {
        self.args.get("name").or_else(|| self.args.get("role")).map(ToString::to_string)
    }
}

/// The calls that are part of the language rather than modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    IncludeTasks,
    IncludeRole,
    ImportTasks,
    ImportRole,
    Meta,
}

impl Kind {
    const NAMES: &'static [(&'static str, Kind)] = &[
        ("include_tasks", Kind::IncludeTasks),
        ("include", Kind::IncludeTasks),
        ("include_role", Kind::IncludeRole),
        ("import_tasks", Kind::ImportTasks),
        ("import_role", Kind::ImportRole),
        ("meta", Kind::Meta),
    ];

    pub(super) fn of(name: &str) -> Kind {
        let short =
            ["ansible.builtin.", "ansible.legacy."].iter().find_map(|prefix| name.strip_prefix(prefix));
        let short = short.unwrap_or(name);
        Kind::NAMES.iter().find(|(name, _)| *name == short).map_or(Kind::Module, |(_, kind)| *kind)
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Kind::IncludeTasks | Kind::ImportTasks => "TaskInclude",
            Kind::IncludeRole | Kind::ImportRole => "IncludeRole",
            Kind::Module | Kind::Meta => "Task",
        }
    }

    pub(super) fn takes_text(self) -> bool {
        matches!(self, Kind::IncludeTasks | Kind::ImportTasks | Kind::Meta)
    }
}
