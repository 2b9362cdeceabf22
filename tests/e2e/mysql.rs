//! The life of a resource that a role serves: `MySQL`.

use std::process::Command;

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::operator::Project;

const API: &str = "daytwo.dev/v1alpha1";

/// Runs SQL in the server's pod, through kubectl as an administrator would.
fn sql(namespace: &Namespace, statements: &str) -> String {
    let script =
        "MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec mysql --user=root --skip-column-names shop --execute \"$1\"";
    let output = Command::new("kubectl")
        .args(["--namespace", &namespace.name, "exec", "shop-mysql-0", "--"])
        .args(["bash", "-c", script, "bash", statements])
        .output()
        .expect("kubectl is installed");
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn make_server(namespace: &Namespace, backup: Option<&str>) {
    let root = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "root"}, "stringData": {"password": "s3cret"},
    });
    namespace.apply(root).await;
    let mut spec = json!({
        "rootPasswordSecret": {"name": "root"},
        "database": "shop",
        "storage": {"onDelete": "Delete"},
        "config": {"innodb_buffer_pool_size": "16M"},
    });
    if let Some(backup) = backup {
        spec["backup"] = json!({"name": backup});
    }
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "shop"}, "spec": spec}))
        .await;
}

async fn backup_status(namespace: &Namespace, backup: &str) -> Value {
    let look = || async {
        let mysql = namespace.get(API, "MySQL", "shop").await?;
        (mysql["status"]["backup"]["name"] == backup).then(|| mysql["status"]["backup"].clone())
    };
    namespace.until(&format!("the backup {backup} is reported"), look).await.0
}

#[tokio::test]
async fn is_served_and_backed_up() {
    let namespace = Namespace::new("mysql").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    make_server(&namespace, None).await;
    namespace.condition("MySQL", "shop", "Successful", "True").await;
    let mysql = namespace.get(API, "MySQL", "shop").await.expect("the resource is there");
    assert_eq!(mysql["status"]["version"], "10.11");

    sql(&namespace, "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, item TEXT)");
    sql(&namespace, "INSERT INTO orders (item) SELECT CONCAT('line\\n', seq) FROM seq_1_to_4321");
    namespace.patch(API, "MySQL", "shop", json!({"spec": {"backup": {"name": "first"}}})).await;
    let backup = backup_status(&namespace, "first").await;
    assert_eq!(backup["tables"]["shop.orders"].to_string(), sql(&namespace, "SELECT COUNT(*) FROM orders"));

    namespace.delete(API, "MySQL", "shop").await;
    namespace.gone(API, "MySQL", "shop").await;
    for (api_version, kind) in
        [("apps/v1", "StatefulSet"), ("batch/v1", "Job"), ("v1", "Pod"), ("v1", "PersistentVolumeClaim")]
    {
        let left = || async { namespace.list(api_version, kind).await.is_empty().then_some(()) };
        namespace.until(&format!("no {kind} is left"), left).await;
    }
    namespace.end().await;
}

#[tokio::test]
async fn a_killed_operator_finishes_after_its_restart() {
    let namespace = Namespace::new("killed").await;
    let project = Project::own();

    // Killed once while it waits for the server, and once while the dump runs.
    let operator = project.run(&namespace, None);
    make_server(&namespace, Some("first")).await;
    let server = || async { namespace.get("apps/v1", "StatefulSet", "shop-mysql").await };
    namespace.until("the server is being made", server).await;
    operator.kill();

    let operator = project.run(&namespace, None);
    let dump = || async { namespace.get("batch/v1", "Job", "shop-mysql-backup-first").await };
    namespace.until("the dump is being made", dump).await;
    operator.kill();

    let _operator = project.run(&namespace, None);
    backup_status(&namespace, "first").await;
    namespace.condition("MySQL", "shop", "Successful", "True").await;
    assert_eq!(namespace.list("batch/v1", "Job").await.len(), 1, "one dump, not one for each start");
    namespace.end().await;
}
