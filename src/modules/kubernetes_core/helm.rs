//! `kubernetes.core.helm`: a chart as a release (`plugins/modules/helm.py`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::session::Session;
use super::helm_arguments::AUTH;
use super::helm_chart::{place, update_repositories};
use super::helm_command::HelmCommand;
use super::helm_status::{find, status};
use super::helm_values::{SET_VALUES, given, set_flags};
use crate::chart::{Chart, values};
use crate::cluster::Client;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};
use crate::release::record::{Record, Status};
use crate::release::{self, Installation, Options, Removal, Reuse, Source, WaitFor};
use crate::repository;

/// The module.
pub(super) struct Helm;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    requirements: &[
        Requirement::If("release_state", "present", &["release_name", "chart_ref"]),
        Requirement::MutuallyExclusive(&["context", "ca_cert"]),
        Requirement::MutuallyExclusive(&["replace", "history_max"]),
        Requirement::MutuallyExclusive(&["wait_timeout", "timeout"]),
    ],
    ..Spec::new(
        "kubernetes.core.helm",
        &[
            Opt::str("chart_ref"),
            Opt::str("chart_repo_url"),
            Opt::str("chart_version"),
            Opt::flag("dependency_update").aliases(&["dep_up"]),
            Opt::str("release_name").aliases(&["name"]).required(),
            Opt::str("release_namespace").aliases(&["namespace"]).required(),
            Opt::str("release_state").aliases(&["state"]).default("present").choices(&["present", "absent"]),
            Opt::new("release_values", Kind::Dict).default("{}").aliases(&["values"]),
            Opt::new("values_files", Kind::ListOfStr),
            Opt::flag("update_repo_cache"),
            Opt::flag("disable_hook"),
            Opt::flag("force"),
            Opt::new("purge", Kind::Bool).default("true"),
            Opt::flag("wait"),
            Opt::str("wait_timeout"),
            Opt::str("timeout"),
            Opt::flag("atomic"),
            Opt::flag("create_namespace"),
            Opt::str("post_renderer"),
            Opt::flag("replace"),
            Opt::flag("skip_crds"),
            Opt::new("history_max", Kind::Int),
            SET_VALUES,
            Opt::new("reuse_values", Kind::Bool),
            Opt::new("reset_values", Kind::Bool).default("true"),
            Opt::flag("reset_then_reuse_values"),
            Opt::flag("insecure_skip_tls_verify").aliases(&["skip_tls_certs_check"]),
            Opt::flag("take_ownership"),
            Opt::flag("skip_schema_validation"),
            Opt::flag("plain_http"),
        ],
    )
};

/// The states in which a release counts as installed.
const INSTALLED: [Status; 2] = [Status::Deployed, Status::Failed];

#[async_trait]
impl Module for Helm {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if args.str("post_renderer").is_some() {
            return Err(ModuleError::new("post_renderer is not supported: no programs are run"));
        }
        let session = Session::open(context, &args).await?;
        let task = Task {
            context,
            args: &args,
            client: &session.client,
            name: args.str("release_name").unwrap_or_default(),
            namespace: args.str("release_namespace").unwrap_or_default(),
        };
        update_repositories(context, &args).await?;
        match args.str("release_state") {
            Some("absent") => task.absent().await,
            _ => task.present().await,
        }
    }
}

/// One task on one release.
struct Task<'a> {
    context: &'a ModuleContext,
    args: &'a Args,
    client: &'a Client,
    name: &'a str,
    namespace: &'a str,
}

