//! `status.conditions` of both operators' shapes, and kstatus' conditions beside them.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The conditions of a status, in their order; what is no condition is dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conditions(Vec<Map<String, Value>>);

/// A condition to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// How a resource is as a whole, in the words of kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As its spec says.
    Ready,
    /// On the way there.
    Reconciling,
    /// In the way stands something that somebody should look at.
    Stalled,
}

impl Conditions {
    pub(super) fn of(status: &Value) -> Self {
        let conditions = status["conditions"].as_array().into_iter().flatten();
        Self(conditions.filter_map(|condition| condition.as_object().cloned()).collect())
    }

    pub(super) fn get(&self, kind: &str) -> Option<&Map<String, Value>> {
        self.0.iter().find(|condition| is(condition, kind))
    }

    /// Sets a condition in its place; its time changes only with its status.
    pub(super) fn set(&mut self, new: Condition<'_>) {
        let old = self.0.iter().position(|condition| is(condition, new.kind));
        let since = old
            .map(|index| &self.0[index])
            .filter(|old| old.get("status").and_then(Value::as_str) == Some(new.status))
            .and_then(|old| old.get("lastTransitionTime").cloned());
        let mut condition = old.map_or_else(Map::new, |index| std::mem::take(&mut self.0[index]));
        for (key, value) in
            [("type", new.kind), ("status", new.status), ("reason", new.reason), ("message", new.message)]
        {
            condition.insert(key.to_owned(), value.into());
        }
        condition.insert("lastTransitionTime".to_owned(), since.unwrap_or_else(|| now().into()));
        match old {
            Some(index) => self.0[index] = condition,
            None => self.0.push(condition),
        }
    }

    /// Sets `Ready`, and `Reconciling` or `Stalled` for as long as they hold.
    pub(super) fn stand(&mut self, standing: Standing, reason: &str, message: &str) {
        let ready = if standing == Standing::Ready { "True" } else { "False" };
        self.set(Condition { kind: "Ready", status: ready, reason, message });
        for (kind, holding) in [("Reconciling", Standing::Reconciling), ("Stalled", Standing::Stalled)] {
            if standing == holding {
                self.set(Condition { kind, status: "True", reason, message });
            } else {
                self.remove(kind);
            }
        }
    }

    pub(super) fn remove(&mut self, kind: &str) {
        self.0.retain(|condition| !is(condition, kind));
    }

    /// The list itself, for shapes with more fields.
    pub(super) fn list_mut(&mut self) -> &mut Vec<Map<String, Value>> {
        &mut self.0
    }

    pub(super) fn into_value(self) -> Value {
        Value::Array(self.0.into_iter().map(Value::Object).collect())
    }
}

fn is(condition: &Map<String, Value>, kind: &str) -> bool {
    condition.get("type").and_then(Value::as_str) == Some(kind)
}

/// This moment as `metav1.Time` is written: UTC, whole seconds.
pub(super) fn now() -> String {
    format!("{:.0}", Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_keeps_its_place_and_time_while_its_status_stays() {
        let status = json!({"conditions": [
            {"type": "Deployed", "status": "True", "reason": "A", "message": "", "lastTransitionTime": "t0", "extra": 1},
            {"type": "Foreign", "status": "True"}, "nonsense"]});
        let mut conditions = Conditions::of(&status);
        conditions.set(Condition { kind: "Deployed", status: "True", reason: "B", message: "m" });
        conditions.set(Condition { kind: "Foreign", status: "False", reason: "", message: "" });
        conditions.remove("Missing");
        let list = conditions.into_value();
        assert_eq!(
            list[0],
            json!({"type": "Deployed", "status": "True", "reason": "B", "message": "m",
            "lastTransitionTime": "t0", "extra": 1})
        );
        assert_ne!(list[1]["lastTransitionTime"], Value::Null);
        assert_eq!(list.as_array().unwrap().len(), 2);
    }
}
