//! `pause`: waits (`plugins/action/pause.py`); there is no one to ask, so a pause without a time ends
//! at once.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.pause`.
pub(super) struct Pause;

const SPEC: Spec = Spec {
    requirements: &[Requirement::MutuallyExclusive(&["minutes", "seconds"])],
    ..Spec::new(
        "ansible.builtin.pause",
        &[
            Opt::new("minutes", Kind::Float),
            Opt::new("seconds", Kind::Float),
            Opt::str("prompt"),
            Opt::new("echo", Kind::Bool).default("true"),
        ],
    )
};

#[async_trait]
impl Module for Pause {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let minutes = args.float("minutes");
        let seconds = minutes.map(|minutes| minutes * 60.0).or_else(|| args.float("seconds"));
        let unit = if minutes.is_some() { "minutes" } else { "seconds" };
        let started = Instant::now();
        let start = crate::jinja::repr::timestamp(&crate::jinja::datetime::now(false), ' ');
        if let Some(seconds) = seconds {
            let wait = Duration::from_secs_f64(seconds.clamp(1.0, 1e9));
            context.until_cancelled(tokio::time::sleep(wait)).await?;
        }
        let elapsed = started.elapsed();
        let shown = if minutes.is_some() { elapsed.as_secs_f64() / 60.0 } else { elapsed.as_secs_f64() };
        let stop = crate::jinja::repr::timestamp(&crate::jinja::datetime::now(false), ' ');
        Ok(TaskResult::changed(false)
            .with("rc", 0_i64)
            .with("stderr", "")
            .with("stdout", format!("Paused for {} {unit}", (shown * 100.0).round() / 100.0))
            .with("start", start)
            .with("stop", stop)
            .with("delta", i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
            .with("echo", args.flag("echo"))
            .with("user_input", Value::from("")))
    }
}
