//! The status that ansible-operator writes: `Running`, `Successful`, `Failure`.
//!
//! Follows `internal/ansible/controller/status` of ansible-operator-plugins. Conditions of others are
//! kept whole; kstatus' conditions and `observedGeneration` are added.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::conditions::{Conditions, Standing, now};
use crate::executor::HostStats;

/// What a run came to.
#[derive(Clone, Debug)]
pub(super) enum Report {
    /// A run begins.
    Running,
    /// A run succeeded.
    Successful(Value),
    /// A run failed: its messages, and its counts if it got that far.
    Failed(String, Option<Value>),
}

/// `ansibleResult`: the counts of a run and when it ended.
pub(super) fn result(stats: &HostStats) -> Value {
    let completion = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%f").to_string();
    json!({
        "ok": stats.ok,
        "changed": stats.changed,
        "skipped": stats.skipped,
        "failures": stats.failures,
        "completion": format!("{completion}+00:00"),
    })
}

/// The status after a report.
pub(super) fn status(old: &Value, report: &Report, generation: Option<i64>) -> Value {
    let mut conditions = Conditions::of(old);
    match report {
        Report::Running => {
            deny(&mut conditions, "Successful");
            set(&mut conditions, "Running", "True", "Running", "Running reconciliation", None);
            // A run that only looks again does not make the resource less ready.
            if old["observedGeneration"] != json!(generation) {
                conditions.stand(Standing::Reconciling, "Running", "Running reconciliation");
            }
        }
        Report::Successful(result) => {
            let waiting = "Awaiting next reconciliation";
            set(&mut conditions, "Running", "True", "Successful", waiting, Some(result));
            set(&mut conditions, "Successful", "True", "Successful", "Last reconciliation succeeded", None);
            set(&mut conditions, "Failure", "False", "", "", None);
            conditions.stand(Standing::Ready, "Successful", "Last reconciliation succeeded");
        }
        Report::Failed(message, result) => {
            deny(&mut conditions, "Running");
            set(&mut conditions, "Failure", "True", "Failed", message, result.as_ref());
            set(&mut conditions, "Successful", "False", "", "", None);
            conditions.stand(Standing::Stalled, "Failed", message);
        }
    }
    let mut new = old.as_object().cloned().unwrap_or_default();
    new.insert("conditions".into(), conditions.into_value());
    if !matches!(report, Report::Running) {
        new.insert("observedGeneration".into(), generation.into());
    }
    Value::Object(new)
}

/// A condition that is there becomes false and keeps its words.
fn deny(conditions: &mut Conditions, kind: &str) {
    if let Some(old) = conditions.get(kind).cloned() {
        let text = |field: &str| old.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        set(conditions, kind, "False", &text("reason"), &text("message"), None);
    }
}

/// Sets a condition as `SetCondition` does: the same status and reason are left alone (a failure only
/// when its message is the same, too), and what is replaced moves to the end.
fn set(
    conditions: &mut Conditions,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    result: Option<&Value>,
) {
    let old = conditions.get(kind).cloned().unwrap_or_default();
    let same = |field: &str, value: &str| old.get(field).and_then(Value::as_str) == Some(value);
    if same("status", status) && same("reason", reason) && (kind != "Failure" || same("message", message)) {
        return;
    }
    let since = old.get("lastTransitionTime").filter(|_| same("status", status)).cloned();
    let mut new = Map::new();
    new.insert("type".into(), kind.into());
    new.insert("status".into(), status.into());
    new.insert("lastTransitionTime".into(), since.unwrap_or_else(|| now().into()));
    if let Some(result) = result {
        new.insert("ansibleResult".into(), result.clone());
    }
    new.insert("reason".into(), reason.into());
    new.insert("message".into(), message.into());
    conditions.remove(kind);
    conditions.list_mut().push(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(status: &Value) -> Vec<(String, String)> {
        let list = status["conditions"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.iter().map(|c| (text(&c["type"]), text(&c["status"]))).collect()
    }

    #[test]
    fn a_run_from_its_beginning_to_its_end() {
        let user =
            json!({"conditions": [{"type": "User", "status": "True", "observedGeneration": 3}], "own": 1});
        let running = status(&user, &Report::Running, Some(1));
        assert_eq!(running["conditions"][1]["reason"], "Running");
        let result = result(&HostStats { ok: 3, changed: 1, ..HostStats::default() });
        let done = status(&running, &Report::Successful(result.clone()), Some(1));
        let expected = [
            ("User", "True"),
            ("Ready", "True"),
            ("Running", "True"),
            ("Successful", "True"),
            ("Failure", "False"),
        ];
        assert_eq!(kinds(&done), expected.map(|(k, s)| (k.to_owned(), s.to_owned())));
        assert_eq!(done["conditions"][2]["ansibleResult"], result);
        assert_eq!((&done["own"], &done["observedGeneration"]), (&json!(1), &json!(1)));
        assert_eq!(done["conditions"][0]["observedGeneration"], 3);
        // The next run with the same end writes nothing.
        assert_eq!(status(&done, &Report::Successful(result.clone()), Some(1)), done);
        let failed = status(&done, &Report::Failed("no such file".into(), Some(result)), Some(1));
        let of = |kind: &str| Conditions::of(&failed).get(kind).cloned().unwrap();
        assert_eq!(
            (of("Failure")["status"].as_str(), of("Failure")["message"].as_str()),
            (Some("True"), Some("no such file"))
        );
        assert_eq!(of("Running")["status"], "False");
        assert_eq!(of("Successful")["status"], "False");
        assert_eq!(of("Ready")["status"], "False");
        assert_eq!(of("Stalled")["message"], "no such file");
        // A run for a new generation is progress, one that only looks again is not.
        assert_eq!(
            kinds(&status(&done, &Report::Running, Some(2))).last().cloned(),
            Some(("Reconciling".to_owned(), "True".to_owned()))
        );
        assert!(
            !kinds(&status(&done, &Report::Running, Some(1))).iter().any(|(kind, _)| kind == "Reconciling")
        );
    }
}
