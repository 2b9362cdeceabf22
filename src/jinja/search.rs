//! Where Ansible looks for files, templates and vars files of a task.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::value::Value;

/// The directories in a variable such as `ansible_search_path`.
#[must_use]
pub fn from_variable(value: Option<&Value>) -> Vec<PathBuf> {
    let items = value.and_then(Value::as_list).map(super::value::List::items).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(PathBuf::from).collect()
}

/// The places where a file may be, in order (`DataLoader.path_dwim_relative_stack`): in each directory
/// first under `folder`, then in the directory itself.
#[must_use]
pub fn candidates(search_path: &[PathBuf], folder: &str, name: &Path) -> Vec<PathBuf> {
    if name.is_absolute() {
        return vec![name.to_owned()];
    }
    if let Ok(below_home) = name.strip_prefix("~")
        && let Some(home) = std::env::var_os("HOME")
    {
        return vec![PathBuf::from(home).join(below_home)];
    }
    let mut places: Vec<PathBuf> = Vec::new();
    for dir in search_path {
        let with_folder =
            (!folder.is_empty() && !name.starts_with(folder)).then(|| dir.join(folder).join(name));
        for place in with_folder.into_iter().chain([dir.join(name)]) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// Finds a file.
///
/// # Errors
/// It is nowhere; the message names every place, as Ansible's does.
pub fn find(search_path: &[PathBuf], folder: &str, name: &Path) -> Result<PathBuf, Error> {
    let places = candidates(search_path, folder, name);
    if let Some(found) = places.iter().find(|place| place.exists()) {
        return Ok(found.clone());
    }
    let shown = name.display();
    if name.is_absolute() {
        return Err(Error::plugin(format!(
            "Could not find or access '{shown}' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option"
        )));
    }
    let searched: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    Err(Error::plugin(format!(
        "Could not find or access '{shown}'\nSearched in:\n\t{} on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option",
        searched.join("\n\t")
    )))
}
