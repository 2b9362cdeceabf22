//! The finalizers of a watched resource: added before anything is created, removed when all is gone.

use serde_json::json;

use super::Shared;
use super::primary::{Primaries, Primary};
use crate::cluster::{Error, Patch, Reason, Target, Write};

/// Makes sure that the resource has this finalizer.
///
/// # Errors
/// Refusals of the cluster; a conflict means that the resource changed, and a new pass follows.
pub(super) async fn add(
    shared: &Shared,
    primaries: &Primaries,
    primary: &Primary,
    name: &str,
) -> Result<(), Error> {
    if primary.has_finalizer(name) {
        return Ok(());
    }
    let mut finalizers = primary.finalizers.clone();
    finalizers.push(name.to_owned());
    put(shared, primaries, primary, &finalizers).await
}

/// Removes these finalizers; a resource that is gone is no error.
///
/// # Errors
/// Refusals of the cluster.
pub(super) async fn remove(
    shared: &Shared,
    primaries: &Primaries,
    primary: &Primary,
    names: &[&str],
) -> Result<(), Error> {
    let resource = shared.client.resource(&primary.kind.api_version(), &primary.kind.kind).await?;
    let target = Target::new(&resource, primary.key.namespace(), &primary.key.name);
    let mut current = primary.clone();
    loop {
        let rest: Vec<String> =
            current.finalizers.iter().filter(|name| !names.contains(&name.as_str())).cloned().collect();
        if rest.len() == current.finalizers.len() {
            return Ok(());
        }
        match put(shared, primaries, &current, &rest).await {
            Err(error) if error.is(Reason::NotFound) => return Ok(()),
            Err(error) if error.is(Reason::Conflict) => {}
            result => return result,
        }
        match shared.client.get(target).await? {
            Some(live) if live.uid() == Some(&primary.uid) => {
                let Some(live) = Primary::of_object(&primary.kind, live) else { return Ok(()) };
                current = live;
            }
            _ => return Ok(()),
        }
    }
}

async fn put(
    shared: &Shared,
    primaries: &Primaries,
    primary: &Primary,
    finalizers: &[String],
) -> Result<(), Error> {
    let resource = shared.client.resource(&primary.kind.api_version(), &primary.kind.kind).await?;
    let target = Target::new(&resource, primary.key.namespace(), &primary.key.name);
    let patch =
        json!({"metadata": {"resourceVersion": primary.version.to_string(), "finalizers": finalizers}});
    let written = shared.client.patch(target, Patch::Merge, &patch, Write::by(super::MANAGER)).await?;
    primaries.written(primary.version, &primary.kind, written);
    Ok(())
}
