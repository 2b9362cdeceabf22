//! A watch whose chart or role could not be loaded: its resources are told so, other kinds are served.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::conditions::{Condition, Conditions, Standing};
use super::controller::{Failure, Next, Pass, Reconcile};
use super::dependents::Caller;
use super::{Shared, status};
use crate::cluster::EventKind;

/// Serves a kind by saying what is wrong with its content.
pub(super) struct BrokenReconciler {
    pub(super) shared: Arc<Shared>,
    /// The condition of the contract: `Irreconcilable` or `Failure`.
    pub(super) condition: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

#[async_trait]
impl Reconcile for BrokenReconciler {
    async fn reconcile(&self, pass: &Pass) -> Result<Next, Failure> {
        let primary = &pass.primary;
        let told = Conditions::of(&primary.status());
        let old = told.get(self.condition).and_then(|condition| condition.get("message")?.as_str());
        if old != Some(&self.message) {
            self.shared.event(primary, EventKind::Warning, self.reason, &self.message);
        }
        let written = status::write(&self.shared, &pass.primaries, primary, |old| {
            let mut conditions = Conditions::of(old);
            let (reason, message) = (self.reason, self.message.as_str());
            conditions.set(Condition { kind: self.condition, status: "True", reason, message });
            conditions.stand(Standing::Stalled, reason, message);
            let mut new = old.as_object().cloned().unwrap_or_default();
            new.insert("conditions".into(), conditions.into_value());
            Value::Object(new)
        });
        match written.await {
            Ok(_) => Ok(Next::After(Duration::ZERO)),
            Err(error) => Err(Failure { message: error.to_string(), forbidden: true }),
        }
    }

    fn forget(&self, _: &Caller) {}
}
