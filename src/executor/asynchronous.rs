//! `async` and `poll`: a module that runs beside the play (`TaskExecutor._poll_async_result`).

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Attempt, Stop};
use super::event::Event;
use super::results::failure;
use super::settings::Settings;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Value, ops};
use crate::modules::jobs::Job;
use crate::modules::{Args, Entry, ModuleContext, ModuleError};

/// Modules of the controller, which cannot run beside the play.
const NOT_BESIDE: &[&str] = &[
    "add_host",
    "assemble",
    "assert",
    "async_status",
    "copy",
    "debug",
    "fail",
    "fetch",
    "group_by",
    "include_vars",
    "pause",
    "raw",
    "script",
    "set_fact",
    "set_stats",
    "template",
    "unarchive",
    "validate_argument_spec",
];

impl Attempt<'_> {
    /// Starts the module beside the play and, unless `poll` is zero, waits for it.
    ///
    /// # Errors
    /// The run was cancelled.
    pub(super) async fn start_job(
        &self,
        entry: &Entry,
        args: Args,
        context: ModuleContext,
        settings: &Settings,
    ) -> Result<Entries, Stop> {
        let short = entry.spec.name.strip_prefix("ansible.builtin.").unwrap_or_default();
        if NOT_BESIDE.contains(&short) {
            let name = &self.task.action_name;
            return Ok(failure(&format!("This action ({name}) does not support async.")));
        }
        let limit = Duration::from_secs(settings.asynchronous);
        let mut job = match self.context.jobs.start(Arc::clone(&entry.module), context, args, limit) {
            Ok(job) => job,
            Err(message) => return Ok(failure(&message)),
        };
        if settings.poll == 0 {
            return Ok(started(&job));
        }
        let result = self.wait_for_job(&mut job, settings).await?;
        let failed = result.get("failed").is_some_and(ops::truthy_or_false);
        self.tell(Event::AsyncEnd { host: self.host.clone(), job: job.id().to_owned(), failed });
        Ok(result)
    }

    /// Waits for the end of a job, which is told of every `poll` seconds until then.
    async fn wait_for_job(&self, job: &mut Job, settings: &Settings) -> Result<Entries, Stop> {
        let poll = Duration::from_secs(settings.poll);
        let mut left = settings.asynchronous;
        let ended = loop {
            if left == 0 {
                let mut result = failure(&format!(
                    "async task did not complete within the requested time - {}s",
                    settings.asynchronous
                ));
                result.insert("async_result".into(), Value::Dict(Dict::new(started(job))));
                return Ok(result);
            }
            tokio::select! {
                result = job.ended() => break result,
                () = tokio::time::sleep(poll) => {
                    left = left.saturating_sub(settings.poll);
                    let result = super::results::shown(&started(job), false);
                    self.tell(Event::AsyncPoll { host: self.host.clone(), result });
                }
                () = self.context.cancel.cancelled() => return Err(Stop::Cancelled),
            }
        };
        let mut all = super::attempt::outcome(ended.unwrap_or(Err(ModuleError::Cancelled)))?;
        all.insert("ansible_job_id".into(), Value::from(job.id()));
        all.insert("started".into(), Value::Int(1));
        all.insert("finished".into(), Value::Int(1));
        all.insert("results_file".into(), Value::from(job.file().display().to_string()));
        job.forget();
        Ok(all)
    }
}

/// The result of a job that was started.
fn started(job: &Job) -> Entries {
    Entries::from_iter([
        ("started".into(), Value::Int(1)),
        ("finished".into(), Value::Int(0)),
        ("ansible_job_id".into(), Value::from(job.id())),
        ("results_file".into(), Value::from(job.file().display().to_string())),
        ("changed".into(), Value::Bool(true)),
    ])
}
