//! Word wrapping (sprig `wrap`, `wrapWith`; goutils `WrapCustom`).

use super::args::{MAX_OUTPUT, bytes, fail, fixed, int, text};
use crate::gotmpl::{FuncDef, FuncError, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("wrap", &[Param::Int, Param::Str], |_, args| text(wrap(bytes(args, 1), int(args, 0), b"", false)?)),
    fixed("wrapWith", &[Param::Int, Param::Str, Param::Str], |_, args| {
        text(wrap(bytes(args, 2), int(args, 0), bytes(args, 1), true)?)
    }),
];

/// Breaks lines at spaces so that they are at most `width` bytes long; a word that is longer stays whole
/// unless `cut_words`.
fn wrap(input: &[u8], width: i64, line_break: &[u8], cut_words: bool) -> Result<Vec<u8>, FuncError> {
    let line_break = if line_break.is_empty() { b"\n" } else { line_break };
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    while rest.len() > width {
        if out.len() > MAX_OUTPUT {
            return Err(fail("wrap: output length overflow"));
        }
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let at = match memchr::memrchr(b' ', &rest[..=width]) {
            Some(at) => Some(at),
            None if cut_words => None,
            None => match memchr::memchr(b' ', &rest[width..]) {
                Some(at) => Some(width + at),
                None => break,
            },
        };
        let (line, next) = at.map_or((width, width), |at| (at, at + 1));
        out.extend_from_slice(&rest[..line]);
        out.extend_from_slice(line_break);
        rest = &rest[next..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}
