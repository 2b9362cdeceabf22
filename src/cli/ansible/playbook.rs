//! `ansible-playbook`, which is `daytwo playbook` as well (`cli/playbook.py`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::callback::{self, Settings};
use super::options::{InventoryOptions, TagOptions, TaskOptions, tags};
use super::setup::{Failure, Setup, find_playbook};
use super::{display, exit, listing};
use crate::executor::{Context, Event, Gathering, Run, RunError, RunOptions, run_to_end};
use crate::jinja::convert;
use crate::playbook::{Content, Options};

/// Runs playbooks, or the directory of a role, on this machine.
#[derive(Debug, Args)]
pub(in crate::cli) struct Playbook {
    /// Playbook files, playbooks of collections, or the directory of a role.
    #[arg(required = true, value_name = "PLAYBOOK")]
    playbooks: Vec<String>,
    #[command(flatten)]
    inventory: InventoryOptions,
    #[command(flatten)]
    task: TaskOptions,
    /// Only load and check.
    #[arg(long)]
    syntax_check: bool,
    /// Print the tasks and do nothing.
    #[arg(long)]
    list_tasks: bool,
    /// Print the tags and do nothing.
    #[arg(long)]
    list_tags: bool,
    #[command(flatten)]
    tags: TagOptions,
    /// Begin with the task of this name.
    #[arg(long, value_name = "NAME")]
    start_at_task: Option<String>,
    /// Ask before each task. Without a terminal every answer is yes.
    #[arg(long)]
    step: bool,
}

impl Playbook {
    /// Runs the command.
    pub(in crate::cli) fn run(&self) -> ExitCode {
        match self.all() {
            Ok(code) => ExitCode::from(code),
            Err(failure) => failure.tell(),
        }
    }

    fn all(&self) -> Result<u8, Failure> {
        let runtime = runtime()?;
        let _within = runtime.enter();
        let mut setup = Setup::new(&self.inventory, &self.task.variables, &self.task.vault)?;
        let verbosity =
            self.task.run.verbose.max(u8::try_from(setup.config.number("DEFAULT_VERBOSITY")).unwrap_or(0));
        if verbosity > 0 {
            match &setup.config.file {
                Some(file) => println!("Using {} as config file", file.display()),
                None => println!("No config file found; using defaults"),
            }
        }
        let options = setup.content_options();
        let files = self
            .playbooks
            .iter()
            .map(|name| find_playbook(name, &options))
            .collect::<Result<Vec<PathBuf>, _>>()?;
        setup.check_hosts()?;
        let mut code = 0;
        for (name, file) in self.playbooks.iter().zip(&files) {
            setup.find_modules(file);
            let options = setup.content_options();
            code = runtime.block_on(self.one(name, file, &options, &mut setup, verbosity))?;
            if code != 0 {
                break;
            }
        }
        Ok(code)
    }

    fn lists(&self) -> bool {
        self.list_tasks || self.list_tags || self.inventory.list_hosts || self.syntax_check
    }

    async fn one(
        &self,
        name: &str,
        file: &Path,
        options: &Options,
        setup: &mut Setup,
        verbosity: u8,
    ) -> Result<u8, Failure> {
        let content = load(file, options, setup)?;
        setup.add_playbook_directory(&content.basedir);
        let mut run_options = self.options(setup, verbosity);
        if self.lists() {
            if self.list_tags && run_options.tags.is_empty() && run_options.skip_tags.is_empty() {
                run_options.tags = vec!["never".to_owned(), "all".to_owned()];
            }
            let wanted = listing::Wanted {
                hosts: self.inventory.list_hosts,
                tasks: self.list_tasks,
                tags: self.list_tags,
            };
            listing::print(name, &content, wanted, setup, &run_options)?;
            return Ok(0);
        }
        if self.task.connection.flush_cache {
            let hosts = || setup.inventory.hosts();
            setup.fact_cache().iter().for_each(|cache| hosts().for_each(|host| cache.remove(host)));
        }
        let settings = Settings::of(&setup.config, verbosity, self.task.run.check, name);
        let callback = setup.config.text("DEFAULT_STDOUT_CALLBACK").unwrap_or("default");
        let begun = format!("{} plays in {name}", content.plays.len());
        run(content, setup, run_options, callback, &settings, Some(begun)).await
    }

    fn options(&self, setup: &Setup, verbosity: u8) -> RunOptions {
        RunOptions {
            verbosity,
            start_at_task: self.start_at_task.clone(),
            ..task_options(setup, &self.task, &self.tags)
        }
    }
}

