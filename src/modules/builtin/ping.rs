//! `ping`: answers (`modules/ping.py`).

use async_trait::async_trait;

use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.ping`.
pub(super) struct Ping;

pub(super) static SPEC: Spec = Spec::new("ansible.builtin.ping", &[Opt::str("data").default("pong")]);

#[async_trait]
impl Module for Ping {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        match args.str("data") {
            // A module that ends with a traceback.
            Some("crash") => Err(ModuleError::new(
                "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error",
            )
            .with("changed", false)
            .with("module_stdout", "")
            .with("module_stderr", "Exception: boom\n")
            .with("rc", 1_i64)),
            data => Ok(TaskResult::changed(false).with("ping", data.unwrap_or("pong"))),
        }
    }
}
