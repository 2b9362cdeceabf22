//! The flags that installs, upgrades, rollbacks and uninstallations share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::blocking::wait;
use super::place_flags::PlaceFlags;
use super::values::ValueFlags;
use crate::chart::{Chart, Contents, Error};
use crate::release::{Observer, Options, ServerSide, Source, Step, WaitFor};
use crate::repository::{self, Manager};
use crate::watches::duration;

/// How long, and what for.
#[derive(Args)]
pub(super) struct WaitFlags {
    /// Wait until resources are ready (up to --timeout); hookOnly waits for hooks only
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "watcher",
          default_value = "hookOnly", value_name = "STRATEGY")]
    wait: Strategy,
    /// Time to wait for any individual Kubernetes operation (like Jobs for hooks)
    #[arg(long, value_parser = duration::parse, default_value = "5m0s", value_name = "DURATION")]
    timeout: Duration,
    /// Prevent hooks from running
    #[arg(long)]
    no_hooks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// Hooks only.
    #[value(name = "hookOnly", alias = "hookonly", alias = "false")]
    HookOnly,
    /// Everything is ready.
    #[value(alias = "true", alias = "legacy")]
    Watcher,
}

impl WaitFlags {
    pub(super) fn fill(&self, options: &mut Options) {
        options.hooks = !self.no_hooks;
        options.timeout = self.timeout;
        options.wait = if self.wait == Strategy::Watcher { WaitFor::Ready } else { WaitFor::Hooks };
        options.observer = progress();
    }

    pub(super) fn fill_with_jobs(&self, jobs: bool, options: &mut Options) {
        self.fill(options);
        if jobs && options.wait == WaitFor::Ready {
            options.wait = WaitFor::ReadyAndJobs;
        }
    }
}

/// How objects are changed, by upgrades and rollbacks.
#[derive(Args)]
pub(super) struct ChangeFlags {
    /// Object updates run in the server instead of the client; auto keeps the way of the release
    #[arg(long, value_enum, default_value = "auto", num_args = 0..=1, require_equals = false,
          default_missing_value = "true")]
    server_side: ServerSideFlag,
    /// Force server-side apply changes against conflicts
    #[arg(long, conflicts_with = "force_replace")]
    force_conflicts: bool,
    /// Force resource updates by replacement
    #[arg(long, alias = "force")]
    force_replace: bool,
    /// Wait until all Jobs have been completed, if --wait is given
    #[arg(long)]
    wait_for_jobs: bool,
    /// Allow deletion of new resources created by this operation when it fails
    #[arg(long)]
    cleanup_on_fail: bool,
    /// Limit the maximum number of revisions saved per release; 0 for no limit
    #[arg(long, default_value_t = crate::release::DEFAULT_HISTORY, env = "HELM_MAX_HISTORY", value_name = "NUMBER")]
    history_max: usize,
    /// Add a custom description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    wait: WaitFlags,
}

/// Where object updates run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ServerSideFlag {
    /// As the release was made.
    Auto,
    /// In the server.
    True,
    /// In the client.
    False,
}

impl From<ServerSideFlag> for ServerSide {
    fn from(flag: ServerSideFlag) -> Self {
        match flag {
            ServerSideFlag::Auto => Self::Auto,
            ServerSideFlag::True => Self::On,
            ServerSideFlag::False => Self::Off,
        }
    }
}

impl ChangeFlags {
    pub(super) fn options(&self, name: &str, namespace: &str) -> Options {
        let mut options = Options::new(name, namespace);
        options.server_side = self.server_side.into();
        options.force_conflicts = self.force_conflicts;
        options.force_replace = self.force_replace;
        options.clean_up_on_failure = self.cleanup_on_fail;
        options.history_limit = self.history_max;
        options.description.clone_from(&self.description);
        self.wait.fill_with_jobs(self.wait_for_jobs, &mut options);
        options
    }
}

