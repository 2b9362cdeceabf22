//! Modules in files, in any language, and plugins in Python, through Ansible's protocols for them (`executor/module_common.py`).
//!
//! ```text
//! library/, plugins/modules/ ─ discover ─> Style by content ─> Registry        (when content is loaded)
//! Args ─> arguments as the style wants them ─> interpreter ─> JSON on stdout ─> TaskResult
//! ```

mod discover;
mod plugins;
mod style;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::builtin::process::{Process, which};
use super::context::ModuleContext;
use super::registry::Module;
use super::result::{ModuleError, TaskResult};
use super::spec::Args;
use crate::jinja::{Notice, convert};
pub use discover::{Library, python_here};
use style::Style;

/// What Python runs: the module's arguments come through standard input, extra `module_utils` and the name
/// of a module within a collection through the command line.
const BOOTSTRAP: &str = "
import runpy, sys
path, name, utils = sys.argv[1], sys.argv[2], sys.argv[3:]
import ansible.module_utils
ansible.module_utils.__path__.extend(utils)
import ansible.module_utils.basic as basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = 'legacy'
sys.argv = [path]
if name:
    runpy.run_module(name, run_name='__main__', alter_sys=True)
else:
    runpy.run_path(path, run_name='__main__')
";

/// The private entry of a result that holds what the module wrote to the standard error.
pub(super) const STDERR: &str = "_ansible_stderr";

/// The filters, tests and lookups that content brings along.
pub(super) fn plugins(library: &Library) -> std::sync::Arc<dyn crate::jinja::Foreign> {
    std::sync::Arc::new(plugins::PythonPlugins::new(library.clone()))
}

/// A module in a file.
pub(super) struct External {
    name: String,
    path: PathBuf,
    style: Style,
    /// What the first line names as interpreter: the program and its arguments.
    shebang: Vec<String>,
    /// The importable name of a module within a collection.
    import: Option<String>,
    /// Directories that hold `ansible_collections`, and others that Python shall search.
    python_path: Vec<PathBuf>,
    /// Directories with `module_utils` of the content.
    utils: Vec<PathBuf>,
}

#[async_trait]
impl Module for External {
    fn is_external(&self) -> bool {
        true
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let arguments = self.arguments(context, &args);
        let workspace = Workspace::new()?;
        let mut process = match self.style {
            Style::Python => self.python(context, &arguments),
            _ => self.script(context, &arguments, &workspace)?,
        };
        process.environment.extend(self.python_environment(context));
        let outcome = process.run(context).await?.map_err(|problem| {
            ModuleError::new(format!(
                "the module '{}' did not start: {}",
                self.path.display(),
                problem.message
            ))
            .with("rc", problem.code)
        })?;
        let (out, err) = (outcome.out(), outcome.err());
        let printed = style::result_in(&out).map_err(|why| {
            let msg = format!("MODULE FAILURE: {why}\nSee stdout/stderr for the exact error");
            ModuleError::new(msg)
                .with("module_stdout", out)
                .with("module_stderr", err.as_str())
                .with("rc", outcome.rc)
                .with("changed", false)
        })?;
        if let Some(junk) = printed.junk {
            let warning = format!("Module invocation had junk after the JSON data: {junk}");
            context.env.notices.tell(Notice::Warning(warning));
        }
        let result = TaskResult { fields: printed.fields };
        Ok(if err.is_empty() { result } else { result.with(STDERR, err) })
    }
}

impl External {
    /// The arguments with those that Ansible gives every module.
    fn arguments(&self, context: &ModuleContext, args: &Args) -> serde_json::Map<String, serde_json::Value> {
        let mut all = serde_json::Map::new();
        for (name, value) in &args.values {
            all.insert(name.text().into_owned(), convert::to_json(value));
        }
        let temporary = std::env::temp_dir().display().to_string();
        let internal = serde_json::json!({
            "_ansible_check_mode": context.check,
            "_ansible_diff": context.diff,
            "_ansible_no_log": false,
            "_ansible_debug": false,
            "_ansible_verbosity": context.verbosity,
            "_ansible_version": "2.18.19",
            "_ansible_module_name": self.name,
            "_ansible_syslog_facility": "LOG_USER",
            "_ansible_selinux_special_fs": ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"],
            "_ansible_string_conversion_action": "warn",
            "_ansible_socket": null,
            "_ansible_shell_executable": "/bin/sh",
            "_ansible_keep_remote_files": false,
            "_ansible_tmpdir": temporary,
            "_ansible_remote_tmp": temporary,
            "_ansible_ignore_unknown_opts": false,
            "_ansible_target_log_info": null,
        });
        if let serde_json::Value::Object(internal) = internal {
            all.extend(internal);
        }
        all
    }

