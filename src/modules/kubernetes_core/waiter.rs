//! When a task that waits is satisfied: kubernetes.core's rules, which are not kstatus's.
//! Follows `module_utils/k8s/waiter.py`. Looks more often than `wait_sleep` says at first, so that what
//! is done soon is seen soon; a condition `Unknown` needs no reason (upstream never meets one without).

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::session::{Session, failure};
use crate::cluster::{ListQuery, Object, Reason, Resource, Target};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::Args;

/// The first pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long and how often to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The longest pause between two looks.
    pub(super) sleep: Duration,
    /// When to give up.
    pub(super) timeout: Duration,
}

impl Pace {
    /// The pace of a task that waits; `None` when it does not.
    pub(super) fn from_args(args: &Args) -> Option<Self> {
        args.flag("wait").then(|| Self::of(args))
    }

    /// The pace of a task.
    pub(super) fn of(args: &Args) -> Self {
        let seconds =
            |name: &str| Duration::from_secs(args.int(name).unwrap_or_default().max(0).unsigned_abs());
        Self { sleep: seconds("wait_sleep"), timeout: seconds("wait_timeout") }
    }

    /// One look.
    pub(super) const ONCE: Self = Self { sleep: Duration::ZERO, timeout: Duration::ZERO };
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    /// One object, or all that the selectors leave.
    pub(super) name: Option<&'a str>,
    pub(super) query: &'a ListQuery,
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// The object of the name, if there is one.
    One(Option<Object>),
    /// The objects of the selectors.
    Many(Vec<Object>),
}

impl Seen {
    /// Whether anything is there.
    pub(super) fn exists(&self) -> bool {
        match self {
            Self::One(object) => object.is_some(),
            Self::Many(objects) => !objects.is_empty(),
        }
    }

    /// What is there.
    pub(super) fn into_objects(self) -> Vec<Object> {
        match self {
            Self::One(object) => object.into_iter().collect(),
            Self::Many(objects) => objects,
        }
    }
}

impl Wanted<'_> {
    /// Looks once.
    ///
    /// # Errors
    /// Every refusal but "not found" and "cannot be read".
    pub(super) async fn look(&self, session: &Session) -> Result<Seen, crate::cluster::Error> {
        let Some(name) = self.name else {
            return match session.client.list(self.resource, self.namespace, self.query).await {
                Err(error) if error.is(Reason::NotFound) => Ok(Seen::Many(Vec::new())),
                listed => listed.map(Seen::Many),
            };
        };
        // An object of a namespaced kind has no address without its namespace.
        if self.resource.namespaced && self.namespace.is_none() {
            return Ok(Seen::One(None));
        }
        let target = Target::new(self.resource, self.namespace, name);
        let found = if self.query.metadata_only {
            session.client.get_metadata(target).await
        } else {
            session.client.get(target).await
        };
        match found {
            // The kind can be created, not read.
            Err(error) if error.refusal().is_some_and(|refusal| refusal.code == 405) => Ok(Seen::One(None)),
            found => found.map(Seen::One),
        }
    }
}

/// What a task waits for.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// Nothing is there any more.
    Absent,
    /// Something is there.
    Exists,
    /// The object is ready by the rule of its kind.
    Ready,
    /// The object has this condition: type, status, reason.
    Condition(Condition),
    /// The controller has seen the newest specification.
    Observed,
}

/// A condition of an object's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    kind: String,
    status: String,
    reason: Option<String>,
}

impl Goal {
    /// What a task waits for whose object shall be there.
    pub(super) fn from_args(args: &Args) -> Self {
        let condition = args.json("wait_condition").unwrap_or_default();
        let text = |name: &str| condition[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match text("type") {
            Some(kind) => Self::Condition(Condition {
                kind,
                status: text("status").unwrap_or_else(|| "True".to_owned()),
                reason: text("reason"),
            }),
            None => Self::Ready,
        }
    }

    fn is_met(&self, seen: &Seen) -> bool {
        match (self, seen) {
            (Self::Absent, seen) => !seen.exists(),
            (Self::Exists, seen) => seen.exists(),
            (_, Seen::Many(_)) => seen.exists(),
            (_, Seen::One(None)) => false,
            (Self::Ready, Seen::One(Some(object))) => is_ready(object),
            (Self::Observed, Seen::One(Some(object))) => observed(&object.0),
            (Self::Condition(wanted), Seen::One(Some(object))) => wanted.holds(object),
        }
    }
}

impl Condition {
    fn holds(&self, object: &Object) -> bool {
        let conditions = object.0.pointer("/status/conditions").and_then(Value::as_array);
        let found =
            conditions.and_then(|all| all.iter().find(|condition| condition["type"] == self.kind.as_str()));
        let Some(found) = found else { return false };
        let same_status = match found["status"].as_str() {
            Some("Unknown") => self.status == "Unknown",
            status => self.status != "Unknown" && (status == Some("True")) == (self.status == "True"),
        };
        same_status && self.reason.as_ref().is_none_or(|reason| found["reason"] == reason.as_str())
    }
}

/// How waiting ended: the newest state, and how long it took.
pub(super) struct Waited {
    pub(super) seen: Seen,
    pub(super) seconds: i64,
    pub(super) satisfied: bool,
}

/// Looks until the goal is met or the time is over.
///
/// # Errors
/// The server refuses to tell; the run was cancelled.
pub(super) async fn wait(
    context: &ModuleContext,
    session: &Session,
    wanted: Wanted<'_>,
    goal: &Goal,
    pace: Pace,
) -> Result<Waited, ModuleError> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut newest = Seen::One(None);
    loop {
        let over = begin.elapsed() >= pace.timeout;
        match wanted.look(session).await {
            Ok(seen) => newest = seen,
            // The network may come back.
            Err(error) if error.refusal().is_none() && error.is_transient() && !over => {}
            Err(error) => return Err(failure("Failed to retrieve requested object", &error)),
        }
        let satisfied = goal.is_met(&newest);
        if satisfied || over {
            let seconds = i64::try_from(begin.elapsed().as_secs()).unwrap_or(i64::MAX);
            return Ok(Waited { seen: newest, seconds, satisfied });
        }
        let left = pace.timeout.saturating_sub(begin.elapsed()).max(Duration::from_millis(1));
        context.until_cancelled(tokio::time::sleep(pause.min(pace.sleep.max(FIRST_PAUSE)).min(left))).await?;
        pause = pause.saturating_mul(2);
    }
}

