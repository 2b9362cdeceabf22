//! A chart becomes a revision: rendered with what the cluster tells, its definitions created first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::apply::PARALLEL;
use super::lookup::ClusterLookup;
use super::objects::{Desired, Document, parse, place};
use super::options::{Options, Source};
use super::record::{ChartRecord, HookRecord, Info, Record, Status};
use super::scope::Scope;
use super::{Error, MANAGER};
use crate::chart::{Capabilities, Chart, Compat, RenderOptions, Rendered, release_name};
use crate::cluster::wait::Goal;
use crate::cluster::{self, Client, ObjectRef, Reason, Write};
use crate::traces;

/// How long a CRD may take to be established.
const CRD_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause before discovery is asked again.
const DISCOVERY_PAUSE: Duration = Duration::from_millis(300);

/// What a revision is rendered as.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) revision: i64,
    pub(super) is_upgrade: bool,
    pub(super) capabilities: &'a Arc<Capabilities>,
}

/// Rendering blocks its thread (and asks the cluster from inside templates).
pub(super) fn render(scope: &Scope<'_>, source: &Source, moment: Moment<'_>) -> Result<Rendered, Error> {
    let runtime = Handle::current();
    let span = traces::span!(
        "render",
        helm.chart.name = source.chart.name(),
        helm.chart.version = source.chart.version(),
        helm.release.revision = moment.revision,
    );
    let _entered = span.enter();
    let rendered = tokio::task::block_in_place(|| {
        let options = RenderOptions {
            revision: moment.revision,
            is_upgrade: moment.is_upgrade,
            capabilities: Arc::clone(moment.capabilities),
            lookup: Arc::new(ClusterLookup { client: scope.client.clone(), runtime }),
            sub_notes: source.sub_notes,
            enable_dns: source.enable_dns,
            skip_schema_validation: source.skip_schema_validation,
            ..RenderOptions::new(scope.name, scope.namespace, Compat::V4)
        };
        Ok(source.chart.render(&source.values, &options)?)
    });
    traces::told(&span, rendered)
}

/// What an installation would record, rendered without a cluster.
///
/// # Errors
/// What is wrong with the name, the chart or the values.
pub fn render_offline(options: &Options, source: &Source) -> Result<Record, Error> {
    release_name::validate(&options.name).map_err(|error| Error::Name(error.to_string()))?;
    let rendering = RenderOptions {
        sub_notes: source.sub_notes,
        enable_dns: source.enable_dns,
        skip_schema_validation: source.skip_schema_validation,
        ..RenderOptions::new(&options.name, &options.namespace, Compat::V4)
    };
    let rendered = source.chart.render(&source.values, &rendering)?;
    let now = Timestamp::now();
    Ok(Record {
        name: options.name.clone(),
        info: Info {
            first_deployed: Some(now),
            last_deployed: Some(now),
            description: "Dry run complete".into(),
            status: Status::PendingInstall,
            notes: rendered.notes.clone(),
            ..Info::default()
        },
        version: 1,
        namespace: options.namespace.clone(),
        ..contents(&source.chart, &source.values, &rendered)
    })
}

/// What a record has of a rendering.
fn contents(chart: &Chart, values: &Map<String, Value>, rendered: &Rendered) -> Record {
    Record {
        chart: ChartRecord::of(chart, &rendered.default_values),
        config: values.clone(),
        manifest: rendered.manifest(),
        hooks: rendered.hooks.iter().map(HookRecord::from).collect(),
        ..Record::default()
    }
}

/// A revision that is about to be made from a rendering.
pub(super) fn record(
    scope: &Scope<'_>,
    (chart, values): (&Chart, &Map<String, Value>),
    moment: Moment<'_>,
    rendered: &Rendered,
    first_deployed: Option<Timestamp>,
) -> Record {
    let now = Timestamp::now();
    let (status, description) = if moment.is_upgrade {
        (Status::PendingUpgrade, "Preparing upgrade")
    } else {
        (Status::PendingInstall, "Initial install underway")
    };
    Record {
        name: scope.name.to_owned(),
        info: Info {
            first_deployed: first_deployed.or(Some(now)),
            last_deployed: Some(now),
            description: description.into(),
            status,
            notes: rendered.notes.clone(),
            ..Info::default()
        },
        version: moment.revision,
        namespace: scope.namespace.to_owned(),
        apply_method: scope.method.as_str().into(),
        ..contents(chart, values, rendered)
    }
}

/// The definitions in `crds/` are created once and never touched again. Returns when the cluster serves
/// their kinds.
pub(super) async fn create_crds(scope: &Scope<'_>, rendered: &Rendered) -> Result<(), Error> {
    let mut definitions = Vec::new();
    for file in &rendered.crds {
        for object in parse(&String::from_utf8_lossy(&file.data), &file.filename)? {
            let document = Document { source: file.filename.clone(), object };
            definitions.push(place(scope.client, scope.namespace, document).await?);
        }
    }
    let mut requests = Vec::with_capacity(definitions.len());
    for definition in &definitions {
        requests.push(create_once(scope.client, definition));
    }
    stream::iter(requests).buffered(PARALLEL).try_collect::<()>().await?;
    // Also those that an interrupted installation created a moment ago.
    let names: Vec<ObjectRef> = definitions.iter().map(|definition| definition.reference.clone()).collect();
    scope.wait_for(&names, &Goal::Ready, CRD_TIMEOUT).await?;
    let deadline = Instant::now() + CRD_TIMEOUT;
    for (api_version, kind) in definitions.iter().flat_map(|definition| served(&definition.object.0)) {
        // Discovery follows a moment after a definition is established.
        loop {
            match scope.client.resource(&api_version, &kind).await {
                Err(cluster::Error::UnknownKind { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(DISCOVERY_PAUSE).await;
                }
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
    }
    Ok(())
}

/// The API versions and the kind that a definition asks the cluster to serve.
fn served(definition: &Value) -> Vec<(String, String)> {
    let text = |at: &str| definition.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| version["served"] == true);
    let names = served.filter_map(|version| version["name"].as_str());
    names.map(|version| (format!("{group}/{version}"), kind.to_owned())).collect()
}

async fn create_once(client: &Client, crd: &Desired) -> Result<(), Error> {
    let namespace = crd.reference.namespace.as_deref();
    match client.create(&crd.resource, namespace, &crd.object, Write::by(MANAGER)).await {
        Err(error) if !error.is(Reason::AlreadyExists) => Err(error.into()),
        _ => Ok(()),
    }
}
