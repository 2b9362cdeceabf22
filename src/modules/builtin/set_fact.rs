//! `set_fact`: sets variables of the host (`plugins/action/set_fact.py`).

use async_trait::async_trait;

use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Value, is_identifier};
use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.set_fact`.
pub(super) struct SetFact;

pub(super) static SPEC: Spec =
    Spec { any_option: true, ..Spec::new("ansible.builtin.set_fact", &[Opt::flag("cacheable")]) };

#[async_trait]
impl Module for SetFact {
    async fn run(&self, context: &ModuleContext, mut args: Args) -> Result<TaskResult, ModuleError> {
        let cacheable = args.flag("cacheable");
        args.values.shift_remove("cacheable");
        if args.values.is_empty() {
            return Err(ModuleError::new(
                "No key/value pairs provided, at least one is required for this action to succeed",
            ));
        }
        let templar = context.templar();
        let mut facts = Entries::new();
        for (key, value) in args.values {
            let name = templar.template(key.value())?.to_string();
            if !is_identifier(&name) {
                return Err(ModuleError::new(format!(
                    "The variable name '{name}' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores."
                )));
            }
            let value = if templar.env.settings.native { value } else { boolean_word(value) };
            facts.insert(name.into(), value);
        }
        let facts = Value::Dict(Dict::new(facts));
        Ok(TaskResult::new().with("ansible_facts", facts).with("_ansible_facts_cacheable", cacheable))
    }
}

/// Text that is one of four words becomes a boolean.
fn boolean_word(value: Value) -> Value {
    let is_word = value.as_str().is_some_and(|text| {
        ["true", "false", "yes", "no"].iter().any(|word| text.eq_ignore_ascii_case(word))
    });
    match to_bool(&value) {
        Some(flag) if is_word => Value::Bool(flag),
        _ => value,
    }
}
