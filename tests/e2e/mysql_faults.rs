//! What goes wrong in an upgrade ends well: upgraded, or as before, and the status says which and why.

use serde_json::json;

use super::cluster::Namespace;
use super::database::{Database, kubectl, rows};
use super::operator::Project;

/// The old version serves the old data and takes writes.
async fn is_as_before(database: &Database<'_>, version: &str, checksums: &str) {
    assert!(database.sql("SELECT VERSION()").await.starts_with(version));
    assert_eq!(database.checksums().await, checksums);
    database.sql("SET STATEMENT max_statement_time = 5 FOR INSERT INTO nothing VALUES (1)").await;
    assert_eq!(database.sql("SELECT @@read_only").await, "0");
    database.sql("DELETE FROM nothing").await;
}

/// The upgrade from 10.5 to 10.11 is done or rolled back, with the data as it was; what the status says of it.
pub async fn ended_well(database: &Database<'_>, checksums: &str) -> String {
    let condition = database.upgraded_to("10.11").await;
    match (condition["status"].as_str(), condition["reason"].as_str()) {
        (Some("True"), _) => {
            assert!(database.sql("SELECT VERSION()").await.starts_with("10.11"));
            assert_eq!(database.checksums().await, checksums);
        }
        (_, Some("RolledBack")) => is_as_before(database, "10.5", checksums).await,
        _ => panic!("{condition}"),
    }
    condition["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_wrong_image_is_rolled_back() {
    let namespace = Namespace::new("wrong-image").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.5", json!({"readyTimeout": 30})).await;
    database.fill(1000).await;
    let checksums = database.checksums().await;
    for (version, strategy) in [("10.11-nosuch", "DumpAndRestore"), ("10.11-none", "InPlace")] {
        database.change(json!({"version": version, "upgrade": {"strategy": strategy}})).await;
        let condition = database.upgraded_to(version).await;
        assert_eq!(
            (&condition["status"], &condition["reason"]),
            (&json!("False"), &json!("RolledBack")),
            "{condition}"
        );
        let why = condition["message"].as_str().unwrap_or_default();
        assert!(why.contains(version), "says which image: {why}");
        is_as_before(&database, "10.5", &checksums).await;
        println!("{strategy} to {version}: {why}");
    }
    namespace.end().await;
}

#[tokio::test]
async fn a_full_volume_is_rolled_back() {
    let namespace = Namespace::new("full").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let backup = json!({"backup": {"size": "16Mi", "className": "limited"}});
    let database = Database::make(&namespace, "10.5", backup).await;
    database.fill(1000).await;
    // About 20 MB that no compression makes smaller.
    database.sql("CREATE TABLE noise (id INT PRIMARY KEY, bytes BLOB)").await;
    database
        .sql("INSERT INTO noise SELECT seq, UNHEX(REPEAT(SHA2(seq * RAND(), 512), 1)) FROM seq_1_to_400000")
        .await;
    let checksums = database.checksums().await;
    database.change(json!({"version": "10.11"})).await;
    let condition = database.upgraded_to("10.11").await;
    assert_eq!(condition["reason"], "RolledBack", "{condition}");
    let why = condition["message"].as_str().unwrap_or_default();
    assert!(why.contains("No space left on device"), "{why}");
    is_as_before(&database, "10.5", &checksums).await;
    println!("full volume: {why}");
    namespace.end().await;
}

#[tokio::test]
async fn a_killed_dump_is_made_again_and_a_killed_operator_goes_on() {
    let namespace = Namespace::new("killed-upgrade").await;
    let project = Project::own();
    let operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.5", json!({})).await;
    database.fill(rows()).await;
    let checksums = database.checksums().await;
    database.change(json!({"version": "10.11"})).await;

    let dump = || async {
        let pods = namespace.list("v1", "Pod").await;
        let name = |pod: &kube::api::DynamicObject| pod.metadata.name.clone().unwrap_or_default();
        pods.iter().map(name).find(|name| name.contains("-dump-"))
    };
    let (pod, _) = namespace.until("the dump runs", dump).await;
    kubectl(&namespace, &["delete", "pod", &pod, "--grace-period=0", "--force"]);
    database.phase(&["Dumping", "Restoring"]).await;
    operator.kill();

    let operator = project.run(&namespace, None);
    database.phase(&["Restoring", "Comparing"]).await;
    operator.kill();

    let _operator = project.run(&namespace, None);
    println!("dump and operator killed: {}", ended_well(&database, &checksums).await);
    namespace.end().await;
}
