//! The node's container runtime restarts amid an upgrade. All pods of the cluster notice, so this runs alone.

use std::process::Command;

use serde_json::json;

use super::cluster::Namespace;
use super::database::{Database, rows};
use super::mysql_faults::ended_well;
use super::operator::Project;

/// The phases of an upgrade in their order: in each of the first three the runtime restarts, or later where one was
/// over too soon.
const PHASES: [&str; 7] =
    ["Dumping", "Restoring", "Comparing", "Switched", "Done", "RollingBack", "RolledBack"];

#[tokio::test]
async fn restarts_amid_an_upgrade() {
    let namespace = Namespace::new("runtime").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.5", json!({})).await;
    database.fill(rows()).await;
    let checksums = database.checksums().await;
    database.change(json!({"version": "10.11"})).await;
    for first in 0..3 {
        database.phase(&PHASES[first..]).await;
        restart();
    }
    println!("container runtime restarted: {}", ended_well(&database, &checksums).await);
    namespace.end().await;
}

/// Restarts the container runtime of the test cluster's node.
fn restart() {
    let command = super::project().join("tests/cluster/restart-runtime");
    let status = Command::new(command).status().expect("the command is there");
    assert!(status.success(), "the container runtime restarts");
}
