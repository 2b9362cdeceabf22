//! Jobs: modules that run beside the play (`async`), each with a file that tells how it ended
//! (`modules/async_wrapper.py`).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::context::ModuleContext;
use super::external::STDERR;
use super::registry::Module;
use super::result::{ModuleError, TaskResult};
use super::spec::Args;
use crate::jinja::Notice;
use crate::modules::expand_path;

/// The jobs of a run's surroundings; a copy means the same jobs.
#[derive(Clone, Default)]
pub struct Jobs {
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// One job.
pub struct Job {
    id: String,
    file: PathBuf,
    result: oneshot::Receiver<Result<TaskResult, ModuleError>>,
}

/// The directory of the files that tell how jobs ended (`async_dir` of the shell plugins).
#[must_use]
pub fn directory(context: &ModuleContext) -> PathBuf {
    let of_vars =
        || context.templar().variable("ansible_async_dir").ok().flatten().map(|dir| dir.to_string());
    let of_task = context.environment.get("ANSIBLE_ASYNC_DIR").cloned();
    let dir = of_task.or_else(of_vars).or_else(|| std::env::var("ANSIBLE_ASYNC_DIR").ok());
    PathBuf::from(expand_path(dir.as_deref().unwrap_or("~/.ansible_async")))
}

impl Jobs {
    /// Starts a module; it ends after `limit` at the latest.
    ///
    /// # Errors
    /// The file of the job cannot be written.
    pub fn start(
        &self,
        module: Arc<dyn Module>,
        context: ModuleContext,
        args: Args,
        limit: Duration,
    ) -> Result<Job, String> {
        let dir = directory(&context);
        std::fs::create_dir_all(&dir)
            .map_err(|error| format!("could not create directory: {} - {error}", dir.display()))?;
        let number = uuid::Uuid::new_v4().as_u128() % 1_000_000_000_000;
        let id = format!("j{number:012}.{}", std::process::id());
        let file = dir.join(&id);
        write(&file, &json!({"started": 1, "finished": 0, "ansible_job_id": id}))
            .map_err(|error| format!("could not write {}: {error}", file.display()))?;
        let (sender, result) = oneshot::channel();
        let job = Job { id, file: file.clone(), result };
        let notices = context.env.notices.clone();
        let env = Arc::new(context.env.beside());
        let context = ModuleContext { env, ..context };
        let handle = tokio::spawn(async move {
            let done = tokio::time::timeout(limit, module.run(&context, args)).await.unwrap_or_else(|_| {
                let pid = i64::from(std::process::id());
                Err(ModuleError::new("Timeout exceeded").with("child_pid", pid))
            });
            let mut warnings = Vec::new();
            for notice in context.env.notices.take() {
                match notice {
                    Notice::Warning(message) => warnings.push(message),
                    deprecation @ Notice::Deprecation { .. } => notices.tell(deprecation),
                }
            }
            let told = |result| with_printed(result).warned(warnings);
            let done = match done {
                Ok(result) => Ok(told(result)),
                Err(error) => Err(error.map(told)),
            };
            let told = match &done {
                Ok(result) => result.to_json(),
                Err(ModuleError::Failed(result)) => result.to_json(),
                Err(error) => json!({"failed": true, "msg": error.to_string()}),
            };
            // Nobody may be waiting, and a full disk must not end the job.
            let _ = write(&file, &told);
            let _ = sender.send(done);
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|job| !job.is_finished());
        running.push(handle);
        Ok(job)
    }

    /// Waits for all jobs.
    pub async fn finish(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for job in running {
            // A job that panicked has ended as well.
            let _ = job.await;
        }
    }
}

/// A result with what the module printed beside it, under the names of the wrapper of jobs.
fn with_printed(mut result: TaskResult) -> TaskResult {
    for (own, other) in [(STDERR, "stderr"), ("module_stderr", "stderr"), ("module_stdout", "data")] {
        if let Some(text) = result.fields.shift_remove(own) {
            result = result.with(other, text);
        }
    }
    result
}

impl Job {
    /// `ansible_job_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `results_file`.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Waits for the end of the job; none when the job was ended from outside.
    pub async fn ended(&mut self) -> Option<Result<TaskResult, ModuleError>> {
        (&mut self.result).await.ok()
    }

    /// Removes the file of a job that was waited for.
    pub fn forget(&self) {
        // The file may have been removed by `async_status` already.
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Writes a file of a job so that readers see all of it or nothing.
fn write(file: &Path, content: &serde_json::Value) -> std::io::Result<()> {
    let part = file.with_extension("tmp");
    std::fs::write(&part, content.to_string())?;
    std::fs::rename(&part, file)
}
