//! How the operator runs.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::serve::{Endpoint, MetricsAccess};
use crate::cluster::{Candidacy, Client, Election};
use crate::executor::RunOptions;
use crate::playbook;
use crate::watches::Watch;

/// Everything that flags and environment decide.
#[derive(Clone, Debug)]
pub struct Options {
    /// The watches file.
    pub watches_file: PathBuf,
    /// How often to look again although nothing happened.
    pub reconcile_period: Duration,
    /// Passes of one kind at the same time.
    pub max_concurrent_reconciles: usize,
    /// Passes of all kinds at the same time.
    pub max_passes: usize,
    /// How long the run of a role or playbook may take, unless its watch says; zero is for ever.
    pub run_timeout: Duration,
    /// Where metrics are served.
    pub metrics_address: Endpoint,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// Where health is served.
    pub health_address: Endpoint,
    /// The port on which programs that tasks run find the cluster; none when zero.
    pub proxy_port: u16,
    /// The namespaces to watch; empty is all of them.
    pub watch_namespaces: Vec<String>,
    /// How long running passes may take to end after SIGTERM.
    pub grace: Duration,
    /// Whether owners are written on what roles create.
    pub inject_owner: bool,
    /// How several instances agree on the one that works; without, this one always does.
    pub leader_election: Option<LeaderElection>,
    /// How roles and playbooks are loaded and run.
    pub ansible: AnsibleOptions,
}

/// How roles and playbooks are loaded and run: what Ansible's configuration and the command line say.
#[derive(Clone)]
pub struct AnsibleOptions {
    /// How content is loaded; each watch has modules of its own.
    pub content: playbook::Options,
    /// How runs go; each has an inventory of its own.
    pub run: RunOptions,
    /// Variables of all runs; those of the resource win.
    pub extra_vars: Map<String, Value>,
}

impl fmt::Debug for AnsibleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables may be secrets.
        f.debug_struct("AnsibleOptions").finish_non_exhaustive()
    }
}

/// Leader election by a Lease.
#[derive(Clone, Debug)]
pub struct LeaderElection {
    /// The name of the Lease.
    pub id: String,
    /// Its namespace; the pod's own when missing.
    pub namespace: Option<String>,
    /// How long others wait after the last renewal before they take over.
    pub lease_duration: Duration,
    /// How long the leader tries to renew before it gives up.
    pub renew_deadline: Duration,
}

impl LeaderElection {
    /// This process' part in the election.
    pub(super) fn election(&self, client: &Client) -> Election {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let candidacy = Candidacy {
            namespace: self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned()),
            name: self.id.clone(),
            identity: format!("{}_{}", host.trim(), uuid::Uuid::new_v4()),
            lease_duration: self.lease_duration,
            renew_deadline: self.renew_deadline,
        };
        Election::new(client.clone(), candidacy)
    }
}

impl Options {
    /// The scopes to watch; `None` is all namespaces.
    pub(super) fn namespaces(&self) -> Vec<Option<String>> {
        if self.watch_namespaces.is_empty() {
            return vec![None];
        }
        self.watch_namespaces.iter().cloned().map(Some).collect()
    }

    /// How often to look at the resources of a watch although nothing happened.
    pub(super) fn period(&self, watch: &Watch) -> Duration {
        watch.reconcile_period.unwrap_or(self.reconcile_period)
    }
}
