//! Puts content into a file, whole or not at all: what `copy` and `template` share.

use std::path::{Path, PathBuf};

use super::attributes;
use crate::jinja::Value;
use crate::jinja::filters::digest;
use crate::modules::{Args, ModuleContext, ModuleError, TaskResult};

/// Where content goes and what it is.
pub(super) struct Target<'a> {
    /// `dest`.
    pub(super) dest: PathBuf,
    /// The content.
    pub(super) content: &'a [u8],
    /// The file that the content comes from.
    pub(super) src: Option<&'a Path>,
}

/// Writes the content unless the file has it already.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(
    context: &ModuleContext,
    args: &Args,
    target: &Target<'_>,
) -> Result<TaskResult, ModuleError> {
    let mut dest = target.dest.clone();
    let asks_dir = dest.display().to_string().ends_with('/');
    if dest.is_dir() || asks_dir {
        let name = target.src.and_then(Path::file_name);
        let name = name.ok_or_else(|| ModuleError::new("can not use content with a dir as dest"))?;
        if asks_dir && !context.check {
            std::fs::create_dir_all(&dest).map_err(|error| failed(&dest, &error))?;
        }
        dest = dest.join(name);
    }
    if let Some(dir) = dest.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.is_dir()) {
        let dir = dir.display();
        return Err(ModuleError::new(format!("Destination directory {dir} does not exist")));
    }
    let before = std::fs::read(&dest).ok();
    let force = args.get("force").is_none() || args.flag("force");
    let differs = before.as_deref() != Some(target.content);
    let write = differs && (before.is_none() || force);
    if write && !context.check {
        if args.flag("backup") && before.is_some() {
            let stamp = crate::jinja::repr::timestamp(&crate::jinja::datetime::now(false), '@');
            let backup = format!("{}.{}.{stamp}~", dest.display(), std::process::id());
            std::fs::copy(&dest, backup).map_err(|error| failed(&dest, &error))?;
        }
        replace(&dest, target.content)?;
    }
    let mut changed = write;
    if dest.exists() {
        changed |= attributes::apply(&dest, args, context.check)?;
    }
    let mut result = TaskResult::changed(changed)
        .with("dest", dest.display().to_string())
        .with("checksum", digest("sha1", target.content)?);
    if changed && write {
        result = result.with("md5sum", digest("md5", target.content)?);
    }
    if let Some(src) = target.src {
        result = result.with("src", src.display().to_string());
    }
    if context.diff && write {
        let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
        let name = dest.display().to_string();
        let diff = Value::dict([
            ("before", before.as_deref().map_or(Value::from(""), text)),
            ("after", text(target.content)),
            ("before_header", Value::from(name.as_str())),
            ("after_header", Value::from(name.as_str())),
        ]);
        result = result.with("diff", diff);
    }
    Ok(attributes::describe(&dest, result))
}

/// Writes a new file beside the old one and puts it in its place, with the mode of the old one.
fn replace(dest: &Path, content: &[u8]) -> Result<(), ModuleError> {
    let dir = dest.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = dest.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".ansible_tmp{}{name}", uuid::Uuid::new_v4().simple()));
    let written = std::fs::write(&temporary, content).and_then(|()| {
        if let Ok(old) = dest.metadata() {
            std::fs::set_permissions(&temporary, old.permissions())?;
        }
        std::fs::rename(&temporary, dest)
    });
    written.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        failed(dest, &error)
    })
}

fn failed(path: &Path, error: &std::io::Error) -> ModuleError {
    ModuleError::new(format!("could not write '{}': {error}", path.display()))
}
