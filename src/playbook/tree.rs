//! The typed tree: what a playbook or role is after loading.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::error::source_position;
use super::keywords::Keywords;
use super::loader::RoleFiles;
use crate::jinja::{Error, ErrorKind, Value};

/// Variables in the order of the file, not templated.
pub type VarMap = IndexMap<Arc<str>, Value>;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file.
    pub file: Arc<PathBuf>,
    /// The line, from one.
    pub line: u32,
    /// The column, from one.
    pub column: u32,
}

impl Place {
    /// The place, as Ansible appends it to an error: with the lines of the file there.
    #[must_use]
    pub fn in_source(&self) -> String {
        source_position(&self.file, self.line as usize, self.column as usize)
    }

    /// The error of a condition here (`playbook/conditional.py`), which lets errors of Python's own pass as they are.
    #[must_use]
    pub fn condition_error(&self, error: Error, condition: &Value) -> Error {
        if error.kind() == ErrorKind::Cancelled || error.escapes() {
            return error;
        }
        let message = format!("The conditional check '{condition}' failed. The error was: {error}");
        Error::ansible(message + &self.in_source())
    }

    /// `file:line`, as Ansible shows the path of a task.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// One play.
#[derive(Debug)]
pub struct Play {
    /// Where it stands.
    pub place: Place,
    /// Its keywords.
    pub keywords: Keywords,
    /// `vars`.
    pub vars: VarMap,
    /// `roles`.
    pub roles: Nodes,
    /// `pre_tasks`.
    pub pre_tasks: Nodes,
    /// `tasks`.
    pub tasks: Nodes,
    /// `post_tasks`.
    pub post_tasks: Nodes,
    /// `handlers`.
    pub handlers: Nodes,
}

/// A list of things to do.
pub type Nodes = Arc<Vec<Node>>;

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Node {
    /// A task.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
    /// A task file that is part of the tree (`import_tasks`, `import_playbook` is no node).
    Import(Arc<Import>),
    /// A role that is part of the tree (`roles:`, dependencies, `import_role`).
    Role(Arc<RoleUse>),
}

/// A block.
#[derive(Debug)]
pub struct Block {
    /// Where it stands.
    pub place: Place,
    /// Its keywords.
    pub keywords: Keywords,
    /// What it does.
    pub body: Nodes,
    /// What it does when that fails.
    pub rescue: Nodes,
    /// What it does in any case.
    pub always: Nodes,
}

/// An `import_tasks`.
#[derive(Debug)]
pub struct Import {
    /// Where it stands.
    pub place: Place,
    /// Its keywords: they hold for every task of the file.
    pub keywords: Keywords,
    /// The file as the task names it.
    pub name: String,
    /// The tasks of the file.
    pub nodes: Nodes,
}

/// A role where it is used.
#[derive(Debug)]
pub struct RoleUse {
    /// Where it is used.
    pub place: Place,
    /// The keywords of the use: they hold for every task of the role.
    pub keywords: Keywords,
    /// The parameters: the other keys beside `role:`.
    pub params: VarMap,
    /// The role.
    pub role: Arc<Role>,
    /// Whether it runs again when it ran before with the same parameters; the role's own word if unset.
    pub allow_duplicates: Option<bool>,
    /// Whether its variables are visible to the whole play, where it is said.
    pub public: Option<bool>,
    /// Whether an `import_role` task uses it rather than `roles:` or a dependency.
    pub imported: bool,
}

/// A role.
#[derive(Debug)]
pub struct Role {
    /// Its name as it was called.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// `defaults/`.
    pub defaults: VarMap,
    /// `vars/`.
    pub vars: VarMap,
    /// `meta: dependencies`, then `tasks/`.
    pub nodes: Nodes,
    /// `handlers/`.
    pub handlers: Nodes,
    /// The roles that it depends on.
    pub dependencies: Vec<Arc<RoleUse>>,
    /// `meta: allow_duplicates`.
    pub allow_duplicates: bool,
    /// `meta: collections`, and its own collection.
    pub collections: Arc<Vec<String>>,
    /// The collection that holds it.
    pub collection: Option<String>,
    /// Which of its files were read.
    pub files: RoleFiles,
}

impl Role {
    /// Its name without collection and directory.
    #[must_use]
    pub fn short_name(&self) -> &str {
        short_name(&self.name, self.collection.as_deref())
    }

    /// Its name with its collection.
    #[must_use]
    pub fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.short_name()),
            None => self.short_name().to_owned(),
        }
    }
}

/// The name of a role without its collection and directory.
pub(super) fn short_name<'a>(name: &'a str, collection: Option<&str>) -> &'a str {
    let name = name.trim_end_matches('/');
    let end = if collection.is_some() { name.rsplit('.').next() } else { name.rsplit('/').next() };
    end.unwrap_or(name)
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Runs the module of this fully qualified name.
    Module(&'static str),
    /// `include_tasks`.
    IncludeTasks,
    /// `include_role`.
    IncludeRole,
    /// `meta`.
    Meta,
}

/// How a task loops.
#[derive(Debug, Clone)]
pub struct Loop {
    /// The lookup of `with_<name>`; none for `loop`.
    pub lookup: Option<String>,
    /// What it loops over, not templated.
    pub items: Value,
}

/// A task.
#[derive(Debug)]
pub struct Task {
    /// Where it stands.
    pub place: Place,
    /// Its keywords.
    pub keywords: Keywords,
    /// The module as the task names it.
    pub action_name: String,
    /// What it does.
    pub action: Action,
    /// The arguments, not templated.
    pub args: VarMap,
    /// How it loops.
    pub looping: Option<Loop>,
    /// The collections in which it finds plugins and modules.
    pub collections: Arc<Vec<String>>,
    /// Whether no file holds it: facts are gathered, handlers run at the end of a part of the play.
    pub implicit: bool,
}

/// The module that gathers facts before a play.
const GATHERING: &str = "ansible.builtin.setup";

impl Play {
    /// A task that the language puts into the play.
    fn implicit(&self, action_name: &str, action: Action, args: VarMap) -> Task {
        Task {
            place: self.place.clone(),
            keywords: Keywords::default(),
            action_name: action_name.to_owned(),
            action,
            args,
            looping: None,
            collections: Arc::default(),
            implicit: true,
        }
    }

    /// The task that gathers facts before all others.
    #[must_use]
    pub fn gather_task(&self) -> Task {
        let options = ["gather_subset", "gather_timeout", "fact_path"].iter();
        let args =
            options.filter_map(|name| self.keywords.get(name).map(|value| ((*name).into(), value.clone())));
        let mut task = self.implicit("gather_facts", Action::Module(GATHERING), args.collect());
        task.keywords.values.insert("name", Value::from("Gathering Facts"));
        if self.keywords.tags.is_empty() {
            task.keywords.tags.push(Value::from("always"));
        }
        task
    }

    /// The task that lets handlers run at the end of a part of the play.
    #[must_use]
    pub fn flush_task(&self) -> Task {
        let args = VarMap::from_iter([("_raw_params".into(), Value::from("flush_handlers"))]);
        self.implicit("meta", Action::Meta, args)
    }
}

impl Task {
    /// Whether this is the task that gathers facts before a play.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.implicit && self.action == Action::Module(GATHERING)
    }

    /// `name`, or nothing.
    #[must_use]
    pub fn name(&self) -> Option<&Value> {
        self.keywords.get("name")
    }
}
