//! A server goes from version to version while clients write, and loses nothing.

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::database::{Database, Writers, lost, rows};
use super::operator::Project;

#[tokio::test]
async fn by_dump_and_restore_and_then_in_place() {
    let namespace = Namespace::new("upgrade").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.5", json!({"backup": {"size": "4Gi"}})).await;
    database.fill(rows()).await;
    let (checksums, beside) = (database.checksums().await, database.beside_rows().await);

    for (version, strategy) in [("10.11", "DumpAndRestore"), ("11.8", "InPlace")] {
        let writers = Writers::start(&namespace).await;
        database.change(json!({"version": version, "upgrade": {"strategy": strategy}})).await;
        let condition = database.upgraded_to(version).await;
        assert_eq!(condition["status"], "True", "{condition}");
        let (acknowledged, refused) = writers.end().await;

        assert!(database.sql("SELECT VERSION()").await.starts_with(version));
        assert_eq!(database.checksums().await, checksums, "after {version}");
        assert_eq!(database.beside_rows().await, beside, "after {version}");
        assert_eq!(lost(&database, &acknowledged).await, [""; 0], "acknowledged and lost");
        let status = &database.resource().await["status"];
        assert_eq!(status["version"], version);
        println!(
            "to {version} by {strategy}: {} rows, no writes for {} s; {} rows acknowledged meanwhile, {refused} refused, none lost",
            rows(),
            status["upgrade"]["readOnlySeconds"],
            acknowledged.len(),
        );
    }

    // Back is no way; and a version that skips what the server needs is named.
    database.change(json!({"version": "10.5"})).await;
    let refusal = namespace.condition("MySQL", "shop", "Upgraded", "False").await;
    assert_eq!(refusal["reason"], "DowngradeRefused", "{refusal}");
    assert!(database.sql("SELECT VERSION()").await.starts_with("11.8"));
    namespace.end().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let namespace = Namespace::new("refused").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.5", json!({"upgrade": {"strategy": "InPlace"}})).await;

    let reason = |resource: &Value| {
        super::cluster::condition_of(resource, "Upgraded")
            .and_then(|c| c["reason"].as_str().map(str::to_owned))
    };
    for (version, approval, expected) in [
        ("11.8", false, "MajorSkipped"),
        ("12.99", false, "UnknownVersion"),
        ("10.11", true, "ApprovalNeeded"),
    ] {
        database.change(json!({"version": version, "upgrade": {"approval": approval}})).await;
        let look = || async { (reason(&database.resource().await)? == expected).then_some(()) };
        namespace.until(&format!("{version} is refused: {expected}"), look).await;
        assert!(database.sql("SELECT VERSION()").await.starts_with("10.5"));
    }
    // A person approves.
    let approval = json!({"metadata": {"annotations": {"daytwo.dev/approve": "upgrade-to-10.11"}}});
    namespace.patch(super::database::API, "MySQL", "shop", approval).await;
    assert_eq!(database.upgraded_to("10.11").await["status"], "True");
    namespace.end().await;
}
