//! One definition, from reading what there is to the result (`perform_action` of
//! `module_utils/k8s/runner.py` with `module_utils/k8s/service.py`).
//!
//! ```text
//! retrieve -> delete | filter -> apply | create | replace | update -> compare -> wait -> result
//! ```

use serde_json::{Map, Value, json};

use super::super::session::{FIELD_MANAGER, Session, failure};
use super::apply;
use super::config_hash::content_hash;
use super::diff::{self, Scope};
use super::hidden_fields::HiddenFields;
use super::label_selector;
use super::subset;
use super::waiter::{self, Goal, Pace, Seen, Wanted};
use crate::cluster::{
    Change, ChangeOptions, Changed, Error, ListQuery, Object, Patch, Reason, Resource, Target, Validation,
};
use crate::modules::context::ModuleContext;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::Args;

/// The orders of patches when the task names none: built-in kinds, then all others.
const MERGE_TYPES: [&str; 2] = ["strategic-merge", "merge"];

/// What all definitions of a task have in common.
pub(super) struct Action<'a> {
    context: &'a ModuleContext,
    session: &'a Session,
    args: &'a Args,
    hidden: HiddenFields,
    query: ListQuery,
}

/// What was done to one object.
struct Done {
    method: &'static str,
    object: Value,
    warnings: Vec<String>,
    /// The fields that were written; all when nothing is told.
    fields: Option<Value>,
    manager: String,
}

impl Done {
    fn by(method: &'static str, changed: Changed) -> Self {
        Self {
            method,
            object: changed.object.0,
            warnings: changed.warnings,
            fields: None,
            manager: FIELD_MANAGER.to_owned(),
        }
    }

    /// An update that was not needed.
    fn as_it_is(existing: &Object, definition: &Object) -> Self {
        let as_it_is = Changed { object: existing.clone(), warnings: Vec::new() };
        Self { fields: Some(definition.0.clone()), ..Self::by("update", as_it_is) }
    }
}

impl<'a> Action<'a> {
    /// The action of a task.
    pub(super) fn new(context: &'a ModuleContext, session: &'a Session, args: &'a Args) -> Self {
        let labels =
            args.texts("label_selectors").map(|parts| parts.join(",")).filter(|text| !text.is_empty());
        let query = ListQuery { labels, ..ListQuery::default() };
        Self { context, session, args, hidden: HiddenFields::from_args(args), query }
    }

    fn state(&self) -> &str {
        self.args.str("state").unwrap_or("present")
    }

    /// Does what the task wants of one object; the result as the task registers it.
    ///
    /// # Errors
    /// The failed result.
    pub(super) async fn perform(&self, mut definition: Object) -> Result<TaskResult, ModuleError> {
        let kind_as_given = definition.kind().to_owned();
        let resource = self.session.resource(definition.api_version(), &kind_as_given).await?;
        if let Some(object) = definition.0.as_object_mut() {
            object.insert("apiVersion".into(), resource.api_version().into());
            object.insert("kind".into(), resource.kind.clone().into());
        }
        let origin_name = definition.name().to_owned();
        self.append_hash(&mut definition);
        if let Some(known) = self.known_as_wanted(&resource, &definition) {
            let done = Done::as_it_is(&known, &definition);
            self.session.remember(&known, &resource);
            return self.finish(&resource, Some(known), &definition, &origin_name, done).await;
        }
        let existing = self.retrieve(&resource, &definition).await?;
        if let Seen::One(Some(existing)) = &existing {
            self.session.remember(existing, &resource);
            self.session.keep(existing, &resource);
        }
        if self.state() == "absent" {
            return self.delete(&resource, &definition, existing).await;
        }
        if let Some(selectors) = self.args.texts("label_selectors").filter(|selectors| !selectors.is_empty())
            && !label_selector::matches(&selectors, &definition.0)
        {
            let namespace = definition.namespace().unwrap_or("None");
            let message = format!(
                "resource 'kind={kind_as_given},name={origin_name},namespace={namespace}' filtered by label_selectors."
            );
            return Ok(TaskResult::changed(false).with_json("result", json!({})).with("msg", message));
        }
        // What selectors find is no existing state of this definition.
        let existing = match existing {
            Seen::One(existing) => existing,
            Seen::Many(_) => None,
        };
        let done = match &existing {
            existing if self.args.flag("apply") => {
                self.apply(&resource, existing.as_ref(), definition.clone()).await?
            }
            None if self.state() == "patched" => {
                let warning = format!(
                    "resource 'kind={kind_as_given},name={origin_name}' was not found but will not be created as 'state' parameter has been set to 'patched'"
                );
                return Ok(TaskResult::changed(false).with_json("result", json!({})).warned([warning]));
            }
            None => self.create(&resource, definition.clone()).await?,
            Some(existing) if self.args.flag("force") => {
                self.replace(&resource, existing, definition.clone()).await?
            }
            Some(existing) => self.update(&resource, existing, &definition).await?,
        };
        self.session.remember(&Object(done.object.clone()), &resource);
        self.finish(&resource, existing, &definition, &origin_name, done).await
    }

