//! `copy`: a file of the role, or text, into a file (`plugins/action/copy.py`).

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::attributes::{GROUP, MODE, OWNER};
use super::write::{Target, write};
use crate::jinja::Value;
use crate::jinja::filters::json::dumps;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.copy`.
pub(super) struct Copy;

const SPEC: Spec = Spec {
    requirements: &[Requirement::MutuallyExclusive(&["src", "content"])],
    ..Spec::new(
        "ansible.builtin.copy",
        &[
            Opt::new("src", Kind::Path),
            Opt::new("content", Kind::Raw).no_log(),
            Opt::new("dest", Kind::Path).required(),
            Opt::flag("backup"),
            Opt::new("force", Kind::Bool).default("true"),
            Opt::flag("remote_src"),
            Opt::flag("follow"),
            Opt::new("local_follow", Kind::Bool).default("true"),
            Opt::new("decrypt", Kind::Bool).default("true"),
            Opt::new("directory_mode", Kind::Raw),
            Opt::str("checksum"),
            Opt::str("validate"),
            Opt::flag("unsafe_writes"),
            MODE,
            OWNER,
            GROUP,
        ],
    )
};

#[async_trait]
impl Module for Copy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let dest = PathBuf::from(args.str("dest").unwrap_or_default());
        if let Some(content) = args.get("content") {
            let text = match content {
                Value::Str(text) => text.as_str().to_owned(),
                other => dumps(other, None, false),
            };
            return write(context, &args, &Target { dest, content: text.as_bytes(), src: None });
        }
        let name = args.str("src").ok_or_else(|| ModuleError::new("src (or content) is required"))?;
        let src = if args.flag("remote_src") { PathBuf::from(name) } else { context.find("files", name)? };
        if src.is_dir() {
            return copy_dir(context, &args, &src, &dest, name.ends_with('/'));
        }
        let content = std::fs::read(&src)
            .map_err(|error| ModuleError::new(format!("could not read '{}': {error}", src.display())))?;
        write(context, &args, &Target { dest, content: &content, src: Some(&src) })
    }
}

/// Copies a directory; its own name is kept unless `src` ends with a slash.
fn copy_dir(
    context: &ModuleContext,
    args: &Args,
    src: &Path,
    dest: &Path,
    content_only: bool,
) -> Result<TaskResult, ModuleError> {
    let root = match src.file_name() {
        Some(name) if !content_only => dest.join(name),
        _ => dest.to_owned(),
    };
    let mut changed = false;
    let mut dirs = vec![PathBuf::new()];
    while let Some(below) = dirs.pop() {
        let into = root.join(&below);
        if !into.is_dir() {
            changed = true;
            if !context.check {
                std::fs::create_dir_all(&into).map_err(|error| {
                    ModuleError::new(format!("could not create '{}': {error}", into.display()))
                })?;
            }
        }
        for entry in std::fs::read_dir(src.join(&below)).into_iter().flatten().flatten() {
            let inner = below.join(entry.file_name());
            if entry.path().is_dir() {
                dirs.push(inner);
                continue;
            }
            let content = std::fs::read(entry.path()).map_err(|error| {
                ModuleError::new(format!("could not read '{}': {error}", entry.path().display()))
            })?;
            if context.check && !into.is_dir() {
                continue;
            }
            let path = entry.path();
            let target = Target { dest: root.join(inner), content: &content, src: Some(&path) };
            changed |= write(context, args, &target)?.flag("changed");
        }
    }
    Ok(TaskResult::changed(changed)
        .with("dest", dest.display().to_string())
        .with("src", src.display().to_string()))
}
