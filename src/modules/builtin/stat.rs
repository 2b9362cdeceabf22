//! `stat`: what the system knows of a file (`modules/stat.py`).

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use async_trait::async_trait;
use rustix::fs::Access;

use super::attributes::{GROUP, PASSWD, name_of};
use super::process::{Process, which};
use super::{checksum, flags};
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.stat`.
pub(super) struct Stat;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.stat",
    &[
        Opt::new("path", Kind::Path).required().aliases(&["dest", "name"]),
        Opt::flag("follow"),
        Opt::new("get_checksum", Kind::Bool).default("true"),
        Opt::new("get_mime", Kind::Bool).default("true").aliases(&["mime", "mime_type", "mime-type"]),
        Opt::new("get_attributes", Kind::Bool).default("true").aliases(&["attr", "attributes"]),
        Opt::str("checksum_algorithm")
            .default("sha1")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .aliases(&["checksum", "checksum_algo"]),
    ],
);

#[async_trait]
impl Module for Stat {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let shown = args.str("path").unwrap_or_default();
        let path = context.path(shown);
        let found = if args.flag("follow") { path.metadata() } else { path.symlink_metadata() };
        let found = match found {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let stat = Value::dict([("exists", Value::Bool(false))]);
                return Ok(TaskResult::changed(false).with("stat", stat));
            }
            Err(error) => {
                let text = error.to_string();
                return Err(ModuleError::new(text.split(" (os error").next().unwrap_or(&text).to_owned()));
            }
        };
        let mut entries = vec![("exists", Value::Bool(true)), ("path", Value::from(shown))];
        entries.extend(of_metadata(&found));
        let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
        entries.push(("blocks", number(found.blocks())));
        entries.push(("block_size", number(found.blksize())));
        entries.push(("device_type", number(found.rdev())));
        entries.extend(access(&path));
        if found.file_type().is_symlink() {
            let target = path.read_link().unwrap_or_default();
            let real = path.canonicalize().unwrap_or_else(|_| resolve(&path));
            entries.push(("lnk_source", Value::from(real.display().to_string())));
            entries.push(("lnk_target", Value::from(target.display().to_string())));
        }
        entries.extend(name_of(PASSWD, found.uid()).map(|name| ("pw_name", Value::from(name))));
        entries.extend(name_of(GROUP, found.gid()).map(|name| ("gr_name", Value::from(name))));
        let readable = rustix::fs::access(&path, Access::READ_OK).is_ok();
        if found.is_file() && readable && args.flag("get_checksum") {
            let algorithm = args.str("checksum_algorithm").unwrap_or("sha1");
            entries.push(("checksum", Value::from(checksum::of_file(algorithm, &path)?)));
        }
        if args.flag("get_mime") {
            let (kind, charset) = mime(context, &path).await?;
            entries.push(("mimetype", Value::from(kind)));
            entries.push(("charset", Value::from(charset)));
        }
        if args.flag("get_attributes") {
            let (letters, names) = flags::of(&path).unwrap_or_default();
            entries.push(("version", Value::None));
            entries.push(("attributes", Value::list(names)));
            entries.push(("attr_flags", Value::from(letters)));
        }
        Ok(TaskResult::changed(false).with("stat", Value::dict(entries)))
    }
}

/// A path with its last link followed as far as text goes, for links to nothing.
fn resolve(path: &Path) -> std::path::PathBuf {
    let dir = super::write::directory(path);
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned()).join(path.read_link().unwrap_or_default())
}

/// What this process may do with a file.
fn access(path: &Path) -> [(&'static str, Value); 3] {
    let may = |access| Value::Bool(rustix::fs::access(path, access).is_ok());
    [
        ("readable", may(Access::READ_OK)),
        ("writeable", may(Access::WRITE_OK)),
        ("executable", may(Access::EXEC_OK)),
    ]
}

/// The entries that `stat` and `find` have in common.
pub(super) fn of_metadata(found: &Metadata) -> Vec<(&'static str, Value)> {
    let kind = found.file_type();
    let mode = found.permissions().mode();
    let bit = |bits: u32| Value::Bool(mode & bits != 0);
    let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let time = |seconds: i64, nanos: i64| Value::Float(seconds as f64 + nanos as f64 / 1e9);
    vec![
        ("mode", Value::from(format!("{:04o}", mode & 0o7777))),
        ("isdir", Value::Bool(kind.is_dir())),
        ("ischr", Value::Bool(kind.is_char_device())),
        ("isblk", Value::Bool(kind.is_block_device())),
        ("isreg", Value::Bool(kind.is_file())),
        ("isfifo", Value::Bool(kind.is_fifo())),
        ("islnk", Value::Bool(kind.is_symlink())),
        ("issock", Value::Bool(kind.is_socket())),
        ("uid", Value::from(found.uid())),
        ("gid", Value::from(found.gid())),
        ("size", number(found.size())),
        ("inode", number(found.ino())),
        ("dev", number(found.dev())),
        ("nlink", number(found.nlink())),
        ("atime", time(found.atime(), found.atime_nsec())),
        ("mtime", time(found.mtime(), found.mtime_nsec())),
        ("ctime", time(found.ctime(), found.ctime_nsec())),
        ("wusr", bit(0o200)),
        ("rusr", bit(0o400)),
        ("xusr", bit(0o100)),
        ("wgrp", bit(0o020)),
        ("rgrp", bit(0o040)),
        ("xgrp", bit(0o010)),
        ("woth", bit(0o002)),
        ("roth", bit(0o004)),
        ("xoth", bit(0o001)),
        ("isuid", bit(0o4000)),
        ("isgid", bit(0o2000)),
    ]
}

/// The type of a file and the encoding of its text, by the program `file` where the image has it.
async fn mime(context: &ModuleContext, path: &Path) -> Result<(String, String), ModuleError> {
    let unknown = || ("unknown".to_owned(), "unknown".to_owned());
    let Some(program) = which(context, "file") else { return Ok(unknown()) };
    let words = [program.as_os_str(), "--mime-type".as_ref(), "--mime-encoding".as_ref(), path.as_os_str()];
    let Ok(outcome) = Process::new(words).run(context).await? else { return Ok(unknown()) };
    let out = outcome.out();
    let parts = out.rsplit_once(':').and_then(|(_, rest)| rest.split_once(';'));
    Ok(parts.filter(|_| outcome.rc == 0).map_or_else(unknown, |(kind, charset)| {
        let charset = charset.split_once('=').map_or(charset, |(_, charset)| charset);
        (kind.trim().to_owned(), charset.trim().to_owned())
    }))
}