    /// The name of a ConfigMap or Secret with the hash of its content.
    fn append_hash(&self, definition: &mut Object) {
        if !self.args.flag("append_hash") {
            return;
        }
        let Some(hash) = content_hash(&definition.0) else { return };
        let key = if definition.name().is_empty() { "generateName" } else { "name" };
        let metadata = definition.metadata_mut();
        if let Some(name) = metadata.get(key).and_then(Value::as_str).map(|name| format!("{name}-{hash}")) {
            metadata.insert(key.into(), name.into());
        }
    }

    async fn retrieve(&self, resource: &Resource, definition: &Object) -> Result<Seen, ModuleError> {
        let name = Some(definition.name()).filter(|name| !name.is_empty());
        if name.is_none() && self.query.labels.is_none() {
            return Ok(Seen::One(None));
        }
        let wanted = Wanted { resource, namespace: definition.namespace(), name, query: &self.query };
        match wanted.look(self.session).await {
            Ok(seen) => Ok(seen),
            // Projects of OpenShift are asked for, and may be invisible until then.
            Err(error)
                if error.is(Reason::Forbidden)
                    && ["Project", "ProjectRequest"].contains(&definition.kind())
                    && self.state() != "absent" =>
            {
                Ok(Seen::One(None))
            }
            Err(error) => Err(failure("Failed to retrieve requested object", &error)),
        }
    }

