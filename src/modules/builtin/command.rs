//! `command` and `shell`: run a program (`modules/command.py`).

use std::process::Stdio;
use std::time::Instant;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;

use crate::jinja::Value;
use crate::jinja::datetime;
use crate::jinja::repr;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult, expand_path};

/// `ansible.builtin.command`.
pub(super) struct Command;

/// `ansible.builtin.shell`.
pub(super) struct Shell;

const OPTIONS: &[Opt] = &[
    Opt::new("chdir", Kind::Path),
    Opt::new("creates", Kind::Path),
    Opt::new("removes", Kind::Path),
    Opt::new("executable", Kind::Path),
    Opt::str("stdin"),
    Opt::new("stdin_add_newline", Kind::Bool).default("true"),
    Opt::new("strip_empty_ends", Kind::Bool).default("true"),
    Opt::new("argv", Kind::ListOfStr),
    Opt::str("cmd"),
    Opt::new("warn", Kind::Raw),
    Opt::new("expand_argument_vars", Kind::Bool).default("true"),
];

const COMMAND: Spec =
    Spec { free_form: true, raw_params: true, ..Spec::new("ansible.builtin.command", OPTIONS) };
const SHELL: Spec = Spec { free_form: true, raw_params: true, ..Spec::new("ansible.builtin.shell", OPTIONS) };

#[async_trait]
impl Module for Command {
    fn spec(&self) -> &'static Spec {
        &COMMAND
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let (words, shown) = match (args.texts("argv"), text(&args)) {
            (Some(_), Some(_)) => {
                return Err(ModuleError::new("only command or argv can be given, not both"));
            }
            (Some(argv), None) => {
                let shown = Value::list(argv.iter().map(|word| Value::from(word.as_str())).collect());
                (argv, shown)
            }
            (None, Some(line)) => {
                let words = shlex::split(&line).ok_or_else(|| ModuleError::new("No closing quotation"))?;
                (words.clone(), Value::list(words.into_iter().map(Value::from).collect()))
            }
            (None, None) => return Err(no_command()),
        };
        let words = if args.flag("expand_argument_vars") {
            words.iter().map(|word| expand_path(word)).collect()
        } else {
            words
        };
        execute(context, &args, words, shown).await
    }
}

#[async_trait]
impl Module for Shell {
    fn spec(&self) -> &'static Spec {
        &SHELL
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let line = text(&args).ok_or_else(no_command)?;
        let shell = args.str("executable").unwrap_or("/bin/sh").to_owned();
        execute(context, &args, vec![shell, "-c".to_owned(), line.clone()], Value::from(line)).await
    }
}

fn text(args: &Args) -> Option<String> {
    let line = args.str("_raw_params").or_else(|| args.str("cmd"));
    line.map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned)
}

fn no_command() -> ModuleError {
    ModuleError::new("no command given").with("rc", 256_i64)
}

fn base(cmd: &Value) -> TaskResult {
    TaskResult::new()
        .with("changed", false)
        .with("stdout", "")
        .with("stderr", "")
        .with("rc", Value::None)
        .with("cmd", cmd.clone())
        .with("start", Value::None)
        .with("end", Value::None)
        .with("delta", Value::None)
        .with("msg", "")
}

async fn execute(
    context: &ModuleContext,
    args: &Args,
    words: Vec<String>,
    cmd: Value,
) -> Result<TaskResult, ModuleError> {
    let dir = args.str("chdir").map(std::path::PathBuf::from);
    if let Some(dir) = &dir
        && !dir.is_dir()
    {
        let message = format!(
            "Unable to change directory before execution: [Errno 2] No such file or directory: b'{}'",
            dir.display()
        );
        return Err(ModuleError::Failed(Box::new(base(&cmd).with("failed", true).with("msg", message))));
    }
    let here = dir.clone().unwrap_or_else(|| context.task.playbook_dir.clone());
    let present = |path: &str| glob_exists(&here.join(path));
    if let Some(path) = args.str("creates").filter(|path| present(path)) {
        let message = format!("skipped, since {path} exists");
        return Ok(not_run(&cmd, &message, context.check));
    }
    if let Some(path) = args.str("removes").filter(|path| !present(path)) {
        let message = format!("skipped, since {path} does not exist");
        return Ok(not_run(&cmd, &message, context.check));
    }
    if context.check {
        let message = "Command would have run if not in check mode";
        let known = args.str("creates").is_some() || args.str("removes").is_some();
        return Ok(base(&cmd).with("changed", known).with("skipped", !known).with("msg", message));
    }
    let Some((program, rest)) = words.split_first() else { return Err(no_command()) };
    let started = Instant::now();
    let start = repr::timestamp(&datetime::now(false), ' ');
    let mut command = tokio::process::Command::new(program);
    command.args(rest).envs(&context.environment).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.current_dir(&here);
    let mut child = command.spawn().map_err(|error| {
        let code = i64::from(error.raw_os_error().unwrap_or(2));
        let message = format!("[Errno {code}] {}: b'{program}'", os_message(&error));
        ModuleError::Failed(Box::new(base(&cmd).with("failed", true).with("rc", code).with("msg", message)))
    })?;
    let mut input = args.str("stdin").map(ToOwned::to_owned).unwrap_or_default();
    if !input.is_empty() && args.flag("stdin_add_newline") {
        input.push('\n');
    }
    let mut pipe = child.stdin.take();
    let feed = async {
        if let Some(pipe) = &mut pipe {
            let _ = pipe.write_all(input.as_bytes()).await;
        }
        drop(pipe);
    };
    let work = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = context.until_cancelled(work).await?.map_err(|error| ModuleError::new(error.to_string()))?;
    let rc = i64::from(output.status.code().unwrap_or(-1));
    let strip = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if args.flag("strip_empty_ends") { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
    };
    let result = base(&cmd)
        .with("changed", true)
        .with("stdout", strip(&output.stdout))
        .with("stderr", strip(&output.stderr))
        .with("rc", rc)
        .with("start", start)
        .with("end", repr::timestamp(&datetime::now(false), ' '))
        .with("delta", delta(started));
    if rc != 0 {
        return Err(ModuleError::Failed(Box::new(
            result.with("failed", true).with("msg", "non-zero return code"),
        )));
    }
    Ok(result)
}

fn not_run(cmd: &Value, message: &str, check: bool) -> TaskResult {
    let did = if check { "Would not" } else { "Did not" };
    base(cmd)
        .with("rc", 0_i64)
        .with("stdout", message)
        .with("msg", format!("{did} run command since {}", &message["skipped, since ".len()..]))
}

fn delta(started: Instant) -> String {
    let micros = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    repr::str(&Value::TimeDelta(micros))
}

/// The system's words for an error, without Rust's `(os error N)`.
fn os_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Whether a path or a pattern of `*` and `?` in its last part exists.
fn glob_exists(path: &std::path::Path) -> bool {
    path.exists() || !crate::jinja::lookups::fileglob::glob(&path.to_string_lossy()).is_empty()
}
