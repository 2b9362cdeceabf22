//! `kubernetes.core.k8s_json_patch`: change an object by JSON patch operations
//! (`plugins/modules/k8s_json_patch.py`, RFC 6902).

use async_trait::async_trait;

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use super::arguments::{API_VERSION, HIDDEN_FIELDS, WAIT};
use super::diff::{self, Scope};
use super::hidden_fields::HiddenFields;
use super::waiter::{self, Goal, Pace, Wanted};
use crate::cluster::{Change, ChangeOptions, ListQuery, Patch, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sJsonPatch;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH, WAIT],
    ..Spec::new(
        "kubernetes.core.k8s_json_patch",
        &[
            API_VERSION,
            Opt::str("kind").required(),
            Opt::str("namespace"),
            Opt::str("name").required(),
            Opt::new("patch", Kind::List).required(),
            HIDDEN_FIELDS,
        ],
    )
};

#[async_trait]
impl Module for K8sJsonPatch {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let (kind, name) = (args.str("kind").unwrap_or_default(), args.str("name").unwrap_or_default());
        let resource = session.resource(args.str("api_version").unwrap_or_default(), kind).await?;
        let query = ListQuery::default();
        let namespace = args.str("namespace");
        let wanted = Wanted { resource: &resource, namespace, name: Some(name), query: &query };
        let existing = wanted.look(&session).await;
        let what = format!("{kind} {name}: Failed to retrieve requested object");
        let existing = existing.map_err(|error| failure(&what, &error))?.into_objects().into_iter().next();
        let existing = existing.ok_or_else(|| {
            ModuleError::new(format!("{what}: not found"))
                .with("error", 404_i64)
                .with("status", 404_i64)
                .with("reason", "Not Found")
        })?;
        let patch = args.json("patch").unwrap_or_default();
        let options = ChangeOptions { manager: FIELD_MANAGER, dry_run: context.check, validation: None };
        let target = Target::new(&resource, namespace, name);
        let patched = session.client.change(target, Change::Patch(Patch::Json, &patch), options).await;
        let patched = patched.map_err(|error| failure("Failed to patch existing object", &error))?;

        // Compared before the wait, so that what controllers do meanwhile is no change.
        let hidden = HiddenFields::from_args(&args);
        let found =
            diff::compare_written(&existing.0, &patched.object.0, Scope::Whole, FIELD_MANAGER, &hidden);
        let mut object = patched.object;
        let mut result = TaskResult::changed(found.changed);
        let mut satisfied = true;
        if let Some(pace) = Pace::from_args(&args).filter(|_| !context.check) {
            let waited = waiter::wait(context, &session, wanted, &Goal::from_args(&args), pace).await?;
            satisfied = waited.satisfied;
            result = result.with("duration", waited.seconds);
            object = waited.seen.into_objects().into_iter().next().unwrap_or_default();
        }
        result = result.with_json("result", hidden.hide(object.0));
        if context.diff {
            result = result.with_json("diff", found.shown);
        }
        result = result.warned(patched.warnings);
        if satisfied {
            return Ok(result);
        }
        Err(ModuleError::Failed(Box::new(
            result.with("failed", true).with("msg", "Resource update timed out"),
        )))
    }
}
