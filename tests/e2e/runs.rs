//! Long runs of a role: they end when their time is over, when the resource changes, and when it goes.

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::operator::Project;

const API: &str = "daytwo.dev/v1alpha1";

/// A task that takes as long as the resource says, then one that leaves a mark.
const ROLE: &str = "
- name: take a while
  ansible.builtin.pause:
    seconds: '{{ storage.size }}'
- name: leave a mark
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: mark
        namespace: '{{ ansible_operator_meta.namespace }}'
      data:
        seconds: '{{ storage.size }}'
";

fn project(keys: &str) -> Project {
    let project = Project::with_watches(&format!(
        "- {{group: daytwo.dev, version: v1alpha1, kind: MySQL, role: slow{keys}}}\n"
    ));
    project.write("roles/slow/tasks/main.yml", ROLE);
    project
}

fn resource(seconds: u32) -> Value {
    json!({
        "apiVersion": API, "kind": "MySQL", "metadata": {"name": "example"},
        "spec": {"version": "10.1", "rootPasswordSecret": {"name": "none"}, "storage": {"size": seconds.to_string()}},
    })
}

#[tokio::test]
async fn a_run_ends_when_its_resource_changes_or_goes() {
    let namespace = Namespace::new("cancel").await;
    let project = project("");
    let operator = project.run(&namespace, None);
    namespace.apply(resource(100_000)).await;
    namespace.condition("MySQL", "example", "Running", "True").await;

    // The run for the old spec would take a day.
    namespace.apply(resource(1)).await;
    namespace
        .until("the new spec is served", || async {
            let mark = namespace.get("v1", "ConfigMap", "mark").await?;
            (mark["data"]["seconds"] == "1").then_some(())
        })
        .await;

    namespace.apply(resource(100_000)).await;
    namespace.condition("MySQL", "example", "Reconciling", "True").await;
    namespace.delete(API, "MySQL", "example").await;
    namespace.gone(API, "MySQL", "example").await;
    // What the role made goes with its owner; the same name again is served by a run of its own.
    namespace.gone("v1", "ConfigMap", "mark").await;
    namespace.apply(resource(2)).await;
    namespace.condition("MySQL", "example", "Successful", "True").await;
    assert!(!operator.log().contains("panicked"));
    namespace.end().await;
}

#[tokio::test]
async fn a_run_that_takes_too_long_fails_and_says_so() {
    let namespace = Namespace::new("timeout").await;
    let project = project(", runTimeout: 2s");
    let _operator = project.run(&namespace, None);
    namespace.apply(resource(100_000)).await;
    let failure = namespace.condition("MySQL", "example", "Failure", "True").await;
    let message = failure["message"].as_str().unwrap_or_default();
    assert!(message.contains("deadline"), "the condition says why: {message}");
    namespace.condition("MySQL", "example", "Stalled", "True").await;
    namespace.end().await;
}
