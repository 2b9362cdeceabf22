//! Programs that roles run: they find the cluster, and what they make belongs to the resource.

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::operator::Project;

const API: &str = "daytwo.dev/v1alpha1";

/// As old roles do it: `kubectl` in `command` and `shell`, an address in `uri`.
const ROLE: &str = "
- name: make one
  ansible.builtin.shell: kubectl get configmap made || kubectl create configmap made --from-literal=who=kubectl
  register: made
  changed_when: \"'created' in made.stdout\"
- name: apply one on the server
  ansible.builtin.command:
    cmd: kubectl apply --server-side --filename=-
    stdin: '{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"applied\"}, \"data\": {\"a\": \"b\"}}'
- name: say something in a container
  ansible.builtin.command: kubectl exec talker -- echo through the tunnel
  register: said
- name: tell how often
  ansible.builtin.uri:
    url: http://localhost:5050/metrics
    method: POST
    body_format: json
    body: {name: e2e_programs_total, description: Runs of programs, counter: {increment: true}}
- name: leave what was said
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: said, namespace: '{{ ansible_operator_meta.namespace }}'}
      data: {said: '{{ said.stdout }}'}
";

fn owner(object: &Value) -> Option<&str> {
    object["metadata"]["ownerReferences"][0]["name"].as_str()
}

#[tokio::test]
async fn programs_find_the_cluster_and_what_they_make_is_owned_and_comes_back() {
    let namespace = Namespace::new("programs").await;
    namespace
        .apply(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker"},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "a", "image": "daytwo.dev/mariadb:11.8", "command": ["sleep", "3600"]}],
            },
        }))
        .await;
    namespace
        .until("the pod runs", || async {
            let pod = namespace.get("v1", "Pod", "talker").await?;
            (pod["status"]["phase"] == "Running").then_some(())
        })
        .await;
    let project =
        Project::with_watches("- {group: daytwo.dev, version: v1alpha1, kind: MySQL, role: programs}\n");
    project.write("roles/programs/tasks/main.yml", ROLE);
    // Other tests may have such roles at the same time.
    let operator = project.run_with(&namespace, None, "operator", &["--proxy-port=18888"], &[]);
    let spec = json!({"version": "10.1", "rootPasswordSecret": {"name": "none"}});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "example"}, "spec": spec}))
        .await;
    namespace.condition("MySQL", "example", "Successful", "True").await;

    for name in ["made", "applied"] {
        let made = namespace.get("v1", "ConfigMap", name).await.expect("the program made it");
        assert_eq!(owner(&made), Some("example"), "{name}: {made}");
    }
    let said = namespace.get("v1", "ConfigMap", "said").await.expect("the role left it");
    assert_eq!(said["data"]["said"], "through the tunnel");
    namespace.delete("v1", "ConfigMap", "made").await;
    namespace
        .until("what a program made is made again", || async {
            let made = namespace.get("v1", "ConfigMap", "made").await?;
            made["metadata"]["deletionTimestamp"].is_null().then_some(())
        })
        .await;

    namespace.delete(API, "MySQL", "example").await;
    namespace.gone("v1", "ConfigMap", "made").await;
    assert!(!operator.log().contains("panicked"));
    namespace.end().await;
}
