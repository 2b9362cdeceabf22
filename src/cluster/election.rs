//! Leader election by a Lease of `coordination.k8s.io/v1`, as client-go's `tools/leaderelection` does it.
//!
//! ```text
//! acquire ── the lease is free, or its holder was silent for its whole duration ──> hold
//! hold    ── renews; ends when the lease is lost ──> the program ends
//! release ── on a clean end: the next instance need not wait
//! ```
//!
//! A process can be frozen past its lease and wake up in the middle of a request. Therefore every write
//! of the leader passes a [`Fence`], which closes by the leader's own clock before any other instance
//! can take the lease.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Client, Error, EventKind, Object, Reason, Recorder, Resource, Target, Write};

const API_VERSION: &str = "coordination.k8s.io/v1";
const KIND: &str = "Lease";
/// Pause between two attempts to take or renew the lease (controller-runtime's default).
const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// Which lease, for whom, for how long.
#[derive(Clone, Debug)]
pub struct Candidacy {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// Who we are; no two processes may share it.
    pub identity: String,
    /// How long others wait after the last renewal before they take the lease.
    pub lease_duration: Duration,
    /// How long the leader tries to renew before it gives up; less than `lease_duration`.
    pub renew_deadline: Duration,
}

/// Lets writes through for as long as the lease is surely ours.
#[derive(Debug, Default)]
pub struct Fence {
    open_until: Mutex<Option<Instant>>,
}

impl Fence {
    /// Whether the lease is ours now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    fn until(&self) -> Option<Instant> {
        *self.open_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, until: Option<Instant>) {
        *self.open_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// One instance's part in the election.
pub struct Election {
    client: Client,
    candidacy: Candidacy,
    fence: Arc<Fence>,
    /// What the lease said last, and since when, by our own clock: clocks of machines differ.
    seen: Option<(Value, Instant)>,
    /// Whether the last failure was told.
    complained: bool,
}

/// How an attempt to take or renew the lease ended.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Ours,
    /// Somebody else holds it, or was quicker.
    Theirs(String),
}

impl Election {
    /// An instance that does not lead yet.
    #[must_use]
    pub fn new(client: Client, candidacy: Candidacy) -> Self {
        Self { client, candidacy, fence: Arc::default(), seen: None, complained: false }
    }

    /// The fence that is open while this instance leads.
    #[must_use]
    pub fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.fence)
    }

    /// The name of the Lease.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.candidacy.name
    }

    /// Returns when this instance leads.
    pub async fn acquire(&mut self) {
        let Candidacy { namespace, name, .. } = &self.candidacy;
        tracing::info!(lease = %format!("{namespace}/{name}"), "waiting to become the leader");
        while self.attempt().await != Some(true) {
            tokio::time::sleep(RETRY_PERIOD).await;
        }
        tracing::info!(identity = %self.candidacy.identity, "leads now");
        self.announce().await;
    }

    /// Renews the lease; returns when it is lost.
    pub async fn hold(&mut self) {
        loop {
            tokio::time::sleep(RETRY_PERIOD).await;
            if self.attempt().await == Some(false) || !self.fence.is_open() {
                self.fence.set(None);
                return;
            }
        }
    }

    /// Gives the lease back, if it is ours, so that another instance can take it at once.
    pub async fn release(&mut self) {
        if !self.fence.is_open() {
            return;
        }
        self.fence.set(None);
        if let Err(error) = self.give_back().await {
            tracing::warn!(%error, "cannot give the lease back; others take it when it runs out");
        }
    }

    /// One attempt; `None` when the server could not be asked in time.
    async fn attempt(&mut self) -> Option<bool> {
        let limit = self.candidacy.renew_deadline;
        let outcome = match tokio::time::timeout(limit, self.take_or_renew()).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer in {limit:?}")),
        };
        let complained = std::mem::replace(&mut self.complained, outcome.is_err());
        match outcome {
            Ok(Attempt::Ours) => Some(true),
            Ok(Attempt::Theirs(holder)) => {
                tracing::debug!(%holder, "somebody else leads");
                Some(false)
            }
            Err(error) => {
                if !complained {
                    tracing::warn!(%error, "cannot take or renew the lease; trying again");
                }
                None
            }
        }
    }

    async fn take_or_renew(&mut self) -> Result<Attempt, Error> {
        let kind = self.client.resource(API_VERSION, KIND).await?;
        let started = Instant::now();
        let answer = match self.client.get(self.target(&kind)).await? {
            None => {
                let lease = self.lease(None);
                self.client.create(&kind, Some(&self.candidacy.namespace), &lease, self.write()).await
            }
            Some(old) => {
                self.observe(&old.0["spec"], started);
                if let Some(holder) = self.valid_holder(started) {
                    return Ok(Attempt::Theirs(holder));
                }
                self.client.replace(self.target(&kind), &self.lease(Some(&old)), self.write()).await
            }
        };
        match answer {
            Ok(lease) => {
                self.observe(&lease.0["spec"], started);
                self.fence.set(Some(started + self.candidacy.renew_deadline));
                Ok(Attempt::Ours)
            }
            Err(error) if error.is(Reason::Conflict) || error.is(Reason::AlreadyExists) => {
                Ok(Attempt::Theirs("a quicker instance".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    fn observe(&mut self, spec: &Value, now: Instant) {
        if self.seen.as_ref().is_none_or(|(seen, _)| seen != spec) {
            self.seen = Some((spec.clone(), now));
        }
    }

    /// Somebody else whose lease has not run out.
    fn valid_holder(&self, now: Instant) -> Option<String> {
        let (spec, since) = self.seen.as_ref()?;
        let holder = spec["holderIdentity"].as_str().filter(|holder| !holder.is_empty())?;
        let duration = Duration::from_secs(spec["leaseDurationSeconds"].as_u64().unwrap_or(0));
        (holder != self.candidacy.identity && *since + duration > now).then(|| holder.to_owned())
    }

    /// The lease with us as its holder.
    fn lease(&self, old: Option<&Object>) -> Object {
        let Candidacy { namespace, name, identity, lease_duration, .. } = &self.candidacy;
        let now = micro_time(Timestamp::now());
        let spec = old.map_or(&Value::Null, |old| &old.0["spec"]);
        let ours = spec["holderIdentity"] == *identity;
        let transitions = spec["leaseTransitions"].as_i64().unwrap_or(0);
        let mut lease = old.map_or_else(
            || json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name, "namespace": namespace}}),
            |old| old.0.clone(),
        );
        lease["spec"] = json!({
            "holderIdentity": identity,
            "leaseDurationSeconds": lease_duration.as_secs(),
            "acquireTime": if ours { spec["acquireTime"].clone() } else { now.as_str().into() },
            "renewTime": now,
            "leaseTransitions": transitions + i64::from(old.is_some() && !ours),
        });
        Object(lease)
    }

    async fn give_back(&self) -> Result<(), Error> {
        let kind = self.client.resource(API_VERSION, KIND).await?;
        let Some(mut lease) = self.client.get(self.target(&kind)).await? else { return Ok(()) };
        if lease.0["spec"]["holderIdentity"] != *self.candidacy.identity {
            return Ok(());
        }
        lease.0["spec"]["holderIdentity"] = "".into();
        lease.0["spec"]["leaseDurationSeconds"] = 1.into();
        lease.0["spec"]["renewTime"] = micro_time(Timestamp::now()).into();
        self.client.replace(self.target(&kind), &lease, self.write()).await.map(|_| ())
    }

    /// client-go's Event of a new leader.
    async fn announce(&self) {
        let Candidacy { namespace, name, identity, .. } = &self.candidacy;
        let lease = Object(json!({
            "apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name, "namespace": namespace},
        }));
        let recorder = Recorder::new(self.client.clone(), identity);
        let message = format!("{identity} became leader");
        if let Err(error) = recorder.record(&lease, EventKind::Normal, "LeaderElection", &message).await {
            tracing::debug!(%error, "cannot write an Event");
        }
    }

    fn target<'a>(&'a self, kind: &'a Resource) -> Target<'a> {
        Target::new(kind, Some(&self.candidacy.namespace), &self.candidacy.name)
    }

    fn write(&self) -> Write<'_> {
        Write::by(&self.candidacy.identity)
    }
}

