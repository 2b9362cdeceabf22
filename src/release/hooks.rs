//! Hooks: objects that run at points of a release's life. Follows `pkg/action/hooks.go`.

use jiff::Timestamp;

use super::objects::{Desired, Document, parse, place};
use super::record::HookRecord;
use super::{Error, MANAGER, Spec};
use crate::chart::hook::Event;
use crate::cluster::wait::{Goal, WaitError, wait_for};
use crate::cluster::{Client, Deletion, ObjectRef, OwnerStyle, Write};

const BEFORE_CREATION: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";

/// Runs the hooks of one event, one after the other; their records tell how it went.
pub(super) async fn run(
    client: &Client,
    spec: &Spec,
    hooks: &mut [HookRecord],
    event: Event,
) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..hooks.len()).filter(|&index| runs_at(&hooks[index], event)).collect();
    order.sort_by(|&a, &b| (hooks[a].weight, &hooks[a].name).cmp(&(hooks[b].weight, &hooks[b].name)));
    let mut done = Vec::new();
    for &index in &order {
        let hook = &mut hooks[index];
        let objects = objects(client, spec, hook).await?;
        if has_policy(hook, BEFORE_CREATION) {
            remove(client, spec, &objects).await?;
        }
        hook.last_run.started_at = Some(Timestamp::now());
        hook.last_run.completed_at = None;
        hook.last_run.phase = "Running".into();
        tracing::info!(hook = %hook.name, event = %event, "hook runs");
        let result = execute(client, spec, &objects).await;
        hook.last_run.completed_at = Some(Timestamp::now());
        hook.last_run.phase = if result.is_ok() { "Succeeded" } else { "Failed" }.into();
        if let Err(error) = result {
            if has_policy(hook, FAILED) {
                remove(client, spec, &objects).await?;
            }
            let (hook, reason) = (hook.name.clone(), error.to_string());
            clean_succeeded(client, spec, hooks, &done).await?;
            return match error {
                error if error.is_forbidden() => Err(error),
                _ => Err(Error::Hook { event: event.to_string(), hook, reason }),
            };
        }
        done.push((index, objects));
    }
    clean_succeeded(client, spec, hooks, &done).await
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

async fn objects(client: &Client, spec: &Spec, hook: &HookRecord) -> Result<Vec<Desired>, Error> {
    let mut objects = Vec::new();
    for object in parse(&hook.manifest, &hook.path)? {
        let document = Document { source: hook.path.clone(), object };
        let mut desired = place(client, &spec.namespace, document).await?;
        if let Some(owner) = &spec.owner {
            let namespace = desired.reference.namespace.clone();
            owner.mark(&mut desired.object, namespace.as_deref(), OwnerStyle::Controller);
        }
        objects.push(desired);
    }
    Ok(objects)
}

async fn execute(client: &Client, spec: &Spec, objects: &[Desired]) -> Result<(), Error> {
    for desired in objects {
        let namespace = desired.reference.namespace.as_deref();
        client.create(&desired.resource, namespace, &desired.object, Write::by(MANAGER)).await?;
    }
    // Only Jobs and Pods run to an end; everything else is done when it is created.
    let running: Vec<ObjectRef> = objects
        .iter()
        .filter(|desired| matches!(desired.reference.kind.as_str(), "Job" | "Pod"))
        .map(|desired| desired.reference.clone())
        .collect();
    wait_for(client, &running, &Goal::Completed, spec.hook_timeout).await?;
    Ok(())
}

async fn remove(client: &Client, spec: &Spec, objects: &[Desired]) -> Result<(), Error> {
    let mut removed = Vec::new();
    for desired in objects.iter().filter(|desired| desired.reference.kind != "CustomResourceDefinition") {
        if client.delete(desired.target(), &Deletion::default()).await?.is_some() {
            removed.push(desired.reference.clone());
        }
    }
    match wait_for(client, &removed, &Goal::Deleted, spec.hook_timeout).await {
        Ok(_) => Ok(()),
        Err(WaitError::Cluster(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

async fn clean_succeeded(
    client: &Client,
    spec: &Spec,
    hooks: &[HookRecord],
    done: &[(usize, Vec<Desired>)],
) -> Result<(), Error> {
    for (index, objects) in done.iter().rev() {
        if has_policy(&hooks[*index], SUCCEEDED) {
            remove(client, spec, objects).await?;
        }
    }
    Ok(())
}
