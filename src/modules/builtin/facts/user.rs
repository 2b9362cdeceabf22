//! Who runs this program, and with which variables.

use super::{Facts, read};
use crate::jinja::Value;
use crate::modules::ModuleContext;

/// `ansible_env`: the variables of this process with those of the task's `environment:`.
pub(super) fn env(context: &ModuleContext) -> Facts {
    let mut all: indexmap::IndexMap<String, String> = std::env::vars().collect();
    all.extend(context.environment.clone());
    vec![("env", Value::dict(all.into_iter().map(|(name, value)| (name, Value::from(value)))))]
}

/// `ansible_user_id`, `ansible_user_dir`, ….
pub(super) fn facts() -> Facts {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let effective = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let text = read("/etc/passwd").unwrap_or_default();
    let wanted = uid.to_string();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let entry = lines.find(|fields| fields.get(2) == Some(&wanted.as_str()));
    let field = |at: usize| entry.as_ref().and_then(|fields| fields.get(at)).map(|field| (*field).to_owned());
    let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
    vec![
        ("user_id", Value::from(field(0).or(name).unwrap_or(wanted.clone()))),
        ("user_uid", Value::from(uid)),
        ("user_gid", Value::from(field(3).and_then(|gid| gid.parse().ok()).unwrap_or(gid))),
        ("user_gecos", Value::from(field(4).unwrap_or_default())),
        ("user_dir", Value::from(field(5).or_else(|| std::env::var("HOME").ok()).unwrap_or_default())),
        ("user_shell", Value::from(field(6).unwrap_or_default())),
        ("real_user_id", Value::from(uid)),
        ("effective_user_id", Value::from(effective.0)),
        ("real_group_id", Value::from(gid)),
        ("effective_group_id", Value::from(effective.1)),
    ]
}