impl Task<'_> {
    async fn find(&self, statuses: &[Status]) -> Result<Option<Record>, ModuleError> {
        self.context.until_cancelled(find(self.client, self.namespace, self.name, statuses)).await?
    }

    async fn absent(&self) -> Result<TaskResult, ModuleError> {
        let found = self.find(&[]).await?;
        let is_gone =
            |record: &Record| matches!(record.info.status, Status::Uninstalled | Status::Uninstalling);
        let mut command = HelmCommand::new(self.args, "uninstall");
        let Some(record) = found.filter(|record| !is_gone(record)) else {
            let program = HelmCommand::new(self.args, "");
            return Ok(self.unchanged(self.find(&[]).await?.as_ref(), program.text().trim()));
        };
        if self.args.flag("replace") {
            return Err(ModuleError::new("replace is not applicable when state is absent"));
        }
        command.flag("keep-history", !self.args.flag("purge"));
        command.flag("no-hooks", self.args.flag("disable_hook"));
        command.flag("wait", self.args.flag("wait"));
        command.option("timeout", self.args.str("wait_timeout"));
        command.argument(self.name);
        if self.context.check {
            return Ok(self.planned(true, Some(&record), &command));
        }
        let removal = Removal { keep_history: !self.args.flag("purge"), ..Removal::default() };
        let options = self.options()?;
        let removed = release::remove(self.client, &options, removal);
        let removed = self.context.until_cancelled(removed).await?;
        removed.map_err(|error| command.failed(&error))?;
        let told = format!("release {:?} uninstalled\n", self.name);
        self.done(&command, told).await
    }

    async fn present(&self) -> Result<TaskResult, ModuleError> {
        let found = self.find(&INSTALLED).await?;
        let chart = self.chart().await?;
        let given = given(self.context, self.args)?;
        let command = self.command(found.is_none());
        let changes = match &found {
            None => true,
            Some(_) if self.args.flag("force") => true,
            Some(record) => self.differs(record, &chart, &given),
        };
        if self.context.check {
            return Ok(self.planned(changes, found.as_ref(), &command));
        }
        if !changes {
            return Ok(self.unchanged(found.as_ref(), command.text()));
        }
        let source = Source {
            skip_crds: self.args.flag("skip_crds"),
            skip_schema_validation: self.args.flag("skip_schema_validation"),
            ..Source::new(Arc::new(chart), given)
        };
        let told = self.context.until_cancelled(self.deploy(&source)).await?;
        let told = told.map_err(|error| command.failed(&error))?;
        self.done(&command, told).await
    }

    /// Installs or upgrades, as `helm upgrade --install` decides it.
    async fn deploy(&self, source: &Source) -> Result<String, String> {
        let options = self.options().map_err(|error| error.to_string())?;
        let last = release::last_status(self.client, self.namespace, self.name).await;
        let last = last.map_err(|error| error.to_string())?;
        let is_gone = last == Some(Status::Uninstalled);
        if last.is_none() || is_gone || self.args.flag("replace") {
            let installation = Installation {
                create_namespace: self.args.flag("create_namespace"),
                replace: is_gone || self.args.flag("replace"),
            };
            let record = release::install(self.client, &options, source, installation).await;
            return record.map(|record| shown(&record)).map_err(|error| error.to_string());
        }
        let record = release::upgrade(self.client, &options, source, self.reuse()).await;
        let upgraded = format!("Release {:?} has been upgraded. Happy Helming!\n", self.name);
        record.map(|record| upgraded + &shown(&record)).map_err(|error| format!("UPGRADE FAILED: {error}"))
    }

    fn reuse(&self) -> Reuse {
        match self.args.get("reuse_values").is_some() && self.args.flag("reuse_values") {
            _ if self.args.flag("reset_values") => Reuse::Reset,
            true => Reuse::Reuse,
            false if self.args.flag("reset_then_reuse_values") => Reuse::ResetThenReuse,
            false => Reuse::UnlessGiven,
        }
    }

    /// Whether an upgrade would give the release another chart or other values.
    fn differs(&self, record: &Record, chart: &Chart, given: &Map<String, Value>) -> bool {
        let old = || record.config.clone();
        let declared = match self.reuse() {
            Reuse::Reset => given.clone(),
            Reuse::UnlessGiven if !given.is_empty() => given.clone(),
            _ => values::merge(old(), given.clone()),
        };
        let known = &record.chart;
        declared != record.config
            || (known.name(), known.version(), known.app_version())
                != (chart.name(), chart.version(), chart.app_version())
    }

    fn options(&self) -> Result<Options, ModuleError> {
        let args = self.args;
        let mut options = Options::new(self.name, self.namespace);
        options.hooks = !args.flag("disable_hook");
        options.wait = if args.flag("wait") { WaitFor::Ready } else { WaitFor::Hooks };
        options.rollback_on_failure = args.flag("atomic");
        options.force_replace = args.flag("force");
        options.take_ownership = args.flag("take_ownership");
        if let Some(limit) = args.int("history_max") {
            options.history_limit = usize::try_from(limit).unwrap_or_default();
        }
        if let Some(text) = args.str("wait_timeout").or_else(|| args.str("timeout")) {
            options.timeout = timeout(text)?;
        }
        Ok(options)
    }

    async fn chart(&self) -> Result<Chart, ModuleError> {
        let (args, context) = (self.args, self.context);
        let (reference, places) = place(context, args, args.flag("insecure_skip_tls_verify"));
        let mut command = HelmCommand::new(args, "show chart");
        command.argument(&format!("'{}'", args.str("chart_ref").unwrap_or_default()));
        let load = async {
            let path = repository::locate(&reference, &places).await?;
            if args.flag("dependency_update") {
                repository::fetch_dependencies(&path, &places, &|_| {}).await?;
            }
            repository::installable(&path, &places, None).await
        };
        context.until_cancelled(load).await?.map_err(|error| command.failed(&error))
    }

    fn command(&self, is_new: bool) -> HelmCommand {
        let args = self.args;
        let mut command = HelmCommand::new(args, if args.flag("replace") { "install" } else { "upgrade -i" });
        command.assignment("version", args.str("chart_version"));
        command.assignment("repo", args.str("chart_repo_url"));
        command.flag("reset-values", args.flag("reset_values") && !args.flag("replace"));
        if args.get("reuse_values").is_some() {
            let value = if args.flag("reuse_values") { "True" } else { "False" };
            command.argument(&format!("--reuse-values={value}"));
        }
        command.flag("reset-then-reuse-values", args.flag("reset_then_reuse_values"));
        command.flag("wait", args.flag("wait"));
        command.option("timeout", args.str("wait_timeout").filter(|_| args.flag("wait")));
        command.flag("atomic", args.flag("atomic"));
        command.option("timeout", args.str("timeout"));
        for (flag, name) in FLAGS {
            command.flag(flag, args.flag(name) && !(is_new && *name == "force"));
        }
        for path in args.texts("values_files").unwrap_or_default() {
            command.argument(&format!("--values={path}"));
        }
        if let Some(limit) = args.int("history_max") {
            command.argument(&format!("--history-max={limit}"));
        }
        set_flags(args, &mut command);
        command.argument(self.name);
        command.argument(&format!("'{}'", args.str("chart_ref").unwrap_or_default()));
        command
    }

    fn planned(&self, changes: bool, found: Option<&Record>, command: &HelmCommand) -> TaskResult {
        let (current, declared) = match found {
            Some(record) => (json!(record.config), Value::Object(status(record, record.config.clone()))),
            None => (json!({}), json!({})),
        };
        let planned = json!({"current": current, "declared": declared});
        let status = json!({"values": planned, "release_values": planned});
        command.done(TaskResult::changed(changes), String::new()).with_json("status", status)
    }

    fn unchanged(&self, found: Option<&Record>, command: &str) -> TaskResult {
        let status = found.map_or(Value::Null, |record| Value::Object(status(record, record.config.clone())));
        TaskResult::changed(false)
            .with_json("status", status)
            .with("stdout", "")
            .with("stderr", "")
            .with("command", command)
    }

    async fn done(&self, command: &HelmCommand, told: String) -> Result<TaskResult, ModuleError> {
        let found = self.find(&[]).await?;
        let status =
            found.map_or(Value::Null, |record| Value::Object(status(&record, record.config.clone())));
        Ok(command.done(TaskResult::changed(true), told).with_json("status", status))
    }
}

/// The flags that only stand or do not.
const FLAGS: &[(&str, &str)] = &[
    ("force", "force"),
    ("replace", "replace"),
    ("no-hooks", "disable_hook"),
    ("create-namespace", "create_namespace"),
    ("insecure-skip-tls-verify", "insecure_skip_tls_verify"),
    ("plain-http", "plain_http"),
    ("take-ownership", "take_ownership"),
    ("skip-schema-validation", "skip_schema_validation"),
    ("skip-crds", "skip_crds"),
];

/// Durations such as `5m0s`, and plain seconds as older versions of the collection took them.
fn timeout(text: &str) -> Result<Duration, ModuleError> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok());
    parsed.ok_or_else(|| ModuleError::new(format!("invalid argument {text:?} for \"--timeout\" flag")))
}

fn shown(record: &Record) -> String {
    let notes = record.info.notes.trim();
    let notes = if notes.is_empty() { String::new() } else { format!("NOTES:\n{notes}\n") };
    format!(
        "NAME: {}\nNAMESPACE: {}\nSTATUS: {}\nREVISION: {}\nDESCRIPTION: {}\n{notes}",
        record.name,
        record.namespace,
        record.info.status.as_str(),
        record.version,
        record.info.description
    )
}
