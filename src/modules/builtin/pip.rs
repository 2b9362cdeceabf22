//! `pip`: Python packages, in a virtual environment or not (`modules/pip.py`).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;

use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.pip`.
pub(super) struct Pip;

pub(super) static SPEC: Spec = Spec {
    requirements: &[
        Requirement::OneOf(&["name", "requirements"]),
        Requirement::MutuallyExclusive(&["name", "requirements"]),
        Requirement::MutuallyExclusive(&["executable", "virtualenv"]),
    ],
    ..Spec::new(
        "ansible.builtin.pip",
        &[
            Opt::str("state").default("present").choices(&["absent", "forcereinstall", "latest", "present"]),
            Opt::new("name", Kind::ListOfStr),
            Opt::str("version"),
            Opt::str("requirements"),
            Opt::new("virtualenv", Kind::Path),
            Opt::flag("virtualenv_site_packages"),
            Opt::new("virtualenv_command", Kind::Path).default("virtualenv"),
            Opt::str("virtualenv_python"),
            Opt::str("extra_args"),
            Opt::flag("editable"),
            Opt::new("chdir", Kind::Path),
            Opt::new("executable", Kind::Path),
            Opt::str("umask"),
            Opt::flag("break_system_packages"),
        ],
    )
};

/// The command of `pip` for each state.
const COMMANDS: [(&str, &[&str]); 4] = [
    ("present", &["install"]),
    ("latest", &["install", "-U"]),
    ("forcereinstall", &["install", "-U", "--force-reinstall"]),
    ("absent", &["uninstall", "-y"]),
];

#[async_trait]
impl Module for Pip {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let state = args.str("state").unwrap_or("present");
        let mut work = Work { context, args: &args, stdout: String::new(), stderr: String::new() };
        let mut changed = false;
        let pip = match args.str("virtualenv").map(PathBuf::from) {
            Some(dir) => {
                if !dir.join("bin/activate").exists() && !dir.join("bin/pip").exists() {
                    if context.check {
                        return Ok(work.result(true, &[]));
                    }
                    work.make(&dir).await?;
                    changed = true;
                }
                vec![dir.join("bin/pip").display().to_string()]
            }
            None => match args.str("executable") {
                Some(executable) => vec![executable.to_owned()],
                None => vec!["python3".to_owned(), "-m".to_owned(), "pip".to_owned()],
            },
        };
        if context.check && state != "present" {
            return Ok(work.result(true, &pip));
        }
        let command = work.command(&pip, state);
        if context.check {
            let dry = [&command[..], &["--dry-run".to_owned()]].concat();
            let told = work.call(&dry).await?;
            let installs = told.contains("Would install");
            return Ok(work.result(changed || installs, &command));
        }
        let told = work.call(&command).await?;
        changed |= match state {
            "absent" => told.contains("Successfully uninstalled"),
            _ => told.contains("Successfully installed"),
        };
        Ok(work.result(changed, &command))
    }
}

struct Work<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    stdout: String,
    stderr: String,
}

impl Work<'_> {
    /// Makes the virtual environment.
    async fn make(&mut self, dir: &Path) -> Result<(), ModuleError> {
        let given = self.args.str("virtualenv_command").unwrap_or("virtualenv");
        let mut command = shlex::split(given).ok_or_else(|| ModuleError::new("No closing quotation"))?;
        if self.args.flag("virtualenv_site_packages") {
            command.push("--system-site-packages".to_owned());
        }
        if let Some(python) = self.args.str("virtualenv_python") {
            command.extend(["-p".to_owned(), python.to_owned()]);
        }
        command.push(dir.display().to_string());
        self.call(&command).await.map(|_| ())
    }

    fn command(&self, pip: &[String], state: &str) -> Vec<String> {
        let words = COMMANDS.iter().find(|(name, _)| *name == state).map_or(&[][..], |(_, words)| *words);
        let mut command = pip.to_vec();
        command.extend(words.iter().map(|word| (*word).to_owned()));
        if self.args.flag("break_system_packages") {
            command.push("--break-system-packages".to_owned());
        }
        let extra = self.args.str("extra_args").and_then(shlex::split);
        command.extend(extra.unwrap_or_default());
        if let Some(file) = self.args.str("requirements") {
            command.extend(["-r".to_owned(), file.to_owned()]);
        }
        for name in self.args.texts("name").unwrap_or_default() {
            if self.args.flag("editable") && state != "absent" {
                command.push("-e".to_owned());
            }
            match self.args.str("version") {
                Some(version) => command.push(format!("{name}=={version}")),
                // `name >= 1`: one word for pip.
                None => command.push(name.split_whitespace().collect()),
            }
        }
        command
    }

    /// Runs a program to a good end; what it wrote.
    async fn call(&mut self, command: &[String]) -> Result<String, ModuleError> {
        let Some((program, rest)) = command.split_first() else { return Ok(String::new()) };
        let mut process = tokio::process::Command::new(program);
        process.args(rest).envs(&self.context.environment).stdin(Stdio::null()).kill_on_drop(true);
        process.current_dir(self.args.str("chdir").map_or_else(std::env::temp_dir, PathBuf::from));
        let output = self.context.until_cancelled(process.output()).await?.map_err(|error| {
            ModuleError::new(format!("Failed to find required executable \"{program}\": {error}"))
        })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        self.stdout.push_str(&text);
        self.stderr.push_str(&errors);
        if output.status.success() {
            return Ok(text);
        }
        let shown = command.join(" ");
        let message = format!("stdout: {text}\n:stderr: {errors}");
        Err(ModuleError::new(message)
            .with("cmd", shown)
            .with("rc", i64::from(output.status.code().unwrap_or(-1))))
    }

    fn result(&self, changed: bool, command: &[String]) -> TaskResult {
        let given = |name: &str| self.args.get(name).cloned().unwrap_or(Value::None);
        TaskResult::changed(changed)
            .with("cmd", Value::list(command.iter().map(|word| Value::from(word.as_str())).collect()))
            .with("name", given("name"))
            .with("version", given("version"))
            .with("state", given("state"))
            .with("requirements", given("requirements"))
            .with("virtualenv", given("virtualenv"))
            .with("stdout", self.stdout.clone())
            .with("stderr", self.stderr.clone())
    }
}
