//! `assemble`: a file from the fragments in a directory (`plugins/action/assemble.py`, `modules/assemble.py`).

use std::path::Path;

use async_trait::async_trait;

use super::attributes::{self, Attributes, Difference, FILE_OPTIONS, errno};
use super::copy::{Content, difference, put};
use super::text;
use super::tree::list;
use super::write::{Replacing, Staged, backup};
use crate::jinja::Value;
use crate::jinja::filters::digest;
use crate::modules::{Args, CheckMode, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.assemble`.
pub(super) struct Assemble;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    check_mode: CheckMode::None,
    ..Spec::new(
        "ansible.builtin.assemble",
        &[
            Opt::new("src", Kind::Path),
            Opt::new("dest", Kind::Path),
            Opt::str("delimiter"),
            Opt::new("remote_src", Kind::Bool).default("true"),
            Opt::str("regexp"),
            Opt::flag("ignore_hidden"),
            Opt::flag("backup"),
            Opt::flag("follow"),
            Opt::str("validate"),
            Opt::new("decrypt", Kind::Bool).default("true"),
        ],
    )
};

#[async_trait]
impl Module for Assemble {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let (Some(src), Some(dest)) = (args.str("src"), args.str("dest")) else {
            return Err(ModuleError::new("src and dest are required"));
        };
        let remote = args.flag("remote_src");
        let dir = if remote { context.path(src) } else { context.find("files", src)? };
        if remote && !dir.exists() {
            return Err(ModuleError::new(format!("Source ({src}) does not exist")));
        }
        if !dir.is_dir() {
            return Err(ModuleError::new(format!("Source ({}) is not a directory", dir.display())));
        }
        let bytes = assemble(context, &args, &dir)?;
        if remote {
            return write(context, &args, src, dest, &bytes).await;
        }
        let content = Content {
            bytes: &bytes,
            source: Some(&dir),
            name: "src".to_owned(),
            dest: dest.to_owned(),
            follow: args.flag("follow"),
        };
        put(context, &args, &Attributes::of(&args), &content).await.map(|result| {
            let diff = result.get("diff").and_then(Value::as_list).and_then(|list| list.items().pop());
            match diff {
                Some(diff) => result.with("diff", diff),
                None => result,
            }
        })
    }
}

/// The fragments in the order of their names, with what goes between them.
fn assemble(context: &ModuleContext, args: &Args, dir: &Path) -> Result<Vec<u8>, ModuleError> {
    let pattern = args.str("regexp").map(text::pattern).transpose().map_err(|error| {
        let pattern = args.str("regexp").unwrap_or_default();
        ModuleError::new(format!("Invalid Regexp ({error}) in \"{pattern}\""))
    })?;
    let delimiter = args.str("delimiter").filter(|delimiter| !delimiter.is_empty()).map(unescape);
    let mut out = Vec::new();
    let mut first = true;
    for path in list(dir)? {
        context.still_running()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let chosen = match &pattern {
            Some(pattern) => text::found(pattern, &text::from_text(&name))?,
            None => true,
        };
        if !chosen || !path.is_file() || (args.flag("ignore_hidden") && name.starts_with('.')) {
            continue;
        }
        let fragment = std::fs::read(&path).map_err(|error| ModuleError::new(errno(&error, &path)))?;
        if !first {
            if !out.ends_with(b"\n") {
                out.push(b'\n');
            }
            if let Some(delimiter) = &delimiter {
                out.extend(delimiter);
                if !delimiter.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
        }
        first = false;
        out.extend(fragment);
    }
    Ok(out)
}

/// A delimiter with its backslash sequences read (`codecs.escape_decode`).
fn unescape(text: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        match escaped {
            None => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('\\') => out.push('\\'),
            Some(quote @ ('\'' | '"')) => out.push(quote),
            Some('\n') => {}
            Some(other) => out.extend(['\\', other]),
        }
    }
    out.into_bytes()
}

/// Writes what was assembled from a directory of this machine.
async fn write(
    context: &ModuleContext,
    args: &Args,
    src: &str,
    shown: &str,
    bytes: &[u8],
) -> Result<TaskResult, ModuleError> {
    let dest = context.path(shown);
    let attributes = Attributes::of(args);
    let before = std::fs::read(&dest).ok();
    let differs = before.as_deref() != Some(bytes);
    let mut changed = differs;
    let mut result = TaskResult::new().with("src", src).with("dest", shown);
    if differs {
        let staged = Staged::new(&dest, bytes)?;
        if let Some(command) = args.str("validate") {
            attributes.apply(staged.path(), false, &mut Difference::default())?;
            if let Some(refused) = staged.validate(context, command).await? {
                let (rc, err) = (refused.rc, refused.err());
                return Err(ModuleError::new(format!("failed to validate: rc:{rc} error:{err}")));
            }
        }
        if args.flag("backup") && before.is_some() {
            result = result.with("backup_file", backup(&dest)?);
        }
        staged.install(&dest, Replacing::of(context, args))?;
    }
    changed |= attributes.apply(&dest, false, &mut Difference::default())?;
    result = result
        .with("changed", changed)
        .with("msg", "OK")
        .with("md5sum", digest("md5", bytes)?)
        .with("checksum", digest("sha1", bytes)?);
    if context.diff && differs {
        let content =
            Content { bytes, source: None, name: String::new(), dest: shown.to_owned(), follow: false };
        result = result.with("diff", difference(&dest, before.as_deref(), &content));
    }
    Ok(attributes::describe(&dest, result))
}
