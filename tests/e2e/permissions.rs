//! A missing permission is named, and granting it heals without a restart.

use std::path::PathBuf;

use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};

use super::cluster::{Namespace, condition_of};
use super::operator::Project;

const ALL: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

/// The operator's Role, without the permission to touch Services unless `services`.
fn role(services: bool) -> Value {
    let mut rules = vec![
        json!({"apiGroups": ["daytwo.dev"], "resources": ["*"], "verbs": ["*"]}),
        json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ALL}),
        json!({"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ALL}),
        json!({"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}),
    ];
    if services {
        rules.push(json!({"apiGroups": [""], "resources": ["services"], "verbs": ALL}));
    }
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "operator"}, "rules": rules,
    })
}

/// A kubeconfig of the service account `operator`, made in the namespace.
async fn service_account(namespace: &Namespace, project: &Project) -> PathBuf {
    namespace
        .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}}))
        .await;
    namespace.apply(role(false)).await;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "operator"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"},
        "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": namespace.name}],
    });
    namespace.apply(binding).await;
    let accounts: Api<DynamicObject> = namespace.api("v1", "ServiceAccount");
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}});
    let answer: Value = accounts
        .create_subresource("token", "operator", &PostParams::default(), &request)
        .await
        .expect("a token is given");

    let path = std::env::var("KUBECONFIG").expect("KUBECONFIG names a cluster");
    let text = std::fs::read_to_string(path).expect("the kubeconfig is readable");
    let mut config: Value = serde_yaml::from_str(&text).expect("the kubeconfig is YAML");
    let user = config["contexts"][0]["context"]["user"].clone();
    config["users"] = json!([{"name": user, "user": {"token": answer["status"]["token"]}}]);
    let text = config.to_string();
    project.write("kubeconfig", &text);
    project.path("kubeconfig")
}

#[tokio::test]
async fn a_missing_permission_is_named_and_its_grant_heals() {
    let namespace = Namespace::new("permissions").await;
    let project = Project::own();
    let kubeconfig = service_account(&namespace, &project).await;
    let _operator = project.run(&namespace, Some(&kubeconfig));

    let spec = json!({"greeting": "let me in"});
    namespace
        .apply(json!({"apiVersion": "daytwo.dev/v1alpha1", "kind": "Hello", "metadata": {"name": "example"}, "spec": spec}))
        .await;
    let named = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        text.contains("services")
            && text.contains(&namespace.name)
            && ALL.iter().any(|verb| text.contains(verb))
    };
    namespace
        .until("the condition names the permission", || async {
            let hello = namespace.get("daytwo.dev/v1alpha1", "Hello", "example").await?;
            let ready = condition_of(&hello, "Ready")?;
            (ready["status"] == "False" && named(&ready["message"])).then_some(())
        })
        .await;
    namespace
        .until("an Event names the permission", || async {
            let events = namespace.list("v1", "Event").await;
            let warns =
                |event: &DynamicObject| event.data["type"] == "Warning" && named(&event.data["message"]);
            events.iter().any(warns).then_some(())
        })
        .await;

    namespace.apply(role(true)).await;
    let (_, time) = namespace
        .until("the grant heals", || async {
            let hello = namespace.get("daytwo.dev/v1alpha1", "Hello", "example").await?;
            (condition_of(&hello, "Deployed")?["status"] == "True").then_some(())
        })
        .await;
    println!("deployed {time:?} after the grant");
    namespace.condition("Hello", "example", "Ready", "True").await;
    namespace.end().await;
}
