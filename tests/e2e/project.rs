//! Projects with mistakes: the mistake is told clearly, and everything else is served.

use serde_json::json;

use super::cluster::Namespace;
use super::operator::Project;

const API: &str = "daytwo.dev/v1alpha1";

const GOOD_ROLE: &str = "
- name: leave a mark
  kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: mark
        namespace: '{{ ansible_operator_meta.namespace }}'
      data:
        version: '{{ version }}'
";

fn watches(hello: &str) -> String {
    format!(
        "- {{group: daytwo.dev, version: v1alpha1, kind: Hello, {hello}}}\n\
         - {{group: daytwo.dev, version: v1alpha1, kind: MySQL, role: good}}\n"
    )
}

/// Runs a project whose `Hello` is broken; its condition must say so, while `MySQL` is served.
async fn is_told_while_others_are_served(test: &str, project: &Project, words: &[&str]) {
    let namespace = Namespace::new(test).await;
    project.write("roles/good/tasks/main.yml", GOOD_ROLE);
    let operator = project.run(&namespace, None);

    namespace
        .apply(json!({"apiVersion": API, "kind": "Hello", "metadata": {"name": "example"}, "spec": {"greeting": "?"}}))
        .await;
    let mysql = json!({"version": "10.1", "rootPasswordSecret": {"name": "none"}});
    namespace
        .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "other"}, "spec": mysql}))
        .await;

    namespace.condition("MySQL", "other", "Successful", "True").await;
    let mark = namespace.get("v1", "ConfigMap", "mark").await.expect("the role did its task");
    assert_eq!(mark["data"]["version"], "10.1");
    let ready = namespace.condition("Hello", "example", "Ready", "False").await;
    let message = ready["message"].as_str().unwrap_or_default();
    for word in words {
        assert!(message.contains(word), "the condition names {word}: {message}");
        assert!(operator.log().contains(word), "the log names {word}");
    }

    // A resource that cannot be served can still be deleted.
    namespace.delete(API, "Hello", "example").await;
    namespace.gone(API, "Hello", "example").await;
    namespace.end().await;
}

#[tokio::test]
async fn missing_chart() {
    let project = Project::with_watches(&watches("chart: charts/absent"));
    is_told_while_others_are_served("missing-chart", &project, &["charts/absent"]).await;
}

#[tokio::test]
async fn bad_template() {
    let project = Project::with_watches(&watches("chart: charts/bad"));
    project.write("charts/bad/Chart.yaml", "{apiVersion: v2, name: bad, version: 1.0.0}");
    project.write("charts/bad/templates/service.yaml", "kind: Service\nname: {{ .Values.x | nosuch }}\n");
    is_told_while_others_are_served("bad-template", &project, &["service.yaml:2", "nosuch"]).await;
}

#[tokio::test]
async fn invalid_values() {
    let project = Project::with_watches(&watches("chart: charts/strict"));
    project.write("charts/strict/Chart.yaml", "{apiVersion: v2, name: strict, version: 1.0.0}");
    project.write(
        "charts/strict/values.schema.json",
        r#"{"properties": {"greeting": {"type": "string", "minLength": 2}}}"#,
    );
    project.write("charts/strict/templates/none.yaml", "");
    is_told_while_others_are_served("invalid-values", &project, &["greeting"]).await;
}

#[tokio::test]
async fn bad_role() {
    let project = Project::with_watches(&watches("role: bad"));
    project.write(
        "roles/bad/tasks/main.yml",
        "- name: one\n  debug: {msg: fine}\n- name: two\n  nosuchmodule: {}\n",
    );
    is_told_while_others_are_served("bad-role", &project, &["main.yml:4", "nosuchmodule"]).await;
}

#[tokio::test]
async fn failing_task() {
    let project = Project::with_watches(&watches("role: failing"));
    project.write(
        "roles/failing/tasks/main.yml",
        "- name: refuse\n  fail: {msg: 'the greeting is {{ greeting }}'}\n",
    );
    is_told_while_others_are_served("failing-task", &project, &["the greeting is ?"]).await;
}
