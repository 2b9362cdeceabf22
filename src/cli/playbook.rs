//! `daytwo playbook`: runs a playbook or a role as `ansible-playbook` does.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::playbook_output::Printer;
use crate::executor::{Context, Gathering, Run, RunError, RunOptions, Status, run_to_end};
use crate::inventory::{Inventory, LoadOptions};
use crate::jinja::{Environment, Settings, convert, yaml};
use crate::modules::Registry;
use crate::playbook::{Content, LoadErrors, Options, VarMap, parse_kv};

/// Runs a playbook or a role on this machine.
#[derive(Debug, Args)]
pub(super) struct Playbook {
    /// Playbook files, or the directory of a role.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Variables: `k=v`, YAML or JSON, or `@file`.
    #[arg(short = 'e', long = "extra-vars")]
    extra_vars: Vec<String>,
    /// Hosts: a file or a list with commas.
    #[arg(short = 'i', long = "inventory")]
    inventory: Vec<String>,
    /// Say more; up to -vvvvvv.
    #[arg(short = 'v', action = clap::ArgAction::Count)]
    verbose: u8,
    /// Change nothing; say what would change.
    #[arg(short = 'C', long)]
    check: bool,
    /// Show what changes in files.
    #[arg(short = 'D', long)]
    diff: bool,
    /// Only load and check.
    #[arg(long)]
    syntax_check: bool,
    /// Only run what has one of these tags.
    #[arg(short = 't', long)]
    tags: Vec<String>,
    /// Do not run what has one of these tags.
    #[arg(long)]
    skip_tags: Vec<String>,
    /// Run handlers even after a failure.
    #[arg(long)]
    force_handlers: bool,
}

/// Exit codes of `ansible-playbook`.
const EXIT_ERROR: u8 = 1;
const EXIT_PARSER: u8 = 4;

impl Playbook {
    /// Runs the command.
    pub(super) fn run(&self) -> ExitCode {
        run(self)
    }
}

fn run(args: &Playbook) -> ExitCode {
    let extra = match extra_vars(&args.extra_vars) {
        Ok(extra) => extra,
        Err(message) => {
            eprintln!("ERROR! {message}");
            return ExitCode::from(EXIT_ERROR);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ERROR! {error}");
            return ExitCode::from(EXIT_ERROR);
        }
    };
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        match runtime.block_on(run_file(args, file, &extra)) {
            Ok(Status::Ok) => {}
            Ok(status) => {
                code = ExitCode::from(status as u8);
                break;
            }
            Err(Failure::Load(errors)) => {
                eprintln!("ERROR! {errors}");
                return ExitCode::from(EXIT_PARSER);
            }
            Err(Failure::Run(error @ RunError::Include(_))) => {
                eprintln!("ERROR! {error}");
                return ExitCode::from(EXIT_PARSER);
            }
            Err(Failure::Run(error)) => {
                eprintln!("ERROR! {error}");
                return ExitCode::from(EXIT_ERROR);
            }
        }
    }
    code
}

enum Failure {
    Load(LoadErrors),
    Run(RunError),
}

async fn run_file(args: &Playbook, file: &Path, extra: &VarMap) -> Result<Status, Failure> {
    let (roles_path, collections_path) = (paths("ANSIBLE_ROLES_PATH"), paths("ANSIBLE_COLLECTIONS_PATH"));
    let dir = if file.is_dir() { file } else { file.parent().unwrap_or(Path::new("")) };
    let registry = Arc::new(Registry::for_content(dir, &roles_path, &collections_path));
    let environment = Environment::new(Arc::new(crate::modules::plugins()));
    let environment = Arc::new(environment.with_settings(Settings::read(|name| std::env::var(name).ok())));
    let mut options = Options::new(Arc::clone(&registry) as Arc<_>, environment);
    options.roles_path = roles_path;
    options.collections_path = collections_path;
    options.extra_vars = extra.clone();
    let content = if file.is_dir() {
        Content::load_role(file, &options)
    } else {
        Content::load_playbook(file, &options)
    };
    let content = content.map_err(Failure::Load)?;
    for warning in &content.warnings {
        eprintln!("[WARNING]: {warning}");
    }
    if args.syntax_check {
        println!("\nplaybook: {}", file.display());
        return Ok(Status::Ok);
    }
    let split = |tags: &[String]| {
        tags.iter().flat_map(|tags| tags.split(',')).map(|tag| tag.trim().to_owned()).collect()
    };
    let run_options = RunOptions {
        check: args.check,
        diff: args.diff,
        verbosity: args.verbose,
        tags: split(&args.tags),
        skip_tags: split(&args.skip_tags),
        force_handlers: args.force_handlers,
        gathering: std::env::var("ANSIBLE_GATHERING")
            .ok()
            .and_then(|gathering| Gathering::named(&gathering))
            .unwrap_or_default(),
        merge_hashes: std::env::var("ANSIBLE_HASH_BEHAVIOUR").is_ok_and(|how| how == "merge"),
        inventory: inventory(&args.inventory)?,
        ..RunOptions::default()
    };
    let extra = extra.iter().map(|(name, value)| (name.to_string(), convert::to_json(value))).collect();
    let mut run = Run::new(content, extra, run_options);
    let context = Context { modules: registry, ..Context::default() };
    let mut printer = Printer::new(args.verbose, args.diff);
    let outcome = run_to_end(&mut run, &context, &mut printer).await.map_err(Failure::Run);
    context.jobs.finish().await;
    Ok(outcome?.status)
}

fn inventory(sources: &[String]) -> Result<Inventory, Failure> {
    if sources.is_empty() {
        return Ok(Inventory::default());
    }
    let loaded = Inventory::load(sources, &LoadOptions::default())
        .map_err(|error| Failure::Run(RunError::Play(error.to_string())))?;
    for warning in &loaded.warnings {
        eprintln!("[WARNING]: {warning}");
    }
    Ok(loaded.inventory)
}

fn paths(variable: &str) -> Vec<PathBuf> {
    std::env::var_os(variable).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
}

/// The variables of `-e` (`utils/vars.py`, `load_extra_vars`).
fn extra_vars(options: &[String]) -> Result<VarMap, String> {
    let mut vars = VarMap::new();
    for option in options {
        let value = if let Some(file) = option.strip_prefix('@') {
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("could not read '{file}': {error}"))?;
            yaml::load(&text).map_err(|error| error.to_string())?
        } else if option.starts_with(['{', '[']) {
            yaml::load(option).map_err(|error| error.to_string())?
        } else {
            let pairs = parse_kv(option, false).map_err(|error| error.to_string())?;
            vars.extend(pairs);
            continue;
        };
        let dict = value.as_dict().ok_or_else(|| {
            format!("invalid extra vars data supplied. '{option}' could not be made into a dictionary")
        })?;
        vars.extend(dict.entries().into_iter().map(|(key, value)| (key.text().as_ref().into(), value)));
    }
    Ok(vars)
}
