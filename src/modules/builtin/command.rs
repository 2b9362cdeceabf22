//! `command` and `shell`: run a program (`modules/command.py`).

use std::path::Path;
use std::time::Instant;

use async_trait::async_trait;

use super::attributes::errno;
use super::process::Process;
use super::words;
use crate::jinja::Value;
use crate::jinja::datetime;
use crate::jinja::repr;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

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
    // Gone from ansible-core; old roles still give it.
    Opt::new("warn", Kind::Raw),
    Opt::new("expand_argument_vars", Kind::Bool).default("true"),
];

pub(super) static COMMAND: Spec =
    Spec { free_form: true, raw_params: true, ..Spec::new("ansible.builtin.command", OPTIONS) };
pub(super) static SHELL: Spec =
    Spec { free_form: true, raw_params: true, ..Spec::new("ansible.builtin.shell", OPTIONS) };

#[async_trait]
impl Module for Command {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let (words, shown) = match (args.texts("argv"), text(&args)) {
            (Some(_), Some(_)) => {
                return Err(malformed("only command or argv can be given, not both"));
            }
            (Some(argv), None) => {
                let shown = Value::list(argv.iter().map(|word| Value::from(word.as_str())).collect());
                (argv, shown)
            }
            (None, Some(line)) => {
                let words = words::split(&line)?;
                (words.clone(), Value::list(words.into_iter().map(Value::from).collect()))
            }
            (None, None) => return Err(no_command()),
        };
        let warning = args.str("executable").map(|executable| {
            format!(
                "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{executable}'."
            )
        });
        let words = if args.flag("expand_argument_vars") {
            words.iter().map(|word| context.expand(word)).collect()
        } else {
            words
        };
        match execute(context, &args, words, shown).await {
            Ok(result) => Ok(result.warned(warning)),
            Err(error) => Err(error.warned(warning)),
        }
    }
}

#[async_trait]
impl Module for Shell {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if context.task.untemplated.contains_key("expand_argument_vars") {
            let action = &context.task.action;
            let message = format!("Unsupported parameters for ({action}) module: expand_argument_vars");
            return Err(ModuleError::new(message));
        }
        let line = text(&args).ok_or_else(no_command)?;
        let shell = args.str("executable").unwrap_or("/bin/sh").to_owned();
        execute(context, &args, vec![shell, "-c".to_owned(), line.clone()], Value::from(line)).await
    }
}

fn text(args: &Args) -> Option<String> {
    let line = args.str("_raw_params").or_else(|| args.str("cmd"));
    line.filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned)
}

fn no_command() -> ModuleError {
    malformed("no command given")
}

/// The task names no command, or two.
fn malformed(message: &str) -> ModuleError {
    failed(base(&Value::None).with("rc", 256_i64).with("msg", message))
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
    let here = args.str("chdir").map_or_else(|| context.path(""), |dir| context.path(dir));
    if let Err(error) = std::fs::read_dir(&here) {
        let shown = Path::new(args.str("chdir").unwrap_or_default());
        let message = format!("Unable to change directory before execution: {}", errno(&error, shown));
        return Err(failed(base(&cmd).with("msg", message)));
    }
    if let Some(skipped) = already_done(context, args, &here) {
        let (message, found) = skipped;
        return Ok(base(&cmd).with("rc", 0_i64).with("stdout", found).with("msg", message));
    }
    if context.check {
        let message = "Command would have run if not in check mode";
        let known = args.get("creates").is_some() || args.get("removes").is_some();
        let result = base(&cmd).with("changed", known).with("rc", 0_i64).with("msg", message);
        return Ok(if known { result } else { result.with("skipped", true) });
    }
    let mut stdin = args.str("stdin").map(ToOwned::to_owned).unwrap_or_default();
    if args.get("stdin").is_some() && args.flag("stdin_add_newline") {
        stdin.push('\n');
    }
    let started = Instant::now();
    let start = repr::timestamp(&datetime::now(false), ' ');
    let process = Process { dir: Some(here), stdin: stdin.into_bytes(), ..Process::new(words.clone()) };
    let outcome = match process.run(context).await? {
        Ok(outcome) => outcome,
        Err(problem) => {
            let result = TaskResult::changed(false)
                .with("rc", problem.code)
                .with("stdout", "")
                .with("stderr", "")
                .with("cmd", words.join(" "))
                .with("msg", problem.message);
            return Err(failed(result));
        }
    };
    let strip = |text: String| {
        if args.flag("strip_empty_ends") { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
    };
    let result = base(&cmd)
        .with("changed", true)
        .with("stdout", strip(outcome.out()))
        .with("stderr", strip(outcome.err()))
        .with("rc", outcome.rc)
        .with("start", start)
        .with("end", repr::timestamp(&datetime::now(false), ' '))
        .with("delta", delta(started));
    if outcome.rc != 0 {
        return Err(failed(result.with("msg", "non-zero return code")));
    }
    Ok(result)
}

fn failed(result: TaskResult) -> ModuleError {
    ModuleError::Failed(Box::new(result.with("failed", true)))
}

/// Why `creates` or `removes` keeps the command from running: `msg` and `stdout`.
fn already_done(context: &ModuleContext, args: &Args, here: &Path) -> Option<(String, String)> {
    let did = if context.check { "Would" } else { "Did" };
    let present = |path: &str| glob_exists(&here.join(path));
    if let Some(path) = args.str("creates").filter(|path| present(path)) {
        let message = format!("{did} not run command since '{path}' exists");
        return Some((message, format!("skipped, since {path} exists")));
    }
    let path = args.str("removes").filter(|path| !present(path))?;
    let message = format!("{did} not run command since '{path}' does not exist");
    Some((message, format!("skipped, since {path} does not exist")))
}

fn delta(started: Instant) -> String {
    let micros = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    repr::str(&Value::TimeDelta(micros))
}

/// Whether a path or a pattern of `*` and `?` in its last part exists.
fn glob_exists(path: &Path) -> bool {
    path.exists() || !crate::jinja::lookups::fileglob::glob(&path.to_string_lossy()).is_empty()
}
