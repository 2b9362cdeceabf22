//! Runs programs for modules, so that a cancelled run leaves none behind.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::attributes::errno;
use crate::jinja::encoding::written;
use crate::modules::{ModuleContext, ModuleError, ProcessEnvironment};

/// A program and its surroundings.
#[derive(Debug, Clone, Default)]
pub(in crate::modules) struct Process {
    /// The program and its arguments.
    pub(in crate::modules) words: Vec<OsString>,
    /// Where it runs; the directory of the playbook unless given.
    pub(in crate::modules) dir: Option<PathBuf>,
    /// What it reads.
    pub(in crate::modules) stdin: Vec<u8>,
    /// Variables beside those of the task.
    pub(in crate::modules) environment: Vec<(String, String)>,
}

/// What a program left.
#[derive(Debug, Clone)]
pub(in crate::modules) struct Outcome {
    /// Its return code; `-N` when signal N ended it, as Python has it.
    pub(in crate::modules) rc: i64,
    /// What it wrote.
    pub(in crate::modules) stdout: Vec<u8>,
    /// What it wrote to the standard error.
    pub(in crate::modules) stderr: Vec<u8>,
}

impl Outcome {
    /// The standard output as text.
    pub(in crate::modules) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The standard error as text.
    pub(in crate::modules) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Why a program did not run.
pub(in crate::modules) struct NotStarted {
    /// The number of the system's error.
    pub(in crate::modules) code: i64,
    /// `[Errno 2] No such file or directory: b'nothing'`.
    pub(in crate::modules) message: String,
}

impl Process {
    /// A program with these words.
    pub(in crate::modules) fn new(words: impl IntoIterator<Item = impl Into<OsString>>) -> Process {
        Process { words: words.into_iter().map(Into::into).collect(), ..Process::default() }
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// The run was cancelled. That the program did not start is told beside.
    pub(in crate::modules) async fn run(
        self,
        context: &ModuleContext,
    ) -> Result<Result<Outcome, NotStarted>, ModuleError> {
        let mut words: Vec<OsString> = context.run_as.iter().map(Into::into).collect();
        if !words.is_empty() && !context.environment.is_empty() {
            // Whatever changes users empties the environment.
            words.push("env".into());
            words.extend(context.environment.iter().map(|(name, value)| format!("{name}={value}").into()));
        }
        words.extend(self.words);
        let Some((program, rest)) = words.split_first() else {
            return Ok(Err(NotStarted { code: 2, message: "no program given".to_owned() }));
        };
        let found = look_up(context, program.as_ref());
        let mut command = tokio::process::Command::new(&found);
        let of_run = context.extensions.get::<ProcessEnvironment>();
        command
            .args(rest.iter().map(|word| raw(word)))
            .envs(of_run.iter().flat_map(|of_run| of_run.0.iter().cloned()))
            .envs(&context.environment)
            .envs(self.environment)
            .current_dir(self.dir.as_deref().unwrap_or(&context.task.playbook_dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let code = i64::from(error.raw_os_error().unwrap_or(2));
                let mut message = errno(&error, program.as_ref());
                if !context.run_as.is_empty() {
                    message.push_str(" (what runs a task as another user, for 'become')");
                }
                return Ok(Err(NotStarted { code, message }));
            }
        };
        let guard = Group(child.id());
        let mut pipe = child.stdin.take();
        let feed = async {
            if let Some(pipe) = &mut pipe {
                // A program that does not read its input is no failure.
                let _ = pipe.write_all(&self.stdin).await;
            }
            drop(pipe);
        };
        let work = async { tokio::join!(feed, watch(&mut child)).1 };
        let outcome = context.until_cancelled(work).await?;
        guard.disarm();
        Ok(Ok(outcome.map_err(|error| ModuleError::new(error.to_string()))?))
    }
}

/// A word as the program gets it: bytes that text keeps are bytes again.
fn raw(word: &OsStr) -> OsString {
    word.to_str().map_or_else(|| word.to_owned(), |text| OsString::from_vec(written(text)))
}

/// How long the pipes of a program that has ended must be silent until what it left running, which still holds
/// them, is no longer listened to (`AnsibleModule.run_command`).
const SILENCE: Duration = Duration::from_secs(1);

/// Reads what a program writes until it has ended.
async fn watch(child: &mut Child) -> std::io::Result<Outcome> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    while out.is_some() || err.is_some() {
        tokio::select! {
            read = more(&mut out, &mut stdout) => read?,
            read = more(&mut err, &mut stderr) => read?,
            () = tokio::time::sleep(SILENCE) => if child.try_wait()?.is_some() { break },
        }
    }
    let status = child.wait().await?;
    let rc = status.code().map(i64::from);
    let signal = || std::os::unix::process::ExitStatusExt::signal(&status).map_or(-1, i64::from);
    Ok(Outcome { rc: rc.unwrap_or_else(|| -signal()), stdout, stderr })
}

/// Reads some of what comes through a pipe, which is gone at its end.
async fn more(pipe: &mut Option<impl AsyncRead + Unpin>, read: &mut Vec<u8>) -> std::io::Result<()> {
    let Some(open) = pipe else { return std::future::pending().await };
    if open.read_buf(read).await? == 0 {
        *pipe = None;
    }
    Ok(())
}

/// Where a program is, by the `PATH` of the task.
fn look_up(context: &ModuleContext, program: &Path) -> PathBuf {
    if program.components().count() > 1 || program.is_absolute() {
        return program.to_owned();
    }
    which(context, &program.to_string_lossy()).unwrap_or_else(|| program.to_owned())
}

/// Finds a program in the `PATH` of the task.
pub(in crate::modules) fn which(context: &ModuleContext, program: &str) -> Option<PathBuf> {
    let path = context.variable("PATH")?;
    let candidates = std::env::split_paths(&path).map(|dir| dir.join(program));
    candidates.into_iter().find(|file| file.is_file() && is_executable(file))
}

/// Whether this process may execute a file.
pub(in crate::modules) fn is_executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Ends the whole group of processes when the module is dropped before its program has ended.
struct Group(Option<u32>);

impl Group {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself in the meantime.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
