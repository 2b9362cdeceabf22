//! `kubernetes.core.k8s_info`: read objects.
//! Follows `plugins/modules/k8s_info.py` and `K8sService.find` of `module_utils/k8s/service.py`.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{Session, failure};
use super::arguments::{API_VERSION, FIELD_SELECTORS, HIDDEN_FIELDS, LABEL_SELECTORS, WAIT};
use super::hidden_fields::HiddenFields;
use super::waiter::{self, Goal, Pace, Wanted};
use crate::cluster::{Error, ListQuery, Object, Resource};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Opt, Spec};

/// The module.
pub(super) struct K8sInfo;

pub(super) static SPEC: Spec = Spec {
    aliases: &["kubernetes.core.k8s_facts"],
    fragments: &[AUTH, WAIT],
    ..Spec::new(
        "kubernetes.core.k8s_info",
        &[
            Opt::str("kind").required(),
            API_VERSION,
            Opt::str("name"),
            Opt::str("namespace"),
            LABEL_SELECTORS,
            FIELD_SELECTORS,
            HIDDEN_FIELDS,
            Opt::flag("metadata_only"),
        ],
    )
};

#[async_trait]
impl Module for K8sInfo {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let (api_version, kind) =
            (args.str("api_version").unwrap_or_default(), args.str("kind").unwrap_or_default());
        let resource = match session.client.find_resource(api_version, kind).await {
            Ok(resource) => resource,
            Err(Error::UnknownKind { .. }) => {
                let message = format!(
                    "Failed to find API for resource with apiVersion \"{api_version}\" and kind \"{kind}\""
                );
                return Ok(found(Vec::new(), &HiddenFields::default())
                    .with("api_found", false)
                    .with("msg", message));
            }
            Err(error) => return Err(failure("Failed to discover the kinds of the cluster", &error)),
        };
        let hidden = HiddenFields::from_args(&args);
        match find(context, &session, &resource, &args).await {
            // Selectors that the server does not understand find nothing.
            Err(ModuleError::Failed(failed)) if failed.to_json()["status"] == 400 => {
                Ok(found(Vec::new(), &hidden))
            }
            objects => Ok(found(objects?, &hidden)),
        }
    }
}

fn found(objects: Vec<Object>, hidden: &HiddenFields) -> TaskResult {
    let objects: Vec<Value> = objects.into_iter().map(|object| hidden.hide(object.0)).collect();
    TaskResult::changed(false).with_json("resources", json!(objects)).with("api_found", true)
}

/// The objects of the task's name and selectors, each waited for when the task waits.
pub(super) async fn find(
    context: &ModuleContext,
    session: &Session,
    resource: &Resource,
    args: &Args,
) -> Result<Vec<Object>, ModuleError> {
    let selector = |name| args.texts(name).map(|parts| parts.join(",")).filter(|text| !text.is_empty());
    let metadata_only = args.flag("metadata_only");
    let query =
        ListQuery { labels: selector("label_selectors"), fields: selector("field_selectors"), metadata_only };
    let wanted = Wanted {
        resource,
        namespace: args.str("namespace").filter(|namespace| !namespace.is_empty()),
        name: args.str("name").filter(|name| !name.is_empty()),
        query: &query,
    };
    let pace = Pace::from_args(args);
    let seen = waiter::wait(context, session, wanted, &Goal::Exists, pace.unwrap_or(Pace::ONCE)).await?.seen;
    let mut objects = seen.into_objects();
    let Some(pace) = pace else {
        if metadata_only {
            objects.iter_mut().for_each(name_partial);
        }
        return Ok(objects);
    };
    let goal = Goal::from_args(args);
    let query = ListQuery { metadata_only, ..ListQuery::default() };
    for object in &mut objects {
        let (namespace, name) = (object.namespace().map(str::to_owned), object.name().to_owned());
        let wanted = Wanted { resource, namespace: namespace.as_deref(), name: Some(&name), query: &query };
        let waited = waiter::wait(context, session, wanted, &goal, pace).await?;
        if !waited.satisfied {
            return Err(ModuleError::new(format!(
                "Failed to gather information about {}(s) even after waiting for {} seconds",
                resource.kind, waited.seconds
            )));
        }
        *object = waited.seen.into_objects().into_iter().next().unwrap_or_default();
    }
    Ok(objects)
}

/// An object of which only the metadata were asked for is of another kind, as the API has it.
fn name_partial(object: &mut Object) {
    if let Some(object) = object.0.as_object_mut() {
        object.insert("apiVersion".into(), "meta.k8s.io/v1".into());
        object.insert("kind".into(), "PartialObjectMetadata".into());
    }
}
