//! `group_vars` and `host_vars`: files of variables beside an inventory or a playbook
//! (`plugins/vars/host_group_vars.py`, `DataLoader.find_vars_files`).

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::error::InventoryError;
use super::hosts::HostVars;
use super::sources::LoadOptions;
use crate::jinja::Value;
use crate::jinja::convert::Stored;
use crate::jinja::value::Dict;

/// What variables are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A group.
    Group,
    /// A host.
    Host,
}

/// One file of variables, or why it cannot be read: that matters only when somebody needs it.
type VarsFile = Result<HostVars, String>;

/// The files of one directory, by the name that they are for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct VarsDirectory {
    /// The directory.
    pub directory: PathBuf,
    groups: IndexMap<String, Vec<VarsFile>>,
    hosts: IndexMap<String, Vec<VarsFile>>,
}

/// The endings of files of variables, in the order in which Ansible looks for them.
const EXTENSIONS: &[&str] = &["", ".yml", ".yaml", ".json"];

impl VarsDirectory {
    /// Reads `group_vars` and `host_vars` below a directory; missing ones are empty.
    #[must_use]
    pub(super) fn read(directory: &Path, options: &LoadOptions<'_>) -> Self {
        VarsDirectory {
            directory: directory.to_owned(),
            groups: read_all(&directory.join("group_vars"), options),
            hosts: read_all(&directory.join("host_vars"), options),
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.hosts.is_empty()
    }

    /// The variables of a group or host, one layer for each file.
    ///
    /// # Errors
    /// One of the files could not be read.
    pub(super) fn layers(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<impl Iterator<Item = &HostVars>, InventoryError> {
        let by_name = match kind {
            Kind::Group => &self.groups,
            Kind::Host => &self.hosts,
        };
        let files = by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        if let Some(Err(message)) = files.iter().find(|file| file.is_err()) {
            return Err(InventoryError::new(message));
        }
        Ok(files.iter().flatten())
    }
}

fn read_all(directory: &Path, options: &LoadOptions<'_>) -> IndexMap<String, Vec<VarsFile>> {
    let mut names: Vec<String> = entries(directory);
    let stem = |name: &String| {
        let ending = EXTENSIONS.iter().skip(1).find_map(|ending| name.strip_suffix(ending));
        ending.filter(|stem| !stem.is_empty()).map_or_else(|| name.clone(), ToOwned::to_owned)
    };
    let whole = names.clone();
    names = names.iter().map(stem).chain(whole).collect();
    names.sort();
    names.dedup();
    let mut found = IndexMap::new();
    for name in names {
        let mut files = Vec::new();
        for extension in EXTENSIONS {
            let path = directory.join(format!("{name}{extension}"));
            if path.is_dir() {
                if extension.is_empty() {
                    read_directory(&path, &mut files, options);
                }
                break;
            }
            if path.is_file() {
                files.push(read_file(&path, options));
                break;
            }
        }
        found.insert(name, files);
    }
    found
}

/// All files of a directory of variables, sorted; hidden ones and backups are none.
fn read_directory(directory: &Path, files: &mut Vec<VarsFile>, options: &LoadOptions<'_>) {
    for name in entries(directory) {
        let path = directory.join(&name);
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = name.rfind('.').filter(|at| *at > 0).map_or("", |at| &name[at..]);
        if path.is_dir() {
            if extension.is_empty() {
                read_directory(&path, files, options);
            }
        } else if EXTENSIONS.contains(&extension) {
            files.push(read_file(&path, options));
        }
    }
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn read_file(path: &Path, options: &LoadOptions<'_>) -> VarsFile {
    match (options.read)(path)? {
        Value::None => Ok(HostVars::new()),
        Value::Dict(dict) => Ok(stored(&dict)),
        other => Err(format!(
            "failed to combine variables, expected dicts but got a 'dict' and a '{}': \n{{}}\n{}",
            other.type_name(),
            path.display()
        )),
    }
}

/// The entries of a dict as variables.
#[must_use]
pub(super) fn stored(dict: &Dict) -> HostVars {
    dict.entries().into_iter().map(|(key, value)| (key.text().as_ref().into(), Stored(value))).collect()
}
