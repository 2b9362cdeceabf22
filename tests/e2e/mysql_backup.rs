//! Backups on a schedule, as many as are to be kept, and what one is good for.

use std::time::{Duration, Instant};

use kube::ResourceExt;
use serde_json::json;

use super::cluster::Namespace;
use super::database::{API, CHECKSUMS, Database, kubectl, phase, sql_in};
use super::operator::Project;

/// For how long backups are taken: two minutes unless `DAYTWO_E2E_BACKUP_MINUTES` says how many.
fn minutes() -> u64 {
    std::env::var("DAYTWO_E2E_BACKUP_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// How many are to be kept.
fn retention() -> usize {
    if minutes() > 3 { 3 } else { 1 }
}

async fn good(namespace: &Namespace) -> Vec<String> {
    let backups = namespace.list(API, "MySQLBackup").await;
    let completed = backups.iter().filter(|backup| backup.data["status"]["phase"] == "Completed");
    let mut names: Vec<String> = completed.map(ResourceExt::name_any).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backups_on_schedule_with_retention_and_a_restore() {
    let namespace = Namespace::new("backup").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let keep = retention();
    let backup = json!({"backup": {"schedule": "* * * * *", "retention": keep}});
    let database = Database::make(&namespace, "10.11", backup).await;
    database.fill(2000).await;

    let begin = Instant::now();
    let mut seen = std::collections::BTreeSet::new();
    while begin.elapsed() < Duration::from_secs(60 * minutes()) || seen.len() <= keep {
        seen.extend(good(&namespace).await);
        assert!(
            begin.elapsed() < Duration::from_secs(60 * (minutes() + 3)),
            "backups come each minute: {seen:?}"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // No more of them: what is there then is what is kept.
    database.change(json!({"backup": {"schedule": "0 0 1 1 *"}})).await;
    let look = || async {
        let running = namespace.list(API, "MySQLBackup").await.len() != good(&namespace).await.len();
        let kept = good(&namespace).await;
        (!running && kept.len() == keep).then_some(kept)
    };
    let (kept, _) = namespace.until(&format!("{keep} backups are kept"), look).await;
    // One may have been on its way.
    seen.extend(kept.iter().cloned());
    let newest: Vec<&String> = seen.iter().rev().take(keep).collect();
    assert!(newest.iter().all(|name| kept.contains(name)), "the newest are kept: {kept:?} of {seen:?}");
    println!("{} backups in {:?}, kept: {kept:?}", seen.len(), begin.elapsed());

    // The files are those of the resources.
    let look = || async {
        let files = files(&namespace);
        (files.len() == 2 * keep
            && kept.iter().all(|name| files.iter().any(|file| file.contains(name.as_str()))))
        .then_some(())
    };
    namespace.until("the files of the others are gone", look).await;

    // Into a new instance: the same.
    let other = json!({"version": "10.11", "storage": {"onDelete": "Delete"}});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "copy"}, "spec": other}))
        .await;
    let restore = json!({"mysql": "copy", "backup": kept[kept.len() - 1]});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQLRestore", "metadata": {"name": "into-copy"}, "spec": restore}))
        .await;
    let restored = phase(&namespace, "MySQLRestore", "into-copy", "Completed").await;
    let source = database.checksums().await;
    let copy = sql_in(&namespace, "copy-mysql-0", CHECKSUMS);
    assert_eq!(copy, source);
    println!("restored {} rows in {} s", restored["rows"], restored["seconds"]);

    // Into the server that has data already: only when told.
    database.sql("DELETE FROM orders LIMIT 100").await;
    for (name, existing, end) in [("refused", "Refuse", "Failed"), ("replaced", "Replace", "Completed")] {
        let restore = json!({"mysql": "shop", "backup": kept[kept.len() - 1], "existing": existing});
        namespace
            .apply(json!({"apiVersion": API, "kind": "MySQLRestore", "metadata": {"name": name}, "spec": restore}))
            .await;
        let message = phase(&namespace, "MySQLRestore", name, end).await["message"].clone();
        if end == "Failed" {
            assert!(message.as_str().is_some_and(|text| text.contains("is not empty")), "{message}");
        }
    }
    assert_eq!(database.checksums().await, source);
    namespace.end().await;
}

/// The files of dumps, as a pod sees them.
fn files(namespace: &Namespace) -> Vec<String> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "look"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "look", "image": "daytwo.dev/mariadb:10.11", "command": ["sleep", "3600"],
            "volumeMounts": [{"name": "dumps", "mountPath": "/dumps"}],
        }], "volumes": [{"name": "dumps", "persistentVolumeClaim": {"claimName": "shop-mysql-backup"}}]},
    });
    let path = std::env::temp_dir().join(format!("look-{}.json", std::process::id()));
    std::fs::write(&path, pod.to_string()).expect("files can be written");
    kubectl(namespace, &["apply", "-f", &path.display().to_string()]);
    kubectl(namespace, &["wait", "pod/look", "--for=condition=Ready", "--timeout=60s"]);
    let output = kubectl(namespace, &["exec", "look", "--", "find", "/dumps", "-type", "f"]);
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_password_is_changed_and_configuration_restarts_the_server() {
    let namespace = Namespace::new("rotation").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let database = Database::make(&namespace, "10.11", json!({})).await;
    let secret = || async {
        let secret = namespace.get("v1", "Secret", "shop-mysql-root").await?;
        secret["data"]["password"].as_str().map(str::to_owned)
    };
    let before = secret().await.expect("a password was made");

    database.change(json!({"passwordRotation": "once"})).await;
    let look = || async {
        let resource = namespace.get(API, "MySQL", "shop").await?;
        (resource["status"]["passwordRotation"] == "once").then_some(())
    };
    namespace.until("the password is changed", look).await;
    let after = secret().await.expect("the password is there");
    assert_ne!(before, after);
    assert!(namespace.get("v1", "Secret", "shop-mysql-root-next").await.is_none());

    let config = json!({"config": {"max_connections": 77, "innodb_buffer_pool_size": "32M"}});
    database.change(config).await;
    let look = || async {
        let resource = namespace.get(API, "MySQL", "shop").await?;
        let observed = resource["status"]["observedGeneration"] == resource["metadata"]["generation"];
        observed.then_some(())
    };
    namespace.until("the change is served", look).await;
    // The pod's variable has the password from before the first change, or after the restart the new one.
    assert_eq!(database.sql("SELECT @@max_connections").await, "77");
    let health = namespace.condition("MySQL", "shop", "Healthy", "True").await;
    println!("{}", health["message"]);
    namespace.end().await;
}
