//! `group_by`: puts the host into a group that a variable names (`plugins/action/group_by.py`). The executor
//! does what the result says.

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.group_by`.
pub(super) struct GroupBy;

pub(super) static SPEC: Spec =
    Spec::new("ansible.builtin.group_by", &[Opt::str("key"), Opt::new("parents", Kind::Raw)]);

#[async_trait]
impl Module for GroupBy {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let Some(key) = args.str("key") else {
            return Err(ModuleError::new("the 'key' param is required when using group_by"));
        };
        let parents = match args.get("parents") {
            None => vec!["all".to_owned()],
            Some(Value::List(list)) => list.items().iter().map(ToString::to_string).collect(),
            Some(other) => vec![other.to_string()],
        };
        let named = |name: &str| Value::from(name.replace(' ', "-"));
        Ok(TaskResult::changed(false)
            .with("add_group", named(key))
            .with("parent_groups", Value::list(parents.iter().map(|name| named(name)).collect())))
    }
}
