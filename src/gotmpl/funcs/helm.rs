//! Helm's own control functions (`pkg/engine/engine.go`): `include`, `tpl`, `required`, `fail`.

use super::Outcome;
use super::args::{bytes, fail, fixed};
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, Param, SourceError, Str, Value};

/// Marks the message of `required` and `fail` in an error chain: Helm shows nothing but that message.
pub const MESSAGE_START: &str = "HELM_ERR_START";
/// The end of what [`MESSAGE_START`] begins.
pub const MESSAGE_END: &str = "HELM_ERR_END";

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("include", &[Param::Str, Param::Any], |context, args| {
        Ok(Value::Str(context.execute_template(bytes(args, 0), args[1].clone())?))
    }),
    fixed("tpl", &[Param::Str, Param::Any], tpl),
    fixed("required", &[Param::Str, Param::Any], |_, args| match &args[1] {
        Value::Nil => Err(wrapped(bytes(args, 0))),
        Value::Str(value) if value.is_empty() => Err(wrapped(bytes(args, 0))),
        value => Ok(value.clone()),
    }),
    fixed("fail", &[Param::Str], |_, args| Err(wrapped(bytes(args, 0)))),
];

fn wrapped(message: &[u8]) -> FuncError {
    fail(format!("{MESSAGE_START}{}{MESSAGE_END}", String::from_utf8_lossy(message)))
}

fn tpl(context: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let [Value::Str(source), _] = args else { return Ok(Value::from("")) };
    let quoted = || String::from_utf8_lossy(&quote(source)).into_owned();
    match context.execute_source(source, args[1].clone()) {
        Ok(output) => Ok(Value::Str(without_no_value(output))),
        Err(error @ SourceError::Parse(_)) => {
            Err(FuncError::from(error).wrap(format_args!("cannot parse template {}", quoted())))
        }
        Err(SourceError::Exec(error)) => {
            Err(error.wrap(format_args!("error during tpl function execution for {}", quoted())))
        }
    }
}

/// Helm removes what printing nil gives from the whole output, whoever wrote it.
fn without_no_value(output: Str) -> Str {
    const NO_VALUE: &[u8] = b"<no value>";
    let mut matches = memchr::memmem::find_iter(&output, NO_VALUE).peekable();
    if matches.peek().is_none() {
        return output;
    }
    let mut kept = Vec::with_capacity(output.len());
    let mut copied = 0;
    for at in matches {
        kept.extend_from_slice(&output[copied..at]);
        copied = at + NO_VALUE.len();
    }
    kept.extend_from_slice(&output[copied..]);
    kept.into()
}
