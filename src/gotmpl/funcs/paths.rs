//! Paths (sprig `functions.go`; Go `path` and, the same on Unix, `path/filepath`).

use super::args::{Body, bytes, fixed, text};
use crate::gotmpl::{FuncDef, Param, Value};

const ONE: &[Param] = &[Param::Str];
const BASE: Body = |_, args| text(base(bytes(args, 0)));
const DIR: Body = |_, args| text(dir(bytes(args, 0)));
const CLEAN: Body = |_, args| text(clean(bytes(args, 0)));
const EXT: Body = |_, args| text(extension(bytes(args, 0)));
const IS_ABS: Body = |_, args| Ok(Value::Bool(bytes(args, 0).starts_with(b"/")));

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("base", ONE, BASE),
    fixed("dir", ONE, DIR),
    fixed("clean", ONE, CLEAN),
    fixed("ext", ONE, EXT),
    fixed("isAbs", ONE, IS_ABS),
    fixed("osBase", ONE, BASE),
    fixed("osDir", ONE, DIR),
    fixed("osClean", ONE, CLEAN),
    fixed("osExt", ONE, EXT),
    fixed("osIsAbs", ONE, IS_ABS),
];

/// The last element; `.` for nothing, `/` for slashes only.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    match path[..end].rsplit(|byte| *byte == b'/').next() {
        Some(last) if !last.is_empty() => last,
        _ => b"/",
    }
}

/// All but the last element, cleaned.
fn dir(path: &[u8]) -> Vec<u8> {
    let end = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    clean(&path[..end])
}

/// From the last dot of the last element.
fn extension(path: &[u8]) -> &[u8] {
    let name = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    memchr::memrchr(b'.', &path[name..]).map_or(&[], |dot| &path[name + dot..])
}

/// The shortest equal path: no empty elements, no `.`, `..` only at the start.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            _ => kept.push(element),
        }
    }
    let mut out = if rooted { b"/".to_vec() } else { Vec::new() };
    out.extend(kept.join(&b'/'));
    if out.is_empty() { b".".to_vec() } else { out }
}
