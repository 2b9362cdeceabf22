//! operator-sdk's ansible sample: what `test/e2e/ansible/cluster_test.go` of ansible-operator-plugins does and
//! asserts, and its molecule scenario.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::sample::{Sample, created_at, eventually, kubectl, run, try_kubectl};

const NAME: &str = "sdk-ansible-memcached";
const MEMCACHED: &str = "config/samples/cache_v1alpha1_memcached.yaml";
const DEPLOYMENT: &str = "memcached-sample-memcached";

fn until_replicas(wanted: &str) {
    eventually(&format!("the Deployment has {wanted} replicas"), || {
        let found = kubectl(&["get", "deployment", DEPLOYMENT, "-o", "jsonpath={..spec.replicas}"]);
        (found == wanted).then_some(())
    });
}

#[test]
fn runs_in_a_cluster() {
    let Some(sample) = Sample::copy(NAME, "memcached-molecule-operator") else { return };
    let pod = sample.deploy();
    sample.kubectl(&[
        "get",
        "servicemonitor",
        "memcached-molecule-operator-controller-manager-metrics-monitor",
    ]);
    sample.kubectl(&["get", "service", "memcached-molecule-operator-controller-manager-metrics-service"]);

    for resource in ["memcached", "foo", "memfin"] {
        sample.apply(&format!("config/samples/cache_v1alpha1_{resource}.yaml"));
    }
    sample.until_logged(&pod, "Ansible-runner exited successfully");
    eventually("the Deployment is there", || {
        let names =
            kubectl(&["get", "deployment", "--selector=app=memcached", "-o", "jsonpath={..metadata.name}"]);
        (names == DEPLOYMENT).then_some(())
    });
    let rolled = kubectl(&["rollout", "status", "deployment", DEPLOYMENT, "--timeout=120s"]);
    assert!(rolled.contains("successfully rolled out"), "{rolled}");
    eventually("the ConfigMap is there", || try_kubectl(&["get", "configmap", "test-blacklist-watches"]));
    let events = sample.kubectl(&["get", "events", &format!("--field-selector=involvedObject.name={pod}")]);
    assert!(!events.contains("Killing"), "{events}");

    kubectl(&["scale", "deployment", DEPLOYMENT, "--replicas=2"]);
    until_replicas("1");
    sample.replace(MEMCACHED, "size: 1", "size: 2");
    sample.apply(MEMCACHED);
    until_replicas("2");

    let metrics = sample.metrics();
    for kind in ["Memcached", "Foo", "Memfin"] {
        let metric = created_at(kind, &format!("{}-sample", kind.to_lowercase()));
        assert!(metrics.contains(&metric), "{metrics}");
    }

    kubectl(&["create", "configmap", "deleteme"]);
    kubectl(&["delete", "memcached", "memcached-sample"]);
    assert_eq!(try_kubectl(&["get", "configmap", "deleteme"]), None, "the finalizer's role deletes it");
    eventually("the Deployment is gone", || {
        try_kubectl(&["get", "deployment", DEPLOYMENT]).is_none().then_some(())
    });
    let log = sample.log(&pod);
    for word in ["failed=1", "[Gathering Facts]", "\"level\":\"ERROR\""] {
        assert!(!log.contains(word), "{word}: {log}");
    }
    kubectl(&["delete", "foo,memfin", "--all"]);
    delete_made();
    sample.undeploy();
}

/// The operator's deployment for tests, and what must be true of it, are playbooks of the sample; `daytwo playbook`
/// runs them as molecule would have ansible-playbook run them. (The scenario's own cleaning up is left out: it deletes
/// the namespace, and the one that the roles know is `default`.)
#[test]
fn passes_its_molecule_scenario() {
    let Some(sample) = Sample::copy(NAME, "osdk") else { return };
    let inventory = sample.path("inventory.json");
    let project = sample.path(".").canonicalize().expect("the project is there");
    let text = json!({"all": {
        "vars": {
            "namespace": "default",
            "molecule_yml": {"scenario": {"name": "default"}},
        },
        "hosts": {"localhost": {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "config_dir": project.join("config"),
            "samples_dir": project.join("config/samples"),
            "operator_image": sample.image(),
            "operator_pull_policy": "IfNotPresent",
            "kustomize": "kustomize",
        }},
    }});
    std::fs::write(&inventory, text.to_string()).expect("the inventory can be written");
    let play = |name: &str| playbook(&inventory, &sample.path(&format!("molecule/default/{name}.yml")));
    play("create");
    play("prepare");
    play("converge");
    let again = play("converge");
    assert!(again.contains("changed=0"), "converge is idempotent: {again}");
    play("verify");

    kubectl(&["delete", "memcached,foo,memfin", "--all"]);
    let testing = sample.path("config/testing").display().to_string();
    let build = ["build", "--load-restrictor", "LoadRestrictionsNone", &testing];
    let deployed = sample.path("deployed.yaml");
    std::fs::write(&deployed, run(Command::new("kustomize").args(build))).expect("the file can be written");
    // The namespace `default` is among it, and stays.
    try_kubectl(&["delete", "-f", &deployed.display().to_string()]);
    delete_made();
}

/// Deletes what the roles made that belongs to no resource of theirs.
fn delete_made() {
    let made = ["service/test-service", "secret/test-secret", "configmap/test-blacklist-watches"];
    kubectl(&[["delete", "--ignore-not-found"].as_slice(), &made].concat());
}

fn playbook(inventory: &Path, playbook: &Path) -> String {
    run(Command::new(env!("CARGO_BIN_EXE_daytwo"))
        .args(["playbook", "--inventory"])
        .args([inventory, playbook])
        .env("K8S_AUTH_KUBECONFIG", std::env::var_os("KUBECONFIG").expect("KUBECONFIG names a cluster")))
}
