//! MySQL itself lives as MariaDB does. Only where `DAYTWO_E2E_MYSQL` is set: see `tests/e2e/run`.

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::database::{API, CHECKSUMS, Database, Writers, kubectl, lost, rows, sql_in};
use super::operator::Project;

/// The version that the tests have an image of.
const VERSION: &str = "9.7";

/// The one before, whose server Maven brings: see `tests/e2e/samples/mysql-8.0`.
const BEFORE: &str = "8.0";

/// What only MySQL has: roles that are accounts, JSON of its own, points, vectors, keys of expressions.
const OWN: &str = "
CREATE TABLE own (id INT PRIMARY KEY, doc JSON, place POINT NOT NULL SRID 4326, near VECTOR(3), hidden INT DEFAULT 7 INVISIBLE,
  KEY ((CAST(doc->>'$.n' AS UNSIGNED))), SPATIAL KEY (place));
INSERT INTO own (id, doc, place, near) VALUES (1, '{\"n\": 1, \"text\": \"🦀 (1), \\'\"}', ST_SRID(POINT(8, 47), 4326), TO_VECTOR('[1, 2.5, 3]'));
ANALYZE TABLE customers UPDATE HISTOGRAM ON score;
CREATE ROLE reader;
GRANT SELECT ON shop.* TO reader;
CREATE USER analyst@'%' IDENTIFIED BY 'analyst(1)' DEFAULT ROLE reader;
";

/// The tests have MySQL, or this tells that they have not.
fn there() -> bool {
    let there = std::env::var_os("DAYTWO_E2E_MYSQL").is_some();
    if !there {
        println!("MySQL itself is not tested: DAYTWO_E2E_MYSQL is not set");
    }
    there
}

async fn own(namespace: &Namespace, server: &str) -> String {
    let grants = "SELECT id, hidden, JSON_EXTRACT(doc, '$.n', '$.text'), ST_AsText(place), VECTOR_TO_STRING(near) FROM own; \
        SELECT column_name FROM information_schema.column_statistics; SHOW GRANTS FOR app@'%'; \
        SHOW GRANTS FOR analyst@'%' USING reader; SHOW CREATE TABLE own";
    sql_in(namespace, &format!("{server}-0"), grants)
}

/// Runs SQL as an application does: through the Service, with its own account.
fn as_account(namespace: &Namespace, account: &str, statement: &str) -> String {
    let script = "MYSQL_PWD=\"$1(1)\" exec mysql --host=shop-mysql --user=\"$1\" --skip-column-names shop --execute \"$2\"";
    let arguments = [
        "exec",
        "shop-mysql-0",
        "--container=server",
        "--",
        "bash",
        "-c",
        script,
        "bash",
        account,
        statement,
    ];
    let output = kubectl(namespace, &arguments);
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Applies a resource and waits until its status tells the phase; the status then.
async fn in_phase(namespace: &Namespace, kind: &str, name: &str, spec: Value, phase: &str) -> Value {
    namespace.apply(json!({"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec})).await;
    let look = || async {
        let resource = namespace.get(API, kind, name).await?;
        (resource["status"]["phase"] == phase).then(|| resource["status"].clone())
    };
    namespace.until(&format!("{kind} {name} is {phase}"), look).await.0
}

#[tokio::test]
async fn is_served_backed_up_and_restored_and_changes_its_password() {
    if !there() {
        return;
    }
    let namespace = Namespace::new("itself").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, VERSION, json!({"backup": {"size": "1Gi"}})).await;
    let status = &database.resource().await["status"];
    assert_eq!((&status["flavour"], &status["image"]), (&json!("MySQL"), &json!("daytwo.dev/mysql")));
    database.fill(rows()).await;
    database.sql(OWN).await;

    // Into a new instance: the same.
    let dumped = in_phase(&namespace, "MySQLBackup", "now", json!({"mysql": "shop"}), "Completed").await;
    let other = json!({"version": VERSION, "storage": {"onDelete": "Delete"}});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "copy"}, "spec": other}))
        .await;
    let restore = json!({"mysql": "copy", "backup": "now"});
    let restored = in_phase(&namespace, "MySQLRestore", "into-copy", restore, "Completed").await;
    assert_eq!(restored["tables"], dumped["tables"]);
    assert_eq!(sql_in(&namespace, "copy-mysql-0", CHECKSUMS), database.checksums().await);
    assert_eq!(own(&namespace, "copy-mysql").await, own(&namespace, "shop-mysql").await);
    println!("dumped and restored {} rows of {}", restored["rows"], restored["server"]);
    namespace.delete(API, "MySQL", "copy").await;

    // Into the server itself, accounts and all.
    let (checksums, beside) = (database.checksums().await, database.beside_rows().await);
    database.sql("DROP USER app@'%', analyst@'%'; DROP ROLE reader; DELETE FROM orders LIMIT 100").await;
    let restore = json!({"mysql": "shop", "backup": "now", "existing": "Replace"});
    in_phase(&namespace, "MySQLRestore", "replaced", restore, "Completed").await;
    assert_eq!(database.checksums().await, checksums);
    assert_eq!(database.beside_rows().await, beside);
    for account in ["app", "analyst"] {
        assert_eq!(as_account(&namespace, account, "SELECT COUNT(*) FROM customers"), "100", "{account}");
    }

    // MariaDB's dumps are no dumps for it.
    let other = json!({"version": "10.11", "storage": {"onDelete": "Delete"}, "backup": {"size": "1Gi"}});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "maria"}, "spec": other}))
        .await;
    namespace.condition("MySQL", "maria", "Successful", "True").await;
    in_phase(&namespace, "MySQLBackup", "of-maria", json!({"mysql": "maria"}), "Completed").await;
    let restore = json!({"mysql": "shop", "backup": "of-maria", "existing": "Replace"});
    let refused = in_phase(&namespace, "MySQLRestore", "of-maria", restore, "Failed").await;
    let why = refused["message"].as_str().unwrap_or_default();
    assert!(why.contains("the dump is of MariaDB (10.11") && why.contains("is MySQL (9.7"), "{why}");
    assert_eq!(database.checksums().await, checksums);
    println!("{why}");

    // A new password, and another configuration.
    database.change(json!({"passwordRotation": "once"})).await;
    let look = || async { (database.resource().await["status"]["passwordRotation"] == "once").then_some(()) };
    namespace.until("the password is changed", look).await;
    database.change(json!({"config": {"max_connections": 77, "innodb_buffer_pool_size": "96M"}})).await;
    let look = || async {
        let resource = database.resource().await;
        (resource["status"]["observedGeneration"] == resource["metadata"]["generation"]).then_some(())
    };
    namespace.until("the change is served", look).await;
    assert_eq!(database.sql("SELECT @@max_connections").await, "77");
    assert_eq!(database.checksums().await, checksums);
    println!("{}", namespace.condition("MySQL", "shop", "Healthy", "True").await["message"]);
    namespace.end().await;
}

