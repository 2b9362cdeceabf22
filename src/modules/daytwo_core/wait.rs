//! `daytwo.core.wait`: wait until objects are ready, gone, or meet a condition.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::session::{Session, failure};
use crate::cluster::wait::{Goal, WaitError, wait_for};
use crate::cluster::{ListQuery, ObjectRef};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, CheckMode, Doc, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct Wait;

pub(super) static SPEC: Spec = Spec {
    check_mode: CheckMode::None,
    requirements: &[
        Requirement::OneOf(&["name", "label_selectors"]),
        Requirement::MutuallyExclusive(&["name", "label_selectors"]),
        Requirement::If("for", "condition", &["condition"]),
    ],
    doc: Doc {
        text: "Waits until objects are ready, gone, or in a condition.\n\n\
            A failure names each object that is not there yet, and why.",
        returns: &[("resources", "the objects as they are then"), ("duration", "the seconds waited")],
        examples: "- name: Wait until the server answers\n  \
            daytwo.core.wait:\n    \
              api_version: apps/v1\n    \
              kind: StatefulSet\n    \
              name: db\n    \
              namespace: shop\n    \
              timeout: 600\n",
    },
    ..Spec::new(
        "daytwo.core.wait",
        &[
            Opt::str("api_version").default("v1").doc("API version of the objects."),
            Opt::str("kind").required().doc("Kind of the objects."),
            Opt::str("name").doc("The object."),
            Opt::str("namespace").doc("Namespace of the objects; that of the connection unless given."),
            Opt::new("label_selectors", Kind::ListOfStr).doc("The objects that have these labels now."),
            Opt::str("for").default("ready").choices(&["ready", "deleted", "condition"]).doc(
                "What to wait for. Ready is what kstatus calls current: rolled out, complete, bound, and so on by kind.",
            ),
            Opt::new("condition", Kind::Dict)
                .doc("The condition to wait for: `type`, `status` (`True` unless given), `reason`."),
            Opt::new("timeout", Kind::Int).default("300").doc("Seconds to wait at most."),
        ],
    )
};

#[async_trait]
impl Module for Wait {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let objects = objects(&session, &args).await?;
        let goal = goal(&args)?;
        let timeout = Duration::from_secs(args.int("timeout").unwrap_or(300).max(0).unsigned_abs());
        let begin = std::time::Instant::now();
        let reached = context.until_cancelled(wait_for(&session.client, &objects, &goal, timeout)).await?;
        let waited = i64::try_from(begin.elapsed().as_secs()).unwrap_or(i64::MAX);
        match reached {
            Ok(reached) => {
                let resources: Vec<Value> = reached.into_iter().flatten().map(|object| object.0).collect();
                Ok(TaskResult::changed(false)
                    .with_json("resources", json!(resources))
                    .with("duration", waited))
            }
            Err(WaitError::NotReached(unmet)) => {
                let message =
                    format!("not {} after {waited} s: {}", goal_text(&args), WaitError::NotReached(unmet));
                Err(ModuleError::new(message).with("duration", waited))
            }
            Err(WaitError::Cluster(error)) => Err(failure("failed to wait", &error)),
        }
    }
}

/// The objects to wait for: the named one, or those that the selector finds now.
async fn objects(session: &Session, args: &Args) -> Result<Vec<ObjectRef>, ModuleError> {
    let resource = session
        .resource(args.str("api_version").unwrap_or("v1"), args.str("kind").unwrap_or_default())
        .await?;
    let default = session.client.default_namespace().to_owned();
    let namespace = resource.namespaced.then(|| args.str("namespace").map_or(default, str::to_owned));
    if let Some(name) = args.str("name") {
        return Ok(vec![ObjectRef {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            namespace,
            name: name.to_owned(),
        }]);
    }
    let labels = args.texts("label_selectors").unwrap_or_default().join(",");
    let query = ListQuery { labels: Some(labels.clone()), fields: None, metadata_only: true };
    let found = session.client.list(&resource, namespace.as_deref(), &query).await;
    let found = found.map_err(|error| failure("failed to list the objects to wait for", &error))?;
    if found.is_empty() && args.str("for") != Some("deleted") {
        return Err(ModuleError::new(format!("no {} has the labels {labels}", resource.kind)));
    }
    // Lists of metadata name the kind of the metadata, not of the objects.
    Ok(found
        .iter()
        .map(|object| ObjectRef {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            ..object.reference()
        })
        .collect())
}

fn goal(args: &Args) -> Result<Goal, ModuleError> {
    let condition = args.json("condition").unwrap_or_default();
    Ok(match args.str("for") {
        Some("deleted") => Goal::Deleted,
        Some("condition") => Goal::Condition {
            kind: condition["type"]
                .as_str()
                .ok_or_else(|| ModuleError::new("condition has no type"))?
                .to_owned(),
            status: condition["status"].as_str().unwrap_or("True").to_owned(),
            reason: condition["reason"].as_str().map(str::to_owned),
        },
        _ => Goal::Ready,
    })
}

fn goal_text(args: &Args) -> String {
    match args.str("for") {
        Some("condition") => "in the condition".into(),
        Some(goal) => goal.into(),
        None => "ready".into(),
    }
}
