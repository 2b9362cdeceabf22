//! Plugins in Python that content brings along: filters, tests and lookups for templates, actions for tasks.
//!
//! `plugins.py` runs them and tells how it is spoken to. Filters, tests and lookups of one content share a process,
//! which begins with the first call; an action has one of its own, which ends with the run.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::super::builtin::process::Process;
use super::super::context::ModuleContext;
use super::super::registry::Module;
use super::super::result::{ModuleError, TaskResult};
use super::super::spec::Args;
use super::discover::{Library, MODULES, PluginFile, python_here, shelf};
use crate::jinja::ast::PluginKind;
use crate::jinja::convert::Stored;
use crate::jinja::value::Dict;
use crate::jinja::{Error, ErrorKind, Foreign, Templar, Value, Vars, lookups, object};

/// The program that runs plugins.
const PROGRAM: &str = include_str!("plugins.py");

/// What the program answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Value { value: T },
    Error { error: String, kind: String },
}

impl<T> Answer<T> {
    fn value(self) -> Result<T, Error> {
        let (error, kind) = match self {
            Answer::Value { value } => return Ok(value),
            Answer::Error { error, kind } => (error, kind),
        };
        let kind = match kind.as_str() {
            "ansible" => ErrorKind::Ansible,
            "plugin" => ErrorKind::Plugin,
            "type" => ErrorKind::Type,
            "undefined" => ErrorKind::Undefined,
            "value" => ErrorKind::Value,
            _ => ErrorKind::Exception,
        };
        Err(Error::new(kind, error))
    }
}

/// The plugins of one kind, with bare names or of one collection.
#[derive(Default)]
struct Names {
    files: BTreeMap<String, PluginFile>,
    /// Why files could not be loaded.
    problems: Vec<String>,
}

/// The filters, tests and lookups that content brings along.
pub(super) struct PythonPlugins {
    library: Library,
    /// What was found, by kind and collection; the empty one has the bare names.
    names: Mutex<HashMap<(PluginKind, String), Arc<Names>>>,
    running: tokio::sync::Mutex<Option<Running>>,
}

impl PythonPlugins {
    /// The plugins of a library, which are looked for when one of them is named.
    pub(super) fn new(library: Library) -> Self {
        PythonPlugins { library, names: Mutex::default(), running: tokio::sync::Mutex::default() }
    }

    fn names(&self, kind: PluginKind, collection: &str) -> Arc<Names> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let found = names.entry((kind, collection.to_owned()));
        Arc::clone(found.or_insert_with(|| Arc::new(self.find(kind, collection))))
    }

    fn find(&self, kind: PluginKind, collection: &str) -> Names {
        let collection = Some(collection).filter(|collection| !collection.is_empty());
        let files = self.library.plugins(&shelf(kind), collection);
        if kind == PluginKind::Lookup || files.is_empty() {
            let named = |file: PluginFile| Some((file.path.file_stem()?.to_str()?.to_owned(), file));
            return Names { files: files.into_iter().filter_map(named).collect(), problems: Vec::new() };
        }
        self.ask_names(kind, &files).unwrap_or_else(|problem| {
            let paths = files.iter().map(|file| file.path.display());
            let problems = paths.map(|path| format!("'{path}' cannot be loaded: {problem}")).collect();
            Names { files: BTreeMap::new(), problems }
        })
    }

    /// Asks a program of its own, at load time, what the files hold.
    fn ask_names(&self, kind: PluginKind, files: &[PluginFile]) -> Result<Names, String> {
        #[derive(Deserialize)]
        struct Found {
            value: BTreeMap<String, PluginFile>,
            problems: Vec<String>,
        }
        let text = |error: std::io::Error| error.to_string();
        let request = json!({ "do": "names", "kind": kind.word(), "files": files }).to_string();
        let mut command = command(&self.library)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(text)?;
        if let Some(mut stdin) = child.stdin.take() {
            writeln!(stdin, "{request}").map_err(text)?;
        }
        let output = child.wait_with_output().map_err(text)?;
        let found: Found = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        Ok(Names { files: found.value, problems: found.problems })
    }

    /// Sends a request to the running program, or to a new one, and waits for the answer.
    async fn ask(&self, request: String) -> Result<String, String> {
        let mut place = self.running.lock().await;
        // It is put back with its answer read: a call that is cancelled ends it.
        let mut running = match place.take() {
            Some(running) => running,
            None => Running::start(&self.library)?,
        };
        let answer = running.ask(&request).await.map_err(|error| error.to_string())?;
        *place = Some(running);
        Ok(answer)
    }
}

impl Foreign for PythonPlugins {
    fn has(&self, kind: PluginKind, name: &str) -> bool {
        let (collection, name) = split(name);
        self.names(kind, collection).files.contains_key(name)
    }

    fn problem(&self, kind: PluginKind, name: &str) -> Option<String> {
        let problems = &self.names(kind, split(name).0).problems;
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    fn call(
        &self,
        kind: PluginKind,
        name: &str,
        args: object::Args,
        templar: &Templar,
    ) -> Result<Value, Error> {
        let (collection, short) = split(name);
        let names = self.names(kind, collection);
        let file =
            names.files.get(short).ok_or_else(|| Error::ansible(format!("there is no plugin '{name}'")))?;
        let request = Request {
            r#do: kind.word(),
            file,
            name: if kind == PluginKind::Lookup { name } else { short },
            values: args.positional.into_iter().map(Stored).collect(),
            named: args.named.into_iter().map(|(name, value)| (name, Stored(value))).collect(),
            variables: (kind == PluginKind::Lookup).then(|| stored(&templar.vars)),
            directory: templar.variable("playbook_dir")?.map(|dir| dir.to_string()).unwrap_or_default(),
        };
        let request = serde_json::to_string(&request).map_err(|error| Error::exception(error.to_string()))?;
        let answer = lookups::wait(templar, self.ask(request))?;
        let answer = answer.map_err(|problem| Error::exception(format!("the plugin '{name}': {problem}")))?;
        read(&answer)
    }
}

/// A request for a filter, test or lookup. It is written as it stands, so that dicts keep the order of their keys.
#[derive(Serialize)]
struct Request<'a> {
    r#do: &'static str,
    file: &'a PluginFile,
    name: &'a str,
    directory: String,
    values: Vec<Stored>,
    named: IndexMap<String, Stored>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<BTreeMap<String, Stored>>,
}

