//! `operator_sdk.util.k8s_status`: write the status of a custom resource.
//! Follows `plugins/modules/k8s_status.py`, but patches the status alone, so that a write of somebody
//! else to the object is no conflict.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::{Object, Patch, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sStatus;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "operator_sdk.util.k8s_status",
        &[
            Opt::str("api_version").required().aliases(&["api", "version"]),
            Opt::str("kind").required(),
            Opt::str("name").required(),
            Opt::str("namespace"),
            Opt::new("status", Kind::Dict),
            Opt::new("conditions", Kind::List),
            Opt::flag("replace").aliases(&["force"]),
            Opt::flag("replace_lists"),
        ],
    )
};

/// The keys that a condition may have.
const CONDITION_KEYS: [&str; 6] =
    ["type", "status", "reason", "message", "lastHeartbeatTime", "lastTransitionTime"];

#[async_trait]
impl Module for K8sStatus {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let (kind, name) = (args.str("kind").unwrap_or_default(), args.str("name").unwrap_or_default());
        let resource = session.resource(args.str("api_version").unwrap_or_default(), kind).await?;
        if !resource.subresources.iter().any(|subresource| subresource == "status") {
            return Err(ModuleError::new(format!(
                "Resource {}.{kind} does not support the status subresource",
                resource.api_version()
            )));
        }
        let target = Target::new(&resource, args.str("namespace"), name);
        let existing = session.client.get(target).await;
        let existing = existing.map_err(|error| failure("Failed to retrieve requested object", &error))?;
        let existing = existing.ok_or_else(|| ModuleError::new(format!("{kind} {name} was not found")))?;

        let mut wanted = args.json("status").and_then(object).unwrap_or_default();
        if let Some(conditions) = args.json("conditions") {
            if wanted.contains_key("conditions") {
                return Err(ModuleError::new(
                    "You cannot specify conditions in both the `status` and `conditions` parameters",
                ));
            }
            wanted.insert("conditions".into(), conditions);
        }
        if let Some(conditions) = wanted.get_mut("conditions") {
            *conditions = Value::Array(valid_conditions(conditions)?);
        }
        let current = existing.0.get("status").cloned().and_then(object).unwrap_or_default();
        if args.flag("replace") {
            return replace(context, &session, target, existing, wanted).await;
        }
        if let (Some(Value::Array(new)), Some(Value::Array(old))) =
            (wanted.get_mut("conditions"), current.get("conditions"))
        {
            *new = merged_conditions(old, new);
        }
        let unchanged = wanted.iter().all(|(key, value)| {
            current.get(key).is_some_and(|current| {
                is_subset(value, current, args.flag("replace_lists") || key == "conditions")
            })
        });
        if unchanged {
            return Ok(TaskResult::changed(false).with_json("result", existing.0));
        }
        let patch = json!({"status": wanted});
        let patched =
            session.client.patch(target.subresource("status"), Patch::Merge, &patch, write(context)).await;
        let patched = patched.map_err(|error| failure("Failed to patch status", &error))?;
        Ok(TaskResult::changed(true).with_json("result", patched.0))
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn write(context: &ModuleContext) -> Write<'static> {
    Write { manager: FIELD_MANAGER, dry_run: context.check }
}

async fn replace(
    context: &ModuleContext,
    session: &Session,
    target: Target<'_>,
    mut existing: Object,
    wanted: Map<String, Value>,
) -> Result<TaskResult, ModuleError> {
    let wanted = Value::Object(wanted);
    if existing.0["status"] == wanted {
        return Ok(TaskResult::changed(false).with_json("result", existing.0));
    }
    existing.0["status"] = wanted;
    let replaced = session.client.replace(target.subresource("status"), &existing, write(context)).await;
    let replaced = replaced.map_err(|error| failure("Failed to replace status", &error))?;
    Ok(TaskResult::changed(true).with_json("result", json!([replaced.0])))
}

