//! `raw`: a command line as it is (`plugins/action/raw.py`).

use async_trait::async_trait;

use super::process::Process;
use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.raw`.
pub(super) struct Raw;

pub(super) static SPEC: Spec = Spec {
    free_form: true,
    raw_params: true,
    ..Spec::new("ansible.builtin.raw", &[Opt::str("executable"), Opt::str("_raw_params")])
};

#[async_trait]
impl Module for Raw {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if context.check {
            return Ok(TaskResult::new().with("skipped", true).with("changed", false));
        }
        let shell = args.str("executable").unwrap_or("/bin/sh");
        let line = args.str("_raw_params").unwrap_or_default();
        // The `environment:` of the task is not for `raw`: it may run where there is no shell to set it.
        let mut bare = context.clone();
        bare.environment.clear();
        let process = Process::new([shell, "-c", line]);
        let outcome = process.run(&bare).await?.map_err(|problem| ModuleError::new(problem.message))?;
        let mut result = TaskResult::changed(true)
            .with("rc", outcome.rc)
            .with("stdout", outcome.out())
            .with("stderr", outcome.err());
        if !context.environment.is_empty() {
            result = result.warned(["raw module does not support the environment keyword".to_owned()]);
        }
        if outcome.rc != 0 {
            let result = result.with("failed", true).with("msg", "non-zero return code");
            return Err(ModuleError::Failed(Box::new(result)));
        }
        Ok(result)
    }
}
