//! `ansible`: one task on the hosts of a pattern (`cli/adhoc.py`).

use std::process::ExitCode;

use clap::Args;

use super::callback::Settings;
use super::display;
use super::exit;
use super::options::{InventoryOptions, TaskOptions};
use super::playbook::{run, run_options, runtime};
use super::setup::{Failure, Setup};
use crate::executor::RunOptions;
use crate::jinja::{convert, yaml};
use crate::playbook::{Content, parse_kv};

/// Runs one module on hosts.
#[derive(Debug, Args)]
pub(super) struct AdHoc {
    /// The hosts.
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// The module.
    #[arg(short = 'm', long, default_value = "command")]
    module_name: String,
    /// Its arguments: `k=v` or JSON.
    #[arg(short = 'a', long = "args", value_name = "ARGS")]
    module_args: Option<String>,
    /// Print each result on one line.
    #[arg(short = 'o', long)]
    one_line: bool,
    /// What stands for the playbook's directory.
    #[arg(long)]
    playbook_dir: Option<std::path::PathBuf>,
    /// Run in the background, for so many seconds at most.
    #[arg(short = 'B', long = "background", default_value_t = 0)]
    seconds: u64,
    /// How often a task in the background is looked at.
    #[arg(short = 'P', long = "poll", default_value_t = 15)]
    poll: u64,
    /// Seconds after which the task fails.
    #[arg(long, default_value_t = 0)]
    task_timeout: u64,
    #[command(flatten)]
    inventory: InventoryOptions,
    #[command(flatten)]
    task: TaskOptions,
}

/// Modules that do nothing without arguments (`MODULE_REQUIRE_ARGS`).
const NEED_ARGS: &[&str] = &["command", "shell", "raw", "script", "win_command", "win_shell"];

impl AdHoc {
    /// Runs the command.
    pub(super) fn run(&self) -> ExitCode {
        match self.result() {
            Ok(code) => ExitCode::from(code),
            Err(failure) => failure.tell(),
        }
    }

    fn result(&self) -> Result<u8, Failure> {
        let runtime = runtime()?;
        let _within = runtime.enter();
        let mut setup = Setup::new(&self.inventory, &self.task.variables, &self.task.vault)?;
        setup.check_hosts()?;
        let matched = setup.inventory.matching(&[&self.pattern]).map_err(Failure::error)?;
        matched.unknown.iter().for_each(|pattern| setup.unknown_pattern(pattern));
        if matched.hosts.is_empty() {
            setup.display.warning("No hosts matched, nothing to do");
        }
        if self.inventory.list_hosts {
            println!("  hosts ({}):", matched.hosts.len());
            matched.hosts.iter().for_each(|host| println!("    {host}"));
            return Ok(0);
        }
        let play = self.play()?;
        let base = self.playbook_dir.clone().unwrap_or_else(|| ".".into());
        setup.add_playbook_directory(&std::path::absolute(&base).unwrap_or(base.clone()));
        setup.find_modules(&base);
        let content = Content::load_text(&play, &base, &setup.content_options()).map_err(|errors| {
            display::errors(&errors);
            Failure { message: None, code: exit::PARSER }
        })?;
        let options = RunOptions {
            check: self.task.run.check,
            diff: self.task.run.diff,
            verbosity: self.task.run.verbose,
            ..run_options(&setup, self.task.run.forks, self.task.connection.connection.as_deref())
        };
        let configured = setup.config.text("DEFAULT_STDOUT_CALLBACK").unwrap_or("default");
        let callback = match configured {
            _ if self.one_line => "oneline",
            name if setup.config.flag("DEFAULT_LOAD_CALLBACK_PLUGINS") && name != "default" => name,
            _ => "minimal",
        };
        let settings =
            Settings::of(&setup.config, self.task.run.verbose, self.task.run.check, "__adhoc_playbook__");
        runtime.block_on(run(content, &setup, options, callback, &settings, None))
    }

    /// A playbook of one play with one task, as text.
    fn play(&self) -> Result<String, Failure> {
        let options = |message: String| Failure { message: Some(message), code: exit::OPTIONS };
        let short = self.module_name.rsplit('.').next().unwrap_or_default();
        let text = self.module_args.clone().unwrap_or_default();
        if text.is_empty() && NEED_ARGS.contains(&short) {
            let hint =
                if self.pattern.ends_with(".yml") { " (did you mean to run ansible-playbook?)" } else { "" };
            return Err(options(format!("No argument passed to {} module{hint}", self.module_name)));
        }
        let args = if text.starts_with('{') && text.ends_with('}') {
            yaml::load(&text)
                .map(|args| convert::to_json(&args))
                .map_err(|error| options(error.to_string()))?
        } else {
            let pairs =
                parse_kv(&text, NEED_ARGS.contains(&short)).map_err(|error| options(error.to_string()))?;
            pairs.iter().map(|(name, value)| (name.to_string(), convert::to_json(value))).collect()
        };
        let mut task = serde_json::json!({"action": {"module": self.module_name}, "args": args});
        if self.task_timeout > 0 {
            task["timeout"] = self.task_timeout.into();
        }
        if self.seconds > 0 {
            task["async"] = self.seconds.into();
            task["poll"] = self.poll.into();
        }
        let play = serde_json::json!([{
            "name": "Ansible Ad-Hoc", "hosts": self.pattern, "gather_facts": "no", "tasks": [task],
        }]);
        Ok(play.to_string())
    }
}
