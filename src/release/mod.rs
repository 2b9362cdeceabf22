//! A chart in a cluster: record, storage, install, upgrade, repair, uninstall, hooks.
//!
//! ```text
//! Spec (chart, values, owner) ── inputs digest equal? ── yes ─> repair what drifted ─┐
//!        │ no                                                                        ├─> State, Outcome
//!        └─> render ─> objects ─> record pending ─> hooks ─> apply ─> prune ─> hooks ─> record deployed
//! ```
//!
//! Records are Helm's own, so `helm list`, `history`, `get` and `rollback` work on what is made here.
//! Objects are applied server-side under Helm's field manager. Whether there is anything to do is
//! decided by the inputs (chart, values, capabilities), never by comparing rendered texts, so charts
//! with random or looked-up text do not upgrade for ever. Knows no controller.

mod apply;
mod client_side;
mod deploy;
mod difference;
mod error;
mod holder;
mod hooks;
mod inputs;
mod install;
mod listing;
mod lookup;
mod objects;
mod operation;
mod options;
pub mod record;
mod rendering;
mod revisions;
mod rollback;
mod scope;
mod storage;
mod takeover;
mod testing;
mod uninstall;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::chart::{Capabilities, Chart};
use crate::cluster::{ObjectRef, Owner};

pub use apply::{Drift, Tracked};
pub use deploy::{Action, Outcome, deploy, repair};
pub use difference::{Difference, difference};
pub use error::Error;
pub use holder::Holder;
pub use inputs::{capabilities, inputs};
pub use install::{Installation, install};
pub use listing::{ReleaseFilter, history, last_status, releases, revision};
pub use objects::public_manifest;
pub use options::{DEFAULT_HISTORY, DEFAULT_TIMEOUT, Options, ServerSide, Source, WaitFor};
pub use rendering::render_offline;
pub use rollback::rollback;
pub use scope::{Observer, Step};
pub use storage::{Beside, INPUTS as RECORD_INPUTS, Notes, Storage, Stored};
pub use testing::{TestFilter, Tested, test};
pub use uninstall::{Removal, Uninstalled, remove, uninstall};
pub use upgrade::{Reuse, upgrade};

/// The field manager of a release's objects: Helm's, so that its command line and we never take
/// fields from each other.
pub const MANAGER: &str = "helm";

/// What a release should be.
#[derive(Clone)]
pub struct Spec {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart.
    pub chart: Arc<Chart>,
    /// The values over the chart's own.
    pub values: Map<String, Value>,
    /// What the chart may know of the cluster.
    pub capabilities: Arc<Capabilities>,
    /// The resource that the release belongs to.
    pub owner: Option<Owner>,
    /// Labels for every object beside Helm's.
    pub labels: Vec<(String, String)>,
    /// Wait so long until everything is ready.
    pub wait: Option<Duration>,
    /// How long a hook may run.
    pub hook_timeout: Duration,
    /// Revisions to keep.
    pub history_limit: usize,
}

/// What is remembered of a release between two passes; lost with the process, found again from the record.
#[derive(Clone, Debug)]
pub struct State {
    /// The deployed revision.
    pub revision: i64,
    /// The digest of the inputs that it answers.
    pub inputs: String,
    /// The Secret of its record.
    pub secret: String,
    /// Its objects as they were after the last apply.
    pub tracked: Vec<Tracked>,
}

impl State {
    /// The objects of the release.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.tracked.iter().map(|tracked| &tracked.object)
    }
}
