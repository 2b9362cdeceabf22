//! Waiting for objects, by watching them until a deadline.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use kube::core::WatchEvent;
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;

use super::ready::{Readiness, pod_trouble, readiness};
use super::{Client, Error, ListQuery, Object, ObjectRef, Target};

/// One watch request lasts at most this long; then the object is read anew.
const WATCH_SECONDS: u64 = 60;
/// Pause before asking again when watching is refused or breaks off.
const RETRY: Duration = Duration::from_secs(1);

/// What to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The object is ready; see [`readiness`].
    Ready,
    /// The Job or Pod has run to a good end.
    Completed,
    /// The object is gone.
    Deleted,
    /// A condition has this status.
    Condition {
        /// `type`
        kind: String,
        /// `True`, `False` or `Unknown`
        status: String,
        /// `reason`, when it matters
        reason: Option<String>,
    },
}

/// Why waiting ended without the goal.
#[derive(Debug, Error)]
pub enum WaitError {
    /// The deadline passed, or an object failed for good.
    #[error("{}", list(.0))]
    NotReached(Vec<Unmet>),
    /// The cluster could not be asked.
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// One object that did not get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Which object.
    pub object: ObjectRef,
    /// Why not, in words.
    pub reason: String,
    /// Whether it failed for good, as opposed to being late.
    pub failed: bool,
}

fn list(unmet: &[Unmet]) -> String {
    let one = |unmet: &Unmet| format!("{}: {}", unmet.object, unmet.reason);
    unmet.iter().map(one).collect::<Vec<_>>().join("; ")
}

enum State {
    Met,
    Pending(String),
    Failed(String),
}

impl Goal {
    fn state(&self, object: Option<&Object>) -> State {
        match (self, object) {
            (Self::Deleted, None) => State::Met,
            (Self::Deleted, Some(object)) if object.is_terminating() => {
                State::Pending(format!("is still being deleted{}", finalizers(object)))
            }
            (Self::Deleted, Some(_)) => State::Pending("is still there".into()),
            (_, None) => State::Pending("does not exist".into()),
            (Self::Ready, Some(object)) => match readiness(object) {
                Readiness::Ready => State::Met,
                Readiness::Waiting(reason) => State::Pending(reason),
                Readiness::Failed(reason) => State::Failed(reason),
            },
            (Self::Completed, Some(object)) => match readiness(object) {
                Readiness::Failed(reason) => State::Failed(reason),
                Readiness::Waiting(reason) => State::Pending(reason),
                Readiness::Ready if object.kind() == "Pod" && object.0["status"]["phase"] != "Succeeded" => {
                    State::Pending("still runs".into())
                }
                Readiness::Ready => State::Met,
            },
            (Self::Condition { kind, status, reason }, Some(object)) => {
                let found = object.0.pointer("/status/conditions").and_then(Value::as_array);
                let found =
                    found.and_then(|all| all.iter().find(|condition| condition["type"] == kind.as_str()));
                match found {
                    None => State::Pending(format!("has no condition {kind}")),
                    Some(condition)
                        if condition["status"] == status.as_str()
                            && reason.as_deref().is_none_or(|reason| condition["reason"] == reason) =>
                    {
                        State::Met
                    }
                    Some(condition) => State::Pending(format!("condition {kind} is {}", condition["status"])),
                }
            }
        }
    }
}

fn finalizers(object: &Object) -> String {
    let names = object.0.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() { String::new() } else { format!(", held by finalizer {}", names.join(", ")) }
}

/// Waits until every object reaches the goal; gives the objects as they were then (`None` for deleted
/// ones), in the order given.
///
/// # Errors
/// [`WaitError::NotReached`] names every object that did not get there in time, and why.
pub async fn wait_for(
    client: &Client,
    objects: &[ObjectRef],
    goal: &Goal,
    timeout: Duration,
) -> Result<Vec<Option<Object>>, WaitError> {
    wait_observed(client, objects, goal, timeout, &|_, _| {}).await
}

/// Is told why an object is not there yet, every time that the reason changes; `None` when it got there.
pub type Seen<'a> = &'a (dyn Fn(&ObjectRef, Option<&str>) + Send + Sync);

/// As [`wait_for`], and tells how it goes.
///
/// # Errors
/// As [`wait_for`].
pub async fn wait_observed(
    client: &Client,
    objects: &[ObjectRef],
    goal: &Goal,
    timeout: Duration,
    seen: Seen<'_>,
) -> Result<Vec<Option<Object>>, WaitError> {
    let deadline = Instant::now() + timeout;
    let results = join_all(objects.iter().map(|object| wait_one(client, object, goal, deadline, seen))).await;
    let mut reached = Vec::new();
    let mut unmet = Vec::new();
    for result in results {
        match result {
            Ok(object) => reached.push(object),
            Err(WaitError::NotReached(late)) => unmet.extend(late),
            Err(error) => return Err(error),
        }
    }
    if unmet.is_empty() { Ok(reached) } else { Err(WaitError::NotReached(unmet)) }
}

