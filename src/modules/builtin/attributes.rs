//! What modules say and set of a file: owner, mode, size, flags (`AnsibleModule.set_fs_attributes_if_different`).

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::flags;
use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::{Args, Kind, ModuleContext, ModuleError, Opt, TaskResult};

/// The arguments of every module that writes files (`FILE_COMMON_ARGUMENTS`). The SELinux ones are
/// taken and have no effect: a container has no SELinux file system to write labels to.
pub(super) const FILE_OPTIONS: &[Opt] = &[
    Opt::new("mode", Kind::Raw),
    Opt::str("owner"),
    Opt::str("group"),
    Opt::str("attributes").aliases(&["attr"]),
    Opt::str("seuser"),
    Opt::str("serole"),
    Opt::str("selevel"),
    Opt::str("setype"),
    Opt::flag("unsafe_writes"),
];

/// The users of this machine.
pub(super) const PASSWD: &str = "/etc/passwd";

/// The groups of this machine.
pub(super) const GROUP: &str = "/etc/group";

/// The state of a file as Ansible names it.
pub(super) fn state_of(path: &Path) -> &'static str {
    match path.symlink_metadata() {
        Err(_) => "absent",
        Ok(found) if found.file_type().is_symlink() => "link",
        Ok(found) if found.is_dir() => "directory",
        Ok(found) if found.nlink() > 1 => "hard",
        Ok(_) => "file",
    }
}

/// Adds owner, group, mode, size and state of a file to a result, as Ansible does for every result that
/// names a `path` or `dest`.
pub(super) fn describe(path: &Path, result: TaskResult) -> TaskResult {
    let found = path.exists().then(|| path.symlink_metadata().ok()).flatten();
    let Some(found) = found else { return result };
    result
        .with("uid", i64::from(found.uid()))
        .with("gid", i64::from(found.gid()))
        .with("owner", name_of(PASSWD, found.uid()).unwrap_or_else(|| found.uid().to_string()))
        .with("group", name_of(GROUP, found.gid()).unwrap_or_else(|| found.gid().to_string()))
        .with("mode", shown_mode(found.permissions().mode()))
        .with("state", state_of(path))
        .with("size", i64::try_from(found.size()).unwrap_or(i64::MAX))
}

/// The same for the path that a result or a failure names itself.
///
/// # Errors
/// Those that it is given.
pub(super) fn described(
    context: &ModuleContext,
    done: Result<TaskResult, ModuleError>,
) -> Result<TaskResult, ModuleError> {
    let described = |result: TaskResult| {
        let named = result.get("path").or_else(|| result.get("dest")).map(ToString::to_string);
        match named {
            Some(named) => describe(&context.path(&named), result),
            None => result,
        }
    };
    match done {
        Err(ModuleError::Failed(result)) => Err(ModuleError::Failed(Box::new(described(*result)))),
        done => done.map(described),
    }
}

/// Permission bits as results and diffs show them: `0644`, `01777`.
pub(super) fn shown_mode(mode: u32) -> String {
    format!("0{:03o}", mode & 0o7777)
}

/// The name of a user or group.
pub(super) fn name_of(database: &str, id: u32) -> Option<String> {
    let text = std::fs::read_to_string(database).unwrap_or_default();
    let wanted = id.to_string();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find(|parts| parts.get(2) == Some(&wanted.as_str()))?;
    found.first().map(|name| (*name).to_owned())
}

/// The number of a user or group that is given by name or number.
pub(super) fn id_of(database: &str, name: &str) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    let text = std::fs::read_to_string(database).ok()?;
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find(|parts| parts.first() == Some(&name))?;
    found.get(2)?.parse().ok()
}

/// What a change of attributes was and became: the `diff` of modules that do not show content.
#[derive(Debug, Default)]
pub(super) struct Difference {
    before: Entries,
    after: Entries,
}

impl Difference {
    /// A difference that begins with the path of the file.
    pub(super) fn of(path: &str) -> Difference {
        let mut difference = Difference::default();
        difference.set("path", path, path);
        difference
    }

    /// One more value that changes.
    pub(super) fn set(&mut self, key: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(key.into(), before.into());
        self.after.insert(key.into(), after.into());
    }

    /// One more value that was there before.
    pub(super) fn set_before(&mut self, key: &str, before: Value) {
        self.before.insert(key.into(), before);
    }

    /// The entries `before` and `after`, none when nothing changed.
    pub(super) fn entries(self) -> Entries {
        let mut entries = Entries::new();
        if !self.before.is_empty() || !self.after.is_empty() {
            entries.insert("before".into(), Value::Dict(Dict::new(self.before)));
            entries.insert("after".into(), Value::Dict(Dict::new(self.after)));
        }
        entries
    }

