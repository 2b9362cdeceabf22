//! End-to-end tests: the operator binary against a real Kubernetes, as its users see it.
//!
//! Run by `tests/e2e/run`, which starts the test cluster unless `KUBECONFIG` names one. Each test has a
//! namespace and an operator of its own. Times are printed, never asserted.

#![allow(missing_docs, clippy::missing_panics_doc, unreachable_pub)]

mod ansible_sample;
mod cluster;
mod database;
mod fault_proxy;
mod faults;
mod hello;
mod helm_sample;
mod leader;
mod mysql;
mod mysql_backup;
mod mysql_bucket;
mod mysql_faults;
mod mysql_itself;
mod mysql_runtime;
mod mysql_upgrade;
mod mysql_volume;
mod operator;
mod permissions;
mod programs;
mod project;
mod runs;
mod sample;
mod walk;

use std::path::Path;

/// The root of this repository.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
