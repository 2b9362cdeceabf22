//! `kubernetes.core.k8s_service`: a Service by its parts (`plugins/modules/k8s_service.py`). What the
//! arguments say overrules the definition.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::connection::AUTH;
use super::super::session::Session;
use super::action::Action;
use super::apply::merged;
use super::arguments::RESOURCE;
use super::definition;
use crate::cluster::Object;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sService;

pub(super) static SPEC: Spec = Spec {
    fragments: &[RESOURCE, AUTH],
    ..Spec::new(
        "kubernetes.core.k8s_service",
        &[
            Opt::str("state").default("present").choices(&["present", "absent"]),
            Opt::flag("force"),
            Opt::flag("apply"),
            // Required, which is told after what is said of `template`.
            Opt::str("name"),
            Opt::str("namespace"),
            Opt::new("merge_type", Kind::ListOfStr).choices(&["json", "merge", "strategic-merge"]),
            Opt::new("selector", Kind::Dict),
            Opt::str("type").choices(&["NodePort", "ClusterIP", "LoadBalancer", "ExternalName"]),
            Opt::new("ports", Kind::List),
            Opt::new("template", Kind::Raw),
        ],
    )
};

#[async_trait]
impl Module for K8sService {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        if args.get("template").is_some() {
            return Err(ModuleError::new("'template' is only a supported parameter for the 'k8s' module."));
        }
        let missing: Vec<&str> =
            ["name", "namespace"].into_iter().filter(|name| args.get(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(ModuleError::new(format!("missing required arguments: {}", missing.join(", "))));
        }
        let session = Session::open(context, &args).await?;
        let given = definition::objects(context, &args).await?.into_iter().next().unwrap_or_default();
        let service = Object(merged(&given.0, &from_arguments(&args)));
        Action::new(context, &session, &args).perform(service).await
    }
}

fn from_arguments(args: &Args) -> Value {
    let is_given = |value: &Value| match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let spec: Map<String, Value> = ["type", "ports", "selector"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), args.json(name).filter(is_given)?)))
        .collect();
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": args.str("name"), "namespace": args.str("namespace")},
    });
    if !spec.is_empty() {
        service["spec"] = Value::Object(spec);
    }
    service
}
