//! The life of a resource that a chart serves: `Hello`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Namespace, condition_of};
use super::operator::Project;

fn hello(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "daytwo.dev/v1alpha1",
        "kind": "Hello",
        "metadata": {"name": name},
        "spec": spec,
    })
}

async fn greeting_in_cluster(namespace: &Namespace) -> Option<Value> {
    let deployment = namespace.get("apps/v1", "Deployment", "example-hello-greeter").await?;
    Some(deployment["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"].clone())
}

#[tokio::test]
async fn that_all_is_ready_is_told_after_passes_with_nothing_to_do() {
    let namespace = Namespace::new("patient").await;
    let project = Project::own();
    let _operator = project.run(&namespace, None);
    let full = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "1"}}});
    namespace.apply(full).await;
    let full = || async {
        let quota = namespace.get("v1", "ResourceQuota", "full").await?;
        (quota["status"]["hard"]["pods"] == "1").then_some(())
    };
    namespace.until("the quota counts", full).await;
    let mut patient = hello("patient", &json!({}));
    patient["metadata"]["annotations"] = json!({"helm.sdk.operatorframework.io/reconcile-period": "300ms"});
    namespace.apply(patient).await;
    let look = || async {
        let ready = condition_of(&namespace.get("daytwo.dev/v1alpha1", "Hello", "patient").await?, "Ready")?;
        (ready["status"] == "False" && !ready["message"].as_str()?.contains("; ")).then_some(())
    };
    namespace.until("one of two servers is missing", look).await;
    // Several passes find the other missing, and the status telling so already.
    tokio::time::sleep(Duration::from_secs(2)).await;
    namespace.delete("v1", "ResourceQuota", "full").await;
    namespace.condition("Hello", "patient", "Ready", "True").await;
    namespace.end().await;
}

#[tokio::test]
async fn is_created_changed_repaired_and_deleted() {
    let namespace = Namespace::new("hello").await;
    let operator = Project::own();
    let _operator = operator.run(&namespace, None);

    namespace.apply(hello("example", &json!({"greeting": "good morning"}))).await;
    namespace.condition("Hello", "example", "Deployed", "True").await;
    namespace.condition("Hello", "example", "Ready", "True").await;
    assert_eq!(greeting_in_cluster(&namespace).await, Some(json!("good morning")));
    assert_eq!(namespace.list("v1", "Service").await.len(), 2);

    // A changed value is an upgrade: a second revision, and the change in the cluster.
    namespace.apply(hello("example", &json!({"greeting": "good night"}))).await;
    let (_, time) = namespace
        .until("the new greeting is deployed", || async {
            (greeting_in_cluster(&namespace).await? == "good night").then_some(())
        })
        .await;
    println!("upgraded after {time:?}");
    namespace
        .until("the second revision is recorded", || async {
            let record = namespace.get("v1", "Secret", "sh.helm.release.v1.example.v2").await?;
            (record["metadata"]["labels"]["status"] == "deployed").then_some(())
        })
        .await;

    // What is deleted comes back.
    let service = namespace.get("v1", "Service", "example-hello").await.expect("the Service is there");
    namespace.delete("v1", "Service", "example-hello").await;
    let (_, time) = namespace
        .until("the Service is back", || async {
            let found = namespace.get("v1", "Service", "example-hello").await?;
            (found["metadata"]["uid"] != service["metadata"]["uid"]).then_some(())
        })
        .await;
    println!("deleted Service back after {time:?}");

    // What is scaled by hand is scaled back.
    namespace.patch("apps/v1", "Deployment", "example-hello", json!({"spec": {"replicas": 3}})).await;
    let (_, time) = namespace
        .until("the Deployment is scaled back", || async {
            let found = namespace.get("apps/v1", "Deployment", "example-hello").await?;
            (found["spec"]["replicas"] == 1).then_some(())
        })
        .await;
    println!("scaled Deployment back after {time:?}");

    // With the resource goes all that was made for it.
    namespace.delete("daytwo.dev/v1alpha1", "Hello", "example").await;
    namespace.gone("daytwo.dev/v1alpha1", "Hello", "example").await;
    for (api_version, kind) in [("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "Secret"), ("v1", "Pod")]
    {
        namespace
            .until(&format!("no {kind} is left"), || async {
                namespace.list(api_version, kind).await.is_empty().then_some(())
            })
            .await;
    }
    namespace.gone("v1", "ServiceAccount", "example-hello").await;
    namespace.end().await;
}

#[tokio::test]
async fn a_hundred_at_once_are_all_deployed() {
    let namespace = Namespace::new("hundred").await;
    let project = Project::own();
    let operator = project.run(&namespace, None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("idle: {} KiB resident", operator.resident_kib());

    let begin = Instant::now();
    for number in 0..100 {
        // The releases are the matter here, not a hundred times two pods.
        let none = json!({"replicas": 0});
        namespace.apply(hello(&format!("hello-{number}"), &json!({"hello": none, "greeter": none}))).await;
    }
    println!("100 resources created after {:?}", begin.elapsed());
    namespace
        .until("all are deployed", || async {
            let hellos = namespace.list("daytwo.dev/v1alpha1", "Hello").await;
            let deployed = |hello: &&kube::api::DynamicObject| {
                condition_of(&hello.data, "Deployed").is_some_and(|condition| condition["status"] == "True")
            };
            (hellos.iter().filter(deployed).count() == 100).then_some(())
        })
        .await;
    println!(
        "all deployed after {:?}, {:?} of CPU, {} KiB resident",
        begin.elapsed(),
        operator.cpu(),
        operator.resident_kib()
    );
    assert_eq!(namespace.list("apps/v1", "Deployment").await.len(), 200);

    let before = operator.cpu();
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!(
        "CPU in 10 idle seconds: {:?}, {} KiB resident",
        operator.cpu() - before,
        operator.resident_kib()
    );
    namespace.end().await;
}
