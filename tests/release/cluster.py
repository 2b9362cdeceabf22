"""What the release tests share: programs, namespaces, and objects without what the server sets."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DAYTWO = os.environ["DAYTWO"]
HELM_3, HELM_4 = "helm3", "helm4"
# Room for a busy machine.
PATIENCE = 600


class Failed(Exception):
    """A program that was to succeed did not."""


def run(*command, check=True, env=None, stdin=None):
    """Runs a program; its standard output, or (exit code, output, errors) when it may fail."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        input=stdin,
        env={**os.environ, "TZ": "UTC", **(env or {})},
    )
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if check else (done.returncode, done.stdout, done.stderr)


def kubectl(*arguments, **options):
    return run("kubectl", *arguments, **options)


class Namespace:
    """A namespace for one test, gone afterwards."""

    def __init__(self, name):
        self.name = f"{name}-{os.getpid()}"

    def __enter__(self):
        kubectl("create", "namespace", self.name)
        return self

    def __exit__(self, *_):
        kubectl("delete", "namespace", self.name, "--wait=false")

    def __call__(self, program, *arguments, **options):
        return run(program, *arguments, "-n", self.name, **options)

    def data(self, program, *arguments):
        return json.loads(self(program, *arguments, "-o", "json"))

    def objects(self, selector=None):
        """The namespaced objects of releases, by kind and name."""
        found = {}
        kinds = [kind for kind in namespaced_kinds() if kind not in DERIVED_KINDS]
        arguments = ["get", ",".join(kinds), "-n", self.name, "-o", "json", "--ignore-not-found"]
        text = kubectl(*arguments, *(["-l", selector] if selector else []))
        for item in json.loads(text)["items"] if text.strip() else []:
            if not is_derived(item):
                found[f"{item['kind']}/{item['metadata']['name']}"] = item
        return found


DERIVED_KINDS = {
    "events", "events.events.k8s.io", "endpoints", "endpointslices.discovery.k8s.io", "pods.metrics.k8s.io",
    "controllerrevisions.apps", "replicasets.apps", "leases.coordination.k8s.io", "bindings",
}
_kinds = []


def namespaced_kinds():
    """All listable namespaced kinds, without those of custom resources that come and go."""
    if not _kinds:
        text = kubectl("api-resources", "--namespaced", "--verbs=list,get", "-o", "name")
        _kinds.extend(text.split())
    return _kinds


def is_derived(item):
    """What the cluster makes by itself, not a release."""
    metadata = item["metadata"]
    controlled = any(owner.get("controller") for owner in metadata.get("ownerReferences", []))
    default = item["kind"] == "ServiceAccount" and metadata["name"] == "default"
    root = item["kind"] == "ConfigMap" and metadata["name"] == "kube-root-ca.crt"
    record = item["kind"] == "Secret" and item.get("type") == "helm.sh/release.v1"
    return controlled or default or root or record


SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink")


def plain(item, namespace):
    """An object without what the server sets, its namespace named N."""
    text = json.dumps({key: value for key, value in item.items() if key != "status"})
    item = json.loads(text.replace(namespace, "N"))
    for field in SERVER_FIELDS:
        item["metadata"].pop(field, None)
    annotations = item["metadata"].get("annotations", {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    annotations.pop("deprecated.daemonset.template.generation", None)
    spec = item.get("spec", {})
    if item["kind"] == "Service":
        # Given out by the server, each once.
        for field in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
            if spec.get(field) not in (None, "None", ["None"]):
                spec.pop(field)
        for port in spec.get("ports", []):
            port.pop("nodePort", None)
    if item["kind"] == "Job":
        unique = ("batch.kubernetes.io/controller-uid", "controller-uid")
        for labels in (
            spec.get("selector", {}).get("matchLabels", {}),
            spec.get("template", {}).get("metadata", {}).get("labels", {}),
        ):
            for label in unique:
                labels.pop(label, None)
    if item["kind"] == "PersistentVolumeClaim":
        spec.pop("volumeName", None)
    return item


def differences(left, right, path=""):
    """Where two trees differ, as lines."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key, "(nothing)"), right.get(key, "(nothing)"), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{path}[{index}]")
    elif left != right:
        yield f"{path}: {json.dumps(left)[:200]} | {json.dumps(right)[:200]}"


class Kubelet(threading.Thread):
    """Lets the pods of Jobs and bare pods succeed where no node runs them, so that hooks come to their end."""

    def __init__(self, namespaces):
        super().__init__(daemon=True)
        self.namespaces = namespaces
        self.done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()

    def run(self):
        while not self.done.wait(0.3):
            for namespace in list(self.namespaces):
                self.finish(namespace)

    @staticmethod
    def finish(namespace):
        code, text, _ = kubectl(
            "get", "pods", "-n", namespace, "-o", "json", "--field-selector=status.phase=Pending", check=False
        )
        for pod in json.loads(text)["items"] if code == 0 else []:
            owners = pod["metadata"].get("ownerReferences", [])
            if all(owner["kind"] == "Job" for owner in owners):
                patch = {"status": {"phase": "Succeeded"}}
                name = pod["metadata"]["name"]
                kubectl(
                    "patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge",
                    "-p", json.dumps(patch), check=False,
                )


def until(what, look, patience=60):
    """Waits until something comes true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {patience} s")
