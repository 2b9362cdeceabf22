//! `script`: runs a script of the role (`plugins/action/script.py`).

use std::os::unix::fs::PermissionsExt;

use async_trait::async_trait;

use super::process::Process;
use super::words;
use crate::modules::{Args, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.script`.
pub(super) struct Script;

pub(super) static SPEC: Spec = Spec {
    free_form: true,
    raw_params: true,
    requirements: &[Requirement::OneOf(&["_raw_params", "cmd"])],
    ..Spec::new(
        "ansible.builtin.script",
        &[
            Opt::str("_raw_params"),
            Opt::str("cmd"),
            Opt::str("creates"),
            Opt::str("removes"),
            Opt::str("chdir"),
            Opt::str("executable"),
            Opt::flag("decrypt").default("true"),
        ],
    )
};

#[async_trait]
impl Module for Script {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let exists = |path: &str| context.path(crate::modules::expand_path(path)).exists();
        if let Some(path) = args.str("creates").filter(|path| exists(path)) {
            return Ok(TaskResult::skipped(format!("{path} exists, matching creates option")));
        }
        if let Some(path) = args.str("removes").filter(|path| !exists(path)) {
            return Ok(TaskResult::skipped(format!("{path} does not exist, matching removes option")));
        }
        if let Some(dir) = args.str("chdir").filter(|dir| !dir.starts_with('/')) {
            return Err(ModuleError::new(format!(
                "The supplied value for 'chdir' must be an absolute path, but is '{dir}'"
            )));
        }
        let line = args.str("_raw_params").or_else(|| args.str("cmd")).unwrap_or_default().trim();
        let parts = words::split(line)?;
        let name = parts.first().ok_or_else(|| ModuleError::new("no script given"))?;
        let source = context.find("files", name)?;
        if context.check {
            let known = args.get("creates").is_some() || args.get("removes").is_some();
            return Ok(if known {
                TaskResult::changed(true)
            } else {
                TaskResult::skipped("Check mode is not supported for this task.")
            });
        }
        // A copy that may be executed, whatever the mode of the role's file is; the name is the script's.
        let dir = std::env::temp_dir().join(format!("ansible-tmp-{}", uuid::Uuid::new_v4().simple()));
        let copy = Copy(dir);
        let script = copy.take(&source)?;
        let quoted = crate::jinja::filters::core::quote(&script.to_string_lossy());
        let mut command = replace_first_word(line, name, &quoted);
        if let Some(executable) = args.str("executable") {
            command = format!("{executable} {command}");
        }
        let process = Process {
            dir: args.str("chdir").map(|dir| context.path(dir)),
            ..Process::new(["/bin/sh", "-c", command.as_str()])
        };
        let outcome = process.run(context).await?.map_err(|problem| ModuleError::new(problem.message))?;
        let result = TaskResult::changed(true)
            .with("rc", outcome.rc)
            .with("stdout", outcome.out())
            .with("stderr", outcome.err());
        if outcome.rc != 0 {
            let result = result.with("failed", true).with("msg", "non-zero return code");
            return Err(ModuleError::Failed(Box::new(result)));
        }
        Ok(result)
    }
}

/// The command with the path of the copy in the place of the script's name, quotes around it included.
fn replace_first_word(line: &str, name: &str, path: &str) -> String {
    for quote in ["'", "\""] {
        if let Some(rest) = line.strip_prefix(quote).and_then(|rest| rest.strip_prefix(name)) {
            return format!("{path}{}", rest.strip_prefix(quote).unwrap_or(rest));
        }
    }
    line.replacen(name, path, 1)
}

/// A directory that goes when the script has run.
struct Copy(std::path::PathBuf);

impl Copy {
    fn take(&self, source: &std::path::Path) -> Result<std::path::PathBuf, ModuleError> {
        let copy = self.0.join(source.file_name().unwrap_or_default());
        let made = std::fs::create_dir(&self.0)
            .and_then(|()| std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o700)))
            .and_then(|()| std::fs::copy(source, &copy))
            .and_then(|_| std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o700)));
        made.map_err(|error| ModuleError::new(super::attributes::errno(&error, source)))?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
