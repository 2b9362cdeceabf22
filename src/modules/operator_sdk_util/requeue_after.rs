//! `operator_sdk.util.requeue_after`: run again after a time (`plugins/modules/requeue_after.py`).
//! The executor keeps the period that the last such task tells; the operator comes back by it.

use async_trait::async_trait;

use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Opt, Spec};

/// The module.
pub(super) struct RequeueAfter;

pub(super) static SPEC: Spec = Spec::new("operator_sdk.util.requeue_after", &[Opt::str("time").required()]);

#[async_trait]
impl Module for RequeueAfter {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let time = args.str("time").unwrap_or_default();
        if !time.chars().all(|char| "hms".contains(char) || char.is_ascii_digit()) {
            return Err(ModuleError::new("invalid time input"));
        }
        Ok(TaskResult::changed(false).with("period", time))
    }
}
