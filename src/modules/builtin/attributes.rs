//! What modules say and set of a file: owner, mode, size, checksum (`add_file_common_args`).

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::jinja::Value;
use crate::modules::{Args, Kind, ModuleError, Opt, TaskResult};

/// Arguments that every module that writes files has.
pub(super) const MODE: Opt = Opt::new("mode", Kind::Raw);
/// `owner`.
pub(super) const OWNER: Opt = Opt::str("owner");
/// `group`.
pub(super) const GROUP: Opt = Opt::str("group");

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

/// Adds owner, group, mode, size and state of a file to a result.
pub(super) fn describe(path: &Path, result: TaskResult) -> TaskResult {
    let Ok(found) = path.symlink_metadata() else { return result.with("state", "absent") };
    result
        .with("uid", i64::from(found.uid()))
        .with("gid", i64::from(found.gid()))
        .with("owner", name_of("/etc/passwd", found.uid()))
        .with("group", name_of("/etc/group", found.gid()))
        .with("mode", format!("0{:o}", found.permissions().mode() & 0o7777))
        .with("state", state_of(path))
        .with("size", i64::try_from(found.size()).unwrap_or(i64::MAX))
}

/// The name of a user or group.
pub(super) fn name_of(database: &str, id: u32) -> String {
    let text = std::fs::read_to_string(database).unwrap_or_default();
    let wanted = id.to_string();
    let found = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|parts| parts.get(2) == Some(&wanted.as_str()));
    found.and_then(|parts| parts.first().map(|name| (*name).to_owned())).unwrap_or(wanted)
}

fn id_of(database: &str, name: &str) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    let text = std::fs::read_to_string(database).ok()?;
    let line = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|parts| parts.first() == Some(&name))?;
    line.get(2)?.parse().ok()
}

/// Sets mode, owner and group as the arguments say; whether anything changed.
///
/// # Errors
/// The mode is malformed, a name is unknown, or the system refuses.
pub(super) fn apply(path: &Path, args: &Args, check: bool) -> Result<bool, ModuleError> {
    let found = path.symlink_metadata().map_err(|error| refused(path, &error))?;
    let mut changed = false;
    if let Some(mode) = args.get("mode").filter(|mode| mode.as_str() != Some("preserve"))
        && !found.file_type().is_symlink()
    {
        let wanted = mode_of(mode, &found)?;
        if found.permissions().mode() & 0o7777 != wanted {
            changed = true;
            if !check {
                let permissions = std::fs::Permissions::from_mode(wanted);
                std::fs::set_permissions(path, permissions).map_err(|error| refused(path, &error))?;
            }
        }
    }
    let uid = args.str("owner").map(|name| {
        id_of("/etc/passwd", name)
            .ok_or_else(|| ModuleError::new(format!("chown failed: failed to look up user {name}")))
    });
    let gid = args.str("group").map(|name| {
        id_of("/etc/group", name)
            .ok_or_else(|| ModuleError::new(format!("chgrp failed: failed to look up group {name}")))
    });
    let (uid, gid) = (uid.transpose()?, gid.transpose()?);
    if uid.is_some_and(|uid| uid != found.uid()) || gid.is_some_and(|gid| gid != found.gid()) {
        changed = true;
        if !check {
            std::os::unix::fs::lchown(path, uid, gid).map_err(|error| refused(path, &error))?;
        }
    }
    Ok(changed)
}

fn refused(path: &Path, error: &std::io::Error) -> ModuleError {
    ModuleError::new(format!("could not change '{}': {error}", path.display()))
        .with("path", path.display().to_string())
}

/// A mode: octal digits, a number, or `u=rwx,g+r,o-w`.
fn mode_of(value: &Value, found: &Metadata) -> Result<u32, ModuleError> {
    let text = match value {
        Value::Int(number) => return Ok(u32::try_from(*number).unwrap_or(0) & 0o7777),
        other => other.to_string(),
    };
    let malformed = || ModuleError::new(format!("mode must be in octal or symbolic form: '{text}'"));
    if text.chars().all(|c| c.is_ascii_digit()) {
        return u32::from_str_radix(&text, 8).map_err(|_| malformed());
    }
    let mut mode = found.permissions().mode() & 0o7777;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '=']).ok_or_else(malformed)?;
        let (who, rest) = clause.split_at(at);
        let (op, what) = rest.split_at(1);
        let who = if who.is_empty() || who == "a" { "ugo" } else { who };
        for class in who.chars() {
            let shift = match class {
                'u' => 6,
                'g' => 3,
                'o' => 0,
                'a' => continue,
                _ => return Err(malformed()),
            };
            let mut bits = 0;
            for c in what.chars() {
                bits |= match c {
                    'r' => 4 << shift,
                    'w' => 2 << shift,
                    'x' => 1 << shift,
                    'X' if found.is_dir() || mode & 0o111 != 0 => 1 << shift,
                    'X' => 0,
                    's' if shift == 6 => 0o4000,
                    's' if shift == 3 => 0o2000,
                    't' => 0o1000,
                    's' => 0,
                    _ => return Err(malformed()),
                };
            }
            match op {
                "+" => mode |= bits,
                "-" => mode &= !bits,
                _ => mode = (mode & !(7 << shift)) | bits,
            }
        }
    }
    Ok(mode)
}
