//! `ping`: answers (`modules/ping.py`).

use async_trait::async_trait;

use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.ping`.
pub(super) struct Ping;

const SPEC: Spec = Spec::new("ansible.builtin.ping", &[Opt::str("data").default("pong")]);

#[async_trait]
impl Module for Ping {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        match args.str("data") {
            Some("crash") => Err(ModuleError::new("boom")),
            data => Ok(TaskResult::changed(false).with("ping", data.unwrap_or("pong"))),
        }
    }
}
