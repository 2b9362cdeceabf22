//! `assert`: fails unless every condition holds (`plugins/action/assert.py`).

use async_trait::async_trait;

use crate::jinja::{Error, ErrorKind, Templar, TemplateOptions, Value};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.assert`.
pub(super) struct Assert;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.assert",
    &[
        Opt::new("that", Kind::Raw).required(),
        Opt::new("fail_msg", Kind::Raw).aliases(&["msg"]),
        Opt::new("success_msg", Kind::Raw),
        Opt::flag("quiet"),
    ],
);

#[async_trait]
impl Module for Assert {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let templar = context.templar();
        let fail_msg = message(&args, "fail_msg", "fail_msg or msg", "Assertion failed")?;
        let success_msg = message(&args, "success_msg", "success_msg", "All assertions passed")?;
        let mut result = TaskResult::new();
        if !args.flag("quiet") {
            result = result.with("_ansible_verbose_always", true);
        }
        for that in conditions(context, &args, &templar)? {
            let holds = templar.condition(&that).map_err(|error| match error.kind() {
                ErrorKind::Cancelled => ModuleError::Cancelled,
                _ => ModuleError::Template(context.task.place.condition_error(error, &that)),
            })?;
            if !holds {
                return Ok(result
                    .with("failed", true)
                    .with("evaluated_to", false)
                    .with("assertion", that)
                    .with("msg", fail_msg));
            }
        }
        Ok(result.with("changed", false).with("msg", success_msg))
    }
}

/// The conditions as the task writes them; a single text is templated once, for a list in a variable.
fn conditions(context: &ModuleContext, args: &Args, templar: &Templar) -> Result<Vec<Value>, ModuleError> {
    let written =
        context.task.untemplated.get("that").or_else(|| args.get("that")).cloned().unwrap_or(Value::None);
    let written = match &written {
        Value::Str(_) => templar.template_with(&written, &TemplateOptions::default())?,
        _ => written,
    };
    Ok(written.as_list().map_or_else(|| vec![written.clone()], crate::jinja::value::List::items))
}

/// An error of the plugin itself, whose result says nothing but that.
fn refused(message: &str) -> ModuleError {
    ModuleError::Template(Error::ansible(message))
}

/// The text or texts of an argument; `called` is what errors call it.
fn message(args: &Args, name: &str, called: &str, default: &str) -> Result<Value, ModuleError> {
    match args.get(name) {
        None => Ok(Value::from(default)),
        Some(value @ Value::Str(_)) => Ok(value.clone()),
        Some(Value::List(list)) if list.read().iter().all(|item| item.as_str().is_some()) => {
            Ok(Value::List(list.clone()))
        }
        Some(Value::List(_)) => {
            Err(refused(&format!("Type of one of the elements in {called} list is not string type")))
        }
        Some(other) => {
            let kind = other.type_name();
            Err(refused(&format!(
                "Incorrect type for {called}, expected a string or list and got <class '{kind}'>"
            )))
        }
    }
}
