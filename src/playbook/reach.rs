//! Every task that a run may come to, also those of files and roles that are only included while it runs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::content::Content;
use super::files::{files_below, is_yaml};
use super::loader::RoleFiles;
use super::tree::{Action, Node, Role, Task};
use crate::jinja::Value;

/// A task, and the role whose files it sees.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The task.
    pub task: Arc<Task>,
    /// The role that holds it, if one does.
    pub role: Option<Arc<Role>>,
}

impl Content {
    /// All tasks of the plays, of the roles that they use or include by name, and of all task files of these roles. Files and roles
    /// that cannot be loaded have no tasks: a run that comes to them fails.
    #[must_use]
    pub fn reach(&self) -> Vec<Reached> {
        let mut walk =
            Walk { content: self, roles: HashSet::new(), files: HashSet::new(), reached: Vec::new() };
        for play in &self.plays {
            for nodes in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks, &play.handlers] {
                walk.nodes(nodes, None);
            }
        }
        walk.reached
    }
}

struct Walk<'c> {
    content: &'c Content,
    roles: HashSet<(PathBuf, RoleFiles)>,
    files: HashSet<PathBuf>,
    reached: Vec<Reached>,
}

impl Walk<'_> {
    fn nodes(&mut self, nodes: &[Node], role: Option<&Arc<Role>>) {
        for node in nodes {
            match node {
                Node::Task(task) => self.task(task, role),
                Node::Block(block) => {
                    for nodes in [&block.body, &block.rescue, &block.always] {
                        self.nodes(nodes, role);
                    }
                }
                Node::Import(import) => self.nodes(&import.nodes, role),
                Node::Role(used) => self.role(&used.role),
            }
        }
    }

    fn task(&mut self, task: &Arc<Task>, role: Option<&Arc<Role>>) {
        let argument = |names: &[&str]| {
            names.iter().find_map(|name| task.args.get(*name)).and_then(Value::as_str).map(ToOwned::to_owned)
        };
        match task.action {
            Action::IncludeRole => {
                let tasks = argument(&["tasks_from"]);
                let files = RoleFiles { tasks, ..RoleFiles::default() };
                if let Some(name) = argument(&["name", "role"])
                    && let Ok(included) = self.content.role(&name, files, role.map(AsRef::as_ref))
                {
                    self.role(&included);
                }
            }
            Action::IncludeTasks => {
                if let Some(name) = argument(&["file", "_raw_params"]) {
                    self.file(&name, role, false);
                }
            }
            Action::Module(_) | Action::Meta => {}
        }
        self.reached.push(Reached { task: Arc::clone(task), role: role.cloned() });
    }

    fn role(&mut self, role: &Arc<Role>) {
        if !self.roles.insert((role.path.clone(), role.files.clone())) {
            return;
        }
        self.nodes(&role.nodes, Some(role));
        self.nodes(&role.handlers, Some(role));
        // Whichever of its files an include names while it runs.
        for (folder, handlers) in [("tasks", false), ("handlers", true)] {
            for file in files_below(&role.path.join(folder), is_yaml) {
                self.file(&file.display().to_string(), Some(role), handlers);
            }
        }
    }

    fn file(&mut self, name: &str, role: Option<&Arc<Role>>, handlers: bool) {
        if let Ok((path, nodes)) = self.content.task_file(name, role.map(AsRef::as_ref), &[], handlers)
            && self.files.insert(path)
        {
            self.nodes(&nodes, role);
        }
    }
}
