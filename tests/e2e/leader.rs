//! Two operators for the same resources: one works, the other takes over when it ends or freezes.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Namespace;
use super::operator::{Operator, Project};

const API: &str = "daytwo.dev/v1alpha1";
const LEASE: &str = "leader";

/// Tells which operator ran it last, and for which version of the resource.
const ROLE: &str = "
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
        operator: \"{{ lookup('env', 'OPERATOR') }}\"
";

struct Pair {
    namespace: Namespace,
    project: Project,
}

impl Pair {
    async fn new(test: &str) -> Self {
        let project =
            Project::with_watches("- {group: daytwo.dev, version: v1alpha1, kind: MySQL, role: mark}\n");
        project.write("roles/mark/tasks/main.yml", ROLE);
        Self { namespace: Namespace::new(test).await, project }
    }

    fn start(&self, name: &str) -> Operator {
        let lease = format!("--leader-election-id={LEASE}");
        let namespace = format!("--leader-election-namespace={}", self.namespace.name);
        let flags = [
            "--leader-elect",
            &lease,
            &namespace,
            "--leader-elect-lease-duration=6s",
            "--leader-elect-renew-deadline=4s",
        ];
        self.project.run_with(&self.namespace, None, name, &flags, &[("OPERATOR", name)])
    }

    async fn ask_for(&self, version: &str) {
        let spec = json!({"version": version, "rootPasswordSecret": {"name": "none"}});
        let resource =
            json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "example"}, "spec": spec});
        self.namespace.apply(resource).await;
    }

    async fn done_by(&self, version: &str, operator: &str) -> Duration {
        let what = format!("{operator} served version {version}");
        let look = || async {
            let mark = self.namespace.get("v1", "ConfigMap", "mark").await?;
            (mark["data"] == json!({"version": version, "operator": operator})).then_some(())
        };
        self.namespace.until(&what, look).await.1
    }

    async fn holder(&self) -> Option<String> {
        let lease = self.namespace.get("coordination.k8s.io/v1", "Lease", LEASE).await?;
        lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
    }
}

fn signal(operator: &Operator, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), operator.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the signal can be sent");
}

#[tokio::test]
async fn the_other_takes_over_when_the_leader_is_killed_or_ends() {
    let pair = Pair::new("failover").await;
    let first = pair.start("first");
    pair.ask_for("10.1").await;
    pair.done_by("10.1", "first").await;
    let second = pair.start("second");

    // Whoever does not lead does nothing.
    pair.ask_for("10.2").await;
    pair.done_by("10.2", "first").await;
    assert!(!second.log().contains("leads now"), "one leader at a time");

    first.kill();
    pair.ask_for("10.3").await;
    println!("taken over after {:?}", pair.done_by("10.3", "second").await);

    // A clean end gives the lease back at once.
    let third = pair.start("third");
    signal(&second, "TERM");
    pair.ask_for("10.4").await;
    println!("handed over after {:?}", pair.done_by("10.4", "third").await);
    assert!(second.wait().success(), "a clean end is no failure");

    pair.namespace.end().await;
    drop(third);
}

#[tokio::test]
async fn a_leader_that_was_frozen_past_its_lease_writes_nothing_more() {
    let pair = Pair::new("frozen").await;
    let first = pair.start("first");
    pair.ask_for("10.1").await;
    pair.done_by("10.1", "first").await;
    let holder = pair.holder().await;
    let second = pair.start("second");

    signal(&first, "STOP");
    pair.ask_for("10.2").await;
    pair.done_by("10.2", "second").await;
    assert_ne!(pair.holder().await, holder);

    // It wakes up, sees the change of the resource in its watch, and must not act on it.
    let written = pair.namespace.get("v1", "ConfigMap", "mark").await.expect("the mark is there");
    signal(&first, "CONT");
    assert!(!first.wait().success(), "who loses the lease ends as a failure");
    let after = pair.namespace.get("v1", "ConfigMap", "mark").await.expect("the mark is there");
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&written), version(&after));

    pair.namespace.end().await;
    drop(second);
}