/// The conditions without empty keys and with text for their status (`validate_conditions`).
fn valid_conditions(conditions: &Value) -> Result<Vec<Value>, ModuleError> {
    let invalid =
        |why: String| ModuleError::new(format!("The specified conditions failed to validate: {why}"));
    let Value::Array(conditions) = conditions else { return Err(invalid("conditions is no list".into())) };
    let mut valid = Vec::new();
    for condition in conditions {
        let Value::Object(condition) = condition else {
            return Err(invalid(format!("{condition} is no dict")));
        };
        let mut clean = Map::new();
        for (key, value) in condition {
            if !CONDITION_KEYS.contains(&key.as_str()) {
                return Err(invalid(format!("{key} is not one of {}", CONDITION_KEYS.join(", "))));
            }
            let value = match (key.as_str(), value) {
                (_, Value::Null) => continue,
                ("status", Value::Bool(status)) => json!(if *status { "True" } else { "False" }),
                (_, value) => value.clone(),
            };
            clean.insert(key.clone(), value);
        }
        let text = |key| clean.get(key).and_then(Value::as_str);
        if text("type").is_none_or(str::is_empty) {
            return Err(invalid("a condition has no type".into()));
        }
        if !matches!(text("status"), Some("True" | "False" | "Unknown")) {
            return Err(invalid("status is not one of True, False, Unknown".into()));
        }
        if text("reason").is_some_and(|reason| !reason.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            return Err(invalid("reason is not in CamelCase".into()));
        }
        for key in ["lastHeartbeatTime", "lastTransitionTime"] {
            if text(key).is_some_and(|time| time.parse::<jiff::Timestamp>().is_err()) {
                return Err(invalid(format!("{key} is no RFC 3339 time")));
            }
        }
        valid.push(Value::Object(clean));
    }
    Ok(valid)
}

/// The old conditions, each replaced by the new one of its type when they differ, then the others.
fn merged_conditions(old: &[Value], new: &[Value]) -> Vec<Value> {
    let of_type =
        |list: &[Value], wanted: &Value| list.iter().find(|found| found["type"] == wanted["type"]).cloned();
    let mut merged: Vec<Value> = old
        .iter()
        .map(|old| match of_type(new, old) {
            Some(new) if differs(old, &new) => new,
            _ => old.clone(),
        })
        .collect();
    merged.extend(new.iter().filter(|new| of_type(old, new).is_none()).cloned());
    merged
}

fn differs(old: &Value, new: &Value) -> bool {
    CONDITION_KEYS.iter().any(|key| *key != "lastTransitionTime" && old.get(key) != new.get(key))
}

/// Whether `current` holds all of `wanted`; lists must be equal when `exact_lists`.
fn is_subset(wanted: &Value, current: &Value, exact_lists: bool) -> bool {
    match (wanted, current) {
        (Value::Object(wanted), Value::Object(current)) => wanted.iter().all(|(key, value)| {
            current.get(key).is_some_and(|current| is_subset(value, current, exact_lists))
        }),
        (Value::Array(wanted), Value::Array(current)) if !exact_lists => {
            wanted.iter().all(|value| current.iter().any(|current| is_subset(value, current, exact_lists)))
        }
        (wanted, current) => wanted == current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_validated_and_merged_by_type() {
        let given = json!([{"type": "Ready", "status": true, "reason": null}]);
        let valid = valid_conditions(&given).unwrap();
        assert_eq!(valid, [json!({"type": "Ready", "status": "True"})]);
        assert!(valid_conditions(&json!([{"type": "Ready", "status": "yes"}])).is_err());
        assert!(valid_conditions(&json!([{"type": "Ready", "status": "True", "color": "red"}])).is_err());
        let timed = |time: &str| json!([{"type": "Ready", "status": "True", "lastTransitionTime": time}]);
        assert!(valid_conditions(&timed("2026-01-01T00:00:00Z")).is_ok());
        assert!(valid_conditions(&timed("yesterday")).is_err());

        let old = [
            json!({"type": "Running", "status": "True"}),
            json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}),
        ];
        let merged = merged_conditions(&old, &valid);
        assert_eq!(merged, old, "a condition that only lacks the time stays");
        let new = [json!({"type": "Ready", "status": "False"}), json!({"type": "Other", "status": "True"})];
        assert_eq!(merged_conditions(&old, &new), [old[0].clone(), new[0].clone(), new[1].clone()]);
    }

    #[test]
    fn a_status_that_is_there_already_is_a_subset() {
        let current = json!({"a": 1, "list": [1, 2], "deep": {"b": 2, "c": 3}});
        assert!(is_subset(&json!({"deep": {"b": 2}, "list": [2]}), &current, false));
        assert!(!is_subset(&json!({"list": [2]}), &current, true));
        assert!(!is_subset(&json!({"d": null}), &current, false));
    }
}
