//! `async_status`: how a job that runs beside the play is doing (`modules/async_status.py`).

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::jobs;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.async_status`.
pub(super) struct AsyncStatus;

pub(super) static SPEC: Spec = Spec::new(
    "ansible.builtin.async_status",
    &[
        Opt::new("jid", Kind::Str).required(),
        Opt::new("mode", Kind::Str).default("status").choices(&["cleanup", "status"]),
    ],
);

#[async_trait]
impl Module for AsyncStatus {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let id = args.str("jid").unwrap_or_default().to_owned();
        let file = jobs::directory(context).join(&id);
        let shown = file.display().to_string();
        let clean = args.str("mode") == Some("cleanup");
        let base = TaskResult::new()
            .with("started", i64::from(!clean))
            .with("finished", 0_i64)
            .with("stdout", "")
            .with("stderr", "")
            .with("stdout_lines", Value::list(Vec::new()))
            .with("stderr_lines", Value::list(Vec::new()))
            .with("ansible_job_id", id.as_str())
            .with(if clean { "erased" } else { "results_file" }, shown);
        if !file.exists() {
            return Err(ModuleError::Failed(Box::new(
                base.with("failed", true)
                    .with("msg", "could not find job")
                    .with("started", 1_i64)
                    .with("finished", 1_i64),
            )));
        }
        if clean {
            std::fs::remove_file(&file).map_err(|error| ModuleError::new(error.to_string()))?;
            return Ok(base.with("changed", false));
        }
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let Ok(serde_json::Value::Object(told)) = serde_json::from_str(&text) else {
            // A file that is not written yet means that the job runs.
            return Ok(base.with("changed", false));
        };
        let running = told.contains_key("started");
        let mut result = base;
        result.fields.extend(TaskResult::from_json(told).fields);
        for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
            if let Some(Value::Str(written)) = result.get(text) {
                let split =
                    crate::jinja::split_lines(written.as_str()).into_iter().map(Value::from).collect();
                result = result.with(lines, Value::list(split));
            }
        }
        if !running {
            result = result.with("finished", 1_i64).with("ansible_job_id", id);
        }
        Ok(result)
    }
}
