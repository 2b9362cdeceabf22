//! `set_stats`: adds to the statistics of the run (`plugins/action/set_stats.py`).

use async_trait::async_trait;

use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Value, is_identifier};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.set_stats`.
pub(super) struct SetStats;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.set_stats",
    &[
        Opt::new("data", Kind::Raw),
        Opt::new("per_host", Kind::Raw).default("false"),
        Opt::new("aggregate", Kind::Raw).default("true"),
    ],
);

#[async_trait]
impl Module for SetStats {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let templar = context.templar();
        let data = match args.get("data") {
            None => Dict::default(),
            Some(value) => templar
                .template(value)?
                .as_dict()
                .cloned()
                .ok_or_else(|| ModuleError::new("The 'data' option needs to be a dictionary/hash"))?,
        };
        let mut entries = Entries::new();
        for (name, value) in data.entries() {
            let name = templar.template(name.value())?.to_string();
            if !is_identifier(&name) {
                return Err(ModuleError::new(format!(
                    "The variable name '{name}' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores."
                )));
            }
            entries.insert(name.into(), value);
        }
        // A word that is no boolean means false.
        let flag = |name| args.get(name).and_then(to_bool).unwrap_or(false);
        let stats = Value::dict([
            ("data", Value::Dict(Dict::new(entries))),
            ("per_host", Value::Bool(flag("per_host"))),
            ("aggregate", Value::Bool(flag("aggregate"))),
        ]);
        Ok(TaskResult::changed(false).with("ansible_stats", stats))
    }
}
