//! `debug`: shows a message or a variable (`plugins/action/debug.py`).

use async_trait::async_trait;

use crate::jinja::{Error, ErrorKind, Templar, Value};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.debug`.
pub(super) struct Debug;

pub(super) static SPEC: Spec = Spec {
    requirements: &[Requirement::MutuallyExclusive(&["msg", "var"])],
    ..Spec::new(
        "ansible.builtin.debug",
        &[
            Opt::new("msg", Kind::Raw).default("Hello world!"),
            Opt::new("var", Kind::Raw),
            Opt::new("verbosity", Kind::Int).default("0"),
        ],
    )
};

#[async_trait]
impl Module for Debug {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if args.int("verbosity").unwrap_or(0) > i64::from(context.verbosity) {
            let result = TaskResult::new().with("skipped_reason", "Verbosity threshold not met.");
            return Ok(result.with("skipped", true).with("failed", false));
        }
        let mut result = TaskResult::new();
        match args.get("var").filter(|var| crate::jinja::ops::truthy_or_false(var)) {
            Some(var) => {
                let key = match var {
                    Value::List(_) => "<class 'list'>".to_owned(),
                    Value::Dict(_) => "<class 'dict'>".to_owned(),
                    other => other.to_string(),
                };
                result = result.with(&key, variable(var, &context.templar(), context.verbosity)?);
            }
            None => result = result.with("msg", args.get("msg").cloned().unwrap_or(Value::None)),
        }
        Ok(result.with("_ansible_verbose_always", true).with("failed", false))
    }
}

/// The value of what `var` names, or the sentence that it is not defined.
fn variable(var: &Value, templar: &Templar, verbosity: u8) -> Result<Value, ModuleError> {
    let value = match var {
        Value::Str(text) if text.is_unsafe() => Ok(var.clone()),
        Value::Str(text) => {
            let bare = Value::from(format!("{{{{{}}}}}", text.as_str()));
            match templar.template(&bare) {
                Ok(value) => Ok(value),
                Err(error) if error.kind() == ErrorKind::Undefined => Err(error),
                Err(error) if looks_plain(text.as_str()) => return Err(error.into()),
                Err(_) => Ok(var.clone()),
            }
        }
        other => templar.template(other),
    };
    value.or_else(|error: Error| match error.kind() {
        ErrorKind::Undefined if verbosity > 0 => {
            Ok(Value::from(format!("VARIABLE IS NOT DEFINED!: {error}")))
        }
        ErrorKind::Undefined => Ok(Value::from("VARIABLE IS NOT DEFINED!")),
        _ => Err(error.into()),
    })
}

/// Whether text can be an expression at all.
fn looks_plain(text: &str) -> bool {
    !text.contains('\n')
}