/// What is rendered, by installs and upgrades.
#[derive(Args)]
pub(super) struct ChartFlags {
    #[command(flatten)]
    places: PlaceFlags,
    #[command(flatten)]
    values: ValueFlags,
    /// Update dependencies if they are missing before the chart is used
    #[arg(long)]
    dependency_update: bool,
    /// Install no CRDs; by default they are installed if not already present
    #[arg(long)]
    skip_crds: bool,
    /// Disable the validation of values by JSON schemas
    #[arg(long)]
    skip_schema_validation: bool,
    /// Render notes of subcharts along with the parent's
    #[arg(long)]
    render_subchart_notes: bool,
    /// Let templates ask the name servers
    #[arg(long)]
    enable_dns: bool,
    /// Ignore the check for helm annotations and take ownership of existing resources
    #[arg(long)]
    take_ownership: bool,
    /// Undo the operation upon failure; implies --wait
    #[arg(long, alias = "atomic")]
    rollback_on_failure: bool,
    /// Accept fields that the cluster's API does not know
    #[arg(long)]
    disable_openapi_validation: bool,
    /// Labels added to the release's metadata, separated by comma; null removes one
    #[arg(short, long, value_name = "LABELS", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, Option<String>)>,
    /// Create the release namespace if not present
    #[arg(long)]
    pub(super) create_namespace: bool,
    /// Do not show notes in the output
    #[arg(long)]
    pub(super) hide_notes: bool,
    /// Hide Kubernetes Secrets when also using the --dry-run flag
    #[arg(long)]
    pub(super) hide_secret: bool,
    /// Simulate the operation: client asks no cluster, server asks without changing anything
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client",
          default_value = "none", value_parser = dry_run, value_name = "none|client|server")]
    pub(super) dry_run: DryRun,
    /// Show what was computed along with the output
    #[arg(long)]
    pub(super) debug: bool,
}

/// Whether anything changes, and who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DryRun {
    None,
    Client,
    Server,
}

fn dry_run(text: &str) -> Result<DryRun, String> {
    match text {
        "none" | "false" => Ok(DryRun::None),
        "client" | "true" | "unset" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        _ => Err(format!("invalid dry-run value ({text:?}). Must be \"none\", \"server\", or \"client\"")),
    }
}

fn label(text: &str) -> Result<(String, Option<String>), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("{text} must be formatted as key=value"))?;
    Ok((name.to_owned(), Some(value.to_owned()).filter(|value| value != "null")))
}

impl ChartFlags {
    pub(super) fn source(&self, chart: &str) -> Result<Source, String> {
        if self.hide_secret && self.dry_run == DryRun::None {
            return Err("hiding Kubernetes secrets requires a dry-run mode".into());
        }
        let chart = load(chart, &self.places, self.dependency_update)?;
        if chart.metadata().deprecated {
            eprintln!("warning: this chart is deprecated");
        }
        Ok(Source {
            skip_crds: self.skip_crds,
            sub_notes: self.render_subchart_notes,
            enable_dns: self.enable_dns,
            skip_schema_validation: self.skip_schema_validation,
            ..Source::new(Arc::new(chart), self.values.merge()?)
        })
    }

    pub(super) fn fill(&self, options: &mut Options) {
        options.take_ownership = self.take_ownership;
        options.rollback_on_failure = self.rollback_on_failure;
        options.strict = !self.disable_openapi_validation;
        options.labels = self.labels.iter().cloned().collect::<BTreeMap<_, _>>();
        options.dry_run = self.dry_run != DryRun::None;
    }
}

/// The chart of a reference, wherever that points to; its missing dependencies are fetched if `update` says so.
pub(super) fn load(reference: &str, places: &PlaceFlags, update: bool) -> Result<Chart, String> {
    let path = locate(reference, places, update)?;
    let chart = Chart::load(&path).and_then(|chart| chart.check_installable().map(|()| chart));
    chart.map_err(|error| explain(&error))
}

/// The path of a chart, with its dependencies if `update` says so.
pub(super) fn locate(reference: &str, places: &PlaceFlags, update: bool) -> Result<PathBuf, String> {
    let places = places.options();
    let path = wait(repository::locate(reference, &places))?;
    let is_complete = || Contents::load(&path).is_ok_and(|chart| chart.check_dependencies().is_ok());
    if update && !is_complete() {
        wait(fetch_dependencies(&path, &places))?;
    }
    Ok(path)
}

/// Fetches the dependencies of a chart; what is told of it goes to standard error, away from manifests.
async fn fetch_dependencies(chart: &Path, places: &repository::Options) -> Result<(), repository::Error> {
    let manager = Manager {
        chart,
        settings: &places.settings,
        access: &places.access,
        keyring: places.keyring.clone(),
        allow_unsigned: true,
        skip_refresh: false,
        modified: repository::source_date_epoch()?,
        report: &|line| eprintln!("{line}"),
    };
    manager.update().await
}

/// A chart's error with Helm's hint.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::MissingDependencies(_) => format!(
            "an error occurred while checking for chart dependencies. You may need to run \
             'helm dependency build' to fetch missing dependencies: {error}"
        ),
        error => error.to_string(),
    }
}

/// Shows on standard error what is waited for.
pub(super) fn progress() -> Arc<Observer> {
    Arc::new(|step| match step {
        Step::Waiting { object, reason: Some(reason) } => eprintln!("waiting for {object}: {reason}"),
        Step::Waiting { object, reason: None } => eprintln!("{object} is there"),
        Step::Hook { event, name } => eprintln!("{event} hook {name} runs"),
        Step::HookLog { text } => println!("{}", text.trim_end()),
        Step::Kept { object } => eprintln!("{object} is kept"),
    })
}
