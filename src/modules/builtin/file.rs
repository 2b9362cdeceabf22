//! `file`: makes files, directories and links, or removes them (`modules/file.py`).

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::attributes::{self, GROUP, MODE, OWNER};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.file`.
pub(super) struct File;

const SPEC: Spec = Spec::new(
    "ansible.builtin.file",
    &[
        Opt::new("path", Kind::Path).required().aliases(&["dest", "name"]),
        Opt::str("state").choices(&["absent", "directory", "file", "hard", "link", "touch"]),
        Opt::new("src", Kind::Path),
        Opt::flag("recurse"),
        Opt::flag("force"),
        Opt::new("follow", Kind::Bool).default("true"),
        Opt::str("access_time"),
        Opt::str("modification_time"),
        Opt::str("access_time_format").default("%Y%m%d%H%M.%S"),
        Opt::str("modification_time_format").default("%Y%m%d%H%M.%S"),
        Opt::flag("unsafe_writes"),
        MODE,
        OWNER,
        GROUP,
    ],
);

#[async_trait]
impl Module for File {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let path = PathBuf::from(args.str("path").unwrap_or_default());
        let found = attributes::state_of(&path);
        let default = match (found, args.flag("recurse")) {
            (_, true) => "directory",
            ("absent", _) => "file",
            (found, _) => found,
        };
        match args.str("state").unwrap_or(default) {
            "absent" => absent(context, &path, found),
            "directory" => directory(context, &args, &path),
            "touch" => touch(context, &args, &path, found),
            "link" => link(context, &args, &path, false),
            "hard" => link(context, &args, &path, true),
            _ => file(context, &args, &path, found),
        }
    }
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> ModuleError {
    let shown = path.display();
    ModuleError::new(format!("{what} {shown} failed: {error}")).with("path", shown.to_string())
}

fn done(path: &Path, changed: bool) -> TaskResult {
    attributes::describe(path, TaskResult::changed(changed).with("path", path.display().to_string()))
}

fn absent(context: &ModuleContext, path: &Path, found: &str) -> Result<TaskResult, ModuleError> {
    let changed = found != "absent";
    if changed && !context.check {
        let removed =
            if found == "directory" { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        removed.map_err(|error| failed(path, "removing", &error))?;
    }
    Ok(TaskResult::changed(changed).with("path", path.display().to_string()).with("state", "absent"))
}

fn directory(context: &ModuleContext, args: &Args, path: &Path) -> Result<TaskResult, ModuleError> {
    let mut changed = false;
    if !path.is_dir() {
        if path.exists() {
            let shown = path.display();
            return Err(
                ModuleError::new(format!("{shown} already exists as a file")).with("path", shown.to_string())
            );
        }
        changed = true;
        if context.check {
            return Ok(TaskResult::changed(true)
                .with("path", path.display().to_string())
                .with("state", "absent"));
        }
        std::fs::create_dir_all(path).map_err(|error| failed(path, "creating", &error))?;
    }
    changed |= attributes::apply(path, args, context.check)?;
    if args.flag("recurse") {
        let mut dirs = vec![path.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
                changed |= attributes::apply(&entry.path(), args, context.check)?;
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    dirs.push(entry.path());
                }
            }
        }
    }
    Ok(done(path, changed))
}

fn touch(context: &ModuleContext, args: &Args, path: &Path, found: &str) -> Result<TaskResult, ModuleError> {
    let preserve =
        args.str("modification_time") == Some("preserve") && args.str("access_time") == Some("preserve");
    let mut changed = found == "absent" || !preserve;
    if !context.check && changed {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let touched = file.and_then(|file| file.set_modified(std::time::SystemTime::now()));
        match touched {
            Err(error) if !path.is_dir() => return Err(failed(path, "touching", &error)),
            _ => {}
        }
    }
    if path.exists() {
        changed |= attributes::apply(path, args, context.check)?;
    }
    let result = done(path, changed).with("dest", path.display().to_string());
    Ok(result)
}

fn file(context: &ModuleContext, args: &Args, path: &Path, found: &str) -> Result<TaskResult, ModuleError> {
    let shown = path.display();
    match found {
        "absent" => Err(ModuleError::new(format!("file ({shown}) is absent, cannot continue"))
            .with("path", shown.to_string())
            .with("state", "absent")),
        "directory" if args.str("state") == Some("file") => {
            Err(ModuleError::new(format!("file ({shown}) is directory, cannot continue"))
                .with("path", shown.to_string())
                .with("state", "directory"))
        }
        _ => {
            let changed = attributes::apply(path, args, context.check)?;
            Ok(done(path, changed))
        }
    }
}

fn link(context: &ModuleContext, args: &Args, path: &Path, hard: bool) -> Result<TaskResult, ModuleError> {
    let Some(src) = args.str("src").map(PathBuf::from) else {
        if path.is_symlink() || (hard && path.exists()) {
            return Ok(done(path, attributes::apply(path, args, context.check)?));
        }
        return Err(ModuleError::new("src is required for creating new links"));
    };
    let target =
        if src.is_absolute() { src.clone() } else { path.parent().unwrap_or(Path::new("")).join(&src) };
    let shown = src.display();
    if !target.exists() && (hard || !args.flag("force")) {
        return Err(ModuleError::new(format!(
            "src file does not exist, use \"force=yes\" if you really want to create the link: {shown}"
        ))
        .with("path", path.display().to_string()));
    }
    let same = if hard {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().map(|it| it.ino()) == target.metadata().ok().map(|it| it.ino()) && path.exists()
    } else {
        path.read_link().is_ok_and(|current| current == src)
    };
    if !same && !context.check {
        if path.symlink_metadata().is_ok() {
            let replaceable = path.is_symlink() || args.flag("force");
            if !replaceable {
                return Err(ModuleError::new(format!(
                    "refusing to convert from {} to link for {}",
                    attributes::state_of(path),
                    path.display()
                ))
                .with("path", path.display().to_string()));
            }
            std::fs::remove_file(path).map_err(|error| failed(path, "replacing", &error))?;
        }
        let made =
            if hard { std::fs::hard_link(&target, path) } else { std::os::unix::fs::symlink(&src, path) };
        made.map_err(|error| failed(path, "linking", &error))?;
    }
    let result =
        TaskResult::changed(!same).with("dest", path.display().to_string()).with("src", shown.to_string());
    Ok(attributes::describe(path, result))
}