    /// The interpreter: a variable of the task names it (`ansible_python_interpreter`), or the first line does.
    fn interpreter(&self, context: &ModuleContext) -> Vec<String> {
        let Some((program, rest)) = self.shebang.split_first() else { return Vec::new() };
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, rest) = match (name.as_str(), rest) {
            ("env", [real, rest @ ..]) => (real.clone(), rest),
            _ => (name.clone(), rest),
        };
        let name = if name.starts_with("python") { "python" } else { name.as_str() };
        let given = context.templar().variable(&format!("ansible_{name}_interpreter")).ok().flatten();
        let given = given.map(|path| path.to_string()).filter(|path| path.starts_with('/'));
        let program = given.or_else(|| match name {
            "python" => discover::python(|name| which(context, name)).map(|path| path.display().to_string()),
            _ => None,
        });
        match program {
            Some(program) => std::iter::once(program).chain(rest.iter().cloned()).collect(),
            None => self.shebang.clone(),
        }
    }

    fn python(
        &self,
        context: &ModuleContext,
        arguments: &serde_json::Map<String, serde_json::Value>,
    ) -> Process {
        let mut words = self.interpreter(context);
        words.truncate(1);
        words.extend(["-c".to_owned(), BOOTSTRAP.to_owned(), self.path.display().to_string()]);
        words.push(self.import.clone().unwrap_or_default());
        words.extend(self.utils.iter().map(|dir| dir.display().to_string()));
        let stdin = serde_json::json!({ "ANSIBLE_MODULE_ARGS": arguments }).to_string().into_bytes();
        Process { stdin, ..Process::new(words) }
    }

    /// A module that reads its arguments from a file, or finds them in its own text.
    fn script(
        &self,
        context: &ModuleContext,
        arguments: &serde_json::Map<String, serde_json::Value>,
        workspace: &Workspace,
    ) -> Result<Process, ModuleError> {
        let json = serde_json::Value::Object(arguments.clone()).to_string();
        let content = std::fs::read(&self.path)
            .map_err(|error| ModuleError::new(super::builtin::errno(&error, &self.path)))?;
        let content = style::with_arguments(content, &json);
        let name = self.path.file_name().unwrap_or_default();
        let copy = workspace.file(name, &content)?;
        let mut words = self.interpreter(context);
        words.push(copy.display().to_string());
        let text = match self.style {
            Style::KeyValue => Some(style::key_values(arguments)),
            Style::Binary | Style::WantsJson => Some(json),
            Style::Python | Style::Replaced => None,
        };
        if let Some(text) = text {
            words.push(workspace.file("args".as_ref(), text.as_bytes())?.display().to_string());
        }
        Ok(Process::new(words))
    }

    fn python_environment(&self, context: &ModuleContext) -> Vec<(String, String)> {
        let mut path = self.python_path.clone();
        path.extend(context.variable("PYTHONPATH").iter().flat_map(std::env::split_paths));
        match std::env::join_paths(path) {
            Ok(path) if !path.is_empty() => {
                vec![("PYTHONPATH".to_owned(), path.to_string_lossy().into_owned())]
            }
            _ => Vec::new(),
        }
    }
}

/// A directory for the files of one run of a module; it goes with the run.
struct Workspace(PathBuf);

impl Workspace {
    fn new() -> Result<Workspace, ModuleError> {
        use std::os::unix::fs::DirBuilderExt;
        let dir = std::env::temp_dir().join(format!("ansible-tmp-{}", uuid::Uuid::new_v4().simple()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&dir);
        made.map_err(|error| ModuleError::new(super::builtin::errno(&error, &dir)))?;
        Ok(Workspace(dir))
    }

    fn file(&self, name: &std::ffi::OsStr, content: &[u8]) -> Result<PathBuf, ModuleError> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.0.join(name);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path);
        let written = file.and_then(|mut file| file.write_all(content));
        written.map_err(|error| ModuleError::new(super::builtin::errno(&error, &path)))?;
        Ok(path)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
