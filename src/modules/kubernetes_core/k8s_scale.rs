//! `kubernetes.core.k8s_scale`: how many replicas (`plugins/modules/k8s_scale.py`).

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use super::arguments::{LABEL_SELECTORS, NAME, RESOURCE};
use super::definition;
use super::diff;
use super::hidden_fields::HiddenFields;
use super::waiter::{self, Goal, Pace, Wanted};
use crate::cluster::{ListQuery, Object, Patch, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct K8sScale;

pub(super) static SPEC: Spec = Spec {
    fragments: &[NAME, RESOURCE, AUTH],
    requirements: &[Requirement::MutuallyExclusive(&["resource_definition", "src"])],
    ..Spec::new(
        "kubernetes.core.k8s_scale",
        &[
            Opt::new("replicas", Kind::Int).required(),
            Opt::new("current_replicas", Kind::Int),
            Opt::str("resource_version"),
            Opt::new("wait", Kind::Bool).default("true"),
            Opt::new("wait_timeout", Kind::Int).default("20"),
            Opt::new("wait_sleep", Kind::Int).default("5"),
            LABEL_SELECTORS,
            Opt::flag("continue_on_error"),
        ],
    )
};

/// One task on one kind.
struct Scale<'a> {
    context: &'a ModuleContext,
    session: &'a Session,
    args: &'a Args,
    resource: &'a Resource,
    replicas: i64,
}

#[async_trait]
impl Module for K8sScale {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let definition = definition::objects(context, &args).await?.into_iter().next().unwrap_or_default();
        let resource = session.resource(definition.api_version(), definition.kind()).await?;
        let replicas = args.int("replicas").unwrap_or_default();
        let scale = Scale { context, session: &session, args: &args, resource: &resource, replicas };
        let found = scale.find(&definition).await?;
        if let [object] = found.as_slice() {
            return scale.one(object).await;
        }
        scale.all(&found).await
    }
}

