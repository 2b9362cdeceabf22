//! Flow control (sprig `defaults.go`, `functions.go`); `fail` is Helm's, see [`super::helm`].

use super::args::{fixed, text};
use crate::gotmpl::{FuncDef, Param, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("ternary", &[Param::Any, Param::Any, Param::Bool], |_, args| {
        let chosen = usize::from(!matches!(args[2], Value::Bool(true)));
        Ok(args[chosen].clone())
    }),
    fixed("hello", &[], |_, _| text("Hello!")),
];
