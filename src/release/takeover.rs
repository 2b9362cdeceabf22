//! Releases that others made: their objects' fields become ours, so that fields which a later
//! manifest leaves out are removed.
//!
//! helm 3, helm-operator and helm 4 with client-side apply leave their fields in `Update` entries of
//! `metadata.managedFields`. What such an entry owns moves into the `Apply` entry of our manager
//! before the first server-side apply, as Kubernetes' `csaupgrade` does for kubectl.

use serde_json::{Map, Value, json};

use super::apply::PARALLEL;
use super::objects::Desired;
use super::{Error, MANAGER};
use crate::cluster::{Client, Object, Patch, Write};
use futures::{StreamExt, TryStreamExt, stream};

/// The field that only the installer of a release sets.
const INSTALLER_FIELD: &str = "/f:metadata/f:annotations/f:meta.helm.sh~1release-name";

/// Takes the installer's fields of these objects over.
pub(super) async fn take_over(client: &Client, objects: &[Desired]) -> Result<(), Error> {
    let mut requests = Vec::with_capacity(objects.len());
    for desired in objects {
        requests.push(take_over_one(client, desired));
    }
    stream::iter(requests).buffer_unordered(PARALLEL).try_collect().await
}

async fn take_over_one(client: &Client, desired: &Desired) -> Result<(), Error> {
    let Some(live) = client.get_metadata(desired.target()).await? else { return Ok(()) };
    let Some(entries) = adopted(&live) else { return Ok(()) };
    let patch = json!({"metadata": {"resourceVersion": live.resource_version(), "managedFields": entries}});
    client.patch(desired.target(), Patch::Merge, &patch, Write::by(MANAGER)).await?;
    Ok(())
}

/// The entries after the takeover; `None` when there is nothing to take.
fn adopted(live: &Object) -> Option<Vec<Value>> {
    let entries = live.0.pointer("/metadata/managedFields")?.as_array()?;
    let is =
        |entry: &Value, operation: &str| entry["operation"] == operation && entry["subresource"].is_null();
    let installers =
        |entry: &&Value| is(entry, "Update") && entry["fieldsV1"].pointer(INSTALLER_FIELD).is_some();
    let own = |entry: &&Value| is(entry, "Apply") && entry["manager"] == MANAGER;
    let mut applied = entries.iter().find(installers)?.clone();
    let mut fields = Value::Object(Map::new());
    for entry in entries.iter().filter(|entry| installers(entry) || own(entry)) {
        unite(&mut fields, &entry["fieldsV1"]);
    }
    applied["manager"] = MANAGER.into();
    applied["operation"] = "Apply".into();
    applied["fieldsV1"] = fields;
    let others = entries.iter().filter(|entry| !installers(entry) && !own(entry));
    Some(std::iter::once(applied).chain(others.cloned()).collect())
}

/// The union of two field sets.
fn unite(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, value) in from {
            unite(into.entry(key).or_insert_with(|| Value::Object(Map::new())), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn the_installers_fields_become_applied_ones() {
        let installer = json!({"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}, "f:data": {"f:a": {}}});
        let live = Object(json!({"metadata": {"managedFields": [
            entry("helm-operator", "Update", installer),
            entry("kubectl", "Update", json!({"f:data": {"f:b": {}}})),
            entry("helm", "Apply", json!({"f:data": {"f:c": {}}})),
        ]}}));
        let entries = adopted(&live).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((&entries[0]["manager"], &entries[0]["operation"]), (&json!("helm"), &json!("Apply")));
        assert_eq!(entries[0]["fieldsV1"]["f:data"], json!({"f:a": {}, "f:c": {}}));
        assert_eq!(entries[1]["manager"], "kubectl");
        assert!(
            adopted(&Object(json!({"metadata": {"managedFields": [entry("helm", "Apply", json!({}))]}})))
                .is_none()
        );
    }
}