#[tokio::test]
async fn is_upgraded_and_refuses_what_cannot_be() {
    if !there() {
        return;
    }
    let namespace = Namespace::new("itself-upgrade").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let more = json!({"readyTimeout": 60, "upgrade": {"strategy": "InPlace"}, "backup": {"size": "4Gi"}});
    let database = Database::make(&namespace, BEFORE, more).await;
    database.fill(rows()).await;
    let (checksums, beside) = (database.checksums().await, database.beside_rows().await);
    let refused = async |version: &str, reason: &str| {
        database.change(json!({"version": version})).await;
        let look = || async {
            let condition = super::cluster::condition_of(&database.resource().await, "Upgraded")?;
            (condition["reason"] == reason).then_some(condition)
        };
        let (condition, _) = namespace.until(&format!("{version} is refused: {reason}"), look).await;
        println!("{}", condition["message"]);
    };
    let upgraded = async |version: &str, strategy: &str| {
        let writers = Writers::start(&namespace).await;
        database.change(json!({"version": version, "upgrade": {"strategy": strategy}})).await;
        let condition = database.upgraded_to(version).await;
        assert_eq!(condition["status"], "True", "{condition}");
        let (acknowledged, refused) = writers.end().await;
        assert_eq!(database.checksums().await, checksums, "after {version}");
        assert_eq!(database.beside_rows().await, beside, "after {version}");
        assert_eq!(lost(&database, &acknowledged).await, [""; 0], "acknowledged and lost");
        let (message, acknowledged) = (&condition["message"], acknowledged.len());
        println!("{message}; {acknowledged} rows acknowledged meanwhile, {refused} refused, none lost");
    };

    refused(VERSION, "MajorSkipped").await;
    assert!(database.sql("SELECT VERSION()").await.starts_with(BEFORE));
    upgraded(VERSION, "DumpAndRestore").await;
    database.sql(OWN).await;

    for (version, reason) in
        [(BEFORE, "DowngradeRefused"), ("11.8", "FlavourChangeRefused"), ("9.99", "UnknownVersion")]
    {
        refused(version, reason).await;
        assert!(database.sql("SELECT VERSION()").await.starts_with(VERSION));
    }

    // An image that is not there: as before, and it takes writes.
    let wrong = format!("{VERSION}-none");
    database.change(json!({"version": wrong})).await;
    assert_eq!(database.upgraded_to(&wrong).await["reason"], "RolledBack");
    assert_eq!(database.sql("SELECT @@read_only + @@super_read_only").await, "0");
    assert_eq!(database.sql("SELECT @@event_scheduler").await, "ON");
    assert_eq!(database.checksums().await, checksums);

    // The same server by its whole version: all steps of an upgrade in place.
    let whole = database.sql("SELECT SUBSTRING_INDEX(VERSION(), '-', 1)").await;
    upgraded(&whole, "InPlace").await;
    namespace.end().await;
}
