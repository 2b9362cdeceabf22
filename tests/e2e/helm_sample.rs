//! operator-sdk's helm sample: what `test/e2e/helm/cluster_test.go` of operator-sdk does and asserts.

use super::sample::{Sample, created_at, eventually, kubectl, try_kubectl};

const RESOURCE: &str = "config/samples/cache_v1alpha1_memcached.yaml";
const NAME: &str = "memcached-sample";

fn until_replicas(release: &str, wanted: &str) {
    eventually(&format!("the StatefulSet has {wanted} replicas"), || {
        let found = kubectl(&["get", "statefulset", release, "-o", "jsonpath={..spec.replicas}"]);
        (found == wanted).then_some(())
    });
}

#[test]
fn runs_in_a_cluster() {
    let Some(sample) = Sample::copy("sdk-helm-memcached", "memcached-operator") else { return };
    let pod = sample.deploy();
    sample.kubectl(&["get", "servicemonitor", "memcached-operator-controller-manager-metrics-monitor"]);
    sample.kubectl(&["get", "service", "memcached-operator-controller-manager-metrics-service"]);

    sample.replace(RESOURCE, "replicaCount: 3", "replicaCount: 1");
    sample.apply(RESOURCE);
    sample.until_logged(&pod, "Installed release");
    let release = eventually("the status names the release", || {
        let name = kubectl(&["get", "memcached", "-o", "jsonpath={..status.deployedRelease.name}"]);
        (!name.is_empty()).then_some(name)
    });
    let rolled = kubectl(&["rollout", "status", "statefulset", &release, "--timeout=120s"]);
    assert!(rolled.contains("statefulset rolling update complete"), "{rolled}");
    let selector = format!("--selector=app.kubernetes.io/instance={release}");
    assert!(!kubectl(&["get", "service", &selector, "-o", "jsonpath={..metadata.name}"]).is_empty());

    kubectl(&["scale", "statefulset", &release, "--replicas=2"]);
    until_replicas(&release, "1");

    sample.replace(RESOURCE, "replicaCount: 1", "replicaCount: 2");
    sample.apply(RESOURCE);
    sample.until_logged(&pod, "Upgraded release");
    until_replicas(&release, "2");

    let metrics = sample.metrics();
    assert!(metrics.contains(&created_at("Memcached", NAME)), "{metrics}");

    // The resource waits for what the release made, which something else still holds.
    kubectl(&["annotate", "memcached", NAME, "helm.sdk.operatorframework.io/uninstall-wait=true"]);
    let finalizers = |list: &str| {
        let patch = format!("{{\"metadata\":{{\"finalizers\":{list}}}}}");
        kubectl(&["patch", "statefulset", &release, "--type=merge", "-p", &patch]);
    };
    finalizers("[\"helm.sdk.operatorframework.io/fake-finalizer\"]");
    kubectl(&["delete", "memcached", NAME, "--wait=false"]);
    sample.until_logged(&pod, "Uninstall wait");
    sample.until_logged(&pod, "Waiting until all resources are deleted");
    kubectl(&["get", "memcached", NAME]);
    finalizers("[]");
    sample.until_logged(&pod, "Removing finalizer");
    until_gone();

    // Once more, without waiting.
    let installed = |log: &str| log.matches("Installed release").count();
    let before = installed(&sample.log(&pod));
    sample.apply(RESOURCE);
    eventually("the release is installed again", || (installed(&sample.log(&pod)) > before).then_some(()));
    kubectl(&["delete", "memcached", NAME]);
    sample.until_logged(&pod, "Uninstalled release");
    until_gone();
    sample.undeploy();
}

fn until_gone() {
    eventually("the resource is gone", || try_kubectl(&["get", "memcached", NAME]).is_none().then_some(()));
}
