//! Events that are told once: the same words about the same object have the same name, so that also
//! another process finds the Event that is there.

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::session::{FIELD_MANAGER, Session};
use crate::cluster::{Error, Object, Patch, Reason, Target, Write};

/// The API's limit is 1 kB.
const MESSAGE_LIMIT: usize = 1000;

/// What to tell.
pub(super) struct Words<'a> {
    /// `Normal` or `Warning`.
    pub(super) kind: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    /// Whether an Event that is there is counted up, or left as it is.
    pub(super) repeat: bool,
}

/// Tells it about an object; whether anything was written.
///
/// # Errors
/// Refusals of the API server.
pub(super) async fn tell(session: &Session, about: &Object, words: &Words<'_>) -> Result<bool, Error> {
    let message: String = words.message.chars().take(MESSAGE_LIMIT).collect();
    let digest = Sha256::digest(format!("{}\0{}\0{message}", about.uid().unwrap_or_default(), words.reason));
    let name = format!("{}.{}", about.name(), &hex::encode(digest)[..16]);
    let namespace = about.namespace().unwrap_or("default");
    let events = session.client.resource("v1", "Event").await?;
    let now = format!("{:.0}", Timestamp::now());
    let write = Write::by(FIELD_MANAGER);
    let event = Object(json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.api_version(),
            "kind": about.kind(),
            "name": about.name(),
            "namespace": about.namespace(),
            "uid": about.uid(),
        },
        "type": words.kind,
        "reason": words.reason,
        "message": message,
        "source": {"component": "daytwo"},
        "reportingComponent": "daytwo",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }));
    match session.client.create(&events, Some(namespace), &event, write).await {
        Ok(_) => return Ok(true),
        Err(error) if error.is(Reason::AlreadyExists) && words.repeat => {}
        Err(error) if error.is(Reason::AlreadyExists) => return Ok(false),
        Err(error) => return Err(error),
    }
    let target = Target::new(&events, Some(namespace), &name);
    let Some(event) = session.client.get(target).await? else { return Ok(false) };
    let count = event.0["count"].as_i64().unwrap_or(1).saturating_add(1);
    let patch = json!({"count": count, "lastTimestamp": now});
    session.client.patch(target, Patch::Merge, &patch, write).await?;
    Ok(true)
}
