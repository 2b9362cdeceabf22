//! What a module may see of the run that it serves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use tokio_util::sync::CancellationToken;

use super::result::ModuleError;
use crate::jinja::value::Entries;
use crate::jinja::{Environment, Extensions, Templar, Vars};
use crate::playbook::Place;

/// The task that a module runs for.
#[derive(Debug, Clone, Default)]
pub struct TaskInfo {
    /// The module as the task names it.
    pub action: String,
    /// The name of the task, templated.
    pub name: String,
    /// Where the task stands.
    pub place: Place,
    /// The directory of the role that holds the task.
    pub role_path: Option<PathBuf>,
    /// Where files are searched: role chain, directory of the task file, playbook directory.
    pub search_path: Vec<PathBuf>,
    /// The directory of the playbook.
    pub playbook_dir: PathBuf,
    /// The arguments as the task writes them, not templated.
    pub untemplated: Entries,
}

/// Variables that the programs of a run find in their environment; put into the extensions of the run's context.
#[derive(Debug, Clone, Default)]
pub struct ProcessEnvironment(pub Vec<(String, String)>);

/// What a module may see of the run that it serves.
#[derive(Clone)]
pub struct ModuleContext {
    /// Nothing may be changed; say what would change.
    pub check: bool,
    /// Add a `diff` to the result.
    pub diff: bool,
    /// How many times `-v` was given.
    pub verbosity: u8,
    /// Ends the module when the run is cancelled.
    pub cancel: CancellationToken,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// Handles by type: the cluster, the owner, ….
    pub extensions: Extensions,
    /// The merged `environment:` of the task.
    pub environment: IndexMap<String, String>,
    /// The words that come before those of a program, so that it runs as another user (`become`).
    pub run_as: Vec<String>,
    /// The task.
    pub task: TaskInfo,
    /// The variables of the task, not templated.
    pub vars: Arc<Vars>,
    /// The language's plugins and caches.
    pub env: Arc<Environment>,
}

impl ModuleContext {
    /// The templating engine over the variables of the task.
    #[must_use]
    pub fn templar(&self) -> Templar {
        Templar::new(Arc::clone(&self.env), Arc::clone(&self.vars))
    }

    /// Waits for the work unless the run is cancelled or its deadline passes first.
    ///
    /// # Errors
    /// [`ModuleError::Cancelled`] when the run ended first.
    pub async fn until_cancelled<T>(&self, work: impl Future<Output = T> + Send) -> Result<T, ModuleError> {
        let deadline = async {
            match self.deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = work => Ok(done),
            () = self.cancel.cancelled() => Err(ModuleError::Cancelled),
            () = deadline => Err(ModuleError::Cancelled),
        }
    }

    /// Ends long work between two steps when the run was cancelled or its deadline has passed.
    ///
    /// # Errors
    /// [`ModuleError::Cancelled`] then.
    pub fn still_running(&self) -> Result<(), ModuleError> {
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late || self.cancel.is_cancelled() { Err(ModuleError::Cancelled) } else { Ok(()) }
    }

    /// A path of an argument; a relative one is below the directory of the playbook, where Ansible's
    /// local connection runs its modules.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.task.playbook_dir.join(path)
    }

    /// A variable of the task's `environment:`, or else of this process.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }

    /// `~` and `$VAR` of a word, by the variables of the task.
    #[must_use]
    pub fn expand(&self, word: &str) -> String {
        let path = crate::jinja::filters::path::expand_user(word);
        crate::jinja::filters::path::expand_vars_with(&path, |name| self.variable(name))
    }

    /// Finds a file of the role or playbook, first under `folder` (`files`, `templates`, `vars`) and
    /// then beside it, in each directory of the search path (`ActionBase._find_needle`).
    ///
    /// # Errors
    /// The file exists nowhere, in Ansible's words.
    pub fn find(&self, folder: &str, name: &str) -> Result<PathBuf, ModuleError> {
        crate::jinja::search::find(&self.task.search_path, folder, Path::new(name))
            .map_err(|error| ModuleError::new(error.message().to_owned()))
    }
}