type Rule = fn(&Value) -> bool;

/// Rules by kind; every other kind is fine as soon as it exists.
const RULES: &[(&str, Rule)] = &[
    ("ClusterOperator", cluster_operator),
    ("DaemonSet", daemon_set),
    ("Deployment", deployment),
    ("Pod", pod),
    ("StatefulSet", stateful_set),
];

fn is_ready(object: &Object) -> bool {
    RULES.iter().find(|(kind, _)| *kind == object.kind()).is_none_or(|(_, is_ready)| is_ready(&object.0))
}

fn observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn deployment(object: &Value) -> bool {
    let status = &object["status"];
    object["spec"]["replicas"].as_i64() == Some(count(&status["replicas"]))
        && status["availableReplicas"] == status["replicas"]
        && observed(object)
        && count(&status["unavailableReplicas"]) == 0
}

fn daemon_set(object: &Value) -> bool {
    let status = &object["status"];
    let Some(desired) = status["desiredNumberScheduled"].as_i64() else { return false };
    count(&status["updatedNumberScheduled"]) == desired
        && status["numberReady"].as_i64() == Some(desired)
        && observed(object)
}

fn stateful_set(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    match spec["updateStrategy"]["type"].as_str() {
        Some("OnDelete") => observed(object) && status["replicas"] == spec["replicas"],
        Some("RollingUpdate") => {
            let wanted = spec["replicas"].as_i64();
            observed(object)
                && status["updateRevision"] == status["currentRevision"]
                && Some(count(&status["updatedReplicas"])) == wanted
                && Some(count(&status["readyReplicas"])) == wanted
                && status["replicas"] == spec["replicas"]
        }
        _ => false,
    }
}

fn pod(object: &Value) -> bool {
    let containers = object["status"]["containerStatuses"].as_array();
    containers.is_some_and(|containers| containers.iter().all(|container| container["ready"] == true))
}

fn cluster_operator(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let is = |kind: &str, status: &str| {
        conditions.is_some_and(|all| {
            all.iter().any(|condition| condition["type"] == kind && condition["status"] == status)
        })
    };
    is("Available", "True") && is("Degraded", "False") && is("Progressing", "False")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deployment_is_ready_when_all_replicas_are_available() {
        let mut object = json!({
            "metadata": {"generation": 2}, "spec": {"replicas": 1},
            "status": {"replicas": 1, "availableReplicas": 1, "observedGeneration": 2},
        });
        assert!(deployment(&object));
        object["status"]["unavailableReplicas"] = 1.into();
        assert!(!deployment(&object));
        // Scaled to nothing: neither count is there.
        assert!(deployment(
            &json!({"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}})
        ));
    }

    #[test]
    fn a_stateful_set_scaled_to_nothing_is_ready() {
        let object = json!({
            "metadata": {"generation": 1}, "spec": {"replicas": 0, "updateStrategy": {"type": "RollingUpdate"}},
            "status": {"replicas": 0, "observedGeneration": 1, "currentRevision": "a", "updateRevision": "a"},
        });
        assert!(stateful_set(&object));
    }

    #[test]
    fn conditions_compare_type_status_and_reason() {
        let object = |status: &str| {
            let conditions = json!([{"type": "Done", "status": status, "reason": "Fine"}]);
            Object(json!({"status": {"conditions": conditions}}))
        };
        let wanted = |status: &str, reason: Option<&str>| Condition {
            kind: "Done".into(),
            status: status.into(),
            reason: reason.map(str::to_owned),
        };
        assert!(wanted("True", None).holds(&object("True")));
        assert!(wanted("Unknown", None).holds(&object("Unknown")));
        assert!(wanted("Unknown", Some("Fine")).holds(&object("Unknown")));
        assert!(!wanted("True", Some("Other")).holds(&object("True")));
        assert!(!wanted("False", None).holds(&object("True")));
        assert!(!wanted("False", None).holds(&object("Unknown")));
    }
}