    /// The `diff` of a result.
    pub(super) fn into_value(self) -> Value {
        Value::Dict(Dict::new(self.entries()))
    }
}

/// The attributes that a task wants a file to have.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    /// The owner, by name or number.
    pub(super) owner: Option<String>,
    /// The group, by name or number.
    pub(super) group: Option<String>,
    /// The permission bits, in any way that Ansible takes.
    pub(super) mode: Option<Value>,
    /// Flags of the file system (`chattr`).
    pub(super) flags: Option<String>,
}

impl Attributes {
    /// What the arguments of a task say.
    pub(super) fn of(args: &Args) -> Attributes {
        Attributes {
            owner: args.str("owner").map(ToOwned::to_owned),
            group: args.str("group").map(ToOwned::to_owned),
            mode: args.get("mode").cloned(),
            flags: args.str("attributes").map(ToOwned::to_owned),
        }
    }

    /// The same with other permission bits.
    pub(super) fn with_mode(&self, mode: Option<Value>) -> Attributes {
        Attributes { mode, ..self.clone() }
    }

    /// Whether nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.owner.is_none() && self.group.is_none() && self.mode.is_none() && self.flags.is_none()
    }

    /// Sets what differs; whether anything did. In check mode only says so.
    ///
    /// # Errors
    /// A name is unknown, the mode is malformed, or the system refuses.
    pub(super) fn apply(
        &self,
        path: &Path,
        check: bool,
        difference: &mut Difference,
    ) -> Result<bool, ModuleError> {
        if self.is_empty() {
            return Ok(false);
        }
        if check && !path.exists() {
            return Ok(true);
        }
        let mut changed = self.apply_owner(path, check, difference)?;
        changed |= self.apply_mode(path, check, difference)?;
        if let Some(wanted) = &self.flags {
            changed |= flags::apply(path, wanted, check, difference)?;
        }
        Ok(changed)
    }

    fn apply_owner(
        &self,
        path: &Path,
        check: bool,
        difference: &mut Difference,
    ) -> Result<bool, ModuleError> {
        let found = metadata(path)?;
        let mut changed = false;
        if let Some(name) = &self.owner {
            let uid = id_of(PASSWD, name)
                .ok_or_else(|| failure(path, format!("chown failed: failed to look up user {name}")))?;
            if uid != found.uid() {
                changed = true;
                difference.set("owner", i64::from(found.uid()), i64::from(uid));
                if !check {
                    std::os::unix::fs::lchown(path, Some(uid), None)
                        .map_err(|error| failure(path, format!("chown failed: {}", errno(&error, path))))?;
                }
            }
        }
        if let Some(name) = &self.group {
            let gid = id_of(GROUP, name)
                .ok_or_else(|| failure(path, format!("chgrp failed: failed to look up group {name}")))?;
            if gid != found.gid() {
                changed = true;
                difference.set("group", i64::from(found.gid()), i64::from(gid));
                if !check {
                    std::os::unix::fs::lchown(path, None, Some(gid))
                        .map_err(|_| failure(path, "chgrp failed".to_owned()))?;
                }
            }
        }
        Ok(changed)
    }

    fn apply_mode(&self, path: &Path, check: bool, difference: &mut Difference) -> Result<bool, ModuleError> {
        let Some(mode) = &self.mode else { return Ok(false) };
        let found = metadata(path)?;
        let wanted = mode_of(mode, &found).map_err(|error| error.with("path", path.display().to_string()))?;
        let before = found.permissions().mode() & 0o7777;
        if before == wanted {
            return Ok(false);
        }
        difference.set("mode", shown_mode(before), shown_mode(wanted));
        if check {
            return Ok(true);
        }
        // A link has no mode of its own.
        if found.file_type().is_symlink() {
            return Ok(false);
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(wanted))
            .map_err(|error| failure(path, "chmod failed".to_owned()).with("details", errno(&error, path)))?;
        Ok(metadata(path)?.permissions().mode() & 0o7777 != before)
    }
}

fn metadata(path: &Path) -> Result<Metadata, ModuleError> {
    path.symlink_metadata().map_err(|error| failure(path, errno(&error, path)))
}

fn failure(path: &Path, message: String) -> ModuleError {
    ModuleError::new(message).with("path", path.display().to_string())
}

/// An error of the system in Python's words: `[Errno 2] No such file or directory: b'/a'`.
pub(in crate::modules) fn errno(error: &std::io::Error, path: &Path) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    format!("[Errno {}] {words}: b'{}'", error.raw_os_error().unwrap_or(0), path.display())
}

