//! `kubernetes.core.k8s`: create, change or delete objects.
//! Follows `plugins/modules/k8s.py` and `module_utils/k8s/{runner,service}.py`.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::session::{FIELD_MANAGER, Session, failure};
use super::definition;
use super::waiter::{WAIT, WAIT_CONDITION, WAIT_SLEEP, WAIT_TIMEOUT, Wait};
use crate::cluster::{Apply, Deletion, Object, Patch, Propagation, Reason, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct K8s;

static SPEC: Spec = Spec {
    aliases: &["kubernetes.core.k8s_raw"],
    requirements: &[
        Requirement::MutuallyExclusive(&["resource_definition", "src"]),
        Requirement::MutuallyExclusive(&["merge_type", "apply"]),
        Requirement::MutuallyExclusive(&["name", "generate_name"]),
    ],
    ..Spec::new(
        "kubernetes.core.k8s",
        &[
            Opt::str("state").default("present").choices(&["present", "absent", "patched"]),
            Opt::str("kind"),
            Opt::str("name"),
            Opt::str("generate_name"),
            Opt::str("namespace"),
            Opt::str("api_version").default("v1").aliases(&["api", "version"]),
            Opt::new("resource_definition", Kind::Raw).aliases(&["definition", "inline"]),
            Opt::new("src", Kind::Path),
            Opt::flag("force"),
            Opt::flag("apply"),
            Opt::new("server_side_apply", Kind::Dict),
            Opt::new("merge_type", Kind::ListOfStr),
            Opt::new("delete_options", Kind::Dict),
            WAIT,
            WAIT_SLEEP,
            WAIT_TIMEOUT,
            WAIT_CONDITION,
        ],
    )
};

#[async_trait]
impl Module for K8s {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::of(context)?;
        let objects = definition::objects(context, &args)?;
        let task = Task { context, session: &session, args: &args };
        let single = objects.len() == 1;
        let mut results = Vec::new();
        for object in objects {
            results.push(task.perform(object).await?);
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

struct Task<'a> {
    context: &'a ModuleContext,
    session: &'a Session,
    args: &'a Args,
}

impl Task<'_> {
    /// One object, from reading what there is to the result (`perform_action`).
    async fn perform(&self, mut object: Object) -> Result<TaskResult, ModuleError> {
        let resource = self.session.resource(object.api_version(), object.kind()).await?;
        object.0["apiVersion"] = resource.api_version().into();
        object.0["kind"] = resource.kind.clone().into();
        if resource.namespaced && object.namespace().is_none() {
            object.set_namespace(self.session.client.default_namespace());
        }
        let (namespace, name) = (object.namespace().map(str::to_owned), object.name().to_owned());
        let target = Target::new(&resource, namespace.as_deref(), &name);
        let existing = match name.as_str() {
            "" => None,
            _ => self
                .session
                .client
                .get(target)
                .await
                .map_err(|error| failure("Failed to retrieve requested object", &error))?,
        };
        if let Some(existing) = &existing {
            self.session.remember(existing, &resource);
        }
        let absent = self.args.str("state") == Some("absent");
        let (method, written) = match (absent, &existing) {
            (true, None) => return Ok(result(false, "delete", &json!({}))),
            (true, Some(_)) => ("delete", self.delete(target).await?),
            (false, None) if self.args.str("state") == Some("patched") => {
                let warning = format!(
                    "resource 'kind={},name={name}' was not found but will not be created as 'state' parameter has been set to 'patched'",
                    resource.kind
                );
                return Ok(TaskResult::changed(false)
                    .with_json("result", json!({}))
                    .with_json("warnings", json!([warning])));
            }
            (false, None) => ("create", self.create(&resource, object).await?),
            (false, Some(existing)) => self.change(target, existing, object).await?,
        };
        self.session.remember(&written, &resource);
        let name = Some(written.name()).filter(|_| name.is_empty()).unwrap_or(&name).to_owned();
        let target = Target::new(&resource, namespace.as_deref(), &name);
        self.finish(target, method, existing.as_ref(), written, absent).await
    }

    async fn delete(&self, target: Target<'_>) -> Result<Object, ModuleError> {
        let options = self.args.json("delete_options").unwrap_or_default();
        let propagation = match options["propagationPolicy"].as_str() {
            None | Some("Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                return Err(ModuleError::new(format!(
                    "value of propagationPolicy must be one of: Foreground, Background, Orphan, got: {other}"
                )));
            }
        };
        let deletion = Deletion {
            propagation,
            grace_period: options["gracePeriodSeconds"].as_i64(),
            uid: options["preconditions"]["uid"].as_str().map(str::to_owned),
            dry_run: self.context.check,
        };
        let answer = self.session.client.delete(target, &deletion).await;
        Ok(answer.map_err(|error| failure("Failed to delete object", &error))?.unwrap_or_default())
    }

    async fn create(&self, resource: &Resource, mut object: Object) -> Result<Object, ModuleError> {
        self.session.own(&mut object, resource);
        let namespace = object.namespace().map(str::to_owned);
        let created = self.session.client.create(resource, namespace.as_deref(), &object, self.write()).await;
        match created {
            // Somebody else was faster; the next run sees the object.
            Err(error) if error.is(Reason::AlreadyExists) => Ok(Object(json!({}))),
            created => created.map_err(|error| failure("Failed to create object", &error)),
        }
    }

    async fn change(
        &self,
        target: Target<'_>,
        existing: &Object,
        mut object: Object,
    ) -> Result<(&'static str, Object), ModuleError> {
        let client = &self.session.client;
        if self.args.flag("apply") {
            let options = self.args.json("server_side_apply").unwrap_or_default();
            let Some(manager) = options["field_manager"].as_str() else {
                return Err(ModuleError::new(
                    "apply needs server_side_apply with a field_manager: client-side apply is not supported",
                ));
            };
            let force = options["force_conflicts"].as_bool().unwrap_or(false);
            let apply = Apply { manager, force, dry_run: self.context.check };
            let applied = client.apply(target, &object, apply).await;
            return Ok(("apply", applied.map_err(|error| failure("Failed to apply object", &error))?));
        }
        if self.args.flag("force") {
            if let Some(version) = existing.resource_version() {
                object.metadata_mut().insert("resourceVersion".into(), version.into());
            }
            let replaced = client.replace(target, &object, self.write()).await;
            return Ok(("replace", replaced.map_err(|error| failure("Failed to replace object", &error))?));
        }
        let order =
            self.args.texts("merge_type").unwrap_or_else(|| vec!["strategic-merge".into(), "merge".into()]);
        let mut last = ModuleError::new("merge_type is empty");
        for merge_type in order {
            let patch = match merge_type.as_str() {
                "merge" => Patch::Merge,
                "strategic-merge" => Patch::Strategic,
                other => {
                    return Err(ModuleError::new(format!(
                        "value of merge_type must be one or more of: merge, strategic-merge. Got no match for: {other}"
                    )));
                }
            };
            match client.patch(target, patch, &object.0, self.write()).await {
                Ok(patched) => return Ok(("patch", patched)),
                Err(error) => last = failure("Failed to patch object", &error),
            }
        }
        Err(last)
    }

    async fn finish(
        &self,
        target: Target<'_>,
        method: &str,
        existing: Option<&Object>,
        written: Object,
        absent: bool,
    ) -> Result<TaskResult, ModuleError> {
        let mut object = written;
        let mut duration = None;
        if let Some(wait) = Wait::from_args(self.args, absent).filter(|_| !self.context.check) {
            let waited = wait.run(self.context, self.session, target).await?;
            if !waited.satisfied {
                let message = format!(
                    "\"{}\" \"{}\": Timed out waiting on resource",
                    target.resource.kind, target.name
                );
                let state = waited.object.unwrap_or_default();
                let state = TaskResult::failure(message).with_json("result", state.0).with("method", method);
                return Err(ModuleError::Failed(Box::new(state)));
            }
            object = waited.object.unwrap_or(object);
            duration = Some(i64::try_from(waited.seconds).unwrap_or(i64::MAX));
        }
        let changed = match (method, existing) {
            ("create" | "delete", _) | (_, None) => true,
            (_, Some(existing)) => comparable(existing) != comparable(&object),
        };
        let mut result = result(changed, method, &object.0);
        if let Some(duration) = duration {
            result = result.with("duration", duration);
        }
        match existing {
            Some(existing) if self.context.diff && changed => {
                Ok(result.with_json("diff", json!({"before": existing.0, "after": object.0})))
            }
            _ => Ok(result),
        }
    }

    fn write(&self) -> Write<'static> {
        Write { manager: FIELD_MANAGER, dry_run: self.context.check }
    }
}

fn result(changed: bool, method: &str, object: &Value) -> TaskResult {
    TaskResult::changed(changed).with_json("result", object.clone()).with("method", method)
}

/// The object without what every write changes.
fn comparable(object: &Object) -> Value {
    let mut value = object.0.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for counter in ["generation", "resourceVersion"] {
            metadata.remove(counter);
        }
    }
    value
}
