//! `copy`: a file of the role, or text, into a file (`plugins/action/copy.py`, `modules/copy.py`).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::attributes::{self, Attributes, Difference, FILE_OPTIONS, errno};
use super::tree::{self, Entry};
use super::write::{Replacing, Staged, backup, directory};
use crate::jinja::Value;
use crate::jinja::encoding::written;
use crate::jinja::filters::digest;
use crate::jinja::filters::json::dumps;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.copy`.
pub(super) struct Copy;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    ..Spec::new(
        "ansible.builtin.copy",
        &[
            Opt::new("src", Kind::Path),
            Opt::new("content", Kind::Raw).no_log(),
            Opt::new("dest", Kind::Path),
            Opt::flag("backup"),
            Opt::new("force", Kind::Bool).default("true"),
            Opt::flag("remote_src"),
            Opt::flag("follow"),
            Opt::new("local_follow", Kind::Bool).default("true"),
            Opt::new("decrypt", Kind::Bool).default("true"),
            Opt::new("directory_mode", Kind::Raw),
            Opt::str("checksum"),
            Opt::str("validate"),
        ],
    )
};

/// Content and where it goes.
pub(super) struct Content<'a> {
    /// What is written.
    pub(super) bytes: &'a [u8],
    /// The file that it comes from; none for text of the task.
    pub(super) source: Option<&'a Path>,
    /// Its name when the destination is a directory.
    pub(super) name: String,
    /// The destination, as the task names it.
    pub(super) dest: String,
    /// Whether a destination that is a link is followed.
    pub(super) follow: bool,
}

#[async_trait]
impl Module for Copy {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let src = args.str("src").filter(|src| !src.is_empty());
        let content = args.get("content");
        let dest = args.str("dest").filter(|dest| !dest.is_empty());
        let (dest, problem) = match (src, content, dest) {
            (None, None, _) => ("", Some("src (or content) is required")),
            (_, _, None) => ("", Some("dest is required")),
            (Some(_), Some(_), _) => ("", Some("src and content are mutually exclusive")),
            (_, Some(_), Some(dest)) if dest.ends_with('/') => {
                ("", Some("can not use content with a dir as dest"))
            }
            (_, _, Some(dest)) => (dest, None),
        };
        if let Some(problem) = problem {
            return Err(ModuleError::new(problem));
        }
        let attributes = Attributes::of(&args);
        if let Some(content) = content {
            let text = match content {
                Value::Str(text) => text.as_str().to_owned(),
                Value::List(_) | Value::Dict(_) => dumps(content, None, false),
                other => other.to_string(),
            };
            let content = Content {
                bytes: &written(&text),
                source: None,
                name: String::new(),
                dest: dest.to_owned(),
                follow: args.flag("follow"),
            };
            return put(context, &args, &attributes, &content).await;
        }
        let src = src.unwrap_or_default();
        if args.flag("remote_src") {
            return copy_remote(context, &args, src, dest).await;
        }
        let found = context.find("files", src)?;
        if found.is_dir() {
            return copy_directory(context, &args, &found, src.ends_with('/'), dest).await;
        }
        copy_file(context, &args, &found, dest, args.flag("follow")).await
    }
}

/// Copies one file of the role.
async fn copy_file(
    context: &ModuleContext,
    args: &Args,
    source: &Path,
    dest: &str,
    follow: bool,
) -> Result<TaskResult, ModuleError> {
    let bytes = read(source)?;
    let mut attributes = Attributes::of(args);
    if attributes.mode.as_ref().and_then(Value::as_str) == Some("preserve") {
        attributes.mode = mode_of(source);
    }
    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = Content { bytes: &bytes, source: Some(source), name, dest: dest.to_owned(), follow };
    put(context, args, &attributes, &content).await
}

fn read(path: &Path) -> Result<Vec<u8>, ModuleError> {
    std::fs::read(path).map_err(|error| {
        let shown = path.display();
        ModuleError::new(format!("could not find src={shown}, {}", errno(&error, path)))
    })
}

fn mode_of(path: &Path) -> Option<Value> {
    let mode = path.metadata().ok()?.permissions().mode();
    Some(Value::from(attributes::shown_mode(mode)))
}

/// Writes content into a file unless it has it already, and sets the attributes of the file.
///
/// # Errors
/// The destination cannot be written, `validate` refuses the content, or an attribute cannot be set.
pub(super) async fn put(
    context: &ModuleContext,
    args: &Args,
    attributes: &Attributes,
    content: &Content<'_>,
) -> Result<TaskResult, ModuleError> {
    let checksum = digest("sha1", content.bytes)?;
    let mut shown = content.dest.clone();
    if shown.ends_with('/') || context.path(&shown).is_dir() {
        if content.source.is_none() && content.name.is_empty() {
            return Err(ModuleError::new("can not use content with a dir as dest"));
        }
        shown = join(&shown, &content.name);
    }
    let mut dest = context.path(&shown);
    let exists = dest.exists() || (!content.follow && dest.is_symlink());
    if exists && args.get("force").is_some() && !args.flag("force") {
        let result = TaskResult::changed(false).with("dest", content.dest.as_str());
        return Ok(match content.source {
            Some(src) => result.with("src", src.display().to_string()),
            None => result,
        });
    }
    if content.follow && dest.is_symlink() {
        dest = dest.canonicalize().unwrap_or(dest);
        shown = dest.display().to_string();
    }
    let is_link = dest.is_symlink();
    let before = dest.is_file().then(|| std::fs::read(&dest).ok()).flatten();
    if before.as_deref() == Some(content.bytes) && !is_link {
        return keep(context, attributes, &dest, &shown, content)
            .map(|result| result.with("checksum", checksum));
    }
    let diff = context.diff.then(|| difference(&dest, before.as_deref(), content));
    if context.check {
        let result = TaskResult::changed(true);
        return Ok(match diff {
            Some(diff) => result.with("diff", Value::list(vec![diff])),
            None => result,
        });
    }
    expect_checksum(args, &checksum)?;
    let refused =
        |error: ModuleError| error.with("checksum", checksum.as_str()).with("diff", Value::list(Vec::new()));
    make_parents(context, args, attributes, content, &dest).map_err(refused)?;
    let staged = Staged::new(&dest, content.bytes)?;
    validate(context, args, attributes, &staged).await.map_err(refused)?;
    let backup_file = (args.flag("backup") && dest.exists()).then(|| backup(&dest)).transpose()?;
    if is_link {
        std::fs::remove_file(&dest).map_err(|error| ModuleError::new(errno(&error, &dest)))?;
    }
    staged.install(&dest, Replacing::of(context, args))?;
    attributes.apply(&dest, false, &mut Difference::default())?;
    let mut result = TaskResult::changed(true).with("dest", shown.as_str());
    if let Some(source) = content.source {
        result = result.with("src", source.display().to_string());
    }
    result = result.with("md5sum", digest("md5", content.bytes)?).with("checksum", checksum);
    if let Some(backup_file) = backup_file {
        result = result.with("backup_file", backup_file);
    }
    result = result.with("diff", Value::list(diff.into_iter().collect()));
    Ok(attributes::describe(&dest, result))
}

/// The file has its content already: only its attributes may differ.
fn keep(
    context: &ModuleContext,
    attributes: &Attributes,
    dest: &Path,
    shown: &str,
    content: &Content<'_>,
) -> Result<TaskResult, ModuleError> {
    let mut difference = Difference::of(shown);
    let changed = attributes.apply(dest, context.check, &mut difference)?;
    let mut result = TaskResult::changed(changed).with("path", shown).with("dest", shown);
    if let Some(source) = content.source {
        result = result.with("src", source.display().to_string());
    }
    result = result.with("diff", difference.into_value());
    Ok(attributes::describe(dest, result))
}

fn expect_checksum(args: &Args, found: &str) -> Result<(), ModuleError> {
    match args.str("checksum") {
        Some(wanted) if !wanted.is_empty() && wanted != found => {
            Err(ModuleError::new("Copied file does not match the expected checksum. Transfer failed.")
                .with("checksum", found)
                .with("expected_checksum", wanted))
        }
        _ => Ok(()),
    }
}

/// Makes the directories of a destination that ends with a slash; others must be there.
fn make_parents(
    context: &ModuleContext,
    args: &Args,
    attributes: &Attributes,
    content: &Content<'_>,
    dest: &Path,
) -> Result<(), ModuleError> {
    let dir = directory(dest);
    if !dir.exists() {
        if !content.dest.ends_with('/') && !content.name.contains('/') {
            let shown = Path::new(&content.dest).parent().unwrap_or(Path::new(".")).display().to_string();
            return Err(ModuleError::new(format!("Destination directory {shown} does not exist")));
        }
        let attributes = attributes.with_mode(args.get("directory_mode").cloned());
        tree::make_dirs(dir, &attributes)?;
    }
    if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err()
        && !Replacing::of(context, args).unsafe_writes
    {
        return Err(ModuleError::new(format!("Destination {} not writable", dir.display())));
    }
    Ok(())
}

async fn validate(
    context: &ModuleContext,
    args: &Args,
    attributes: &Attributes,
    staged: &Staged,
) -> Result<(), ModuleError> {
    let Some(command) = args.str("validate") else { return Ok(()) };
    // Some validations look at the owner and the mode as well.
    attributes.apply(staged.path(), false, &mut Difference::default())?;
    match staged.validate(context, command).await? {
        None => Ok(()),
        Some(refused) => Err(ModuleError::new("failed to validate")
            .with("exit_status", refused.rc)
            .with("stdout", refused.out())
            .with("stderr", refused.err())),
    }
}

/// The `diff` of new content for a file.
pub(super) fn difference(dest: &Path, before: Option<&[u8]>, content: &Content<'_>) -> Value {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let shown = dest.display().to_string();
    let mut entries = Vec::new();
    match before {
        None => entries.push(("before", Value::from(""))),
        Some(bytes) if is_binary(bytes) => entries.push(("dst_binary", Value::Int(1))),
        Some(bytes) => {
            entries.push(("before_header", Value::from(shown.as_str())));
            entries.push(("before", text(bytes)));
        }
    }
    if is_binary(content.bytes) {
        entries.push(("src_binary", Value::Int(1)));
    } else {
        let source = content.source.map_or(shown, |source| source.display().to_string());
        entries.push(("after_header", Value::from(source)));
        entries.push(("after", text(content.bytes)));
    }
    Value::dict(entries)
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8192).any(|byte| *byte == 0)
}

/// `os.path.join`.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.ends_with('/') || dir.is_empty() { format!("{dir}{name}") } else { format!("{dir}/{name}") }
}

/// Copies a directory of the role; its own name is kept unless `src` ends with a slash.
async fn copy_directory(
    context: &ModuleContext,
    args: &Args,
    src: &Path,
    content_only: bool,
    dest: &str,
) -> Result<TaskResult, ModuleError> {
    let follow = args.flag("local_follow");
    let base = if content_only {
        String::new()
    } else {
        src.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let dest = if dest.ends_with('/') { dest.to_owned() } else { format!("{dest}/") };
    let shown = src.display().to_string();
    let shown_src = if content_only { format!("{}/", shown.trim_end_matches('/')) } else { shown };
    let attributes = Attributes::of(args);
    let directories = attributes.with_mode(args.get("directory_mode").cloned());
    let mut changed = false;
    let mut files = Vec::new();
    let entries = tree::walk(src, &base, follow)?;
    for (relative, entry) in &entries {
        context.still_running()?;
        if let Entry::File(source) = entry {
            files.push(copy_into(context, args, source, relative, &dest).await?);
        }
    }
    for file in &files {
        changed |= file.flag("changed");
    }
    for (relative, entry) in &entries {
        let shown = join(&dest, relative);
        let path = context.path(&shown);
        match entry {
            Entry::Directory => {
                let missing = !path.is_dir();
                if missing && !context.check {
                    tree::make_dirs(&path, &directories)?;
                }
                changed |= missing;
                changed |= directories.apply(&path, context.check, &mut Difference::default())?;
            }
            Entry::Link(target) => changed |= tree::link(&path, target, context.check)?,
            Entry::File(_) => {}
        }
    }
    match <[TaskResult; 1]>::try_from(files) {
        Ok([only]) => Ok(only),
        Err(_) => Ok(TaskResult::changed(changed).with("dest", dest).with("src", shown_src)),
    }
}

/// Copies one file of a directory to its place below the destination.
async fn copy_into(
    context: &ModuleContext,
    args: &Args,
    source: &Path,
    relative: &str,
    dest: &str,
) -> Result<TaskResult, ModuleError> {
    let bytes = read(source)?;
    let mut attributes = Attributes::of(args);
    if attributes.mode.as_ref().and_then(Value::as_str) == Some("preserve") {
        attributes.mode = mode_of(source);
    }
    let content = Content {
        bytes: &bytes,
        source: Some(source),
        name: relative.to_owned(),
        dest: dest.to_owned(),
        follow: false,
    };
    put(context, args, &attributes, &content).await
}

/// `remote_src`: copies what is already on this machine, outside the role.
async fn copy_remote(
    context: &ModuleContext,
    args: &Args,
    shown_src: &str,
    shown_dest: &str,
) -> Result<TaskResult, ModuleError> {
    let src = context.path(shown_src);
    if !src.exists() {
        return Err(ModuleError::new(format!("Source {shown_src} not found")));
    }
    if rustix::fs::access(&src, rustix::fs::Access::READ_OK).is_err() {
        return Err(ModuleError::new(format!("Source {shown_src} not readable")));
    }
    let mut attributes = Attributes::of(args);
    if attributes.mode.as_ref().and_then(Value::as_str) == Some("preserve") {
        attributes.mode = mode_of(&src);
    }
    if src.is_dir() {
        return copy_remote_directory(context, args, &attributes, shown_src, shown_dest);
    }
    if !src.is_file() {
        return Err(ModuleError::new(format!("Cannot copy invalid source '{shown_src}': not a file")));
    }
    copy_remote_file(context, args, &attributes, shown_src, shown_dest).await
}

async fn copy_remote_file(
    context: &ModuleContext,
    args: &Args,
    attributes: &Attributes,
    shown_src: &str,
    shown_dest: &str,
) -> Result<TaskResult, ModuleError> {
    let src = context.path(shown_src);
    let bytes = read(&src)?;
    let checksum = digest("sha1", &bytes)?;
    expect_checksum(args, &checksum)?;
    let name = src.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut changed = false;
    let content = Content {
        bytes: &bytes,
        source: Some(&src),
        name: name.clone(),
        dest: shown_dest.to_owned(),
        follow: args.flag("follow"),
    };
    let above = context.path(shown_dest);
    if shown_dest.ends_with('/') && !above.exists() {
        if context.check {
            let dir = shown_dest.trim_end_matches('/');
            let message = format!("dest directory {dir} would be created");
            return Ok(TaskResult::changed(true).with("msg", message).with("src", shown_src));
        }
        changed = true;
    }
    let mut shown = shown_dest.to_owned();
    if shown.ends_with('/') || above.is_dir() {
        shown = join(&shown, &name);
    }
    let mut dest = context.path(&shown);
    if dest.exists() {
        if dest.is_symlink() && args.flag("follow") {
            dest = dest.canonicalize().unwrap_or(dest);
            shown = dest.display().to_string();
        }
        if !args.flag("force") {
            return Ok(TaskResult::changed(false)
                .with("msg", "file already exists")
                .with("src", shown_src)
                .with("dest", shown));
        }
    }
    make_parents(context, args, attributes, &content, &dest)?;
    let before = dest.is_file().then(|| std::fs::read(&dest).ok()).flatten();
    let mut backup_file = None;
    let existed = dest.exists();
    if before.as_deref() != Some(&bytes) || dest.is_symlink() {
        changed = true;
        if !context.check {
            backup_file = (args.flag("backup") && existed).then(|| backup(&dest)).transpose()?;
            let staged = Staged::new(&dest, &bytes)?;
            validate(context, args, attributes, &staged).await?;
            if existed && let Ok(found) = src.metadata() {
                // The source's own mode comes along to a file that is replaced.
                let _ = std::fs::set_permissions(staged.path(), found.permissions());
            }
            if dest.is_symlink() {
                std::fs::remove_file(&dest).map_err(|error| ModuleError::new(errno(&error, &dest)))?;
            }
            staged.install(&dest, Replacing { keep_attributes: false, ..Replacing::of(context, args) })?;
        }
    }
    changed |= attributes.apply(&dest, context.check, &mut Difference::default())?;
    let mut result = TaskResult::changed(changed)
        .with("dest", shown.as_str())
        .with("src", shown_src)
        .with("md5sum", digest("md5", &bytes)?)
        .with("checksum", checksum);
    if let Some(backup_file) = backup_file {
        result = result.with("backup_file", backup_file);
    }
    Ok(attributes::describe(&dest, result))
}

fn copy_remote_directory(
    context: &ModuleContext,
    args: &Args,
    attributes: &Attributes,
    shown_src: &str,
    shown_dest: &str,
) -> Result<TaskResult, ModuleError> {
    let src = context.path(shown_src);
    let above = context.path(shown_dest);
    let content_only = shown_src.ends_with('/');
    let name = src.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let existed = above.is_dir();
    let target: PathBuf = if content_only { above.clone() } else { above.join(&name) };
    let owners = attributes.with_mode(None);
    let job = tree::Job { context, attributes: &owners, follow: args.flag("local_follow") };
    let mut changed = tree::merge(&job, &src, &target)?;
    let shown = if existed || shown_dest.ends_with('/') {
        join(shown_dest, if content_only { "" } else { &name })
    } else {
        shown_dest.to_owned()
    };
    let dest = context.path(&shown);
    if dest.exists() {
        changed |= attributes.apply(&dest, context.check, &mut Difference::default())?;
    }
    let result = TaskResult::changed(changed)
        .with("dest", shown)
        .with("src", shown_src)
        .with("md5sum", Value::None)
        .with("checksum", Value::None);
    Ok(attributes::describe(&dest, result))
}
