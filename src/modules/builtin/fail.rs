//! `fail`: fails with a message (`plugins/action/fail.py`).

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.fail`.
pub(super) struct Fail;

pub(super) static SPEC: Spec =
    Spec::new("ansible.builtin.fail", &[Opt::new("msg", Kind::Raw).default("Failed as requested from task")]);

#[async_trait]
impl Module for Fail {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let msg = args.get("msg").cloned().unwrap_or(Value::None);
        Ok(TaskResult::new().with("failed", true).with("msg", msg))
    }
}
