//! What stands for a module that cannot run here: its task fails with the reason, if it runs at all.

use async_trait::async_trait;

use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};
use crate::playbook::UNAVAILABLE;

/// Every module that is refused by name, or that content brings along and that this image cannot run.
pub(super) struct Unavailable;

pub(super) static SPEC: Spec = Spec::new(UNAVAILABLE, &[Opt::str("reason")]);

#[async_trait]
impl Module for Unavailable {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        Err(ModuleError::new(args.str("reason").unwrap_or_default()))
    }
}
