//! Backups in a bucket of an S3-compatible store of the cluster.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::cluster::Namespace;
use super::database::{API, CHECKSUMS, Database, phase, sql_in};
use super::operator::Project;

/// Makes a store with the bucket `dumps`, and the Secret `key` with the key to it; `wrong` has another one.
async fn make_store(namespace: &Namespace) {
    let key = |name: &str, secret: &str| {
        let key = json!({"AWS_ACCESS_KEY_ID": "daytwo", "AWS_SECRET_ACCESS_KEY": secret});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": key})
    };
    let arguments = ["--host=0.0.0.0", "--port=9000", "--access-key=daytwo", "--secret-key=right", "/data"];
    let objects = [
        key("key", "right"),
        key("wrong", "other"),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"},
            "spec": {"selector": {"app": "store"}, "ports": [{"port": 9000}]}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "store", "labels": {"app": "store"}}, "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsUser": 65532, "fsGroup": 65532},
            // A directory of its own is a bucket.
            "initContainers": [{"name": "bucket", "image": "daytwo.dev/mariadb:10.11", "command": ["mkdir", "/data/dumps"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "containers": [{"name": "store", "image": "daytwo.dev/object-store:1", "args": arguments,
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "emptyDir": {}}],
        }}),
    ];
    for object in objects {
        namespace.apply(object).await;
    }
}

fn bucket(secret: &str) -> Value {
    let image = "daytwo.dev/daytwo:e2e";
    json!({"name": "dumps", "prefix": "shop", "endpoint": "http://store:9000", "secret": {"name": secret}, "image": image})
}

async fn make(namespace: &Namespace, kind: &str, name: &str, spec: Value) {
    let object = json!({"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec});
    namespace.apply(object).await;
}

#[tokio::test]
async fn backups_go_to_a_bucket_and_come_back() {
    let namespace = Namespace::new("bucket").await;
    make_store(&namespace).await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.11", json!({})).await;
    database.fill(2000).await;
    make(&namespace, "MySQL", "copy", json!({"version": "10.11", "storage": {"onDelete": "Delete"}})).await;

    make(&namespace, "MySQLBackup", "first", json!({"mysql": "shop", "bucket": bucket("key")})).await;
    let backup = phase(&namespace, "MySQLBackup", "first", "Completed").await;
    println!(
        "{} rows in {} bytes, in a bucket after {} s",
        backup["rows"], backup["bytes"], backup["seconds"]
    );
    let claims = namespace.list("v1", "PersistentVolumeClaim").await;
    assert!(claims.iter().all(|claim| !claim.name_any().ends_with("-backup")), "no volume is needed");

    make(&namespace, "MySQLRestore", "into-copy", json!({"mysql": "copy", "backup": "first"})).await;
    phase(&namespace, "MySQLRestore", "into-copy", "Completed").await;
    assert_eq!(sql_in(&namespace, "copy-mysql-0", CHECKSUMS), database.checksums().await);

    // A key that is wrong is told, and so is a dump that went with its backup.
    make(&namespace, "MySQLBackup", "refused", json!({"mysql": "shop", "bucket": bucket("wrong")})).await;
    let refused = phase(&namespace, "MySQLBackup", "refused", "Failed").await["message"].to_string();
    assert!(refused.contains("is the secret access key right"), "{refused}");
    namespace.delete(API, "MySQLBackup", "first").await;
    namespace.gone(API, "MySQLBackup", "first").await;
    let again =
        json!({"mysql": "copy", "file": backup["file"], "bucket": bucket("key"), "existing": "Replace"});
    make(&namespace, "MySQLRestore", "too-late", again).await;
    let missing = phase(&namespace, "MySQLRestore", "too-late", "Failed").await["message"].to_string();
    assert!(missing.contains("there is no dump"), "{missing}");

    // On schedule, as many as are to be kept.
    let schedule = json!({"backup": {"schedule": "* * * * *", "retention": 1, "bucket": bucket("key")}});
    database.change(schedule).await;
    let look = || async {
        let resource = namespace.get(API, "MySQL", "shop").await?;
        resource["status"]["backups"]["newest"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    };
    let (newest, _) = namespace.until("a backup of the schedule is good", look).await;
    let scheduled = phase(&namespace, "MySQLBackup", &newest, "Completed").await;
    assert_eq!(scheduled["s3"]["bucket"], "dumps");
    namespace.end().await;
}
