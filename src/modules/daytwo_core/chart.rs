//! `daytwo.core.chart`: a Helm chart as a release that belongs to the resource of the run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::session::{Dependant, Session, failure};
use crate::chart;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, CheckMode, Doc, Kind, Opt, Spec};
use crate::release::{self, Action};
use crate::repository;

/// What a chart was loaded for: its place, version and repository.
type Key = (PathBuf, String, Option<String>);

/// The module; keeps the charts that it compiled.
#[derive(Default)]
pub(super) struct Chart {
    loaded: Mutex<HashMap<Key, Arc<chart::Chart>>>,
}

pub(super) static SPEC: Spec = Spec {
    check_mode: CheckMode::None,
    doc: Doc {
        text: "Applies a Helm chart as a release that belongs to the resource of the run.\n\n\
            The release is an ordinary one: `helm list` and `helm history` show it. It is upgraded when the \
            chart or the values changed, and repaired when somebody changed what it made; otherwise nothing \
            is written. Its objects go with the resource.",
        returns: &[
            ("action", "`unchanged`, `installed`, `upgraded` or `repaired`"),
            ("revision", "the revision of the release"),
            ("objects", "what it made: `api_version`, `kind`, `namespace`, `name` of each"),
        ],
        examples: "- name: The cache of the shop\n  \
            daytwo.core.chart:\n    \
              name: shop-cache\n    \
              namespace: shop\n    \
              chart: valkey\n    \
              values:\n      \
                replicas: 2\n    \
              wait: true\n  \
            register: cache\n",
    },
    ..Spec::new(
        "daytwo.core.chart",
        &[
            Opt::str("name").required().doc("Name of the release."),
            Opt::str("namespace").doc("Its namespace; that of the connection unless given."),
            Opt::str("chart").required().doc(
                "A directory or archive: in the role's `charts/`, in the project's `charts/`, or a path; or else a \
                 URL, `repository/chart`, or `oci://registry/path/chart`.",
            ),
            Opt::str("version").default("").doc("Of a chart that is no path: a version or a constraint."),
            Opt::str("repository").doc("The URL of the repository in which `chart` is a name."),
            Opt::new("values", Kind::Dict).default("{}").doc("Values over those of the chart."),
            Opt::str("state").default("present").choices(&["present", "absent"]).doc("Whether it shall be there."),
            Opt::flag("wait").doc("Wait until everything that the chart made is ready."),
            Opt::new("timeout", Kind::Int).default("300").doc("Seconds for waiting, and for each hook."),
        ],
    )
};

/// Revisions that are kept.
const HISTORY_LIMIT: usize = 10;

#[async_trait]
impl Module for Chart {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let spec = self.release(context, &session, &args).await?;
        if args.str("state") == Some("absent") {
            let removed = release::uninstall(&session.client, &spec);
            let removed = context.until_cancelled(removed).await?.map_err(failed)?;
            return Ok(TaskResult::changed(!removed.is_empty()));
        }
        let outcome =
            context.until_cancelled(release::deploy(&session.client, &spec)).await?.map_err(failed)?;
        for object in outcome.state.objects() {
            session.remember_dependant(Dependant {
                api_version: object.api_version.clone(),
                kind: object.kind.clone(),
                namespace: object.namespace.clone(),
            });
        }
        let action = match &outcome.action {
            Action::Unchanged => "unchanged",
            Action::Installed => "installed",
            Action::Upgraded => "upgraded",
            Action::Repaired(_) => "repaired",
        };
        let objects: Vec<Value> = outcome.state.objects().map(|object| json!(object)).collect();
        Ok(TaskResult::changed(outcome.action != Action::Unchanged)
            .with("action", action)
            .with("revision", outcome.state.revision)
            .with_json("objects", json!(objects)))
    }
}

fn failed(error: release::Error) -> ModuleError {
    match error.cluster() {
        Some(cluster) => failure("failed to apply the chart", cluster),
        None => ModuleError::new(error.to_string()),
    }
}

impl Chart {
    async fn release(
        &self,
        context: &ModuleContext,
        session: &Session,
        args: &Args,
    ) -> Result<release::Spec, ModuleError> {
        let timeout = Duration::from_secs(args.int("timeout").unwrap_or(300).max(0).unsigned_abs());
        let capabilities =
            release::capabilities(&session.client, chart::Compat::default()).await.map_err(failed)?;
        let values = match args.json("values") {
            Some(Value::Object(values)) => values,
            _ => serde_json::Map::new(),
        };
        Ok(release::Spec {
            name: args.str("name").unwrap_or_default().to_owned(),
            namespace: args.str("namespace").unwrap_or_else(|| session.client.default_namespace()).to_owned(),
            chart: self.load(context, args).await?,
            values,
            capabilities: Arc::new(capabilities),
            owner: session.owner.clone(),
            labels: Vec::new(),
            wait: args.flag("wait").then_some(timeout),
            hook_timeout: timeout,
            history_limit: HISTORY_LIMIT,
        })
    }

    /// The compiled chart; a chart is read once per process.
    async fn load(&self, context: &ModuleContext, args: &Args) -> Result<Arc<chart::Chart>, ModuleError> {
        let name = args.str("chart").unwrap_or_default();
        let options = repository::Options {
            settings: repository::Settings::from_environment(),
            version: args.str("version").unwrap_or_default().to_owned(),
            repository: args.str("repository").map(str::to_owned),
            ..repository::Options::default()
        };
        let is_path = options.repository.is_none() && !repository::is_remote(name);
        let place = if is_path { find(context, name)? } else { PathBuf::from(name) };
        let key = (place.clone(), options.version.clone(), options.repository.clone());
        if let Some(chart) = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(chart));
        }
        let reference = place.to_string_lossy();
        let loaded = repository::load(&reference, &options);
        let chart = context.until_cancelled(loaded).await?.map_err(|error| {
            ModuleError::new(format!("failed to load the chart {}: {error}", place.display()))
        })?;
        let chart = Arc::new(chart);
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&chart));
        Ok(chart)
    }
}

/// The place of a chart: a path, or a name in the role's or the project's `charts/`.
fn find(context: &ModuleContext, chart: &str) -> Result<PathBuf, ModuleError> {
    let role = context.task.role_path.as_deref();
    let candidates = [
        role.map(|role| role.join("charts").join(chart)),
        Some(context.task.playbook_dir.join("charts").join(chart)),
        Some(Path::new("charts").join(chart)),
        Some(PathBuf::from(chart)),
    ];
    let places: Vec<PathBuf> = candidates.into_iter().flatten().collect();
    let found = places.iter().find(|place| place.exists());
    let added = || {
        let entries = repository::Entries::load(&repository::Settings::from_environment()).ok()?;
        let (name, _) = chart.split_once('/')?;
        entries.get(name).map(|_| PathBuf::from(chart))
    };
    found.cloned().or_else(added).ok_or_else(|| {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        ModuleError::new(format!("there is no chart {chart:?}: looked for {}", places.join(", ")))
    })
}
