//! `kubernetes.core.k8s`: create, change or delete objects.
//! Follows `plugins/modules/k8s.py` and `module_utils/k8s/runner.py`.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{Session, failure};
use super::action::Action;
use super::arguments::{DELETE_OPTIONS, HIDDEN_FIELDS, LABEL_SELECTORS, NAME, RESOURCE, WAIT};
use super::definition;
use super::waiter::Wanted;
use crate::cluster::{ListQuery, Object};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct K8s;

pub(super) static SPEC: Spec = Spec {
    aliases: &["kubernetes.core.k8s_raw"],
    fragments: &[NAME, RESOURCE, AUTH, WAIT],
    requirements: &[
        Requirement::MutuallyExclusive(&["resource_definition", "src"]),
        Requirement::MutuallyExclusive(&["merge_type", "apply"]),
        Requirement::MutuallyExclusive(&["template", "resource_definition"]),
        Requirement::MutuallyExclusive(&["template", "src"]),
        Requirement::MutuallyExclusive(&["name", "generate_name"]),
    ],
    ..Spec::new(
        "kubernetes.core.k8s",
        &[
            Opt::str("state").default("present").choices(&["present", "absent", "patched"]),
            Opt::flag("force"),
            Opt::flag("apply"),
            Opt::new("server_side_apply", Kind::Dict)
                .options(&[Opt::str("field_manager").required(), Opt::flag("force_conflicts")]),
            Opt::new("merge_type", Kind::ListOfStr).choices(&["merge", "strategic-merge"]),
            // The server validates, so it knows its own version.
            Opt::new("validate", Kind::Dict).options(&[
                Opt::new("fail_on_error", Kind::Bool),
                Opt::str("version"),
                Opt::new("strict", Kind::Bool).default("true"),
            ]),
            Opt::flag("append_hash"),
            Opt::new("template", Kind::Raw),
            Opt::flag("continue_on_error"),
            Opt::str("generate_name"),
            Opt::flag("delete_all").aliases(&["all"]),
            DELETE_OPTIONS,
            LABEL_SELECTORS,
            HIDDEN_FIELDS,
        ],
    )
};

#[async_trait]
impl Module for K8s {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let objects = match is_of_all(&args) {
            true => all(&session, &args).await?,
            false => definition::objects(context, &args).await?,
        };
        let action = Action::new(context, &session, &args);
        let single = objects.len() == 1;
        let mut results = Vec::new();
        for object in objects {
            results.push(match action.perform(object).await {
                Err(ModuleError::Failed(failed)) if args.flag("continue_on_error") => withstood(&failed),
                done => done?,
            });
        }
        match results.pop() {
            Some(result) if single => Ok(result),
            last => {
                results.extend(last);
                let changed = results.iter().any(|result| result.flag("changed"));
                let results: Vec<Value> = results.iter().map(TaskResult::to_json).collect();
                Ok(TaskResult::changed(changed).with_json("result", json!({"results": results})))
            }
        }
    }
}

/// The result of an object whose failure the task withstands.
fn withstood(failed: &TaskResult) -> TaskResult {
    let mut error = failed.to_json();
    if let Some(error) = error.as_object_mut() {
        error.remove("failed");
    }
    TaskResult::changed(false).with_json("result", json!({})).with_json("error", error)
}

/// Whether the task is about every object of a kind.
fn is_of_all(args: &Args) -> bool {
    args.flag("delete_all")
        && args.str("state") == Some("absent")
        && ["name", "resource_definition", "src", "template"].iter().all(|name| args.get(name).is_none())
}

/// Every object of the kind in the namespace.
async fn all(session: &Session, args: &Args) -> Result<Vec<Object>, ModuleError> {
    let kind = args
        .str("kind")
        .ok_or_else(|| ModuleError::new("'kind' option is required to specify the resource type."))?;
    let resource = session.resource(args.str("api_version").unwrap_or_default(), kind).await?;
    let labels = args.texts("label_selectors").map(|parts| parts.join(",")).filter(|text| !text.is_empty());
    let query = ListQuery { labels, ..ListQuery::default() };
    let wanted = Wanted { resource: &resource, namespace: args.str("namespace"), name: None, query: &query };
    let seen = wanted.look(session).await;
    Ok(seen.map_err(|error| failure("Failed to retrieve requested object", &error))?.into_objects())
}
