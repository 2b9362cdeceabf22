//! `pause`: waits (`plugins/action/pause.py`); there is no one to ask, so a pause without a time ends
//! at once.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::jinja::{Value, repr};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.pause`.
pub(super) struct Pause;

pub(super) static SPEC: Spec = Spec {
    requirements: &[Requirement::MutuallyExclusive(&["minutes", "seconds"])],
    ..Spec::new(
        "ansible.builtin.pause",
        &[
            Opt::new("minutes", Kind::Raw),
            Opt::new("seconds", Kind::Raw),
            Opt::str("prompt"),
            Opt::new("echo", Kind::Bool).default("true"),
        ],
    )
};

#[async_trait]
impl Module for Pause {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let minutes = number(&args, "minutes")?;
        let seconds = minutes.map(|minutes| minutes * 60).or(number(&args, "seconds")?);
        let unit = if minutes.is_none() && seconds.is_some() { "seconds" } else { "minutes" };
        let started = Instant::now();
        let start = crate::jinja::repr::timestamp(&crate::jinja::datetime::now(false), ' ');
        let mut warning = None;
        match seconds {
            Some(seconds) => {
                let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1));
                context.until_cancelled(tokio::time::sleep(wait)).await?;
            }
            None => {
                warning = Some("Not waiting for response to prompt as stdin is not interactive".to_owned())
            }
        }
        let elapsed = started.elapsed();
        let shown = if unit == "minutes" { elapsed.as_secs_f64() / 60.0 } else { elapsed.as_secs_f64() };
        let shown = repr::float((shown * 100.0).round() / 100.0);
        let stop = crate::jinja::repr::timestamp(&crate::jinja::datetime::now(false), ' ');
        Ok(TaskResult::changed(false)
            .with("rc", 0_i64)
            .with("stderr", "")
            .with("stdout", format!("Paused for {shown} {unit}"))
            .with("start", start)
            .with("stop", stop)
            .with("delta", i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
            .with("echo", args.flag("echo"))
            .with("user_input", Value::from(""))
            .warned(warning))
    }
}

/// A whole number; what is behind the point is cut off.
fn number(args: &Args, name: &str) -> Result<Option<i64>, ModuleError> {
    let Some(value) = args.get(name) else { return Ok(None) };
    let number = match value {
        Value::Float(number) => Some(*number as i64),
        Value::Bool(flag) => Some(i64::from(*flag)),
        other => other.as_int().or_else(|| other.to_string().trim().parse().ok()),
    };
    number.map(Some).ok_or_else(|| {
        ModuleError::new(format!(
            "argument '{name}' is of type <class '{}'> and we were unable to convert to int: invalid literal for int() with base 10: '{value}'",
            value.type_name()
        ))
    })
}
