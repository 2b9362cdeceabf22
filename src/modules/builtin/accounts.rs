//! `user` and `group`: accounts of this machine, through its own programs (`modules/user.py`,
//! `modules/group.py`). In an image without these programs, or without the right to use them, they fail.

use std::ffi::OsString;

use async_trait::async_trait;

use super::process::Process;
use crate::modules::{
    Args, CheckMode, Choices, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult,
};

/// `ansible.builtin.user`.
pub(super) struct User;

/// `ansible.builtin.group`.
pub(super) struct Group;

const STATES: Choices = &["absent", "present"];

pub(super) static USER: Spec = Spec {
    check_mode: CheckMode::Full,
    ..Spec::new(
        "ansible.builtin.user",
        &[
            Opt::str("name").required().aliases(&["user"]),
            Opt::str("state").default("present").choices(STATES),
            Opt::new("uid", Kind::Int),
            Opt::flag("non_unique"),
            Opt::str("group"),
            Opt::new("groups", Kind::ListOfStr),
            Opt::flag("append"),
            Opt::str("comment"),
            Opt::str("shell"),
            Opt::str("home"),
            Opt::str("password").no_log(),
            Opt::flag("system"),
            Opt::new("create_home", Kind::Bool).default("true").aliases(&["createhome"]),
            Opt::flag("move_home"),
            Opt::str("skeleton"),
            Opt::flag("force"),
            Opt::flag("remove"),
            Opt::str("update_password").default("always").choices(&["always", "on_create"]),
        ],
    )
};

pub(super) static GROUP: Spec = Spec {
    check_mode: CheckMode::Full,
    ..Spec::new(
        "ansible.builtin.group",
        &[
            Opt::str("name").required(),
            Opt::str("state").default("present").choices(STATES),
            Opt::new("gid", Kind::Int),
            Opt::flag("non_unique"),
            Opt::flag("system"),
            Opt::flag("force"),
        ],
    )
};

/// The entry of a database of accounts: its fields between colons.
fn entry(database: &str, name: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(database).ok()?;
    let lines = text.lines().map(|line| line.split(':').map(ToOwned::to_owned).collect::<Vec<_>>());
    lines.into_iter().find(|fields| fields.first().is_some_and(|first| first == name))
}

/// The name and the number of a group that is given by either.
fn group(given: &str) -> Option<(String, String)> {
    let text = std::fs::read_to_string("/etc/group").ok()?;
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = fields.filter_map(|fields| match fields.as_slice() {
        [name, _, number, ..] => Some(((*name).to_owned(), (*number).to_owned())),
        _ => None,
    });
    found.find(|(name, number)| name == given || number == given)
}

/// The groups that list a user.
fn groups_of(user: &str) -> Vec<String> {
    let text = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let lists = |line: &&str| line.rsplit(':').next().is_some_and(|all| all.split(',').any(|it| it == user));
    text.lines().filter(lists).filter_map(|line| line.split(':').next()).map(ToOwned::to_owned).collect()
}

/// A program and its options, as a task asks for them.
struct Command(Vec<OsString>);

impl Command {
    fn new(program: &str) -> Self {
        Command(vec![program.into()])
    }

    fn flag(&mut self, flag: &str, wanted: bool) {
        if wanted {
            self.0.push(flag.into());
        }
    }

    fn option(&mut self, flag: &str, value: Option<impl Into<OsString>>) {
        if let Some(value) = value {
            self.0.extend([flag.into(), value.into()]);
        }
    }

    /// Whether there is more than the program alone.
    fn changes(&self) -> bool {
        self.0.len() > 1
    }

    /// Runs the program for an account, unless nothing is to be changed.
    async fn run(mut self, name: &str, context: &ModuleContext) -> Result<(), ModuleError> {
        if context.check {
            return Ok(());
        }
        self.0.push(name.into());
        let outcome = Process::new(self.0).run(context).await?;
        let outcome = outcome.map_err(|problem| ModuleError::new(problem.message).with("name", name))?;
        match outcome.rc {
            0 => Ok(()),
            rc => Err(ModuleError::new(outcome.err()).with("name", name).with("rc", rc)),
        }
    }
}

#[async_trait]
impl Module for Group {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let name = args.str("name").unwrap_or_default();
        let state = args.str("state").unwrap_or_default();
        let gid = args.int("gid").map(|gid| gid.to_string());
        let found = entry("/etc/group", name);
        let mut changed = true;
        match (state, &found) {
            ("absent", Some(_)) => {
                let mut command = Command::new("groupdel");
                command.flag("-f", args.flag("force"));
                command.run(name, context).await?;
            }
            ("absent", None) => changed = false,
            (_, None) => {
                let mut command = Command::new("groupadd");
                command.option("-g", gid.clone());
                command.flag("-o", gid.is_some() && args.flag("non_unique"));
                command.flag("-r", args.flag("system"));
                command.run(name, context).await?;
            }
            (_, Some(fields)) => {
                let mut command = Command::new("groupmod");
                command.option("-g", gid.clone().filter(|gid| fields.get(2) != Some(gid)));
                changed = command.changes();
                if changed {
                    command.flag("-o", args.flag("non_unique"));
                    command.run(name, context).await?;
                }
            }
        }
        let mut result = TaskResult::changed(changed).with("name", name).with("state", state);
        if state == "present" {
            result = result.with("system", args.flag("system"));
            if let Some((_, gid)) = group(name) {
                result = result.with("gid", gid.parse::<i64>().unwrap_or_default());
            }
        }
        Ok(result)
    }
}

