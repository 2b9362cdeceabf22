//! `daytwo.core.scale_to`: down to zero and back, remembering how many there were.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::wait::{Goal, WaitError, wait_for};
use crate::cluster::{ListQuery, Object, Patch, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Spec};

/// The module.
pub(super) struct ScaleTo;

/// Annotation: how many replicas there were before the workload was taken down to zero.
const FORMER: &str = "daytwo.dev/former-replicas";
/// How many there are when nobody remembers.
const UNREMEMBERED: i64 = 1;

pub(super) static SPEC: Spec = Spec {
    doc: Doc {
        text: "Sets how many pods a workload has: down to zero and back, remembering how many there were.\n\n\
            Going down to zero writes the former count into the annotation `daytwo.dev/former-replicas` of \
            the workload; `replicas: former` brings it back and removes the annotation, and does nothing to a \
            workload that was not taken down. With `wait`, zero means that the last pod is gone, so that \
            its volumes are free; any other count means that the workload is ready.",
        returns: &[("replicas", "how many there are to be now"), ("former", "how many there were before")],
        examples: "- name: Stop the server\n  \
            daytwo.core.scale_to:\n    \
              kind: StatefulSet\n    \
              name: db\n    \
              namespace: shop\n    \
              replicas: 0\n\n\
            - name: Start it again\n  \
            daytwo.core.scale_to:\n    \
              kind: StatefulSet\n    \
              name: db\n    \
              namespace: shop\n    \
              replicas: former\n    \
              timeout: 600\n",
    },
    ..Spec::new(
        "daytwo.core.scale_to",
        &[
            Opt::str("api_version").default("apps/v1").doc("API version of the workload."),
            Opt::str("kind").default("Deployment").doc("Kind of the workload."),
            Opt::str("name").required().doc("Name of the workload."),
            Opt::str("namespace").doc("Its namespace; that of the connection unless given."),
            Opt::str("replicas").required().doc("How many: a number, or `former`."),
            Opt::new("wait", Kind::Bool).default("true").doc("Wait until it is so."),
            Opt::new("timeout", Kind::Int).default("300").doc("Seconds to wait at most."),
        ],
    )
};

#[async_trait]
impl Module for ScaleTo {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let kind = args.str("kind").unwrap_or_default();
        let resource = session.resource(args.str("api_version").unwrap_or_default(), kind).await?;
        if !resource.subresources.iter().any(|subresource| subresource == "scale") {
            return Err(ModuleError::new(format!("a {kind} has no number of replicas to set")));
        }
        let name = args.str("name").unwrap_or_default();
        let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
        let target = Target::new(&resource, Some(namespace), name);
        let found = session.client.get(target).await;
        let found = found.map_err(|error| failure(&format!("failed to read the {kind}"), &error))?;
        let workload = found.ok_or_else(|| ModuleError::new(format!("there is no {kind} {name:?}")))?;

        let now = workload.0["spec"]["replicas"].as_i64().unwrap_or(1);
        let remembered = workload.annotation(FORMER).and_then(|text| text.parse::<i64>().ok());
        let wanted = wanted(args.str("replicas").unwrap_or_default(), now, remembered)?;
        let annotation = if wanted == 0 { remembered.or((now > 0).then_some(now)) } else { None };
        let changed = wanted != now || annotation != remembered;
        if changed && !context.check {
            // One request, so that no crash comes between the count and the memory of the former one.
            let note = annotation.map(|count| count.to_string());
            let patch = json!({
                "metadata": {"annotations": {FORMER: note}},
                "spec": {"replicas": wanted},
            });
            let write = Write::by(FIELD_MANAGER);
            let patched = session.client.patch(target, Patch::Merge, &patch, write).await;
            patched.map_err(|error| failure(&format!("failed to scale the {kind}"), &error))?;
        }
        if args.flag("wait") && !context.check {
            let timeout = Duration::from_secs(args.int("timeout").unwrap_or(300).max(0).unsigned_abs());
            wait(context, &session, &workload, wanted, timeout).await?;
        }
        session.remember(&workload, &resource);
        let mut result = TaskResult::changed(changed).with("replicas", wanted).with("former", now);
        if context.diff {
            result =
                result.with_json("diff", json!({"before": {"replicas": now}, "after": {"replicas": wanted}}));
        }
        Ok(result)
    }
}

/// How many there shall be.
fn wanted(text: &str, now: i64, remembered: Option<i64>) -> Result<i64, ModuleError> {
    if text == "former" {
        // A workload that runs was not taken down, or somebody brought it back already.
        return Ok(if now > 0 { now } else { remembered.unwrap_or(UNREMEMBERED) });
    }
    let count = text.parse().ok().filter(|count: &i64| *count >= 0);
    count.ok_or_else(|| ModuleError::new(format!("replicas: {text:?} is neither a number nor former")))
}

async fn wait(
    context: &ModuleContext,
    session: &Session,
    workload: &Object,
    wanted: i64,
    timeout: Duration,
) -> Result<(), ModuleError> {
    let (objects, goal) = match wanted {
        0 => (pods(session, workload).await?, Goal::Deleted),
        _ => (vec![workload.reference()], Goal::Ready),
    };
    let reached = wait_for(&session.client, &objects, &goal, timeout);
    match context.until_cancelled(reached).await? {
        Ok(_) => Ok(()),
        Err(WaitError::Cluster(error)) => Err(failure("failed to wait for the pods", &error)),
        Err(late) => Err(ModuleError::new(format!("scaled to {wanted}, but not so yet: {late}"))),
    }
}

/// The pods that the workload's selector finds.
async fn pods(session: &Session, workload: &Object) -> Result<Vec<crate::cluster::ObjectRef>, ModuleError> {
    let labels = super::labels_text(&workload.0["spec"]["selector"]["matchLabels"]);
    let pods: std::sync::Arc<Resource> = session.resource("v1", "Pod").await?;
    let query = ListQuery { labels: Some(labels), fields: None, metadata_only: false };
    let found = session.client.list(&pods, workload.namespace(), &query).await;
    let found = found.map_err(|error| failure("failed to list the pods", &error))?;
    Ok(found.iter().map(Object::reference).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_means_what_there_was_before_it_was_taken_down() {
        let of = |text, now, remembered| wanted(text, now, remembered).ok();
        assert_eq!(of("0", 3, None), Some(0));
        assert_eq!(of("former", 0, Some(3)), Some(3));
        assert_eq!(of("former", 2, Some(3)), Some(2));
        assert_eq!(of("former", 0, None), Some(1));
        assert_eq!(of("-1", 0, None), None);
        assert_eq!(of("all", 0, None), None);
    }
}