/// A mode: octal digits, a number, or `u=rwx,g+r,o-w`.
///
/// # Errors
/// It is none of these, or holds more than permission bits.
pub(super) fn mode_of(value: &Value, found: &Metadata) -> Result<u32, ModuleError> {
    let text = match value {
        Value::Int(number) => return u32::try_from(*number).map_err(|_| malformed(&number.to_string())),
        other => other.to_string(),
    };
    let digits = text.strip_prefix("0o").unwrap_or(&text);
    if let Ok(mode) = u32::from_str_radix(digits, 8) {
        return if mode > 0o7777 { Err(malformed(&text)) } else { Ok(mode) };
    }
    symbolic(&text, found.permissions().mode() & 0o7777, found.is_dir()).ok_or_else(|| malformed(&text))
}

fn malformed(text: &str) -> ModuleError {
    ModuleError::new("mode must be in octal or symbolic form")
        .with("details", format!("bad symbolic permission for mode: {text}"))
}

/// The bits that a symbolic mode makes of these.
pub(super) fn symbolic(text: &str, before: u32, is_dir: bool) -> Option<u32> {
    let mut mode = before;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (users, mut rest) = clause.split_at(at);
        let masked = if users.is_empty() { umask() } else { 0 };
        let users = if users.is_empty() || users == "a" { "ugo" } else { users };
        while let Some(operator) = rest.chars().next() {
            let perms = &rest[1..];
            let end = perms.find(['+', '-', '=']).unwrap_or(perms.len());
            let (perms, after) = perms.split_at(end);
            for user in users.chars() {
                let bits = bits_of(user, perms, mode, is_dir, masked)?;
                mode = match operator {
                    '+' => mode | bits,
                    '-' => mode & !bits,
                    _ => (mode & !mask_of(user)?) | bits,
                };
            }
            rest = after;
        }
    }
    Some(mode)
}

/// The bits that belong to a class of users.
fn mask_of(user: char) -> Option<u32> {
    Some(match user {
        'u' => 0o4700,
        'g' => 0o2070,
        'o' => 0o1007,
        _ => return None,
    })
}

fn bits_of(user: char, perms: &str, mode: u32, is_dir: bool, masked: u32) -> Option<u32> {
    let shift = match user {
        'u' => 6,
        'g' => 3,
        'o' => 0,
        _ => return None,
    };
    let mut bits = 0;
    for perm in perms.chars() {
        bits |= match (perm, user) {
            ('r', _) => (4 << shift) & !masked,
            ('w', _) => (2 << shift) & !masked,
            ('x', _) => (1 << shift) & !masked,
            ('X', _) if is_dir || mode & 0o111 != 0 => 1 << shift,
            ('s', 'u') => 0o4000,
            ('s', 'g') => 0o2000,
            ('t', 'o') => 0o1000,
            ('X' | 's' | 't', _) => 0,
            ('u', _) => ((mode >> 6) & 7) << shift,
            ('g', _) => ((mode >> 3) & 7) << shift,
            ('o', _) => (mode & 7) << shift,
            _ => return None,
        };
    }
    Some(bits)
}

/// The umask of this process; reading it by setting it would race with other tasks.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let digits = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    digits.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok()).unwrap_or(0o022)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `AnsibleModule._symbolic_mode_to_octal` answers.
    #[test]
    fn symbolic_modes() {
        let cases: &[(u32, bool, &str, u32)] = &[
            (0o0700, true, "u=rwx,g=rwx,o=rwx", 0o0777),
            (0o0777, true, "u-x,g-w,o-r", 0o0653),
            (0o0664, false, "g=u,o=g", 0o0666),
            (0o0100, false, "u=rw-x+X,g=r-x+X,o=r-x+X", 0o0644),
            (0o0000, true, "u=rw-x+X,g=r-x+X,o=r-x+X", 0o0755),
            (0o0600, false, "u=rw-x+X,g=r-x+X,o=r-x+X", 0o0644),
            (0o0644, false, "ug+s", 0o6644),
            (0o7777, true, "a=", 0o0000),
            (0o0755, true, "o+t", 0o1755),
        ];
        for (before, is_dir, text, expected) in cases {
            assert_eq!(symbolic(text, *before, *is_dir), Some(*expected), "{before:o} {text}");
        }
        for text in ["rwx", "q+r", "u+q", "a+r,"] {
            assert_eq!(symbolic(text, 0o644, false), None, "{text}");
        }
    }
}