/// `metav1.MicroTime`.
fn micro_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn election() -> Election {
        let config = kube::Config::new("http://127.0.0.1:9".parse().expect("a URL"));
        let candidacy = Candidacy {
            namespace: "demo".into(),
            name: "daytwo".into(),
            identity: "me".into(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
        };
        Election::new(Client::new(config).expect("a client"), candidacy)
    }

    fn held_by(holder: &str, renewed: &str) -> Value {
        json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed, "leaseTransitions": 3})
    }

    #[tokio::test]
    async fn the_holder_is_respected_for_the_whole_duration_after_each_sign_of_life() {
        let mut election = election();
        let start = Instant::now();
        election.observe(&held_by("other", "1"), start);
        assert_eq!(election.valid_holder(start + Duration::from_secs(14)), Some("other".into()));
        election.observe(&held_by("other", "2"), start + Duration::from_secs(14));
        assert_eq!(election.valid_holder(start + Duration::from_secs(28)), Some("other".into()));
        assert_eq!(election.valid_holder(start + Duration::from_secs(29)), None);
    }

    #[tokio::test]
    async fn a_lease_that_was_given_back_is_free_at_once_and_ours_stays_ours() {
        let mut election = election();
        let now = Instant::now();
        election.observe(&held_by("", "1"), now);
        assert_eq!(election.valid_holder(now), None);
        election.observe(&held_by("me", "2"), now);
        assert_eq!(election.valid_holder(now), None);
    }

    #[tokio::test]
    async fn taking_over_counts_a_transition_and_renewing_keeps_the_time_of_acquisition() {
        let election = election();
        let theirs = Object(json!({"metadata": {"resourceVersion": "7"}, "spec": held_by("other", "1")}));
        let taken = election.lease(Some(&theirs));
        assert_eq!(taken.0["spec"]["leaseTransitions"], 4);
        assert_eq!(taken.0["metadata"]["resourceVersion"], "7");
        let renewed = election.lease(Some(&taken));
        assert_eq!(renewed.0["spec"]["leaseTransitions"], 4);
        assert_eq!(renewed.0["spec"]["acquireTime"], taken.0["spec"]["acquireTime"]);
    }

    #[test]
    fn a_fence_closes_by_itself() {
        let fence = Fence::default();
        assert!(!fence.is_open());
        fence.set(Some(Instant::now() + Duration::from_secs(60)));
        assert!(fence.is_open());
        fence.set(Some(Instant::now()));
        assert!(!fence.is_open());
    }
}
