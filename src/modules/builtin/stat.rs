//! `stat`: what the system knows of a file (`modules/stat.py`).

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use async_trait::async_trait;

use super::attributes;
use crate::jinja::Value;
use crate::jinja::filters::digest;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.stat`.
pub(super) struct Stat;

const SPEC: Spec = Spec::new(
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
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let path = Path::new(args.str("path").unwrap_or_default());
        let found = if args.flag("follow") { path.metadata() } else { path.symlink_metadata() };
        let Ok(found) = found else {
            return Ok(TaskResult::changed(false).with("stat", Value::dict([("exists", Value::Bool(false))])));
        };
        let kind = found.file_type();
        let mode = found.permissions().mode();
        let bit = |bits: u32| Value::Bool(mode & bits != 0);
        let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
        let time = |seconds: i64, nanos: i64| Value::Float(seconds as f64 + nanos as f64 / 1e9);
        let access = |read: u32| mode & read != 0;
        let mut entries = vec![
            ("exists", Value::Bool(true)),
            ("path", Value::from(path.display().to_string())),
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
            ("blocks", number(found.blocks())),
            ("block_size", number(found.blksize())),
            ("device_type", number(found.rdev())),
            ("readable", Value::Bool(std::fs::File::open(path).is_ok() || access(0o444))),
            ("writeable", Value::Bool(!found.permissions().readonly())),
            ("executable", Value::Bool(access(0o111))),
            ("pw_name", Value::from(attributes::name_of("/etc/passwd", found.uid()))),
            ("gr_name", Value::from(attributes::name_of("/etc/group", found.gid()))),
        ];
        if kind.is_symlink() {
            let source = path.read_link().unwrap_or_default();
            let real = path.canonicalize().unwrap_or_else(|_| source.clone());
            entries.push(("lnk_target", Value::from(source.display().to_string())));
            entries.push(("lnk_source", Value::from(real.display().to_string())));
        }
        if kind.is_file()
            && args.flag("get_checksum")
            && let Ok(bytes) = std::fs::read(path)
        {
            let sum = digest(args.str("checksum_algorithm").unwrap_or("sha1"), &bytes)?;
            entries.push(("checksum", Value::from(sum)));
        }
        Ok(TaskResult::changed(false).with("stat", Value::dict(entries)))
    }
}