async fn wait_one(
    client: &Client,
    reference: &ObjectRef,
    goal: &Goal,
    deadline: Instant,
    seen: Seen<'_>,
) -> Result<Option<Object>, WaitError> {
    let resource = client.resource(&reference.api_version, &reference.kind).await?;
    let target = Target::new(&resource, reference.namespace.as_deref(), &reference.name);
    let mut teller = Teller { reference, seen, told: None };
    loop {
        let mut object = client.get(target).await?;
        let reason = match goal.state(object.as_ref()) {
            State::Met => {
                teller.reached();
                return Ok(object);
            }
            State::Failed(reason) => {
                return Err(explain(client, reference, object.as_ref(), reason, true).await);
            }
            State::Pending(reason) => reason,
        };
        if Instant::now() >= deadline {
            return Err(explain(client, reference, object.as_ref(), reason, false).await);
        }
        teller.tell(&reason);
        let version = object.as_ref().and_then(Object::resource_version).unwrap_or_default().to_owned();
        changed(client, target, &version, goal, &mut object, deadline, &mut teller).await;
        if let State::Met = goal.state(object.as_ref()) {
            teller.reached();
            return Ok(object);
        }
    }
}

/// Tells the observer every reason once.
struct Teller<'a> {
    reference: &'a ObjectRef,
    seen: Seen<'a>,
    told: Option<String>,
}

impl Teller<'_> {
    fn tell(&mut self, reason: &str) {
        if self.told.as_deref() != Some(reason) {
            (self.seen)(self.reference, Some(reason));
            self.told = Some(reason.to_owned());
        }
    }

    fn reached(&self) {
        if self.told.is_some() {
            (self.seen)(self.reference, None);
        }
    }
}

/// Follows the object until its state changes for good or the watch ends; `object` is the newest seen.
async fn changed(
    client: &Client,
    target: Target<'_>,
    version: &str,
    goal: &Goal,
    object: &mut Option<Object>,
    deadline: Instant,
    teller: &mut Teller<'_>,
) {
    let left = deadline.saturating_duration_since(Instant::now());
    let seconds = left.as_secs().clamp(1, WATCH_SECONDS);
    let follow = async {
        let Ok(mut events) = client.watch(target, version, seconds).await else {
            tokio::time::sleep(RETRY).await;
            return;
        };
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(new) | WatchEvent::Modified(new)) => *object = Some(new),
                Ok(WatchEvent::Deleted(_)) => *object = None,
                Ok(WatchEvent::Bookmark(_)) => continue,
                Ok(WatchEvent::Error(_)) | Err(_) => {
                    tokio::time::sleep(RETRY).await;
                    return;
                }
            }
            match goal.state(object.as_ref()) {
                State::Pending(reason) => teller.tell(&reason),
                State::Met | State::Failed(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(left.max(Duration::from_millis(1)), follow).await;
}

/// Adds what the object's pods and Events say to the reason: an image that cannot be pulled, a pending
/// volume, a failing probe, …
async fn explain(
    client: &Client,
    reference: &ObjectRef,
    object: Option<&Object>,
    reason: String,
    failed: bool,
) -> WaitError {
    let trouble = match object {
        Some(object) => match pods_trouble(client, object).await {
            Some(trouble) => Some(trouble),
            None => last_event(client, object).await,
        },
        None => None,
    };
    let reason = match trouble {
        Some(trouble) => format!("{reason} ({trouble})"),
        None => reason,
    };
    WaitError::NotReached(vec![Unmet { object: reference.clone(), reason, failed }])
}

async fn pods_trouble(client: &Client, object: &Object) -> Option<String> {
    let labels = object.0.pointer("/spec/selector/matchLabels")?.as_object()?;
    let pairs = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    let query = ListQuery { labels: Some(pairs.collect::<Vec<_>>().join(",")), ..ListQuery::default() };
    let resource = client.resource("v1", "Pod").await.ok()?;
    let pods = client.list(&resource, object.namespace(), &query).await.ok()?;
    if let Some(trouble) =
        pods.iter().find_map(|pod| Some(format!("pod {}: {}", pod.name(), pod_trouble(pod)?)))
    {
        return Some(trouble);
    }
    for pod in pods.iter().filter(|pod| readiness(pod) != Readiness::Ready) {
        if let Some(event) = last_event(client, pod).await {
            return Some(format!("pod {}: {event}", pod.name()));
        }
    }
    None
}

/// The newest Event about an object: a probe that fails, a volume that waits for its first pod, …
async fn last_event(client: &Client, object: &Object) -> Option<String> {
    let query =
        ListQuery { fields: Some(format!("involvedObject.uid={}", object.uid()?)), ..ListQuery::default() };
    let resource = client.resource("v1", "Event").await.ok()?;
    let events = client.list(&resource, object.namespace(), &query).await.ok()?;
    let time = |event: &Object| {
        let at = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        at.iter().find_map(|at| event.0.pointer(at)?.as_str()).unwrap_or_default().to_owned()
    };
    let is_told = |event: &&Object| event.0["type"] == "Warning" || object.kind() != "Pod";
    let last = events.iter().filter(is_told).max_by_key(|event| time(event))?;
    Some(format!("{}: {}", last.0["reason"].as_str()?, last.0["message"].as_str()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn goals_judge_objects() {
        let terminating = Object(json!({"metadata": {"deletionTimestamp": "x", "finalizers": ["a/b"]}}));
        let State::Pending(reason) = Goal::Deleted.state(Some(&terminating)) else { panic!() };
        assert_eq!(reason, "is still being deleted, held by finalizer a/b");
        assert!(matches!(Goal::Deleted.state(None), State::Met));
        let goal = Goal::Condition { kind: "Done".into(), status: "True".into(), reason: None };
        let done = Object(json!({"status": {"conditions": [{"type": "Done", "status": "True"}]}}));
        assert!(matches!(goal.state(Some(&done)), State::Met));
        assert!(matches!(goal.state(Some(&Object(json!({})))), State::Pending(_)));
    }
}
