#!/usr/bin/env python3
"""Ends `daytwo install` and `daytwo upgrade` with SIGKILL at every request they make, and runs them again.

    chaos.py [--short]

A proxy enumerates the requests: the client is killed when the n-th arrives, before the server sees it,
and once more after the server did it but before the client hears. Each time the same command, run
again, must bring release and objects to where an undisturbed run brings them. The short form takes
every third request.
"""

import sys
import tempfile
import time
from pathlib import Path

from cluster import DAYTWO, HELM_4, ROOT, Namespace, differences, kubectl, plain, run
from proxy import Proxy

# Hooks of both phases, a CRD, and objects of several kinds; none needs a node.
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: chaos\nversion: 0.1.0\n",
    "values.yaml": "text: one\nextra: true\n",
    "crds/crd.yaml": """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: troubles.chaos.daytwo.dev}
spec:
  group: chaos.daytwo.dev
  names: {kind: Trouble, plural: troubles}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
""",
    "templates/all.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {text: "{{ .Values.text }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: x}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: 0
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: x, image: "x:{{ .Values.text }}"}]}
---
apiVersion: chaos.daytwo.dev/v1
kind: Trouble
metadata: {name: "{{ .Release.Name }}"}
spec: {text: "{{ .Values.text }}"}
{{ if .Values.extra }}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-extra"}
stringData: {text: "{{ .Values.text }}"}
{{ end }}
{{ range list "pre-install" "post-install" "pre-upgrade" "post-upgrade" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ $.Release.Name }}-{{ . }}"
  annotations: {helm.sh/hook: "{{ . }}"}
data: {text: "{{ $.Values.text }}"}
{{ end }}
""",
}


def write_chart(directory):
    for name, text in CHART.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Chaos:
    """One command, ended at each of its requests."""

    def __init__(self, proxy, chart, step):
        self.proxy, self.chart, self.step = proxy, chart, step

    def clean(self, namespace):
        run(DAYTWO, "uninstall", "chaos", "-n", namespace.name, "--ignore-not-found")
        kubectl("delete", "configmap", "-n", namespace.name, "-l", "!keep", "--field-selector=metadata.name!=kube-root-ca.crt")
        kubectl("delete", "crd", "troubles.chaos.daytwo.dev", "--ignore-not-found")

    def state(self, namespace):
        """What the release should be in the end: objects and the current revision's state and values."""
        objects = {name: plain(item, namespace.name) for name, item in namespace.objects().items()}
        trouble = kubectl("get", "troubles", "-n", namespace.name, "-o", "json", "chaos", "--ignore-not-found")
        values = namespace(HELM_4, "get", "values", "chaos")
        [listed] = namespace.data(HELM_4, "list")
        history = namespace.data(HELM_4, "history", "chaos")
        assert history[-1]["status"] == "deployed", history
        deployed = [revision["revision"] for revision in history if revision["status"] == "deployed"]
        assert len(deployed) == 1, f"deployed revisions: {history}"
        pending = [revision for revision in history if revision["status"].startswith("pending")]
        assert not pending, f"left pending: {history}"
        return objects, '"text": "two"' in trouble, values, listed["status"], listed["chart"]

    def prepare_upgrade(self, namespace):
        self.clean(namespace)
        run(DAYTWO, "install", "chaos", self.chart, "-n", namespace.name)

    def run_all(self, namespace, name, prepare, command):
        """Enumerates the requests of an undisturbed run, then ends the command at each."""
        prepare(namespace)
        self.proxy.reset()
        process = self.proxy.start(*command, "-n", namespace.name)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        requests = list(self.proxy.requests)
        expected = self.state(namespace)
        ended = 0
        for place in ("before", "after"):
            for number in range(0, len(requests), self.step):
                prepare(namespace)
                self.proxy.reset()
                if self.end_at(namespace, command, number, place):
                    ended += 1
                what = f"{name} ended {place} request {number} ({requests[number]})"
                again = run(*command, "-n", namespace.name, check=False)
                assert again[0] == 0, f"{what}: the second run failed: {again[1]}{again[2]}"
                found = self.state(namespace)
                wrong = list(differences(expected[0], found[0])) + list(differences(list(expected[1:]), list(found[1:])))
                assert not wrong, f"{what}: the second run does not converge:\n" + "\n".join(wrong)
        print(f"{name}: {len(requests)} requests; ended {ended} times, each time the next run converged", flush=True)

    def end_at(self, namespace, command, number, place):
        process = None
        killed = []

        def kill(at, _):
            if at == number:
                while process is None:
                    time.sleep(0.01)
                process.kill()
                process.wait()
                killed.append(at)
                raise ConnectionAbortedError

        setattr(self.proxy, place, kill)
        process = self.proxy.start(*command, "-n", namespace.name)
        process.communicate(timeout=600)
        return bool(killed)


def main():
    step = 3 if "--short" in sys.argv[1:] else 1
    with Proxy() as proxy, Namespace("chaos") as namespace, tempfile.TemporaryDirectory() as directory:
        chart = Path(directory) / "chaos"
        write_chart(chart)
        chaos = Chaos(proxy, chart, step)
        install = (DAYTWO, "install", "chaos", chart)
        chaos.run_all(namespace, "install", chaos.clean, install)
        changed = ("--set", "text=two", "--set", "extra=false")
        chaos.run_all(namespace, "upgrade", chaos.prepare_upgrade, (DAYTWO, "upgrade", "chaos", chart, *changed))
        both = (DAYTWO, "upgrade", "--install", "chaos", chart, *changed)
        chaos.run_all(namespace, "upgrade --install", chaos.clean, both)
        chaos.clean(namespace)


if __name__ == "__main__":
    main()
