//! When a task that waits is satisfied: kubernetes.core's rules, which are not kstatus's.
//! Follows `module_utils/k8s/waiter.py`.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::session::{Session, failure};
use crate::cluster::{Object, Target};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::{Args, Kind, Opt};

/// The arguments of tasks that can wait, to be listed among a module's own.
pub(super) const WAIT: Opt = Opt::flag("wait");
pub(super) const WAIT_SLEEP: Opt = Opt::new("wait_sleep", Kind::Int).default("5");
pub(super) const WAIT_TIMEOUT: Opt = Opt::new("wait_timeout", Kind::Int).default("120");
pub(super) const WAIT_CONDITION: Opt = Opt::new("wait_condition", Kind::Dict);

/// What a task waits for.
pub(super) struct Wait {
    condition: Option<Value>,
    absent: bool,
    sleep: Duration,
    timeout: Duration,
}

/// How waiting ended: the newest state, and how long it took.
pub(super) struct Waited {
    pub(super) object: Option<Object>,
    pub(super) seconds: u64,
    pub(super) satisfied: bool,
}

impl Wait {
    /// What the task asks for; `None` when it does not wait.
    pub(super) fn from_args(args: &Args, absent: bool) -> Option<Self> {
        let seconds =
            |name, default| Duration::from_secs(args.int(name).unwrap_or(default).max(0).unsigned_abs());
        args.flag("wait").then(|| Self {
            condition: args.json("wait_condition"),
            absent,
            sleep: seconds("wait_sleep", 5).max(Duration::from_millis(100)),
            timeout: seconds("wait_timeout", 120),
        })
    }

    /// Looks at the object until it satisfies the task or the time is over.
    pub(super) async fn run(
        &self,
        context: &ModuleContext,
        session: &Session,
        target: Target<'_>,
    ) -> Result<Waited, ModuleError> {
        let begin = Instant::now();
        loop {
            let object = session.client.get(target).await;
            let object =
                object.map_err(|error| failure("Failed to read the object while waiting", &error))?;
            let satisfied = match &object {
                None => self.absent,
                Some(object) => !self.absent && self.is_satisfied_by(object),
            };
            if satisfied || begin.elapsed() >= self.timeout {
                return Ok(Waited { object, seconds: begin.elapsed().as_secs(), satisfied });
            }
            let left = self.timeout.saturating_sub(begin.elapsed());
            context.until_cancelled(tokio::time::sleep(self.sleep.min(left))).await?;
        }
    }

    fn is_satisfied_by(&self, object: &Object) -> bool {
        match &self.condition {
            Some(wanted) => has_condition(object, wanted),
            None => {
                let rule = RULES.iter().find(|(kind, _)| *kind == object.kind());
                rule.is_none_or(|(_, is_ready)| is_ready(&object.0))
            }
        }
    }
}

type Rule = fn(&Value) -> bool;

/// Rules by kind; every other kind is fine as soon as it exists.
const RULES: &[(&str, Rule)] =
    &[("DaemonSet", daemon_set), ("Deployment", deployment), ("Pod", pod), ("StatefulSet", stateful_set)];

fn observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn deployment(object: &Value) -> bool {
    let status = &object["status"];
    object["spec"]["replicas"].as_i64() == Some(status["replicas"].as_i64().unwrap_or(0))
        && status["availableReplicas"] == status["replicas"]
        && observed(object)
        && status["unavailableReplicas"].as_i64().unwrap_or(0) == 0
}

fn daemon_set(object: &Value) -> bool {
    let status = &object["status"];
    let Some(desired) = status["desiredNumberScheduled"].as_i64() else { return false };
    status["updatedNumberScheduled"].as_i64().unwrap_or(0) == desired
        && status["numberReady"].as_i64() == Some(desired)
        && observed(object)
}

fn stateful_set(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    match spec["updateStrategy"]["type"].as_str() {
        Some("OnDelete") => observed(object) && status["replicas"] == spec["replicas"],
        Some("RollingUpdate") => {
            observed(object)
                && status["updateRevision"] == status["currentRevision"]
                && status["updatedReplicas"] == spec["replicas"]
                && status["readyReplicas"] == spec["replicas"]
                && status["replicas"] == spec["replicas"]
        }
        _ => false,
    }
}

fn pod(object: &Value) -> bool {
    let containers = object["status"]["containerStatuses"].as_array();
    containers.is_some_and(|containers| containers.iter().all(|container| container["ready"] == true))
}

fn has_condition(object: &Object, wanted: &Value) -> bool {
    let conditions = object.0["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == wanted["type"]));
    let status = wanted["status"].as_str().unwrap_or("True");
    found.is_some_and(|found| {
        found["status"] == status && (wanted["reason"].is_null() || found["reason"] == wanted["reason"])
    })
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
    fn conditions_compare_type_status_and_reason() {
        let object =
            Object(json!({"status": {"conditions": [{"type": "Done", "status": "True", "reason": "Fine"}]}}));
        assert!(has_condition(&object, &json!({"type": "Done"})));
        assert!(!has_condition(&object, &json!({"type": "Done", "reason": "Other"})));
        assert!(!has_condition(&object, &json!({"type": "Done", "status": "False"})));
    }
}
