//! `kubernetes.core.k8s_taint`: what keeps pods off a node (`plugins/modules/k8s_taint.py`).

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session};
use crate::cluster::{Object, Patch, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sTaint;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "kubernetes.core.k8s_taint",
        &[
            Opt::str("state").default("present").choices(&["present", "absent"]),
            Opt::str("name").required(),
            Opt::new("taints", Kind::List).required(),
            Opt::flag("replace"),
        ],
    )
};

#[async_trait]
impl Module for K8sTaint {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let nodes = session.resource("v1", "Node").await?;
        let name = args.str("name").unwrap_or_default();
        let node = read_node(&session, &nodes, name, "Node '{name}' has not been found.").await?;
        let given = match args.json("taints") {
            Some(Value::Array(taints)) => taints,
            _ => Vec::new(),
        };
        let existing = node.0.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
        let wanted = match args.str("state") {
            Some("absent") => difference(&existing, &given),
            _ => with(&existing, &given, args.flag("replace")),
        };
        if wanted == existing {
            return Ok(TaskResult::changed(false).with_json("result", node.0));
        }
        if context.check {
            return Ok(TaskResult::changed(true).with_json("result", json!({})));
        }
        let patch = json!({"spec": {"taints": wanted}});
        let patched = patch_node(&session, &nodes, name, &patch).await?;
        Ok(TaskResult::changed(true).with_json("result", patched.0))
    }
}

/// The node of a name; `not_found` is the message when there is none, with `{name}` in it.
pub(super) async fn read_node(
    session: &Session,
    nodes: &Resource,
    name: &str,
    not_found: &str,
) -> Result<Object, ModuleError> {
    let node = session.client.get(Target::new(nodes, None, name)).await;
    let node = node.map_err(|error| {
        let failed = ModuleError::new(format!("Failed to retrieve node '{name}' due to: {error}"));
        match error.refusal() {
            Some(refusal) => failed.with("status", i64::from(refusal.code)),
            None => failed,
        }
    })?;
    node.ok_or_else(|| ModuleError::new(not_found.replace("{name}", name)))
}

/// Changes a node.
pub(super) async fn patch_node(
    session: &Session,
    nodes: &Resource,
    name: &str,
    patch: &Value,
) -> Result<Object, ModuleError> {
    // A merge patch: lists are replaced as a whole.
    let patched = session
        .client
        .patch(Target::new(nodes, None, name), Patch::Merge, patch, Write::by(FIELD_MANAGER))
        .await;
    patched.map_err(|error| ModuleError::new(format!("Failed to patch node due to: {error}")))
}

/// Whether a taint is meant by another one: the same key, and the same effect when both tell one.
fn is_meant(taint: &Value, by: &Value) -> bool {
    let effect = |taint: &Value| taint["effect"].as_str().map(str::to_owned);
    taint["key"] == by["key"]
        && match (effect(taint), effect(by)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
}

/// The taints that are not meant by any of the others.
fn difference(taints: &[Value], others: &[Value]) -> Vec<Value> {
    let stays = |taint: &&Value| !others.iter().any(|other| is_meant(taint, other));
    taints.iter().filter(stays).cloned().collect()
}

/// The taints with these added, or as they are when all of these are there with their values.
fn with(existing: &[Value], given: &[Value], replace: bool) -> Vec<Value> {
    let is_new = !difference(given, existing).is_empty();
    let is_other = existing
        .iter()
        .any(|taint| given.iter().any(|new| is_meant(taint, new) && taint.get("value") != new.get("value")));
    match (is_new, is_other) {
        (true, _) if replace => given.to_vec(),
        (false, false) => existing.to_vec(),
        _ => difference(existing, given).into_iter().chain(given.iter().cloned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_are_told_apart_by_key_and_effect() {
        let taint =
            |key: &str, effect: &str, value: &str| json!({"key": key, "effect": effect, "value": value});
        let existing = [taint("a", "NoExecute", "1"), taint("b", "NoSchedule", "1")];
        assert_eq!(with(&existing, &existing[..1], false), existing);
        let other = taint("a", "NoExecute", "2");
        assert_eq!(
            with(&existing, std::slice::from_ref(&other), false),
            [existing[1].clone(), other.clone()]
        );
        let new = taint("a", "NoSchedule", "1");
        let all = [existing[0].clone(), existing[1].clone(), new.clone()];
        assert_eq!(with(&existing, std::slice::from_ref(&new), false), all);
        assert_eq!(with(&existing, std::slice::from_ref(&new), true), [new]);
        assert_eq!(difference(&existing, &[json!({"key": "a"})]), existing[1..]);
    }
}
