//! The contract file watches.yaml: which kind is served by which chart, role or playbook.
//!
//! ```text
//! watches.yaml -> $VAR expanded -> YAML with marks -> Vec<Watch> | Problems (all of them, located)
//! ```
//!
//! The union of helm-operator's and ansible-operator's keys (`internal/helm/watches`,
//! `internal/ansible/watches`), in any letter case. What is merely suspicious, such as an unknown
//! key, is a warning. Reads this one file and looks whether what it names exists; loads no chart or role.

pub mod duration;
mod error;
mod expand;
mod keys;
mod load;
mod locate;
mod schema;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

pub use error::{Location, Problem, Problems};
pub use expand::expand;
pub use load::{Loaded, load, parse};
pub use schema::schema;

/// One entry of watches.yaml: a kind and what serves it.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The kind.
    pub kind: Gvk,
    /// What serves it.
    pub content: Content,
    /// How often to look again although nothing happened; the operator's own period when missing.
    pub reconcile_period: Option<Duration>,
    /// Reconciles of this kind at the same time; the operator's own number when missing.
    pub max_concurrent_reconciles: Option<usize>,
    /// Whether changes of dependants trigger a reconcile.
    pub watch_dependent_resources: bool,
    /// Whether that holds for cluster-scoped dependants of namespaced resources too.
    pub watch_cluster_scoped_resources: bool,
    /// Only resources with these labels.
    pub selector: Option<String>,
    /// Where the entry stands.
    pub location: Location,
}

/// What serves a kind.
#[derive(Clone, Debug)]
pub enum Content {
    /// A Helm chart.
    Chart(ChartContent),
    /// An Ansible role or playbook.
    Ansible(AnsibleContent),
}

/// helm-operator's keys.
#[derive(Clone, Debug, Default)]
pub struct ChartContent {
    /// The chart's directory or archive.
    pub chart: PathBuf,
    /// Values that win over the resource's spec: path and text.
    pub override_values: BTreeMap<String, String>,
    /// `dryRunOption`: whether templates may look things up; always allowed here.
    pub dry_run_option: String,
}

/// ansible-operator's keys.
#[derive(Clone, Debug)]
pub struct AnsibleContent {
    /// What runs.
    pub run: Runnable,
    /// Variables over those of the resource.
    pub vars: Map<String, Value>,
    /// How long a run may take; the operator's own limit when missing, for ever when zero.
    pub run_timeout: Option<Duration>,
    /// Whether the status is written.
    pub manage_status: bool,
    /// Whether parameters become `snake_case`.
    pub snake_case_parameters: bool,
    /// Whether a change of annotations triggers a reconcile.
    pub watch_annotations_changes: bool,
    /// Whether texts of the spec are never templated.
    pub mark_unsafe: bool,
    /// Kinds that are not watched as dependants.
    pub blacklist: Vec<Gvk>,
    /// What runs when the resource is deleted.
    pub finalizer: Option<Finalizer>,
}

/// A role or a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runnable {
    /// The directory of a role.
    Role(PathBuf),
    /// A playbook file.
    Playbook(PathBuf),
}

/// What runs when a resource is deleted.
#[derive(Clone, Debug)]
pub struct Finalizer {
    /// The finalizer's name on the resource.
    pub name: String,
    /// What runs; the watch's own content when missing.
    pub run: Option<Runnable>,
    /// Variables over those of the watch.
    pub vars: Map<String, Value>,
}

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvk {
    /// Empty for the core group.
    pub group: String,
    /// `v1`, …
    pub version: String,
    /// `Deployment`, …
    pub kind: String,
}

impl Gvk {
    /// `v1`, `apps/v1`, …
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// As Go prints it, and as both operators' metrics are labelled: `daytwo.dev/v1, Kind=Hello`.
impl std::fmt::Display for Gvk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, Kind={}", self.api_version(), self.kind)
    }
}
