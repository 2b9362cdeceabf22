//! What an upgrade would change: every object as it is, and as the server says it would be.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};

use super::apply::{PARALLEL, bring};
use super::objects::{Desired, RESOURCE_POLICY, desired, of_rendering, ownership_problems, stored};
use super::options::{Options, Source};
use super::record::HookRecord;
use super::rendering::{Moment, render};
use super::scope::{Method, Scope};
use super::storage::Storage;
use super::upgrade::{Plan, Reuse, plan};
use super::{Error, capabilities};
use crate::chart::Compat;
use crate::cluster::{Client, Object, ObjectRef};
use crate::yaml::go;

/// Fields of `metadata` that the server writes.
const SERVER_FIELDS: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// One object or hook that would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is called.
    pub title: String,
    /// As it is, as YAML without what the server writes and without the content of Secrets; empty when
    /// it is not there.
    pub before: String,
    /// As it would be; empty when it would go.
    pub after: String,
}

/// Compares the cluster with what an upgrade (an installation, where there is no release) would make of it.
///
/// # Errors
/// Whatever would stop the upgrade before it changes anything.
pub async fn difference(
    client: &Client,
    options: &Options,
    source: &Source,
    reuse: Reuse,
) -> Result<Vec<Difference>, Error> {
    let storage = Storage::new(client, &options.namespace, None).await?;
    let history = storage.history(&options.name).await?;
    let (current, rendered) = if history.is_empty() {
        let capabilities = Arc::new(capabilities(client, Compat::V4).await?);
        let moment = Moment { revision: 1, is_upgrade: false, capabilities: &capabilities };
        (None, render(&options.scope(client, None)?, source, moment)?)
    } else {
        let Plan { current, rendered, .. } = plan(client, options, source, reuse, &storage, &history).await?;
        (Some(current), rendered)
    };
    let mut scope = options.scope(client, current.as_ref())?;
    scope.dry_run = true;
    if matches!(scope.method, Method::ServerSide { .. }) {
        // Whoever owns a field: what it would be is the question here.
        scope.method = Method::ServerSide { force: true };
    }
    let objects = desired(&scope, of_rendering(&rendered.manifests)?).await?;
    let manifests: Vec<&str> = current.iter().map(|record| record.manifest.as_str()).collect();
    let old = stored(&scope, &manifests).await?;
    let changes = objects.iter().map(|desired| changed(&scope, desired, &old));
    let mut all: Vec<Option<Difference>> = stream::iter(changes).buffered(PARALLEL).try_collect().await?;
    let gone = old
        .iter()
        .filter(|old| objects.iter().all(|new| !new.reference.is_same_object(&old.reference)))
        .map(|old| removed(&scope, old));
    let gone: Vec<Option<Difference>> = stream::iter(gone).buffered(PARALLEL).try_collect().await?;
    all.extend(gone);
    let hooks: Vec<HookRecord> = rendered.hooks.iter().map(HookRecord::from).collect();
    let old_hooks = current.map(|record| record.hooks).unwrap_or_default();
    Ok(all.into_iter().flatten().chain(changed_hooks(&old_hooks, &hooks)).collect())
}

async fn changed(scope: &Scope<'_>, desired: &Desired, old: &[Desired]) -> Result<Option<Difference>, Error> {
    let live = scope.client.get(desired.target()).await?;
    let after = match &live {
        // Its namespace may not be there to ask in.
        None => desired.object.clone(),
        Some(_) => bring(scope, desired, old).await?,
    };
    Ok(between(&desired.reference, live, Some(after)))
}

async fn removed(scope: &Scope<'_>, old: &Desired) -> Result<Option<Difference>, Error> {
    let live = scope.client.get(old.target()).await?;
    let goes = |live: &Object| {
        !old.is_kept()
            && live.annotation(RESOURCE_POLICY) != Some("keep")
            && ownership_problems(live, scope).is_none()
    };
    Ok(between(&old.reference, live.filter(goes), None))
}

