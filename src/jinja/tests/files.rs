//! Tests of files (`plugins/test/files.py`).

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::jinja::error::Error;
use crate::jinja::filters::{bind, needed};
use crate::jinja::ops;
use crate::jinja::plugins::Test;
use crate::jinja::value::Value;

/// The tests of this family.
pub(super) const TESTS: &[(&str, Test)] = &[
    ("exists", |_, value, _| path(&value, "exists").map(|path| path.exists())),
    ("link_exists", |_, value, _| path(&value, "lexists").map(|path| path.symlink_metadata().is_ok())),
    ("file", |_, value, _| path(&value, "isfile").map(|path| path.is_file())),
    ("is_file", |_, value, _| path(&value, "isfile").map(|path| path.is_file())),
    ("directory", |_, value, _| path(&value, "isdir").map(|path| path.is_dir())),
    ("is_dir", |_, value, _| path(&value, "isdir").map(|path| path.is_dir())),
    ("link", |_, value, _| path(&value, "islink").map(|path| path.is_symlink())),
    ("is_link", |_, value, _| path(&value, "islink").map(|path| path.is_symlink())),
    ("abs", |_, value, _| path(&value, "isabs").map(|path| path.is_absolute())),
    ("is_abs", |_, value, _| path(&value, "isabs").map(|path| path.is_absolute())),
    ("mount", |_, value, _| path(&value, "ismount").map(|path| is_mount(&path))),
    ("is_mount", |_, value, _| path(&value, "ismount").map(|path| is_mount(&path))),
    ("same_file", |_, value, args| {
        let [other] = bind(args, ["f2"])?;
        same_file(&value, &needed(other, "f2")?)
    }),
    ("is_same_file", |_, value, args| {
        let [other] = bind(args, ["f2"])?;
        same_file(&value, &needed(other, "f2")?)
    }),
    ("vaulted_file", |_, value, _| {
        let path = path(&value, "open")?;
        std::fs::read(&path).map(|bytes| crate::vault::is_encrypted(&bytes)).map_err(|error| {
            Error::plugin(format!(
                "Cannot test if the file {value} is a vault. {}",
                crate::jinja::lookups::errno(&error, &value.to_string())
            ))
        })
    }),
];

/// The path that a value names.
fn path(value: &Value, function: &str) -> Result<PathBuf, Error> {
    ops::defined(value)?;
    match value {
        Value::Str(text) => Ok(PathBuf::from(text.as_str())),
        // Numbers are descriptors of open files.
        Value::Int(_) | Value::Bool(_) if matches!(function, "exists" | "isfile" | "isdir") => {
            Ok(PathBuf::from(format!("/proc/self/fd/{}", value.as_int().unwrap_or(-1))))
        }
        other => {
            let kind = other.type_name();
            Err(Error::type_error(match function {
                "exists" | "isfile" | "isdir" => {
                    format!("stat: path should be string, bytes, os.PathLike or integer, not {kind}")
                }
                _ => format!("expected str, bytes or os.PathLike object, not {kind}"),
            }))
        }
    }
}

/// `os.path.ismount`: the root, or another device than the directory above.
fn is_mount(path: &Path) -> bool {
    if path.is_symlink() {
        return false;
    }
    match (path.metadata(), path.join("..").metadata()) {
        (Ok(own), Ok(above)) => own.dev() != above.dev() || own.ino() == above.ino(),
        _ => false,
    }
}

fn same_file(left: &Value, right: &Value) -> Result<bool, Error> {
    let identity = |value: &Value| {
        let path = path(value, "samefile")?;
        let found = path.metadata().map(|found| (found.dev(), found.ino()));
        found.map_err(|error| Error::exception(crate::jinja::lookups::errno(&error, &value.to_string())))
    };
    Ok(identity(left)? == identity(right)?)
}
