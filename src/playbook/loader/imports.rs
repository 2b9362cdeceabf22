//! What tasks import when they are read, and what they include when they run, as far as its name is static.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::Call;
use super::{Loader, MAX_IMPORTS, RoleFiles, Surroundings};
use crate::jinja;
use crate::playbook::keywords::Keywords;
use crate::playbook::tree::{Action, Import, Loop, Node, Place, RoleUse, VarMap};

impl Loader<'_> {
    /// Notes that what is imported, `tasks` or a `role`, cannot be looped over.
    fn refuse_loop(&mut self, what: &str, looping: Option<&Loop>, place: &Place) {
        if looping.is_some() {
            let message = format!(
                "You cannot use loops on 'import_{what}' statements. You should use 'include_{what}' instead."
            );
            self.fail(place, message, None);
        }
    }

    pub(super) fn import_tasks(
        &mut self,
        call: Call,
        keywords: Keywords,
        looping: Option<Loop>,
        place: Place,
        around: &Surroundings,
    ) -> Option<Node> {
        self.refuse_loop("tasks", looping.as_ref(), &place);
        self.check_args(&call, &["file", "_raw_params"]);
        let Some(name) = call.file() else {
            self.fail(&place, format!("No file specified for {}", call.name), None);
            return None;
        };
        let mut inner = around.clone();
        inner.vars.extend(keywords.vars.clone());
        let name = self.static_text(&name, &call.place, &inner)?;
        if self.depth >= MAX_IMPORTS {
            self.fail(&place, "task files import each other without end", None);
            return None;
        }
        let path = self.find_tasks(&name, around);
        inner.imports.push(name.clone());
        self.depth += 1;
        let nodes = self.task_file(&path, &inner, Some(&call.place));
        self.depth -= 1;
        Some(Node::Import(Arc::new(Import { place, keywords, name, nodes: nodes? })))
    }

    /// The task file that a name means: beside the files that import this one, then in the role, then
    /// beside the playbook.
    #[must_use]
    pub(in crate::playbook) fn find_tasks(&self, name: &str, around: &Surroundings) -> PathBuf {
        let name = Path::new(name);
        if name.is_absolute() {
            return name.to_owned();
        }
        let folder = if around.handlers { "handlers" } else { "tasks" };
        let base = around.role.as_ref().map(|role| role.path.join(folder));
        let of_tasks = around.role.as_ref().map(|role| role.path.join("tasks").join(name));
        let root = base.unwrap_or_else(|| self.basedir.clone());
        let mut below = PathBuf::new();
        let mut candidates = Vec::new();
        for import in around.imports.iter().rev() {
            let dir = Path::new(import).parent().unwrap_or(Path::new(""));
            below = if below.as_os_str().is_empty() { dir.to_owned() } else { dir.join(&below) };
            candidates.push(root.join(&below).join(name));
        }
        candidates.push(root.join(name));
        candidates.extend(of_tasks);
        if let Some(role) = &around.role {
            candidates.push(role.path.join(name));
        }
        candidates.push(self.basedir.join(name));
        let first = root.join(name);
        candidates.into_iter().find(|path| path.is_file()).unwrap_or(first)
    }

    pub(super) fn import_role(
        &mut self,
        call: Call,
        keywords: Keywords,
        looping: Option<Loop>,
        place: Place,
        around: &Surroundings,
    ) -> Option<Node> {
        self.refuse_loop("role", looping.as_ref(), &place);
        self.check_role_args(&call);
        let Some(name) = call.role() else {
            self.fail(&place, format!("'name' is a required field for {}.", call.name), None);
            return None;
        };
        let mut inner = around.clone();
        inner.vars.extend(keywords.vars.clone());
        let name = self.static_text(&name, &call.place, &inner)?;
        let mut said = |key: &str| {
            let value = call.args.get(key)?;
            self.static_text(&value.to_string(), &call.place, &inner)
        };
        let flag = |text: Option<String>| text.and_then(|text| jinja::filters::core::to_bool(&text.into()));
        let files = RoleFiles {
            tasks: said("tasks_from"),
            vars: said("vars_from"),
            defaults: said("defaults_from"),
            handlers: said("handlers_from"),
            unvalidated: flag(said("rolespec_validate")) == Some(false),
        };
        let (allow_duplicates, public) = (flag(said("allow_duplicates")), flag(said("public")));
        let role = self.find_role(&name, files, &call.place, around)?;
        let usage = RoleUse {
            place,
            params: VarMap::new(),
            role,
            allow_duplicates: Some(allow_duplicates.unwrap_or(true)),
            public,
            imported: true,
            keywords,
        };
        Some(Node::Role(Arc::new(usage)))
    }

    /// Reads what a dynamic include names without a template, so that its errors show now; what is
    /// missing fails only when it runs, as in Ansible.
    pub(super) fn preload(&mut self, action: &Action, call: &Call, place: &Place, around: &Surroundings) {
        if !self.options.ahead {
            return;
        }
        let before = self.errors.len();
        self.preload_named(action, call, place, around);
        let only_when_it_runs = self.errors.split_off(before);
        self.warnings.extend(only_when_it_runs);
    }

    fn preload_named(&mut self, action: &Action, call: &Call, place: &Place, around: &Surroundings) {
        let fixed = |text: Option<String>| text.filter(|text| !text.contains("{{") && !text.contains("{%"));
        match action {
            Action::IncludeTasks if self.depth < MAX_IMPORTS => {
                let Some(name) = fixed(call.file()) else { return };
                let path = self.find_tasks(&name, around);
                if !path.is_file() {
                    self.warn(place, format!("could not find the task file '{name}'"));
                    return;
                }
                let key = (path.clone(), RoleFiles::default());
                if self.texts.contains_key(&key.0) {
                    return;
                }
                let mut inner = Surroundings { included: true, ..around.clone() };
                inner.imports.push(name);
                self.depth += 1;
                self.task_file(&path, &inner, Some(&call.place));
                self.depth -= 1;
            }
            Action::IncludeRole if self.depth < MAX_IMPORTS => {
                let Some(name) = fixed(call.role()) else { return };
                let from = |key: &str| call.args.get(key).map(ToString::to_string);
                let files = RoleFiles {
                    tasks: from("tasks_from"),
                    vars: from("vars_from"),
                    defaults: from("defaults_from"),
                    handlers: from("handlers_from"),
                    unvalidated: call.args.get("rolespec_validate").and_then(jinja::filters::core::to_bool)
                        == Some(false),
                };
                let names = [&files.tasks, &files.vars, &files.defaults, &files.handlers];
                if names.into_iter().flatten().any(|name| name.contains("{{")) {
                    return;
                }
                if !self.role_places(&name, around).iter().any(|path| path.is_dir()) {
                    self.warn(place, format!("the role '{name}' was not found"));
                    return;
                }
                self.find_role(&name, files, place, around);
            }
            _ => {}
        }
    }
}

/// Whether a file is in a directory or below it, whatever links and `..` say (`is_subpath`).
pub(super) fn is_below(file: &Path, directory: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(file).starts_with(real(directory))
}
