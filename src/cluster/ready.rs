//! Is an object done? The rules of kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus/status`), with the
//! reason why not.

use serde_json::Value;

use super::Object;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is as its spec asks.
    Ready,
    /// Not yet; the reason in words.
    Waiting(String),
    /// It will not get there by waiting; the reason in words.
    Failed(String),
}

impl Readiness {
    /// Why the object is not ready; `None` when it is.
    #[must_use]
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::Waiting(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

use Readiness::{Failed, Ready, Waiting};

type Rule = fn(&Object) -> Readiness;

/// Rules by group and kind; everything else goes by its conditions.
const RULES: &[(&str, &str, Rule)] = &[
    ("", "PersistentVolumeClaim", claim),
    ("", "Pod", pod),
    ("", "ReplicationController", replicas),
    ("", "Service", service),
    ("apiextensions.k8s.io", "CustomResourceDefinition", definition),
    ("apps", "DaemonSet", daemon_set),
    ("apps", "Deployment", deployment),
    ("apps", "ReplicaSet", replicas),
    ("apps", "StatefulSet", stateful_set),
    ("batch", "Job", job),
];

/// Whether objects of this kind are judged by more than `Ready` conditions.
#[must_use]
pub fn has_rule(api_version: &str, kind: &str) -> bool {
    let group = super::object::group_of(api_version);
    RULES.iter().any(|(at, name, _)| *at == group && *name == kind)
}

/// How far `object` is.
#[must_use]
pub fn readiness(object: &Object) -> Readiness {
    if object.is_terminating() {
        return Waiting("is being deleted".into());
    }
    if let (Some(generation), Some(observed)) =
        (object.generation(), int(object, "/status/observedGeneration"))
        && observed < generation
    {
        return Waiting("its latest spec has not been seen by its controller".into());
    }
    let group = super::object::group_of(object.api_version());
    match RULES.iter().find(|(at, kind, _)| *at == group && *kind == object.kind()) {
        Some((_, _, rule)) => rule(object),
        None => by_conditions(object),
    }
}

fn int(object: &Object, pointer: &str) -> Option<i64> {
    object.0.pointer(pointer).and_then(Value::as_i64)
}

fn count(object: &Object, pointer: &str) -> i64 {
    int(object, pointer).unwrap_or(0)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Value> {
    object.0.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// `Reason: message` of a condition.
fn words(condition: &Value) -> String {
    match (text(condition, "/reason"), text(condition, "/message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn is(condition: &Value, status: &str) -> bool {
    condition["status"] == status
}

/// Any kind: kstatus' generic conditions, then `Ready`.
fn by_conditions(object: &Object) -> Readiness {
    if let Some(stalled) = condition(object, "Stalled").filter(|found| is(found, "True")) {
        return Failed(words(stalled));
    }
    if let Some(reconciling) = condition(object, "Reconciling").filter(|found| is(found, "True")) {
        return Waiting(words(reconciling));
    }
    match condition(object, "Ready") {
        Some(ready) if !is(ready, "True") => Waiting(words(ready)),
        _ => Ready,
    }
}

fn deployment(object: &Object) -> Readiness {
    // Nobody works on it, so there is nothing to wait for.
    if object.0.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Ready;
    }
    if let Some(progress) = condition(object, "Progressing")
        && progress["reason"] == "ProgressDeadlineExceeded"
    {
        return Failed(words(progress));
    }
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    let have = |field: &str| count(object, &format!("/status/{field}"));
    if object.generation().is_some() && int(object, "/status/observedGeneration").is_none() {
        return Waiting("has not been seen by its controller".into());
    }
    // A quota or an admission rule refuses pods.
    if let Some(refused) = condition(object, "ReplicaFailure").filter(|found| is(found, "True"))
        && have("availableReplicas") < wanted
    {
        return Waiting(words(refused));
    }
    if have("updatedReplicas") < wanted {
        return Waiting(format!("{} of {wanted} replicas are updated", have("updatedReplicas")));
    }
    if have("replicas") > have("updatedReplicas") {
        return Waiting(format!("{} old replicas still run", have("replicas") - have("updatedReplicas")));
    }
    if have("availableReplicas") < wanted {
        return Waiting(format!("{} of {wanted} replicas are available", have("availableReplicas")));
    }
    match condition(object, "Available") {
        Some(available) if !is(available, "True") => Waiting(words(available)),
        _ => Ready,
    }
}

fn stateful_set(object: &Object) -> Readiness {
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    let have = |field: &str| count(object, &format!("/status/{field}"));
    if object.0.pointer("/spec/updateStrategy/type").and_then(Value::as_str) == Some("OnDelete") {
        return if have("readyReplicas") >= wanted {
            Ready
        } else {
            Waiting(format!("{} of {wanted} replicas are ready", have("readyReplicas")))
        };
    }
    if object.generation().is_some() && int(object, "/status/observedGeneration").is_none() {
        return Waiting("has not been seen by its controller".into());
    }
    if have("readyReplicas") < wanted {
        return Waiting(format!("{} of {wanted} replicas are ready", have("readyReplicas")));
    }
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        let updated = have("updatedReplicas");
        return if updated >= wanted - partition {
            Ready
        } else {
            Waiting(format!("{updated} of {} replicas are updated", wanted - partition))
        };
    }
    if text(&object.0, "/status/currentRevision") != text(&object.0, "/status/updateRevision") {
        return Waiting(format!("{} of {wanted} replicas are updated", have("updatedReplicas")));
    }
    Ready
}

fn daemon_set(object: &Object) -> Readiness {
    let have = |field: &str| count(object, &format!("/status/{field}"));
    let wanted = have("desiredNumberScheduled");
    if int(object, "/status/observedGeneration").is_none() {
        return Waiting("has not been seen by its controller".into());
    }
    for (field, word) in
        [("updatedNumberScheduled", "updated"), ("numberAvailable", "available"), ("numberReady", "ready")]
    {
        if have(field) < wanted {
            return Waiting(format!("{} of {wanted} pods are {word}", have(field)));
        }
    }
    Ready
}

fn replicas(object: &Object) -> Readiness {
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    let ready = count(object, "/status/readyReplicas");
    if ready < wanted { Waiting(format!("{ready} of {wanted} replicas are ready")) } else { Ready }
}

fn job(object: &Object) -> Readiness {
    if let Some(failed) = condition(object, "Failed").filter(|found| is(found, "True")) {
        return Failed(words(failed));
    }
    match condition(object, "Complete") {
        Some(complete) if is(complete, "True") => Ready,
        _ => Waiting(format!("runs: {} pods active", count(object, "/status/active"))),
    }
}

fn pod(object: &Object) -> Readiness {
    match text(&object.0, "/status/phase") {
        "Succeeded" => Ready,
        "Failed" => {
            Failed(pod_trouble(object).unwrap_or_else(|| text(&object.0, "/status/message").to_owned()))
        }
        _ => match condition(object, "Ready") {
            Some(ready) if is(ready, "True") => Ready,
            ready => Waiting(
                pod_trouble(object)
                    .or_else(|| ready.map(words))
                    .unwrap_or_else(|| "is not scheduled yet".into()),
            ),
        },
    }
}

/// What holds a pod up, in words: why it is not scheduled, which container waits or ended and why.
#[must_use]
pub fn pod_trouble(pod: &Object) -> Option<String> {
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|found| is(found, "False")) {
        return Some(words(scheduled));
    }
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = statuses.iter().filter_map(|at| pod.0.pointer(at)?.as_array()).flatten();
    for container in containers {
        let name = text(container, "/name");
        let waiting = &container["state"]["waiting"];
        if waiting.is_object() && !matches!(text(waiting, "/reason"), "ContainerCreating" | "PodInitializing")
        {
            return Some(format!("container {name:?}: {}", words(waiting)));
        }
        let ended = &container["state"]["terminated"];
        if ended.is_object() && ended["exitCode"] != 0 {
            let code = &ended["exitCode"];
            return Some(format!("container {name:?} ended with exit code {code}: {}", words(ended)));
        }
    }
    None
}

fn claim(object: &Object) -> Readiness {
    match text(&object.0, "/status/phase") {
        "Bound" => Ready,
        "Lost" => Failed("its volume is lost".into()),
        phase => Waiting(format!("is {}", if phase.is_empty() { "not bound yet" } else { phase })),
    }
}

fn service(object: &Object) -> Readiness {
    let balanced = text(&object.0, "/spec/type") == "LoadBalancer";
    let addresses = object.0.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    if balanced && addresses.is_none_or(Vec::is_empty) {
        return Waiting("has no load balancer address yet".into());
    }
    Ready
}

fn definition(object: &Object) -> Readiness {
    if let Some(names) = condition(object, "NamesAccepted").filter(|found| is(found, "False")) {
        return Failed(words(names));
    }
    match condition(object, "Established") {
        Some(established) if is(established, "True") => Ready,
        _ => Waiting("is not established yet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Readiness {
        readiness(&Object(value))
    }

    #[test]
    fn a_deployment_waits_for_its_replicas() {
        let deployment = |status: Value| {
            of(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2},
                      "spec": {"replicas": 2}, "status": status}))
        };
        let full =
            json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(deployment(full), Ready);
        let some =
            json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1});
        assert_eq!(deployment(some), Waiting("1 of 2 replicas are available".into()));
        assert!(matches!(deployment(json!({"observedGeneration": 1})), Waiting(_)));
        assert!(matches!(deployment(json!({})), Waiting(_)));
        let refused = json!({"observedGeneration": 2, "conditions": [
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]});
        assert_eq!(deployment(refused), Waiting("FailedCreate: exceeded quota".into()));
        let paused = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": true}});
        assert_eq!(of(paused), Ready);
        let stuck = json!({"observedGeneration": 2, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}]});
        assert_eq!(deployment(stuck), Failed("ProgressDeadlineExceeded: m".into()));
    }

    #[test]
    fn a_pod_says_what_holds_it_up() {
        let pod = of(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": {"phase": "Pending",
            "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}}),
        );
        assert_eq!(pod, Waiting("container \"web\": ImagePullBackOff: no such image".into()));
        let unscheduled = of(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}}),
        );
        assert_eq!(unscheduled, Waiting("Unschedulable: 0/1 nodes".into()));
    }

    #[test]
    fn jobs_claims_definitions_and_anything_with_conditions() {
        let job = |conditions: Value| {
            of(
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": {"conditions": conditions}}),
            )
        };
        assert_eq!(job(json!([{"type": "Complete", "status": "True"}])), Ready);
        let failed = json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]);
        assert_eq!(job(failed), Failed("BackoffLimitExceeded".into()));
        assert!(matches!(job(json!([])), Waiting(_)));
        let claim =
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}});
        assert_eq!(of(claim), Waiting("is Pending".into()));
        let custom = |status: &str| {
            of(json!({"apiVersion": "daytwo.dev/v1", "kind": "MySQL", "metadata": {"generation": 1},
                "status": {"conditions": [{"type": "Ready", "status": status, "reason": "R", "message": "m"}]}}))
        };
        assert_eq!(custom("True"), Ready);
        assert_eq!(custom("False"), Waiting("R: m".into()));
        assert_eq!(of(json!({"apiVersion": "v1", "kind": "ConfigMap"})), Ready);
        assert!(matches!(
            of(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})),
            Waiting(_)
        ));
    }
}
