//! Directories as wholes: walk, create, copy.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::attributes::{Attributes, Difference, errno};
use crate::modules::{ModuleContext, ModuleError};

/// What is found below a directory.
#[derive(Debug)]
pub(super) enum Entry {
    /// A file, or the file that a followed link names.
    File(PathBuf),
    /// A directory.
    Directory,
    /// A link that is not followed, and where it points.
    Link(PathBuf),
}

/// Everything below a directory with its path below `base`, directories before what they hold. Links
/// are followed when `follow` says so and they do not lead back to a directory above them.
///
/// # Errors
/// A directory cannot be read.
pub(super) fn walk(root: &Path, base: &str, follow: bool) -> Result<Vec<(String, Entry)>, ModuleError> {
    let mut found = Vec::new();
    let mut above = HashSet::new();
    if !base.is_empty() {
        found.push((base.to_owned(), Entry::Directory));
    }
    walk_into(root, base, follow, &mut above, &mut found)?;
    Ok(found)
}

fn walk_into(
    dir: &Path,
    base: &str,
    follow: bool,
    above: &mut HashSet<(u64, u64)>,
    found: &mut Vec<(String, Entry)>,
) -> Result<(), ModuleError> {
    let itself = identity(dir);
    above.extend(itself);
    for path in list(dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let relative = if base.is_empty() { name } else { format!("{base}/{name}") };
        let target = path.read_link().ok();
        let leads_back = || identity(&path).is_some_and(|it| above.contains(&it));
        match target {
            Some(target) if !follow || !path.exists() || (path.is_dir() && leads_back()) => {
                found.push((relative, Entry::Link(target)));
            }
            _ if path.is_dir() => {
                found.push((relative.clone(), Entry::Directory));
                walk_into(&path, &relative, follow, above, found)?;
            }
            Some(_) => found.push((relative, Entry::File(path.canonicalize().unwrap_or(path)))),
            None => found.push((relative, Entry::File(path))),
        }
    }
    if let Some(itself) = itself {
        above.remove(&itself);
    }
    Ok(())
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|found| (found.dev(), found.ino()))
}

/// The entries of a directory by name.
///
/// # Errors
/// It cannot be read.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, ModuleError> {
    let entries = std::fs::read_dir(dir).map_err(|error| ModuleError::new(errno(&error, dir)))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Makes a directory and those above it, and gives the new ones these attributes.
///
/// # Errors
/// One cannot be made, or an attribute cannot be set.
pub(super) fn make_dirs(dir: &Path, attributes: &Attributes) -> Result<(), ModuleError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev().filter(|dir| !dir.as_os_str().is_empty()) {
        match std::fs::create_dir(dir) {
            Err(error) if !dir.is_dir() => return Err(ModuleError::new(errno(&error, dir))),
            _ => attributes.apply(dir, false, &mut Difference::default())?,
        };
    }
    Ok(())
}

/// Makes a link, replacing what is there unless that is a directory; whether anything changed.
///
/// # Errors
/// It cannot be made.
pub(super) fn link(path: &Path, target: &Path, check: bool) -> Result<bool, ModuleError> {
    if path.read_link().is_ok_and(|current| current == target) {
        return Ok(false);
    }
    if !check {
        if path.symlink_metadata().is_ok() {
            std::fs::remove_file(path).map_err(|error| ModuleError::new(errno(&error, path)))?;
        }
        std::os::unix::fs::symlink(target, path).map_err(|error| ModuleError::new(errno(&error, path)))?;
    }
    Ok(true)
}

/// A copy of a directory within this machine.
pub(super) struct Job<'a> {
    /// The run.
    pub(super) context: &'a ModuleContext,
    /// The owner and group of what is copied.
    pub(super) attributes: &'a Attributes,
    /// Whether links are followed.
    pub(super) follow: bool,
}

/// Copies what differs or is missing from one directory into another; whether anything did.
///
/// # Errors
/// Something cannot be read or written, or the run was cancelled.
pub(super) fn merge(job: &Job<'_>, src: &Path, dest: &Path) -> Result<bool, ModuleError> {
    let check = job.context.check;
    let mut changed = !dest.is_dir();
    if changed && !check {
        make_dirs(dest, &Attributes::default())?;
        if let Ok(found) = src.metadata() {
            let _ = std::fs::set_permissions(dest, found.permissions());
        }
    }
    for path in list(src)? {
        job.context.still_running()?;
        let to = dest.join(path.file_name().unwrap_or_default());
        let target = path.read_link().ok().filter(|_| !job.follow);
        if let Some(target) = target {
            if to.symlink_metadata().is_err() {
                changed |= link(&to, &target, check)?;
            }
        } else if path.is_dir() {
            changed |= merge(job, &path, &to)?;
        } else if differs(&path, &to) {
            changed = true;
            if !check {
                std::fs::copy(&path, &to).map_err(|error| ModuleError::new(errno(&error, &to)))?;
            }
        }
        if to.exists() {
            changed |= job.attributes.apply(&to, check, &mut Difference::default())?;
        }
    }
    if dest.exists() {
        changed |= job.attributes.apply(dest, check, &mut Difference::default())?;
    }
    Ok(changed)
}

fn differs(left: &Path, right: &Path) -> bool {
    let sizes = (left.metadata().map(|it| it.len()), right.metadata().map(|it| it.len()));
    match sizes {
        (Ok(a), Ok(b)) if a == b => std::fs::read(left).ok() != std::fs::read(right).ok(),
        _ => true,
    }
}