/// What the configuration and the command line say of which tasks run, and how.
#[must_use]
pub(super) fn task_options(setup: &Setup, task: &TaskOptions, tagged: &TagOptions) -> RunOptions {
    let (config, run) = (&setup.config, &task.run);
    RunOptions {
        check: run.check,
        diff: run.diff || config.flag("DIFF_ALWAYS"),
        verbosity: run.verbose,
        tags: tags(&tagged.tags, &config.list("TAGS_RUN")),
        skip_tags: tags(&tagged.skip_tags, &config.list("TAGS_SKIP")),
        force_handlers: run.force_handlers || config.flag("DEFAULT_FORCE_HANDLERS"),
        ..run_options(setup, run.forks, task.connection.connection.as_deref())
    }
}

/// Where asynchronous work runs: on one thread, since a run is one task that the answers it waits for wake.
///
/// # Errors
/// The threads cannot be started.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(Failure::error)
}

/// What the configuration and the inventory say of a run.
#[must_use]
pub(super) fn run_options(setup: &Setup, forks: Option<usize>, connection: Option<&str>) -> RunOptions {
    let config = &setup.config;
    let configured = usize::try_from(config.number("DEFAULT_FORKS")).unwrap_or(5);
    let given_flag = |name| config.given(name).map(|_| config.flag(name));
    RunOptions {
        forks: forks.unwrap_or(configured).max(1),
        gathering: config.text("DEFAULT_GATHERING").and_then(Gathering::named).unwrap_or_default(),
        strategy: config.text("DEFAULT_STRATEGY").map(ToOwned::to_owned),
        error_on_missing_handler: config.flag("ERROR_ON_MISSING_HANDLER"),
        any_errors_fatal: config.flag("ANY_ERRORS_FATAL"),
        become_same_user: config.flag("BECOME_ALLOW_SAME_USER"),
        task_timeout: config.number("TASK_TIMEOUT"),
        connection: connection.or_else(|| config.text("DEFAULT_TRANSPORT")).unwrap_or("ssh").to_owned(),
        merge_hashes: setup.merges_hashes(),
        private_role_vars: given_flag("DEFAULT_PRIVATE_ROLE_VARS"),
        config_file: config.file.clone(),
        inventory: setup.inventory.clone(),
        ..RunOptions::default()
    }
}

/// Loads a playbook, or a role as a play of its own, and tells what Ansible tells about it.
///
/// # Errors
/// Everything that is wrong with it was told.
fn load(file: &Path, options: &Options, setup: &mut Setup) -> Result<Arc<Content>, Failure> {
    let loaded =
        if file.is_dir() { Content::load_role(file, options) } else { Content::load_playbook(file, options) };
    let content = loaded.map_err(|errors| {
        display::errors(&errors);
        Failure { message: None, code: exit::PARSER }
    })?;
    for warning in &content.notices {
        setup.display.warning(warning);
    }
    Ok(content)
}

/// Runs content to its end; gives the exit code. `begun` is what is told first at `-vv`.
///
/// # Errors
/// The run cannot go on.
pub(super) async fn run(
    content: Arc<Content>,
    setup: &Setup,
    options: RunOptions,
    callback: &str,
    settings: &Settings,
    begun: Option<String>,
) -> Result<u8, Failure> {
    let extra = setup.extra.iter().map(|(name, value)| (name.to_string(), convert::to_json(value))).collect();
    let mut run = Run::new(content, extra, options);
    let context = Context {
        modules: Arc::clone(&setup.modules),
        extensions: setup.environment.extensions.clone(),
        inventory: Some(setup.sources.again()),
        fact_cache: setup.fact_cache(),
        ..Context::default()
    };
    let mut callback = callback::named(callback, settings).map_err(Failure::error)?;
    if let Some(message) = begun {
        callback.observe(&Event::Verbose { level: 2, message });
    }
    // On the runtime's thread, which sees the answers arrive: another one would have to be woken for each.
    let work = async move {
        let outcome = run_to_end(&mut run, &context, callback.as_mut()).await;
        context.jobs.finish().await;
        outcome
    };
    match tokio::spawn(work).await.map_err(Failure::error)? {
        Ok(outcome) => Ok(outcome.status as u8),
        Err(RunError::Include(message)) => Err(Failure { message: Some(message), code: exit::PARSER }),
        Err(error) => Err(Failure::error(error)),
    }
}
