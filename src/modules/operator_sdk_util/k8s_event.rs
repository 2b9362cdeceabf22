//! `operator_sdk.util.k8s_event`: an Event about an object (`plugins/modules/k8s_event.py`). One with the
//! same reason is counted up. Unlike upstream, the time that `appendTimestamp` appends makes a valid
//! name, and the involved object may be of any API version.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::{Object, Patch, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sEvent;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "operator_sdk.util.k8s_event",
        &[
            // Has no effect upstream either.
            Opt::str("state").default("present").choices(&["present", "absent"]),
            Opt::str("name").required(),
            Opt::str("namespace").required(),
            Opt::new("merge_type", Kind::ListOfStr).choices(&["json", "merge", "strategic-merge"]),
            Opt::str("message").required(),
            Opt::str("reason").required(),
            Opt::str("reportingComponent"),
            Opt::str("type").choices(&["Normal", "Warning"]),
            Opt::new("source", Kind::Dict),
            Opt::new("involvedObject", Kind::Dict),
            Opt::flag("appendTimestamp"),
        ],
    )
};

#[async_trait]
impl Module for K8sEvent {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let events = session.resource("v1", "Event").await?;
        let namespace = args.str("namespace").unwrap_or_default();
        let write = Write { manager: FIELD_MANAGER, dry_run: context.check };
        let failed = |error: &crate::cluster::Error| failure("Unable to create event", error);
        let now = jiff::Timestamp::now();
        let mut name = args.str("name").unwrap_or_default().to_owned();
        let is_new = args.flag("appendTimestamp");
        if is_new {
            name = format!("{name}.{:x}", now.as_nanosecond());
        }
        let target = Target::new(&events, Some(namespace), &name);
        let prior = match is_new {
            true => None,
            false => session.client.get(target).await.map_err(|error| failed(&error))?,
        };
        let involved = involved(&session, &args).await?;
        let event = event(&args, &name, prior.as_ref(), involved, now);
        let Some(prior) = prior else {
            let created = session.client.create(&events, Some(namespace), &Object(event), write).await;
            let created = created.map_err(|error| failed(&error))?;
            return Ok(TaskResult::changed(true).with_json("result", created.0));
        };
        let patched = session.client.patch(target, Patch::Strategic, &event, write).await;
        let patched = patched.map_err(|error| failed(&error))?;
        Ok(TaskResult::changed(patched != prior).with_json("result", patched.0))
    }
}

fn event(args: &Args, name: &str, prior: Option<&Object>, involved: Value, now: jiff::Timestamp) -> Value {
    // Events have whole seconds.
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let counted = prior.filter(|prior| prior.0["reason"].as_str() == args.str("reason"));
    let count = counted.and_then(|prior| prior.0["count"].as_i64()).unwrap_or(0) + 1;
    let first = counted.and_then(|prior| prior.0["firstTimestamp"].as_str()).unwrap_or(&now).to_owned();
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": args.str("namespace")},
        "message": args.str("message"),
        "reason": args.str("reason"),
        "involvedObject": involved,
        "count": count,
        "firstTimestamp": first,
        "lastTimestamp": now,
    });
    for field in ["reportingComponent", "source", "type"] {
        if let Some(value) = args.json(field) {
            event[field] = value;
        }
    }
    event
}

/// The object that the Event is about, with what identifies it for good.
async fn involved(session: &Session, args: &Args) -> Result<Value, ModuleError> {
    let Some(mut involved) = args.json("involvedObject") else {
        // The API wants the namespace of the Event here.
        return Ok(json!({"namespace": args.str("namespace")}));
    };
    let text = |name: &str| involved[name].as_str().unwrap_or_default().to_owned();
    let (kind, name, namespace) = (text("kind"), text("name"), text("namespace"));
    let api_version =
        Some(text("apiVersion")).filter(|text| !text.is_empty()).unwrap_or_else(|| "v1".to_owned());
    let resource = session.resource(&api_version, &kind).await?;
    if let Some(found) = found(session, &resource, &namespace, &name).await {
        involved["uid"] = json!(found.uid());
        involved["resourceVersion"] = json!(found.resource_version());
    }
    Ok(involved)
}

/// An Event about what is not there, or may not be read, is an Event as well.
async fn found(session: &Session, resource: &Resource, namespace: &str, name: &str) -> Option<Object> {
    session.client.get_metadata(Target::new(resource, Some(namespace), name)).await.ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_the_same_reason_is_counted_up() {
        let args = SPEC
            .validate(
                [("name", "a"), ("namespace", "n"), ("message", "m"), ("reason", "Why")]
                    .map(|(key, value)| (key.into(), crate::jinja::Value::from(value)))
                    .into_iter()
                    .collect(),
            )
            .unwrap();
        let now: jiff::Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        let first = event(&args, "a", None, json!({}), now);
        assert_eq!((&first["count"], &first["firstTimestamp"]), (&json!(1), &json!("2026-01-02T03:04:05Z")));
        let mut prior = Object(json!({"reason": "Why", "count": 2, "firstTimestamp": "before"}));
        let next = event(&args, "a", Some(&prior), json!({}), now);
        assert_eq!((&next["count"], &next["firstTimestamp"]), (&json!(3), &json!("before")));
        prior.0["reason"] = "Other".into();
        assert_eq!(event(&args, "a", Some(&prior), json!({}), now)["count"], 1);
    }
}
