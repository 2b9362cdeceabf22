//! What is told of a release, as `helm list` and `helm get` tell it.

use serde_json::{Map, Value, json};

use crate::cluster::Client;
use crate::modules::result::ModuleError;
use crate::release;
use crate::release::record::{Record, Status};

/// The newest revision of a release, if it is in one of these states; in any when there are none.
pub(super) async fn find(
    client: &Client,
    namespace: &str,
    name: &str,
    statuses: &[Status],
) -> Result<Option<Record>, ModuleError> {
    match release::revision(client, namespace, name, 0).await {
        Ok(record) if statuses.is_empty() || statuses.contains(&record.info.status) => Ok(Some(record)),
        Ok(_) | Err(release::Error::NotFound) => Ok(None),
        Err(error) => Err(ModuleError::new(error.to_string())),
    }
}

/// The status of a release; `values` stands under the names of the collection's versions 5 and 6.
pub(super) fn status(record: &Record, values: Map<String, Value>) -> Map<String, Value> {
    let updated =
        record.info.last_deployed.map(|time| time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string());
    let fields = json!({
        "app_version": record.chart.app_version(),
        "chart": format!("{}-{}", record.chart.name(), record.chart.version()),
        "name": record.name,
        "namespace": record.namespace,
        "revision": record.version.to_string(),
        "status": record.info.status.as_str(),
        "updated": updated.unwrap_or_default(),
        "values": values,
        "release_values": values,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
