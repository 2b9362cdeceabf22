//! `fetch`: a file of the host into a directory of the controller, which is this machine
//! (`plugins/action/fetch.py`).

use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;

use super::attributes::errno;
use super::checksum;
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.fetch`.
pub(super) struct Fetch;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.fetch",
    &[
        Opt::new("src", Kind::Raw),
        Opt::new("dest", Kind::Raw),
        Opt::flag("flat"),
        Opt::new("fail_on_missing", Kind::Bool).default("true"),
        Opt::new("validate_checksum", Kind::Bool).default("true"),
    ],
);

#[async_trait]
impl Module for Fetch {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if context.check {
            return Ok(TaskResult::skipped("check mode not (yet) supported for this module"));
        }
        let (src, dest) = paths(&args)?;
        let src = crate::modules::expand_path(src);
        let source = context.path(&src);
        if source.is_dir() {
            return Ok(directory(&args));
        }
        let Ok(found) = std::fs::read(&source).map_err(|error| error.kind()) else {
            return Ok(missing(&args, &src, &source));
        };
        let dest = destination(context, &args, &src, dest)?;
        let sum = crate::jinja::filters::digest("sha1", &found)?;
        let md5 = crate::jinja::filters::digest("md5", &found)?;
        let shown = dest.display().to_string();
        if dest.is_file() && checksum::of_file("sha1", &dest)? == sum {
            return Ok(TaskResult::changed(false)
                .with("md5sum", md5)
                .with("file", src)
                .with("dest", shown)
                .with("checksum", sum));
        }
        let dir = super::write::directory(&dest);
        let written = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&dest, &found));
        written.map_err(|error| {
            ModuleError::new(format!("Failed to fetch the file: {}", errno(&error, &dest)))
        })?;
        Ok(TaskResult::changed(true)
            .with("md5sum", md5)
            .with("dest", shown)
            .with("remote_md5sum", Value::None)
            .with("checksum", sum.as_str())
            .with("remote_checksum", sum))
    }
}

fn paths(args: &Args) -> Result<(&str, &str), ModuleError> {
    let text = |name: &str| -> Result<Option<&str>, ModuleError> {
        match args.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| {
                let name = if name == "src" { "source" } else { name };
                ModuleError::new(format!("Invalid type supplied for {name} option, it must be a string"))
            }),
        }
    };
    let (src, dest) = (text("src")?, text("dest")?);
    src.zip(dest).ok_or_else(|| ModuleError::new("src and dest are required"))
}

fn directory(args: &Args) -> TaskResult {
    let message = "remote file is a directory, fetch cannot work on directories";
    if args.flag("fail_on_missing") {
        return TaskResult::failure(message).with("changed", false);
    }
    TaskResult::new().with("msg", format!("{message}, not transferring, ignored"))
}

fn missing(args: &Args, src: &str, source: &Path) -> TaskResult {
    let exists = source.symlink_metadata().is_ok();
    let message = if exists {
        format!("file is not readable: {src}")
    } else {
        "the remote file does not exist, not transferring, ignored".to_owned()
    };
    if args.flag("fail_on_missing") {
        return TaskResult::failure(message);
    }
    TaskResult::changed(false).with("file", src).with("msg", message)
}

/// Where the file goes: `dest/HOST/PATH`, or `dest` itself when it is flat.
fn destination(context: &ModuleContext, args: &Args, src: &str, dest: &str) -> Result<PathBuf, ModuleError> {
    let dest = crate::modules::expand_path(dest);
    if !args.flag("flat") {
        let host = context.templar().variable("inventory_hostname")?;
        let host = host.map_or_else(|| "localhost".to_owned(), |host| host.to_string());
        return Ok(normal(&context.path(format!("{dest}/{host}/{src}"))));
    }
    let path = context.path(&dest);
    if !dest.ends_with('/') {
        if path.is_dir() {
            return Err(ModuleError::new(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            ));
        }
        return Ok(normal(&path));
    }
    let path = path.join(Path::new(src).file_name().unwrap_or_default());
    if path.is_dir() {
        return Err(ModuleError::new(format!(
            "calculated dest '{}' is an existing directory, use another path that does not point to an existing directory",
            path.display()
        )));
    }
    Ok(normal(&path))
}

/// `os.path.normpath`: `..` takes away what is before it.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