impl Scale<'_> {
    async fn find(&self, definition: &Object) -> Result<Vec<Object>, ModuleError> {
        let labels = self.args.texts("label_selectors").map(|parts| parts.join(","));
        let query = ListQuery { labels: labels.filter(|text| !text.is_empty()), ..ListQuery::default() };
        let name = Some(definition.name()).filter(|name| !name.is_empty());
        let wanted =
            Wanted { resource: self.resource, namespace: definition.namespace(), name, query: &query };
        let seen = wanted.look(self.session).await;
        let seen = seen.map_err(|error| failure("Failed to retrieve requested object", &error))?;
        if name.is_some() && !seen.exists() {
            let (kind, name) = (&self.resource.kind, definition.name());
            let failed = format!("Failed to retrieve requested object: {kind} {name:?} not found");
            return Err(ModuleError::new(failed).with("status", 404_i64).with("reason", "Not Found"));
        }
        Ok(seen.into_objects())
    }

    /// Several objects: each has a result of its own.
    async fn all(&self, objects: &[Object]) -> Result<TaskResult, ModuleError> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for object in objects {
            match self.one(object).await {
                Ok(result) => results.push(result),
                Err(ModuleError::Failed(failed)) if self.args.flag("continue_on_error") => {
                    let message = failed.get("msg").map(ToString::to_string).unwrap_or_default();
                    errors.push(json!({"error": message, "failed": true}));
                }
                Err(error) => {
                    let so_far: Vec<Value> = results.iter().map(TaskResult::to_json).collect();
                    return Err(match error {
                        ModuleError::Failed(failed) => {
                            ModuleError::Failed(Box::new(failed.with_json("results", json!(so_far))))
                        }
                        other => other,
                    });
                }
            }
        }
        let changed = results.iter().any(|result| result.flag("changed"));
        let results: Vec<Value> = results.iter().map(TaskResult::to_json).collect();
        let mut result = TaskResult::changed(changed).with_json("results", json!(results));
        if !errors.is_empty() {
            result = result.with_json("errors", json!(errors));
        }
        Ok(result)
    }

    async fn one(&self, object: &Object) -> Result<TaskResult, ModuleError> {
        let (kind, name) = (object.kind(), object.name());
        let identity =
            format!("object kind={kind} name={name} namespace={}", object.namespace().unwrap_or("None"));
        let is_job = self.resource.kind == "Job";
        let field = if is_job { "parallelism" } else { "replicas" };
        let count = object.0["spec"][field].as_i64().ok_or_else(|| {
            ModuleError::new(format!("Failed to retrieve the available count for {identity}."))
        })?;
        if let Some(wanted) = self.args.str("resource_version")
            && object.resource_version() != Some(wanted)
        {
            let actual = object.resource_version().unwrap_or_default();
            return Ok(self.refused(format!(
                "expected resource version {wanted} does not match with actual {actual} for {identity}."
            )));
        }
        if let Some(wanted) = self.args.int("current_replicas").filter(|wanted| *wanted != count) {
            return Ok(self.refused(format!(
                "current replicas {wanted} does not match with actual {count} for {identity}."
            )));
        }
        if count == self.replicas {
            return Ok(self.with_extras(TaskResult::changed(false), object, object.0.clone(), 0).0);
        }
        if is_job { self.scale_job(object).await } else { self.scale(object).await }
    }

    /// The task does not apply to this object.
    fn refused(&self, warning: String) -> TaskResult {
        let mut result = TaskResult::changed(false).with_json("result", json!({})).with("warning", warning);
        if self.context.diff {
            result = result.with_json("diff", json!({}));
        }
        if self.args.flag("wait") {
            result = result.with("duration", 0_i64);
        }
        result
    }

    /// Adds the object, the difference and the time; tells whether there is a difference.
    fn with_extras(
        &self,
        result: TaskResult,
        before: &Object,
        after: Value,
        seconds: i64,
    ) -> (TaskResult, bool) {
        let found = diff::compare(&before.0, &after, &HiddenFields::default());
        let mut result = result.with_json("result", after);
        if self.context.diff {
            result = result.with_json("diff", found.shown);
        }
        if self.args.flag("wait") {
            result = result.with("duration", seconds);
        }
        (result, found.changed)
    }

    async fn scale_job(&self, object: &Object) -> Result<TaskResult, ModuleError> {
        let patch = json!({"spec": {"parallelism": self.replicas}});
        let write = Write { manager: FIELD_MANAGER, dry_run: self.context.check };
        let target = Target::new(self.resource, object.namespace(), object.name());
        let patched = self.session.client.patch(target, Patch::Merge, &patch, write).await;
        let patched = patched.map_err(|error| failure("Scale request failed", &error))?;
        Ok(TaskResult::changed(true).with_json("result", patched.0))
    }

    async fn scale(&self, object: &Object) -> Result<TaskResult, ModuleError> {
        if !self.resource.subresources.iter().any(|subresource| subresource == "scale") {
            let kind = &self.resource.kind;
            return Err(ModuleError::new(format!("Cannot perform scale on resource of kind {kind}")));
        }
        if self.context.check {
            let mut after = object.0.clone();
            after["spec"]["replicas"] = self.replicas.into();
            let (result, changed) = self.with_extras(TaskResult::new(), object, after, 0);
            return Ok(result.with("changed", changed));
        }
        let target = Target::new(self.resource, object.namespace(), object.name());
        let patch = json!({"spec": {"replicas": self.replicas}});
        let write = Write::by(FIELD_MANAGER);
        let patched =
            self.session.client.patch(target.subresource("scale"), Patch::Merge, &patch, write).await;
        patched.map_err(|error| failure("Scale request failed", &error))?;
        let query = ListQuery::default();
        let wanted = Wanted {
            resource: self.resource,
            namespace: object.namespace(),
            name: Some(object.name()),
            query: &query,
        };
        let (goal, pace) = match Pace::from_args(self.args) {
            Some(pace) => (Goal::Ready, pace),
            None => (Goal::Exists, Pace::ONCE),
        };
        let waited = waiter::wait(self.context, self.session, wanted, &goal, pace).await?;
        let after = waited.seen.into_objects().into_iter().next().unwrap_or_default();
        let (result, changed) = self.with_extras(TaskResult::new(), object, after.0, waited.seconds);
        let result = result.with("changed", changed);
        if !waited.satisfied {
            let failed = result.with("failed", true).with("msg", "Resource scaling timed out");
            return Err(ModuleError::Failed(Box::new(failed)));
        }
        Ok(result)
    }
}
