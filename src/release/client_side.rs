//! Client-side apply, the way of Helm 3: read, compare with what was last applied, patch.
//!
//! Built-in kinds get strategic merge patches, all others JSON merge patches. Follows `createPatch` of
//! `pkg/kube/client.go`, except that custom resources are compared with what is there, too, so that
//! their drift is put back like that of built-in kinds.

use serde_json::Value;

use super::objects::Desired;
use super::scope::Scope;
use crate::cluster::{Error, Field, Object, Patch, three_way};

/// Brings one object to where it should be; the object as it is then.
pub(super) async fn bring(
    scope: &Scope<'_>,
    desired: &Desired,
    old: Option<&Desired>,
    replace: bool,
) -> Result<Object, Error> {
    let client = scope.client;
    let Some(live) = client.get(desired.target()).await? else {
        let namespace = desired.reference.namespace.as_deref();
        return client.create(&desired.resource, namespace, &desired.object, scope.write()).await;
    };
    if replace {
        let mut object = desired.object.clone();
        let version = live.resource_version().unwrap_or_default();
        object.metadata_mut().insert("resourceVersion".into(), version.into());
        return client.replace(desired.target(), &object, scope.write()).await;
    }
    let schema = client.patch_schema(&desired.resource).await?;
    let fields = schema.as_ref().map_or_else(Field::unknown, |schema| schema.root());
    let applied = old.map_or(&desired.object, |old| &old.object);
    let patch = three_way(&applied.0, &desired.object.0, &live.0, fields);
    if patch.is_empty() {
        return Ok(live);
    }
    let kind = if schema.is_some() { Patch::Strategic } else { Patch::Merge };
    client.patch(desired.target(), kind, &Value::Object(patch), scope.write()).await
}
