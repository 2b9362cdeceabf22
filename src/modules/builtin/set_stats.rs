//! `set_stats`: adds to the statistics of the run (`plugins/action/set_stats.py`).

use async_trait::async_trait;

use crate::jinja::value::Dict;
use crate::jinja::{Value, is_identifier};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.set_stats`.
pub(super) struct SetStats;

const SPEC: Spec = Spec::new(
    "ansible.builtin.set_stats",
    &[
        Opt::new("data", Kind::Dict).required(),
        Opt::flag("per_host"),
        Opt::new("aggregate", Kind::Bool).default("true"),
    ],
);

#[async_trait]
impl Module for SetStats {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let data = args.dict("data").unwrap_or_default();
        for name in data.read().keys() {
            if !is_identifier(&name.text()) {
                return Err(ModuleError::new(format!(
                    "The variable name '{}' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.",
                    name.text()
                )));
            }
        }
        let stats = Value::dict([
            ("data", Value::Dict(Dict::new(data.entries()))),
            ("per_host", Value::Bool(args.flag("per_host"))),
            ("aggregate", Value::Bool(args.flag("aggregate"))),
        ]);
        Ok(TaskResult::changed(false).with("ansible_stats", stats))
    }
}
