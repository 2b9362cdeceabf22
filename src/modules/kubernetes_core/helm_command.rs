//! What the helm modules share: Helm's settings as the task sees them, and the command that a person would type.

use crate::modules::context::ModuleContext;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::Args;
use crate::repository::Settings;

/// Where Helm keeps what it knows, by the task's environment.
pub(super) fn settings(context: &ModuleContext) -> Settings {
    Settings::from_variables(|name| {
        let own = context.environment.get(name).map(Into::into);
        own.or_else(|| std::env::var_os(name).map(Into::into))
    })
}

/// The command line that does the same, for the result.
pub(super) struct HelmCommand(String);

impl HelmCommand {
    /// `helm` and a subcommand; nothing is run, so `binary_path` only names it.
    pub(super) fn new(args: &Args, subcommand: &str) -> Self {
        Self(format!("{} {subcommand}", args.str("binary_path").unwrap_or("helm")))
    }

    /// Adds an argument.
    pub(super) fn argument(&mut self, argument: &str) {
        self.0.push(' ');
        self.0.push_str(argument);
    }

    /// Adds a flag with the value of an argument, if that is given.
    pub(super) fn option(&mut self, flag: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.argument(&format!("--{flag} {value}"));
        }
    }

    /// Adds a flag with the value of an argument after an equals sign, if that is given.
    pub(super) fn assignment(&mut self, flag: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.argument(&format!("--{flag}={value}"));
        }
    }

    /// Adds a flag.
    pub(super) fn flag(&mut self, flag: &str, is_set: bool) {
        if is_set {
            self.argument(&format!("--{flag}"));
        }
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Adds what was printed, and the command, to a result.
    pub(super) fn done(&self, result: TaskResult, stdout: String) -> TaskResult {
        result.with("command", self.0.clone()).with("stdout", stdout).with("stderr", "")
    }

    /// The failure as kubernetes.core words it when Helm fails.
    pub(super) fn failed(&self, error: &dyn std::fmt::Display) -> ModuleError {
        let stderr = format!("Error: {error}\n");
        ModuleError::new(format!(
            "Failure when executing Helm command. Exited 1.\nstdout: \nstderr: {stderr}"
        ))
        .with("stdout", "")
        .with("stderr", stderr)
        .with("command", self.0.clone())
    }
}
