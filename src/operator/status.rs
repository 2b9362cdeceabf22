//! Writing the status of a watched resource, only when it differs, without losing what others wrote.

use serde_json::{Value, json};

use super::Shared;
use super::primary::{Primaries, Primary, version};
use crate::cluster::{Error, Patch, Reason, Target, Write};

/// How often a write is tried against somebody who writes at the same time.
const ATTEMPTS: usize = 4;

/// Writes the status that `change` makes of the present one, as a merge patch that a newer resource
/// version refuses; then it is made anew. Gives the version of the resource that has this status.
///
/// # Errors
/// Refusals of the cluster; a resource that is gone is none, and has no version.
pub(super) async fn write(
    shared: &Shared,
    primaries: &Primaries,
    primary: &Primary,
    change: impl Fn(&Value) -> Value,
) -> Result<Option<u64>, Error> {
    let resource = shared.client.resource(&primary.kind.api_version(), &primary.kind.kind).await?;
    let target = Target::new(&resource, primary.key.namespace(), &primary.key.name);
    let has_subresource = resource.subresources.iter().any(|name| name == "status");
    let status_target = if has_subresource { target.subresource("status") } else { target };
    let mut current = primaries.get(&primary.key).map_or_else(|| primary.clone(), |newest| (*newest).clone());
    for _ in 0..ATTEMPTS {
        let old = current.status();
        let new = change(&old);
        if current.uid != primary.uid {
            return Ok(None);
        }
        if new == old {
            return Ok(Some(current.version));
        }
        let patch = json!({"metadata": {"resourceVersion": current.version.to_string()}, "status": new});
        match shared.client.patch(status_target, Patch::Merge, &patch, Write::by(super::MANAGER)).await {
            Ok(written) => {
                let version = version(written.resource_version());
                primaries.written(current.version, &primary.kind, written);
                return Ok(Some(version));
            }
            Err(error) if error.is(Reason::NotFound) => return Ok(None),
            Err(error) if error.is(Reason::Conflict) => {}
            Err(error) => return Err(error),
        }
        let Some(live) = shared.client.get(target).await? else { return Ok(None) };
        let Some(live) = Primary::of_object(&primary.kind, live) else { return Ok(None) };
        current = live;
    }
    tracing::debug!("the status is being written by others; the next pass tries again");
    Ok(None)
}