#[async_trait]
impl Module for User {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let name = args.str("name").unwrap_or_default();
        let state = args.str("state").unwrap_or_default();
        let found = entry("/etc/passwd", name);
        let mut changed = true;
        match (state, &found) {
            ("absent", Some(_)) => {
                let mut command = Command::new("userdel");
                command.flag("-f", args.flag("force"));
                command.flag("-r", args.flag("remove"));
                command.run(name, context).await?;
            }
            ("absent", None) => changed = false,
            (_, None) => create(name, &args)?.run(name, context).await?,
            (_, Some(fields)) => {
                let command = modify(name, fields, &args)?;
                changed = command.changes();
                if changed {
                    command.run(name, context).await?;
                }
            }
        }
        let result = TaskResult::changed(changed).with("name", name).with("state", state);
        if state == "absent" {
            let (force, remove) = (args.flag("force"), args.flag("remove"));
            return Ok(if changed { result.with("force", force).with("remove", remove) } else { result });
        }
        Ok(described(result, name, &args))
    }
}

/// The groups that the task names, each of which must exist.
fn wanted_groups(args: &Args) -> Result<Option<Vec<String>>, ModuleError> {
    let Some(wanted) = args.texts("groups") else { return Ok(None) };
    let mut names = Vec::new();
    for given in wanted.iter().filter(|given| !given.is_empty()) {
        let found = group(given);
        names.push(found.ok_or_else(|| missing_group(given))?.0);
    }
    Ok(Some(names))
}

fn missing_group(name: &str) -> ModuleError {
    ModuleError::new(format!("Group {name} does not exist"))
}

/// `useradd` with what the task asks for.
fn create(name: &str, args: &Args) -> Result<Command, ModuleError> {
    let mut command = Command::new("useradd");
    let uid = args.int("uid").map(|uid| uid.to_string());
    command.flag("-o", uid.is_some() && args.flag("non_unique"));
    command.option("-u", uid);
    match args.str("group") {
        Some(given) if group(given).is_none() => return Err(missing_group(given)),
        Some(given) => command.option("-g", Some(given)),
        // A group of the user's name is there already: useradd would not take it by itself.
        None => command.flag("-N", group(name).is_some()),
    }
    command.option("-G", wanted_groups(args)?.filter(|groups| !groups.is_empty()).map(|it| it.join(",")));
    for (flag, option) in [("-c", "comment"), ("-d", "home"), ("-s", "shell"), ("-p", "password")] {
        command.option(flag, args.str(option));
    }
    command.flag("-r", args.flag("system"));
    let home = args.flag("create_home");
    command.flag(if home { "-m" } else { "-M" }, true);
    command.option("-k", args.str("skeleton").filter(|_| home));
    Ok(command)
}

/// `usermod` with what differs from the entry of the user.
fn modify(name: &str, fields: &[String], args: &Args) -> Result<Command, ModuleError> {
    let mut command = Command::new("usermod");
    let has = |at: usize, value: &str| fields.get(at).is_some_and(|field| field == value);
    if let Some(uid) = args.int("uid").map(|uid| uid.to_string()).filter(|uid| !has(2, uid)) {
        command.option("-u", Some(uid));
        command.flag("-o", args.flag("non_unique"));
    }
    if let Some(given) = args.str("group") {
        let (_, number) = group(given).ok_or_else(|| missing_group(given))?;
        command.option("-g", Some(given).filter(|_| !has(3, &number)));
    }
    if let Some(wanted) = wanted_groups(args)? {
        let mut current = groups_of(name);
        let append = args.flag("append");
        let missing = wanted.iter().any(|group| !current.contains(group));
        current.retain(|group| !wanted.contains(group));
        if missing || (!append && !current.is_empty()) {
            command.flag("-a", append);
            command.option("-G", Some(wanted.join(",")));
        }
    }
    for (flag, option, at) in [("-c", "comment", 4), ("-s", "shell", 6)] {
        command.option(flag, args.str(option).filter(|value| !has(at, value)));
    }
    if let Some(home) = args.str("home").filter(|home| !has(5, home)) {
        command.option("-d", Some(home));
        command.flag("-m", args.flag("move_home"));
    }
    let password = args.str("password").filter(|_| args.str("update_password") != Some("on_create"));
    let current = entry("/etc/shadow", name);
    let same = |password: &&str| current.as_ref().and_then(|it| it.get(1)).is_some_and(|it| it == password);
    command.option("-p", password.filter(|password| !same(password)));
    Ok(command)
}

/// The result with the account as it is now.
fn described(result: TaskResult, name: &str, args: &Args) -> TaskResult {
    let mut result = result
        .with("append", args.flag("append"))
        .with("create_home", args.flag("create_home"))
        .with("system", args.flag("system"))
        .with("move_home", args.flag("move_home"));
    if let Some([_, _, uid, gid, comment, home, shell]) = entry("/etc/passwd", name).as_deref() {
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        result = result
            .with("uid", number(uid))
            .with("group", number(gid))
            .with("comment", comment.as_str())
            .with("home", home.as_str())
            .with("shell", shell.as_str());
    }
    if args.str("password").is_some() {
        result = result.with("password", "NOT_LOGGING_PASSWORD");
    }
    result
}