/// A request for an action.
#[derive(Serialize)]
struct ActionRequest<'a> {
    r#do: &'static str,
    file: &'a PluginFile,
    name: &'a str,
    directory: &'a Path,
    libraries: Vec<PathBuf>,
    task: ActionTask<'a>,
    variables: BTreeMap<String, Stored>,
}

/// The task that an action works for.
#[derive(Serialize)]
struct ActionTask<'a> {
    args: Stored,
    check: bool,
    diff: bool,
    verbosity: u8,
    environment: &'a IndexMap<String, String>,
    search_path: &'a [PathBuf],
}

/// The value of an answer.
fn read(answer: &str) -> Result<Value, Error> {
    let answer: Answer<Stored> = serde_json::from_str(answer)
        .map_err(|error| Error::exception(format!("the answer of a plugin is no JSON: {error}")))?;
    answer.value().map(|Stored(value)| value)
}

fn stored(vars: &Vars) -> BTreeMap<String, Stored> {
    vars.iter().map(|(name, value)| (name.to_string(), Stored(value.clone()))).collect()
}

/// The collection of a name, empty for one that has none, and the name within it.
fn split(name: &str) -> (&str, &str) {
    let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    match name.match_indices('.').nth(1) {
        Some((at, _)) => (&name[..at], &name[at + 1..]),
        None => ("", name),
    }
}

/// The words that start the program: its text, and the directories of collections.
fn words(library: &Library) -> Result<Vec<std::ffi::OsString>, String> {
    let python = python_here().ok_or("it needs Python, which is not in this image")?;
    let mut words = vec![python.into(), "-c".into(), PROGRAM.into()];
    words.extend(library.collections.iter().map(|root| root.clone().into_os_string()));
    Ok(words)
}

fn command(library: &Library) -> Result<Command, String> {
    let words = words(library)?;
    let (program, rest) = words.split_first().ok_or("there is no program")?;
    let mut command = Command::new(program);
    command.args(rest);
    Ok(command)
}

/// The program at work.
struct Running {
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Ends the program when it is dropped.
    _child: Child,
}

impl Running {
    fn start(library: &Library) -> Result<Running, String> {
        let mut command = tokio::process::Command::from(command(library)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (stdin, stdout) = stdin.zip(stdout).ok_or("the program has no pipes")?;
        Ok(Running { stdin, answers: BufReader::new(stdout).lines(), _child: child })
    }

    async fn ask(&mut self, request: &str) -> std::io::Result<String> {
        self.stdin.write_all(request.as_bytes()).await?;
        self.stdin.write_all(b"\n").await?;
        self.stdin.flush().await?;
        let answer = self.answers.next_line().await?;
        answer.ok_or_else(|| std::io::Error::other("the Python that runs plugins has ended"))
    }
}

/// An action plugin: what a task calls that works where Ansible runs.
pub(super) struct ActionPlugin {
    name: String,
    file: PluginFile,
    library: Arc<Library>,
}

impl ActionPlugin {
    /// The action in a file.
    pub(super) fn new(name: &str, file: PluginFile, library: Arc<Library>) -> Self {
        ActionPlugin { name: name.to_owned(), file, library }
    }

    fn request(&self, context: &ModuleContext, args: Args) -> Result<String, ModuleError> {
        let name = match &self.file.import {
            Some(_) => self.name.as_str(),
            None => self.name.strip_prefix("ansible.legacy.").unwrap_or(&self.name),
        };
        let request = ActionRequest {
            r#do: "action",
            file: &self.file,
            name,
            directory: &context.task.playbook_dir,
            libraries: self.library.with_roles(&MODULES),
            task: ActionTask {
                args: Stored(Value::Dict(Dict::new(args.values))),
                check: context.check,
                diff: context.diff,
                verbosity: context.verbosity,
                environment: &context.environment,
                search_path: &context.task.search_path,
            },
            variables: stored(&context.vars),
        };
        serde_json::to_string(&request).map_err(|error| ModuleError::new(error.to_string()))
    }
}

#[async_trait]
impl Module for ActionPlugin {
    fn is_external(&self) -> bool {
        true
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let words = words(&self.library).map_err(ModuleError::new)?;
        let process = Process { stdin: self.request(context, args)?.into_bytes(), ..Process::new(words) };
        let outcome = process.run(context).await?;
        let outcome = outcome.map_err(|problem| ModuleError::new(problem.message))?;
        let out = outcome.out();
        if out.trim().is_empty() {
            return Err(ModuleError::new("the Python that runs action plugins has ended without an answer")
                .with("module_stderr", outcome.err())
                .with("rc", outcome.rc));
        }
        match read(out.trim())? {
            Value::Dict(result) => Ok(TaskResult { fields: result.entries() }),
            other => Err(ModuleError::new(format!("the action gave {other}, which is no dict"))),
        }
    }
}
