//! How the operator runs.

use std::path::PathBuf;
use std::time::Duration;

use super::serve::Endpoint;

/// Everything that flags and environment decide.
#[derive(Clone, Debug)]
pub struct Options {
    /// The watches file.
    pub watches_file: PathBuf,
    /// How often to look again although nothing happened.
    pub reconcile_period: Duration,
    /// Passes of one kind at the same time.
    pub max_concurrent_reconciles: usize,
    /// Where metrics are served.
    pub metrics_address: Endpoint,
    /// Where health is served.
    pub health_address: Endpoint,
    /// The namespaces to watch; empty is all of them.
    pub watch_namespaces: Vec<String>,
    /// How long running passes may take to end after SIGTERM.
    pub grace: Duration,
    /// Whether owners are written on what roles create.
    pub inject_owner: bool,
}

impl Options {
    /// The scopes to watch; `None` is all namespaces.
    pub(super) fn namespaces(&self) -> Vec<Option<String>> {
        if self.watch_namespaces.is_empty() {
            return vec![None];
        }
        self.watch_namespaces.iter().cloned().map(Some).collect()
    }
}
