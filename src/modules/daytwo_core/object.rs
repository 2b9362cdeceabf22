//! The object that a task is about: the resource of the run unless the task names another.

use super::super::session::{Session, failure};
use crate::cluster::{Object, Target};
use crate::modules::result::ModuleError;
use crate::modules::spec::{Args, Opt};

/// The arguments that name it.
pub(super) const OBJECT: &[Opt] = &[
    Opt::str("api_version").doc("API version of the object; that of the resource of the run unless given."),
    Opt::str("kind").doc("Kind of the object; that of the resource of the run unless given."),
    Opt::str("name").doc("Name of the object; that of the resource of the run unless given."),
    Opt::str("namespace").doc("Namespace of the object; that of the resource of the run unless given."),
];

/// Reads the object.
///
/// # Errors
/// Nothing names one, or it is not there.
pub(super) async fn object(session: &Session, args: &Args) -> Result<Object, ModuleError> {
    let owner = session.owner.as_ref();
    let part = |name: &str, own: Option<&str>| {
        let given = args.str(name).or(own).map(str::to_owned);
        given.ok_or_else(|| {
            ModuleError::new(format!("{name} is missing: this run is for no resource, so name the object"))
        })
    };
    let api_version = part("api_version", owner.map(|owner| owner.api_version.as_str()))?;
    let kind = part("kind", owner.map(|owner| owner.kind.as_str()))?;
    let name = part("name", owner.map(|owner| owner.name.as_str()))?;
    let namespace = args.str("namespace").or(owner.and_then(|owner| owner.namespace.as_deref()));
    let namespace = namespace.unwrap_or_else(|| session.client.default_namespace());
    let resource = session.resource(&api_version, &kind).await?;
    let found = session.client.get(Target::new(&resource, Some(namespace), &name)).await;
    let found = found.map_err(|error| failure(&format!("failed to read the {kind} {name}"), &error))?;
    found.ok_or_else(|| ModuleError::new(format!("there is no {kind} {name:?} in {namespace}")))
}
