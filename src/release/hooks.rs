//! Hooks: objects that run at points of a release's life. Follows `pkg/action/hooks.go`.
//!
//! Those of one event run one after the other, by weight. Which are deleted, and when, is up to their
//! delete policies; what they printed is shown as their log policies ask.

use jiff::Timestamp;

use super::Error;
use super::objects::{Desired, Document, parse, place};
use super::record::HookRecord;
use super::scope::{Scope, Step};
use crate::chart::hook::Event;
use crate::cluster::wait::Goal;
use crate::cluster::{Deletion, ListQuery, LogQuery, Object, ObjectRef, OwnerStyle};
use crate::traces;

const BEFORE_CREATION: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";
/// Lines of a log that are shown.
const LOG_LINES: u64 = 10_000;

/// Runs the hooks of one event; their records tell how it went.
pub(super) async fn run(scope: &Scope<'_>, hooks: &mut [HookRecord], event: Event) -> Result<(), Error> {
    let (mut done, result) = run_without_cleaning(scope, hooks, event, |_| true).await;
    let cleaned = clean(scope, hooks, &mut done).await;
    result.and(cleaned)
}

/// A hook that ran, and its objects.
pub(super) struct Done {
    index: usize,
    pub(super) objects: Vec<Desired>,
    failed: bool,
}

/// Runs the hooks of one event that `wanted` accepts; what ran is left to [`clean`], so that logs can be read first.
pub(super) async fn run_without_cleaning(
    scope: &Scope<'_>,
    hooks: &mut [HookRecord],
    event: Event,
    wanted: impl Fn(&HookRecord) -> bool,
) -> (Vec<Done>, Result<(), Error>) {
    let mut done = Vec::new();
    if !scope.hooks {
        return (done, Ok(()));
    }
    let runs = |index: &usize| runs_at(&hooks[*index], event) && wanted(&hooks[*index]);
    let mut order: Vec<usize> = (0..hooks.len()).filter(runs).collect();
    order.sort_by(|&a, &b| (hooks[a].weight, &hooks[a].name).cmp(&(hooks[b].weight, &hooks[b].name)));
    for &index in &order {
        let hook = &mut hooks[index];
        let objects = match prepare(scope, hook).await {
            Ok(objects) => objects,
            Err(error) => return (done, Err(error)),
        };
        hook.last_run.started_at = Some(Timestamp::now());
        hook.last_run.completed_at = None;
        hook.last_run.phase = "Running".into();
        tracing::info!(hook = %hook.name, event = %event, "hook runs");
        (scope.observer)(&Step::Hook { event: event.as_str(), name: &hook.name });
        let span =
            traces::span!("hook", helm.hook.name = hook.name.as_str(), helm.hook.event = event.as_str());
        let result = traces::step(span, execute(scope, &objects)).await;
        hook.last_run.completed_at = Some(Timestamp::now());
        hook.last_run.phase = if result.is_ok() { "Succeeded" } else { "Failed" }.into();
        done.push(Done { index, objects, failed: result.is_err() });
        if let Err(error) = result {
            let (hook, reason) = (hook.name.clone(), error.to_string());
            let error = match error {
                error if error.is_forbidden() => error,
                _ => Error::Hook { event: event.to_string(), hook, reason },
            };
            return (done, Err(error));
        }
    }
    (done, Ok(()))
}

/// Shows the logs and deletes the objects of hooks that ran, the last first, as their policies ask.
pub(super) async fn clean(
    scope: &Scope<'_>,
    hooks: &[HookRecord],
    done: &mut Vec<Done>,
) -> Result<(), Error> {
    while let Some(Done { index, objects, failed }) = done.pop() {
        let hook = &hooks[index];
        let policy = if failed { FAILED } else { SUCCEEDED };
        if hook.output_log_policies.iter().any(|own| own == policy) {
            for text in logs(scope, &objects).await {
                (scope.observer)(&Step::HookLog { text: &text });
            }
        }
        if has_policy(hook, policy) {
            remove(scope, &objects).await?;
        }
    }
    Ok(())
}