    fn options(&self) -> ChangeOptions<'a> {
        let validate = self.args.json("validate");
        let validation = validate.map(|validate| match (&validate["fail_on_error"], &validate["strict"]) {
            (_, Value::Bool(false)) => Validation::Ignore,
            (Value::Bool(true), _) => Validation::Strict,
            _ => Validation::Warn,
        });
        ChangeOptions { manager: FIELD_MANAGER, dry_run: self.context.check, validation }
    }

    async fn change(&self, target: Target<'_>, change: Change<'_>) -> Result<Changed, Error> {
        let resource = target.resource;
        if resource.namespaced && target.namespace.is_none_or(str::is_empty) {
            let (api_version, kind) = (resource.api_version(), &resource.kind);
            return Err(Error::Malformed(format!("Namespace is required for {api_version}.{kind}")));
        }
        self.session.client.change(target, change, self.options()).await
    }

    async fn create(&self, resource: &Resource, mut definition: Object) -> Result<Done, ModuleError> {
        self.session.own(&mut definition, resource);
        let namespace = definition.namespace().map(str::to_owned);
        let target = Target::new(resource, namespace.as_deref(), "");
        let created = match self.change(target, Change::Create(&definition.0)).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.code == 409) => {
                let name = definition.name();
                Changed {
                    object: Object(json!({})),
                    warnings: vec![format!(
                        "{name} was not found, but creating it returned a 409 Conflict error. This can happen if the resource you are creating does not directly create a resource of the same kind."
                    )],
                }
            }
            created => created.map_err(|error| failure("Failed to create object", &error))?,
        };
        Ok(Done::by("create", created))
    }

    async fn apply(
        &self,
        resource: &Resource,
        existing: Option<&Object>,
        mut definition: Object,
    ) -> Result<Done, ModuleError> {
        let failed = |error: Error| failure("Failed to apply object", &error);
        let (api_version, kind) = (resource.api_version(), &resource.kind);
        let name = definition.name().to_owned();
        if name.is_empty() {
            return Err(failed(Error::Malformed(format!("name is required to apply {api_version}.{kind}"))));
        }
        let namespace = definition.namespace().map(str::to_owned);
        let target = Target::new(resource, namespace.as_deref(), &name);
        if let Some(options) = self.args.json("server_side_apply") {
            // What is not applied again is given up, the owner included.
            self.session.own(&mut definition, resource);
            let manager = options["field_manager"].as_str().unwrap_or(FIELD_MANAGER);
            let force = options["force_conflicts"].as_bool().unwrap_or(false);
            let options = ChangeOptions { manager, ..self.options() };
            let change = Change::Apply(&definition.0, force);
            let applied = self.session.client.change(target, change, options).await.map_err(failed)?;
            let (manager, fields) = (manager.to_owned(), Some(definition.0));
            return Ok(Done { manager, fields, ..Done::by("apply", applied) });
        }
        let Some(existing) = existing else {
            let mut annotated = Object(apply::annotated(&definition.0));
            self.session.own(&mut annotated, resource);
            let created = self.change(target, Change::Create(&annotated.0)).await.map_err(failed)?;
            return Ok(Done::by("apply", created));
        };
        let Some(patch) = apply::patch(&existing.0, &definition.0) else {
            let as_it_is = Changed { object: existing.clone(), warnings: Vec::new() };
            return Ok(Done { fields: Some(definition.0), ..Done::by("apply", as_it_is) });
        };
        let patched = self.change(target, Change::Patch(Patch::Merge, &patch)).await.map_err(failed)?;
        // What goes is in the patch alone.
        let fields = Some(apply::merged(&definition.0, &patch));
        Ok(Done { fields, ..Done::by("apply", patched) })
    }

    async fn replace(
        &self,
        resource: &Resource,
        existing: &Object,
        mut definition: Object,
    ) -> Result<Done, ModuleError> {
        self.session.own(&mut definition, resource);
        if let Some(version) = existing.resource_version() {
            // Custom resources are not replaced without it.
            definition.metadata_mut().entry("resourceVersion").or_insert_with(|| version.into());
        }
        let (namespace, name) = (definition.namespace().map(str::to_owned), definition.name().to_owned());
        let target = Target::new(resource, namespace.as_deref(), &name);
        let replaced = self.change(target, Change::Replace(&definition.0)).await;
        Ok(Done::by("replace", replaced.map_err(|error| failure("Failed to replace object", &error))?))
    }

    /// The object, when the operator's watches know it to be as the definition says: nothing need be asked then.
    /// Whatever else is to come of it begins with a look at the cluster.
    fn known_as_wanted(&self, resource: &Resource, definition: &Object) -> Option<Object> {
        let is_update = ["present", "patched"].contains(&self.state())
            && !["apply", "force"].iter().any(|name| self.args.flag(name))
            && self.query.labels.is_none();
        let target = Target::new(resource, definition.namespace(), definition.name());
        let known = is_update.then(|| self.session.unchanged(target))??;
        self.is_as_wanted(&known, definition, &resource.kind).then_some(known)
    }

    /// Whether an update would change nothing.
    fn is_as_wanted(&self, existing: &Object, definition: &Object, kind: &str) -> bool {
        let is_ours = subset::is_managed_by(&existing.0, FIELD_MANAGER) || subset::only_names(&definition.0);
        let is_asked = ["validate", "merge_type"].iter().any(|name| self.args.get(name).is_some());
        is_ours && !is_asked && subset::has_all(&existing.0, &definition.0, kind)
    }

    async fn update(
        &self,
        resource: &Resource,
        existing: &Object,
        definition: &Object,
    ) -> Result<Done, ModuleError> {
        if self.is_as_wanted(existing, definition, &resource.kind) {
            return Ok(Done::as_it_is(existing, definition));
        }
        let target = Target::new(resource, definition.namespace(), definition.name());
        let order = self.args.texts("merge_type").filter(|order| !order.is_empty());
        let order = order.unwrap_or_else(|| MERGE_TYPES.map(str::to_owned).to_vec());
        let mut last = ModuleError::new("merge_type is empty");
        for merge_type in order {
            let kind = match merge_type.as_str() {
                "merge" => Patch::Merge,
                "json" => Patch::Json,
                _ => Patch::Strategic,
            };
            match self.change(target, Change::Patch(kind, &definition.0)).await {
                Ok(patched) => {
                    let fields = Some(definition.0.clone());
                    return Ok(Done { fields, ..Done::by("update", patched) });
                }
                Err(error) => last = failure("Failed to patch object", &error),
            }
        }
        Err(last)
    }

    async fn delete(
        &self,
        resource: &Resource,
        definition: &Object,
        existing: Seen,
    ) -> Result<TaskResult, ModuleError> {
        let exists = existing.exists();
        let answer = match existing {
            Seen::One(None) => json!({}),
            Seen::One(Some(_)) => self.delete_one(resource, definition).await?,
            Seen::Many(objects) => {
                let mut answers = Vec::new();
                for object in &objects {
                    answers.push(self.delete_one(resource, object).await?);
                }
                json!(answers)
            }
        };
        let mut result = TaskResult::changed(exists).with("method", "delete");
        let mut satisfied = true;
        if let Some(pace) = Pace::from_args(self.args).filter(|_| !self.context.check) {
            let name = Some(definition.name()).filter(|name| !name.is_empty());
            // Without a name or selector, everything of the kind would be waited for.
            if name.is_some() || self.query.labels.is_some() {
                let wanted = Wanted { resource, namespace: definition.namespace(), name, query: &self.query };
                let waited = waiter::wait(self.context, self.session, wanted, &Goal::Absent, pace).await?;
                satisfied = waited.satisfied;
                result = result.with("duration", waited.seconds);
            } else {
                result = result.with("duration", 0_i64);
            }
        }
        let result = result.with_json("result", self.hidden.hide(answer));
        if satisfied { Ok(result) } else { Err(timed_out(result, definition.kind(), definition.name())) }
    }

    async fn delete_one(&self, resource: &Resource, object: &Object) -> Result<Value, ModuleError> {
        let options = self.args.json("delete_options").map(|given| {
            let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
            for (key, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
            {
                options[key] = without_nulls(value);
            }
            options
        });
        let target = Target::new(resource, object.namespace(), object.name());
        match self.change(target, Change::Delete(options.as_ref())).await {
            Ok(deleted) => Ok(deleted.object.0),
            // Somebody else was faster.
            Err(error) if error.is(Reason::NotFound) => Ok(json!({})),
            Err(error) => Err(failure("Failed to delete object", &error)),
        }
    }

    /// Compares, waits, and tells.
    async fn finish(
        &self,
        resource: &Resource,
        existing: Option<Object>,
        definition: &Object,
        origin_name: &str,
        mut done: Done,
    ) -> Result<TaskResult, ModuleError> {
        let mut result = TaskResult::new();
        let mut satisfied = true;
        let mut changed = true;
        if done.method != "create" {
            let before = existing.map_or_else(|| json!({}), |existing| existing.0);
            let scope = done.fields.as_ref().map_or(Scope::Whole, Scope::Fields);
            let found = diff::compare_written(&before, &done.object, scope, &done.manager, &self.hidden);
            changed = found.changed;
            if self.context.diff {
                result = result.with_json("diff", found.shown);
            }
        }
        if let Some(pace) = Pace::from_args(self.args).filter(|_| !self.context.check) {
            let written = Object(std::mem::take(&mut done.object));
            let identity = if written.name().is_empty() { definition } else { &written };
            let wanted = Wanted {
                resource,
                namespace: identity.namespace(),
                name: Some(identity.name()).filter(|name| !name.is_empty()),
                query: &self.query,
            };
            let goal = Goal::from_args(self.args);
            let waited = waiter::wait(self.context, self.session, wanted, &goal, pace).await?;
            satisfied = waited.satisfied;
            result = result.with("duration", waited.seconds);
            done.object = waited.seen.into_objects().into_iter().next().unwrap_or_default().0;
        }
        result = result
            .with("changed", changed)
            .with("method", done.method)
            .with_json("result", self.hidden.hide(done.object))
            .warned(done.warnings);
        if satisfied { Ok(result) } else { Err(timed_out(result, definition.kind(), origin_name)) }
    }
}

fn timed_out(result: TaskResult, kind: &str, name: &str) -> ModuleError {
    let message = format!("\"{kind}\" \"{name}\": Timed out waiting on resource");
    ModuleError::Failed(Box::new(result.with("failed", true).with("msg", message)))
}

/// Optional arguments of a dict that were not given are null, which the API would refuse.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let given = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                given.map(|(key, value)| (key.clone(), without_nulls(value))).collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}
