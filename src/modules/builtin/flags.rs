//! Flags of the file system (`lsattr`, `chattr`).

use std::fs::File;
use std::path::Path;

use rustix::fs::IFlags;

use super::attributes::{Difference, errno};
use crate::jinja::Value;
use crate::modules::ModuleError;

/// The flags: letter, name in `stat`'s results, and bit, in the order in which `lsattr` shows them.
const FLAGS: &[(char, &str, u32)] = &[
    ('s', "zero", 0x0000_0001),
    ('u', "undelete", 0x0000_0002),
    ('S', "synchronous", 0x0000_0008),
    ('D', "dirsync", 0x0001_0000),
    ('i', "immutable", 0x0000_0010),
    ('a', "append", 0x0000_0020),
    ('d', "nodump", 0x0000_0040),
    ('A', "noatime", 0x0000_0080),
    ('c', "compressed", 0x0000_0004),
    ('Z', "compresseddirty", 0x0000_0100),
    ('E', "encrypted", 0x0000_0800),
    ('j', "journalled", 0x0000_4000),
    ('I', "indexed", 0x0000_1000),
    ('t', "notail", 0x0000_8000),
    ('T', "blockroot", 0x0002_0000),
    ('e', "extents", 0x0008_0000),
    ('C', "nocow", 0x0080_0000),
    ('N', "inline", 0x1000_0000),
];

/// The letters and names of the flags that a file has; nothing when its file system knows none.
pub(super) fn of(path: &Path) -> Option<(String, Vec<Value>)> {
    let kind = path.symlink_metadata().ok()?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return None;
    }
    let bits = read(path)?;
    let set: Vec<_> = FLAGS.iter().filter(|(_, _, bit)| bits & bit != 0).collect();
    let letters = set.iter().map(|(letter, _, _)| *letter).collect();
    Some((letters, set.iter().map(|(_, name, _)| Value::from(*name)).collect()))
}

fn read(path: &Path) -> Option<u32> {
    let file = File::open(path).ok()?;
    rustix::fs::ioctl_getflags(&file).ok().map(|flags| flags.bits())
}

/// Sets flags as `chattr` does: `+ia`, `-i`, `=i` or `i`.
///
/// # Errors
/// A letter is unknown, or the system refuses.
pub(super) fn apply(
    path: &Path,
    wanted: &str,
    check: bool,
    difference: &mut Difference,
) -> Result<bool, ModuleError> {
    let (operator, letters) = match wanted.chars().next() {
        Some(operator @ ('+' | '-' | '=')) => (operator, &wanted[1..]),
        _ => ('=', wanted),
    };
    let before = of(path).map(|(letters, _)| letters).unwrap_or_default();
    if letters.is_empty() || (before == letters && operator != '-') {
        return Ok(false);
    }
    difference.set("attributes", before, format!("{operator}{letters}"));
    if check {
        return Ok(true);
    }
    let failed = |details: String| {
        ModuleError::new("chattr failed").with("details", details).with("path", path.display().to_string())
    };
    let mut bits = 0;
    for letter in letters.chars() {
        let flag = FLAGS.iter().find(|(known, _, _)| *known == letter);
        bits |= flag.map(|(_, _, bit)| *bit).ok_or_else(|| failed(format!("unknown flag '{letter}'")))?;
    }
    let old = read(path).unwrap_or(0);
    let new = match operator {
        '+' => old | bits,
        '-' => old & !bits,
        _ => bits,
    };
    let file = File::open(path).map_err(|error| failed(errno(&error, path)))?;
    rustix::fs::ioctl_setflags(&file, IFlags::from_bits_retain(new))
        .map_err(|error| failed(errno(&error.into(), path)))?;
    Ok(true)
}
