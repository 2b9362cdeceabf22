//! `getent`: entries of the system's databases (`modules/getent.py`).

use async_trait::async_trait;

use super::process::{Process, which};
use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.getent`.
pub(super) struct Getent;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.getent",
    &[
        Opt::str("database").required(),
        Opt::str("key"),
        Opt::str("service"),
        Opt::str("split"),
        Opt::new("fail_key", Kind::Bool).default("true"),
    ],
);

/// The databases whose files this program reads itself where the image has no `getent`, with the
/// fields by which an entry may be asked for.
const FILES: &[(&str, &str, &[usize])] = &[
    ("passwd", "/etc/passwd", &[0, 2]),
    ("group", "/etc/group", &[0, 2]),
    ("shadow", "/etc/shadow", &[0]),
    ("gshadow", "/etc/gshadow", &[0]),
    ("hosts", "/etc/hosts", &[0, 1, 2, 3]),
    ("services", "/etc/services", &[0]),
    ("protocols", "/etc/protocols", &[0, 1]),
    ("networks", "/etc/networks", &[0, 1]),
];

/// What `getent` prints and how it ends.
struct Answer {
    rc: i64,
    lines: Vec<String>,
}

#[async_trait]
impl Module for Getent {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let database = args.str("database").unwrap_or_default();
        let key = args.str("key");
        let answer = match which(context, "getent") {
            Some(program) => {
                let mut words = vec![program.into_os_string(), database.into()];
                words.extend(key.map(Into::into));
                if let Some(service) = args.str("service") {
                    words.extend(["-s".into(), service.into()]);
                }
                let outcome = Process::new(words).run(context).await?;
                let outcome = outcome.map_err(|problem| ModuleError::new(problem.message))?;
                let lines = outcome.out().lines().map(ToOwned::to_owned).collect();
                Answer { rc: outcome.rc, lines }
            }
            None => from_files(database, key),
        };
        let colon = matches!(database, "passwd" | "shadow" | "group" | "gshadow");
        let split = args.str("split").or(colon.then_some(":"));
        let tree = format!("getent_{database}");
        let facts = |entries: Entries| Value::dict([(tree.as_str(), Value::Dict(Dict::new(entries)))]);
        let message = match answer.rc {
            0 => {
                let entries = entries(&answer.lines, split);
                return Ok(TaskResult::changed(false).with("ansible_facts", facts(entries)));
            }
            1 => "Missing arguments, or database unknown.",
            2 => "One or more supplied key could not be found in the database.",
            3 => "Enumeration not supported on this database.",
            _ => "Unexpected failure!",
        };
        if answer.rc == 2 && !args.flag("fail_key") {
            let entries = Entries::from_iter([(key.unwrap_or_default().into(), Value::None)]);
            return Ok(TaskResult::changed(false).with("ansible_facts", facts(entries)).with("msg", message));
        }
        Err(ModuleError::new(message))
    }
}

/// The entries by their first field; several of the same name become a list of them.
fn entries(lines: &[String], split: Option<&str>) -> Entries {
    let mut seen: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for line in lines {
        let fields: Vec<&str> = match split {
            Some(split) => line.split(split).collect(),
            None => line.split_whitespace().collect(),
        };
        let Some((name, rest)) = fields.split_first() else { continue };
        let rest = Value::list(rest.iter().map(|field| Value::from(*field)).collect());
        seen.entry((*name).to_owned()).or_default().push(rest);
    }
    let one = |mut values: Vec<Value>| match values.len() {
        1 => values.pop().unwrap_or(Value::None),
        _ => Value::list(values),
    };
    seen.into_iter().map(|(name, values)| (name.into(), one(values))).collect()
}

/// The answer from the files of the databases.
fn from_files(database: &str, key: Option<&str>) -> Answer {
    let Some((_, path, fields)) = FILES.iter().find(|(name, _, _)| *name == database) else {
        return Answer { rc: 1, lines: Vec::new() };
    };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let matches = |line: &&str| {
        let parts: Vec<&str> =
            line.split(|c: char| c == ':' || c.is_whitespace()).filter(|it| !it.is_empty()).collect();
        key.is_none_or(|key| fields.iter().any(|at| parts.get(*at) == Some(&key)))
    };
    let mut lines: Vec<String> =
        lines.filter(|line| !line.is_empty()).filter(matches).map(ToOwned::to_owned).collect();
    if key.is_some() {
        lines.truncate(1);
    }
    let rc = if key.is_some() && lines.is_empty() { 2 } else { 0 };
    Answer { rc, lines }
}
