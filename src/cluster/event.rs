//! Kubernetes Events about a resource, in the core API as client-go's recorder writes them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::json;

use super::{Client, Error, Object, Patch, Target, Write};

/// Series that are remembered, to count repetitions instead of writing new Events.
const REMEMBERED: usize = 256;
/// The API's limit is 1 kB.
const MESSAGE_LIMIT: usize = 1000;

/// `type` of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Things as they should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// Writes Events in the name of one component.
pub struct Recorder {
    client: Client,
    component: String,
    series: Mutex<HashMap<u64, Series>>,
}

#[derive(Clone)]
struct Series {
    name: String,
    count: u32,
}

impl Recorder {
    /// A recorder that signs as `component`.
    #[must_use]
    pub fn new(client: Client, component: &str) -> Self {
        Self { client, component: component.to_owned(), series: Mutex::default() }
    }

    /// Tells about `regarding` (an object with identity, or its metadata). A repetition raises the
    /// count of the Event that is there.
    ///
    /// # Errors
    /// Refusals; nothing else depends on an Event, so callers log them.
    pub async fn record(
        &self,
        regarding: &Object,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) -> Result<(), Error> {
        let message: String = message.chars().take(MESSAGE_LIMIT).collect();
        let key = series_key(regarding, reason, &message);
        let known = self.series().get(&key).cloned();
        if let Some(mut known) = known {
            known.count += 1;
            if self.repeat(regarding, &known).await? {
                self.series().insert(key, known);
                return Ok(());
            }
        }
        let name = self.create(regarding, kind, reason, &message).await?;
        let mut series = self.series();
        if series.len() >= REMEMBERED {
            series.clear();
        }
        series.insert(key, Series { name, count: 1 });
        Ok(())
    }

    fn series(&self) -> MutexGuard<'_, HashMap<u64, Series>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the Event was still there to be counted up.
    async fn repeat(&self, regarding: &Object, series: &Series) -> Result<bool, Error> {
        let events = self.client.resource("v1", "Event").await?;
        let target = Target::new(&events, Some(event_namespace(regarding)), &series.name);
        let patch = json!({"count": series.count, "lastTimestamp": now()});
        match self.client.patch(target, Patch::Merge, &patch, Write::by(&self.component)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is(super::Reason::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(
        &self,
        regarding: &Object,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) -> Result<String, Error> {
        let events = self.client.resource("v1", "Event").await?;
        let namespace = event_namespace(regarding);
        let name = format!("{}.{:x}", regarding.name(), Timestamp::now().as_nanosecond());
        let time = now();
        let event = Object(json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": regarding.api_version(),
                "kind": regarding.kind(),
                "name": regarding.name(),
                "namespace": regarding.namespace(),
                "uid": regarding.uid(),
                "resourceVersion": regarding.resource_version(),
            },
            "type": match kind { EventKind::Normal => "Normal", EventKind::Warning => "Warning" },
            "reason": reason,
            "message": message,
            "source": {"component": self.component},
            "reportingComponent": self.component,
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }));
        self.client.create(&events, Some(namespace), &event, Write::by(&self.component)).await?;
        Ok(name)
    }
}

/// Events about cluster-scoped objects live in `default`, as client-go puts them.
fn event_namespace(regarding: &Object) -> &str {
    regarding.namespace().unwrap_or("default")
}

fn series_key(regarding: &Object, reason: &str, message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (regarding.uid(), regarding.name(), regarding.namespace(), reason, message).hash(&mut hasher);
    hasher.finish()
}

fn now() -> String {
    format!("{:.0}", Timestamp::now())
}
