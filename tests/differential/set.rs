//! Texts of `--set`.

use proptest::prelude::*;

use crate::case::Case;
use crate::pieces;

const PIECES: &[&str] = &[
    "a",
    "b",
    "=",
    "=",
    ".",
    ",",
    "a=1",
    "b.c=x",
    "{",
    "}",
    "{1,2}",
    "[0]",
    "[1]",
    "[",
    "]",
    "[-1]",
    "[x]",
    "null",
    "true",
    "\\",
    "\\,",
    "\\.",
    " ",
    "1",
    "0",
    "01",
    "1.5",
    "-3",
    "\"q\"",
    "a[0].b=1",
    "a[0][1]=2",
    "x={a,b}",
    "é",
    "\n",
    "[2]=z",
    "1e3",
    "0x1",
    "9223372036854775808",
    "a=null",
    "a.b",
    ",a=",
    "{}",
];

/// The cases.
pub(crate) fn cases() -> BoxedStrategy<Case> {
    pieces::text(PIECES, 10).prop_map(|text| Case::Set { text }).boxed()
}
