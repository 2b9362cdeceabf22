//! `kubernetes.core.k8s_rollback`: back to the revision before (`plugins/modules/k8s_rollback.py`).
//! Unlike upstream, revisions are those that the object owns, not those of all objects with a label of
//! the same name; other annotations stay; and the controller has seen the change when the task ends.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use super::arguments::{FIELD_SELECTORS, LABEL_SELECTORS, NAME};
use super::k8s_info::find;
use super::waiter::{self, Goal, Pace, Wanted};
use crate::cluster::{ListQuery, Object, Patch, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Spec};

/// The module.
pub(super) struct K8sRollback;

/// How long the controller may take to see the change.
const OBSERVED_WITHIN: Duration = Duration::from_secs(10);

const DEPLOYMENT_REVISION: &str = "deployment.kubernetes.io/revision";
const DAEMON_SET_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) static SPEC: Spec = Spec {
    fragments: &[NAME, AUTH],
    ..Spec::new("kubernetes.core.k8s_rollback", &[LABEL_SELECTORS, FIELD_SELECTORS])
};

/// A kind that keeps its revisions.
struct Kept {
    kind: &'static str,
    /// The kind of the revisions.
    revisions: &'static str,
    /// The annotation of a revision with its number.
    number: &'static str,
    /// The number of the current one.
    current: fn(&Object) -> Option<i64>,
    /// The way back to a revision.
    patch: fn(&Object) -> (Patch, Value),
}

const KEPT: [Kept; 2] = [
    Kept {
        kind: "Deployment",
        revisions: "ReplicaSet",
        number: DEPLOYMENT_REVISION,
        current: |deployment| deployment.annotation(DEPLOYMENT_REVISION)?.parse().ok(),
        patch: to_replica_set,
    },
    Kept {
        kind: "DaemonSet",
        revisions: "ControllerRevision",
        number: DAEMON_SET_GENERATION,
        current: Object::generation,
        patch: |revision| (Patch::Strategic, revision.0["data"].clone()),
    },
];

fn to_replica_set(replica_set: &Object) -> (Patch, Value) {
    let mut template = replica_set.0["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    let revision = format!("/metadata/annotations/{}", DEPLOYMENT_REVISION.replace('/', "~1"));
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": revision, "value": replica_set.annotation(DEPLOYMENT_REVISION)},
    ]);
    (Patch::Json, patch)
}

#[async_trait]
impl Module for K8sRollback {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let kind = args.str("kind").unwrap_or_default();
        let resource = session.resource(args.str("api_version").unwrap_or_default(), kind).await?;
        let kept = KEPT.iter().find(|kept| kept.kind == resource.kind).ok_or_else(|| {
            ModuleError::new(format!("Cannot perform rollback on resource of kind {}", resource.kind))
        })?;
        let revisions = session.resource("apps/v1", kept.revisions).await?;
        let mut results = Vec::new();
        for object in find(context, &session, &resource, &args).await? {
            let result = roll_back(context, &session, kept, &resource, &revisions, object).await?;
            results.push(result);
        }
        let changed = results.iter().any(|result| result["changed"] == true);
        let warnings: Vec<Value> =
            results.iter().filter_map(|result| result["warnings"].as_array()).flatten().cloned().collect();
        let result = TaskResult::changed(changed).with_json("rollback_info", json!(results));
        Ok(if warnings.is_empty() { result } else { result.with_json("warnings", json!(warnings)) })
    }
}

async fn roll_back(
    context: &ModuleContext,
    session: &Session,
    kept: &Kept,
    resource: &Resource,
    revisions: &Resource,
    object: Object,
) -> Result<Value, ModuleError> {
    let namespace = object.namespace();
    let found = session.client.list(revisions, namespace, &ListQuery::default()).await;
    let found = found.map_err(|error| failure("Failed to retrieve requested object", &error))?;
    let before = (kept.current)(&object).map(|current| current - 1);
    let previous = found.iter().find(|revision| {
        let number = revision.annotation(kept.number).and_then(|text| text.parse::<i64>().ok());
        is_owned(revision, &object) && number.is_some() && number == before
    });
    let Some(previous) = previous else {
        let warning = format!("No rollout history found for resource {}/{}", kept.kind, object.name());
        return Ok(json!({"changed": false, "warnings": [warning]}));
    };
    let (kind, body) = (kept.patch)(previous);
    let rolled_back = if context.check {
        object
    } else {
        let target = Target::new(resource, namespace, object.name());
        let patched = session.client.patch(target, kind, &body, Write::by(FIELD_MANAGER)).await;
        let patched = patched.map_err(|error| failure("Failed to patch object", &error))?;
        observed(context, session, resource, patched).await?
    };
    Ok(json!({"changed": true, "method": "patch", "body": body, "resources": rolled_back.0}))
}

fn is_owned(revision: &Object, owner: &Object) -> bool {
    let owners = revision.0["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|reference| reference["uid"].as_str() == owner.uid()))
}

/// The object when its controller has seen the change, or as it is after a while.
async fn observed(
    context: &ModuleContext,
    session: &Session,
    resource: &Resource,
    patched: Object,
) -> Result<Object, ModuleError> {
    let (namespace, name) = (patched.namespace().map(str::to_owned), patched.name().to_owned());
    let query = ListQuery::default();
    let wanted = Wanted { resource, namespace: namespace.as_deref(), name: Some(&name), query: &query };
    let pace = Pace { sleep: OBSERVED_WITHIN, timeout: OBSERVED_WITHIN };
    let waited = waiter::wait(context, session, wanted, &Goal::Observed, pace).await?;
    Ok(waited.seen.into_objects().into_iter().next().unwrap_or(patched))
}