fn between(reference: &ObjectRef, before: Option<Object>, after: Option<Object>) -> Option<Difference> {
    let mut before = before.map(|object| plain(object.0));
    let mut after = after.map(|object| plain(object.0));
    if reference.kind == "Secret" && reference.group().is_empty() {
        hide(before.as_mut(), after.as_mut());
    }
    if before == after {
        return None;
    }
    let text = |object: Option<Value>| object.map(|object| go::to_yaml(&object)).unwrap_or_default();
    let title = format!("{reference} ({})", reference.api_version);
    Some(Difference { title, before: text(before), after: text(after) })
}

fn plain(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.retain(|name, _| !SERVER_FIELDS.contains(&name.as_str()));
        }
    }
    object
}

/// Hides the content of a Secret; what differs still differs.
fn hide(before: Option<&mut Value>, after: Option<&mut Value>) {
    let content = |object: Option<&Value>, field: &str| {
        object.and_then(|object| object.get(field)?.as_object().cloned()).unwrap_or_default()
    };
    let fields = ["data", "stringData"];
    let old = fields.map(|field| content(before.as_deref(), field));
    let new = fields.map(|field| content(after.as_deref(), field));
    for (object, own, other, word) in [(before, &old, &new, "before"), (after, &new, &old, "after")] {
        let Some(object) = object else { continue };
        for ((field, own), other) in fields.iter().zip(own).zip(other) {
            if let Some(shown) = object.get_mut(*field) {
                *shown = masked(own, other, word);
            }
        }
    }
}

fn masked(own: &Map<String, Value>, other: &Map<String, Value>, word: &str) -> Value {
    let mask = |(key, value): (&String, &Value)| {
        let changed = other.get(key).is_some_and(|other| other != value);
        (key.clone(), Value::from(if changed { format!("*** ({word})") } else { "***".into() }))
    };
    Value::Object(own.iter().map(mask).collect())
}

/// Hooks are compared as texts: their objects come and go.
fn changed_hooks(old: &[HookRecord], new: &[HookRecord]) -> Vec<Difference> {
    let by_name = |hooks: &[HookRecord]| -> BTreeMap<String, String> {
        let title =
            |hook: &HookRecord| format!("hook {} {} ({})", hook.kind, hook.name, hook.events.join(","));
        hooks.iter().map(|hook| (title(hook), shown(hook))).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let titles: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text =
        |hooks: &BTreeMap<String, String>, title: &String| hooks.get(title).cloned().unwrap_or_default();
    titles
        .into_iter()
        .map(|title| Difference { title: title.clone(), before: text(&old, title), after: text(&new, title) })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

fn shown(hook: &HookRecord) -> String {
    if hook.kind == "Secret" {
        return "# content withheld\n".into();
    }
    let mut text = hook.manifest.trim().to_owned();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(data: Value) -> Object {
        Object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "uid": "u"}, "data": data}),
        )
    }

    #[test]
    fn secrets_differ_without_being_shown() {
        let (before, after) =
            (secret(json!({"a": "old", "same": "x"})), secret(json!({"a": "new", "same": "x"})));
        let found = between(&before.reference(), Some(before.clone()), Some(after)).unwrap();
        assert_eq!(
            found.before,
            "apiVersion: v1\ndata:\n  a: '*** (before)'\n  same: '***'\nkind: Secret\nmetadata:\n  name: s"
        );
        assert_eq!(found.after, found.before.replace("before", "after"));
        assert_eq!(between(&before.reference(), Some(before.clone()), Some(before)), None);
    }

    #[test]
    fn what_the_server_writes_is_no_difference() {
        let object = |uid: &str| Object(json!({"kind": "A", "metadata": {"uid": uid}, "status": {"x": uid}}));
        assert_eq!(between(&object("1").reference(), Some(object("1")), Some(object("2"))), None);
    }
}
