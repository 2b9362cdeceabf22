//! `kubernetes.core.k8s_info`: read objects.
//! Follows `plugins/modules/k8s_info.py` and `K8sService.find`.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::session::{Session, failure};
use super::waiter::{WAIT, WAIT_CONDITION, WAIT_SLEEP, WAIT_TIMEOUT, Wait};
use crate::cluster::{Error, ListQuery, Object, Reason, Resource, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sInfo;

static SPEC: Spec = Spec {
    aliases: &["kubernetes.core.k8s_facts"],
    ..Spec::new(
        "kubernetes.core.k8s_info",
        &[
            Opt::str("kind").required(),
            Opt::str("api_version").default("v1").aliases(&["api", "version"]),
            Opt::str("name"),
            Opt::str("namespace"),
            Opt::new("label_selectors", Kind::ListOfStr).default("[]"),
            Opt::new("field_selectors", Kind::ListOfStr).default("[]"),
            WAIT,
            WAIT_SLEEP,
            WAIT_TIMEOUT,
            WAIT_CONDITION,
        ],
    )
};

#[async_trait]
impl Module for K8sInfo {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::of(context)?;
        let api_version = args.str("api_version").unwrap_or("v1");
        let kind = args.str("kind").unwrap_or_default();
        let resource = match session.client.resource(api_version, kind).await {
            Ok(resource) => resource,
            // Not a failure: roles ask so whether a kind is served.
            Err(Error::UnknownKind { .. }) => {
                let message = format!(
                    "Failed to find API for resource with apiVersion \"{api_version}\" and kind \"{kind}\""
                );
                return Ok(found(&[], false).with("msg", message));
            }
            Err(error) => return Err(failure("Failed to discover the kinds of the cluster", &error)),
        };
        let mut objects = read(&session, &resource, &args).await?;
        for object in &mut objects {
            session.remember(object, &resource);
            let Some(wait) = Wait::from_args(&args, false) else { continue };
            let (namespace, name) = (object.namespace().map(str::to_owned), object.name().to_owned());
            let target = Target::new(&resource, namespace.as_deref(), &name);
            let waited = wait.run(context, &session, target).await?;
            if !waited.satisfied {
                let timeout = args.int("wait_timeout").unwrap_or_default();
                return Err(ModuleError::new(format!(
                    "Failed to gather information about {}(s) even after waiting for {timeout} seconds",
                    resource.kind
                )));
            }
            *object = waited.object.unwrap_or_default();
        }
        Ok(found(&objects, true))
    }
}

fn found(objects: &[Object], api_found: bool) -> TaskResult {
    let objects: Vec<Value> = objects.iter().map(|object| object.0.clone()).collect();
    TaskResult::changed(false).with_json("resources", json!(objects)).with("api_found", api_found)
}

async fn read(session: &Session, resource: &Resource, args: &Args) -> Result<Vec<Object>, ModuleError> {
    let namespace = args.str("namespace").filter(|_| resource.namespaced);
    let selector = |name| args.texts(name).map(|parts| parts.join(",")).filter(|text| !text.is_empty());
    let (labels, mut fields) = (selector("label_selectors"), selector("field_selectors"));
    let name = args.str("name");
    let read = match name {
        Some(name) if namespace.is_some() || !resource.namespaced => {
            let target = Target::new(resource, namespace, name);
            session.client.get(target).await.map(|object| object.into_iter().collect())
        }
        name => {
            // A namespaced kind without a namespace: the name in every namespace.
            if let Some(name) = name {
                let by_name = format!("metadata.name={name}");
                fields = Some(fields.map_or(by_name.clone(), |fields| format!("{fields},{by_name}")));
            }
            session
                .client
                .list(resource, namespace, &ListQuery { labels, fields, metadata_only: false })
                .await
        }
    };
    match read {
        Err(error) if error.is(Reason::Invalid) => Ok(Vec::new()),
        read => read.map_err(|error| failure("Failed to retrieve requested object", &error)),
    }
}
