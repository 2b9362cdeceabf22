//! Types and kinds of values (sprig `reflect.go`).

use super::args::{bytes, fixed, text};
use super::equal::deep_equal;
use crate::gotmpl::fmt::{kind_name, type_name};
use crate::gotmpl::{FuncDef, Param, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("typeOf", &[Param::Any], |_, args| text(type_name(&args[0]).as_bytes())),
    fixed("typeIs", &[Param::Str, Param::Any], |_, args| {
        Ok(Value::Bool(type_name(&args[1]).as_bytes() == bytes(args, 0)))
    }),
    fixed("typeIsLike", &[Param::Str, Param::Any], |_, args| {
        let name = type_name(&args[1]);
        let (name, target) = (name.as_bytes(), bytes(args, 0));
        Ok(Value::Bool(name == target || name.strip_prefix(b"*") == Some(target)))
    }),
    fixed("kindOf", &[Param::Any], |_, args| text(kind_name(&args[0]))),
    fixed("kindIs", &[Param::Str, Param::Any], |_, args| {
        Ok(Value::Bool(kind_name(&args[1]).as_bytes() == bytes(args, 0)))
    }),
    fixed("deepEqual", &[Param::Any, Param::Any], |_, args| Ok(Value::Bool(deep_equal(&args[0], &args[1])))),
];