async fn prepare(scope: &Scope<'_>, hook: &HookRecord) -> Result<Vec<Desired>, Error> {
    let objects = objects(scope, hook).await?;
    if has_policy(hook, BEFORE_CREATION) {
        remove(scope, &objects).await?;
    }
    Ok(objects)
}

/// What the pods of hooks printed; nothing when that cannot be read, as it is no reason to fail.
pub(super) async fn logs(scope: &Scope<'_>, objects: &[Desired]) -> Vec<String> {
    let mut texts = Vec::new();
    for desired in objects {
        let query = match desired.reference.kind.as_str() {
            "Pod" => ListQuery {
                fields: Some(format!("metadata.name={}", desired.reference.name)),
                ..ListQuery::default()
            },
            "Job" => ListQuery {
                labels: Some(format!("job-name={}", desired.reference.name)),
                ..ListQuery::default()
            },
            _ => continue,
        };
        let namespace = desired.reference.namespace.as_deref().unwrap_or(scope.namespace);
        let Ok(resource) = scope.client.resource("v1", "Pod").await else { continue };
        let pods = scope.client.list(&resource, Some(namespace), &query).await.unwrap_or_default();
        for pod in &pods {
            for container in containers(pod) {
                let query = LogQuery { container: Some(container.to_owned()), ..LogQuery::tail(LOG_LINES) };
                let log = scope.client.logs(namespace, pod.name(), &query).await;
                texts.extend(log.ok().filter(|text| !text.is_empty()));
            }
        }
    }
    texts
}

fn containers(pod: &Object) -> impl Iterator<Item = &str> {
    ["/spec/initContainers", "/spec/containers"]
        .into_iter()
        .filter_map(|at| pod.0.pointer(at)?.as_array())
        .flatten()
        .filter_map(|container| container["name"].as_str())
}

fn runs_at(hook: &HookRecord, event: Event) -> bool {
    hook.events.iter().any(|name| Event::parse(name) == Some(event))
}

fn has_policy(hook: &HookRecord, policy: &str) -> bool {
    if hook.delete_policies.is_empty() {
        return policy == BEFORE_CREATION;
    }
    hook.delete_policies.iter().any(|own| own == policy)
}

async fn objects(scope: &Scope<'_>, hook: &HookRecord) -> Result<Vec<Desired>, Error> {
    let mut objects = Vec::new();
    for object in parse(&hook.manifest, &hook.path)? {
        let document = Document { source: hook.path.clone(), object };
        let mut desired = place(scope.client, scope.namespace, document).await?;
        if let Some(owner) = scope.owner {
            let namespace = desired.reference.namespace.clone();
            owner.mark(&mut desired.object, namespace.as_deref(), OwnerStyle::Controller);
        }
        objects.push(desired);
    }
    Ok(objects)
}

async fn execute(scope: &Scope<'_>, objects: &[Desired]) -> Result<(), Error> {
    for desired in objects {
        let namespace = desired.reference.namespace.as_deref();
        scope.client.create(&desired.resource, namespace, &desired.object, scope.write()).await?;
    }
    // Only Jobs and Pods run to an end; everything else is done when it is created.
    let running: Vec<ObjectRef> = objects
        .iter()
        .filter(|desired| matches!(desired.reference.kind.as_str(), "Job" | "Pod"))
        .map(|desired| desired.reference.clone())
        .collect();
    scope.wait_for(&running, &Goal::Completed, scope.hook_timeout).await
}

async fn remove(scope: &Scope<'_>, objects: &[Desired]) -> Result<(), Error> {
    let mut removed = Vec::new();
    for desired in objects.iter().filter(|desired| desired.reference.kind != "CustomResourceDefinition") {
        if scope.client.delete(desired.target(), &Deletion::default()).await?.is_some() {
            removed.push(desired.reference.clone());
        }
    }
    scope.wait_for(&removed, &Goal::Deleted, scope.hook_timeout).await
}
