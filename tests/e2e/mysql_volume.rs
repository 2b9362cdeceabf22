//! The volume of a server grows when it fills up, and when the resource asks for a larger one.

use std::process::Command;

use serde_json::json;

use super::cluster::{Namespace, condition_of};
use super::database::{Database, kubectl};
use super::operator::Project;

const CLAIM: &str = "data-shop-mysql-0";

/// The size that a claim asks for.
async fn asked(namespace: &Namespace, claim: &str) -> Option<String> {
    let claim = namespace.get("v1", "PersistentVolumeClaim", claim).await?;
    claim["spec"]["resources"]["requests"]["storage"].as_str().map(str::to_owned)
}

/// Waits until a claim asks for a size, and does what the driver of its class would.
async fn grows_to(namespace: &Namespace, claim: &str, size: &str) {
    let look = || async { (asked(namespace, claim).await.as_deref() == Some(size)).then_some(()) };
    namespace.until(&format!("{claim} asks for {size}"), look).await;
    let driver = super::project().join("tests/cluster/grow-volume");
    let status = Command::new(driver).args([&namespace.name, claim]).status().expect("the command is there");
    assert!(status.success(), "the volume becomes as large as its claim asks for");
}

/// Waits until the server is well.
async fn is_healthy(namespace: &Namespace) {
    namespace.condition("MySQL", "shop", "Healthy", "True").await;
}

/// Waits until the server is not well, as these words say.
async fn ails(database: &Database<'_>, words: &str) {
    let look = || async {
        let condition = condition_of(&database.resource().await, "Healthy")?;
        (condition["status"] == "False" && condition["message"].as_str()?.contains(words)).then_some(())
    };
    database.namespace.until(&format!("it is told that the server {words}"), look).await;
}

/// Fills the server's volume until this share of it is used, in percent.
fn fill(namespace: &Namespace, percent: u32) {
    let script = "cd /var/lib/mysql; rm -f filler; set -- $(df -Pk . | tail -1); \
                  exec dd if=/dev/zero of=filler bs=1k count=$((($3 + $4) * PERCENT / 100 - $3))";
    let script = script.replace("PERCENT", &percent.to_string());
    let done = kubectl(namespace, &["exec", "shop-mysql-0", "--", "sh", "-ec", &script]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn grows_when_it_fills_up_as_far_as_it_may() {
    let namespace = Namespace::new("volume").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let storage = json!({
        "onDelete": "Delete", "className": "growing", "size": "320Mi",
        "autogrow": {"maxSize": "480Mi", "thresholdPercent": 90},
    });
    let database = Database::make(&namespace, "10.11", json!({"storage": storage})).await;
    assert_eq!(asked(&namespace, CLAIM).await.as_deref(), Some("320Mi"));
    let pod = namespace.get("v1", "Pod", "shop-mysql-0").await.expect("the server runs");

    fill(&namespace, 92);
    database.change(json!({"storage": {"autogrow": {"stepPercent": 25}}})).await;
    grows_to(&namespace, CLAIM, "400Mi").await;
    let look = || async { (database.resource().await["status"]["volume"] == "400Mi").then_some(()) };
    namespace.until("the status tells the size", look).await;
    is_healthy(&namespace).await;

    // A quarter more would be beyond what it may have.
    fill(&namespace, 95);
    database.change(json!({"storage": {"autogrow": {"thresholdPercent": 91}}})).await;
    grows_to(&namespace, CLAIM, "480Mi").await;

    fill(&namespace, 95);
    ails(&database, "fills its volume, which may not grow beyond 480Mi").await;

    // By hand, beyond that. What a StatefulSet says of new volumes stays as it is, so nothing was started anew.
    database.change(json!({"storage": {"size": "600Mi"}})).await;
    grows_to(&namespace, CLAIM, "600Mi").await;
    is_healthy(&namespace).await;
    database.served().await;
    let same = namespace.get("v1", "Pod", "shop-mysql-0").await.expect("the server runs");
    assert_eq!(same["metadata"]["uid"], pod["metadata"]["uid"]);

    // The server of another version has room for the same.
    database.change(json!({"version": "11.8", "storage": {"size": "320Mi"}})).await;
    let condition = database.upgraded_to("11.8").await;
    assert_eq!(condition["status"], "True", "{condition}");
    assert_eq!(asked(&namespace, "data-shop-mysql-11-8-0").await.as_deref(), Some("600Mi"));
    namespace.end().await;
}

#[tokio::test]
async fn that_it_cannot_grow_is_told_and_nothing_else_stops() {
    let namespace = Namespace::new("volume-fixed").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.11", json!({})).await;
    database.change(json!({"storage": {"size": "2Gi"}, "config": {"max_connections": "77"}})).await;
    ails(&database, "cannot have a volume of 2Gi: ").await;
    database.served().await;
    assert_eq!(database.sql("SELECT @@max_connections").await, "77");
    database.change(json!({"storage": {"size": "1Gi"}})).await;
    is_healthy(&namespace).await;
    namespace.end().await;
}
