#!/usr/bin/env python3
"""The commands of releases, every step inspected with the real helm 3 and helm 4, and the other way round.

    commands.py [ARGUMENTS OF unittest]

The corpus chart helm__hello takes part when the shared corpus is there.
"""

import base64
import gzip
import json
import os
import re
import tempfile
import unittest
from pathlib import Path

import corpus
from cluster import DAYTWO, HELM_3, HELM_4, ROOT, Namespace, differences, kubectl, plain, run

HELLO = ROOT / "charts" / "hello"
NO_PODS = ("--set", "hello.replicas=0", "--set", "greeter.replicas=0")
FORMATS = ("table", "json", "yaml")


def charts():
    yield "charts/hello", HELLO
    found = corpus.chart("zylpsrs+helm-example", "helm__hello")
    if found:
        yield "helm__hello", found


def without_resources(text):
    """Helm 4 adds the objects to `status`."""
    return re.sub(r"RESOURCES:\n.*?(?=TEST SUITE|NOTES|\Z)", "", text, flags=re.S)


class Case(unittest.TestCase):
    maxDiff = None

    def namespace(self):
        namespace = Namespace("commands")
        self.enterContext(namespace)
        return namespace

    def chart(self, files):
        """A chart of these files."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in {"Chart.yaml": "apiVersion: v2\nname: made\nversion: 0.1.0\n", **files}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return directory

    def assert_same_output(self, namespace, *arguments):
        self.assertEqual(namespace(DAYTWO, *arguments), namespace(HELM_4, *arguments), arguments)

    def assert_read_alike(self, namespace, name):
        """What we print of a release is what helm 4 prints."""
        for part in ("hooks", "manifest", "notes"):
            self.assert_same_output(namespace, "get", part, name)
        for form in FORMATS:
            for command in (
                ("list",), ("history", name), ("get", "values", name), ("get", "values", name, "--all"),
            ):
                self.assert_same_output(namespace, *command, "-o", form)
        # Helm 4.3 shows its own labels among those of the user when no revision is named.
        [last] = namespace.data(DAYTWO, "list")
        metadata = ("get", "metadata", name, "--revision", last["revision"])
        self.assert_same_output(namespace, *metadata)
        self.assertEqual(namespace.data(DAYTWO, *metadata), namespace.data(HELM_4, *metadata))
        self.assert_same_output(namespace, "get", "all", name)
        ours, theirs = (without_resources(namespace(program, "status", name)) for program in (DAYTWO, HELM_4))
        self.assertEqual(ours, theirs)
        ours, theirs = (namespace.data(program, "status", name) for program in (DAYTWO, HELM_4))
        theirs["info"].pop("resources", None)
        self.assertEqual(ours, theirs)

    def statuses(self, namespace, program, name):
        return [(one["revision"], one["status"]) for one in namespace.data(program, "history", name)]


class OwnReleases(Case):
    def test_every_step_is_understood_by_both_helms(self):
        for name, chart in charts():
            with self.subTest(name):
                namespace = self.namespace()
                output = namespace(DAYTWO, "install", "web", chart, *NO_PODS)
                self.assertIn("STATUS: deployed\nREVISION: 1\nDESCRIPTION: Install complete\n", output)
                for helm in (HELM_3, HELM_4):
                    [listed] = namespace.data(helm, "list")
                    self.assertEqual((listed["name"], listed["status"], listed["revision"]), ("web", "deployed", "1"))
                    self.assertEqual(namespace(helm, "get", "manifest", "web"), namespace(DAYTWO, "get", "manifest", "web"))
                    self.assertEqual(namespace.data(helm, "get", "values", "web"), namespace.data(DAYTWO, "get", "values", "web"))
                    self.assertIn("COMPUTED VALUES:", namespace(helm, "get", "all", "web"))
                self.assert_read_alike(namespace, "web")

                namespace(DAYTWO, "upgrade", "web", chart, *NO_PODS, "--set", "service.port=81")
                self.assert_read_alike(namespace, "web")
                self.assertEqual(namespace(DAYTWO, "rollback", "web"), "Rollback was a success! Happy Helming!\n")
                self.assert_read_alike(namespace, "web")
                three = [(1, "superseded"), (2, "superseded"), (3, "deployed")]
                for program in (DAYTWO, HELM_3, HELM_4):
                    self.assertEqual(self.statuses(namespace, program, "web"), three)

                for number, helm in ((4, HELM_3), (5, HELM_4)):
                    namespace(helm, "rollback", "web", "2")
                    self.assertEqual(self.statuses(namespace, DAYTWO, "web")[-1], (number, "deployed"))
                namespace(DAYTWO, "upgrade", "web", chart, *NO_PODS)
                self.assertEqual(self.statuses(namespace, HELM_4, "web")[-1], (6, "deployed"))
                self.assertEqual(namespace(DAYTWO, "diff", "web", chart, *NO_PODS), "")
                self.assertEqual(namespace(HELM_3, "uninstall", "web"), 'release "web" uninstalled\n')
                self.assertEqual(namespace.objects(), {})

                namespace(DAYTWO, "install", "web", chart, *NO_PODS)
                namespace(HELM_4, "uninstall", "web")
                namespace(DAYTWO, "install", "web", chart, *NO_PODS)
                self.assertEqual(namespace(DAYTWO, "uninstall", "web"), 'release "web" uninstalled\n')
                self.assertEqual(namespace.objects(), {})
                self.assertEqual(namespace.data(HELM_4, "list"), [])

    def test_the_ingress_is_switched_on_and_off(self):
        namespace = self.namespace()
        namespace(DAYTWO, "install", "web", HELLO, *NO_PODS)
        self.assertNotIn("Ingress/web-hello", namespace.objects())
        namespace(DAYTWO, "upgrade", "web", HELLO, "--reuse-values", "--set", "ingress.enabled=true")
        self.assertIn("Ingress/web-hello", namespace.objects())
        namespace(DAYTWO, "rollback", "web", "1")
        self.assertNotIn("Ingress/web-hello", namespace.objects())

    def test_history_is_kept_when_asked(self):
        namespace = self.namespace()
        namespace(DAYTWO, "install", "web", HELLO, *NO_PODS)
        namespace(DAYTWO, "uninstall", "web", "--keep-history")
        for program in (DAYTWO, HELM_3, HELM_4):
            self.assertEqual(self.statuses(namespace, program, "web"), [(1, "uninstalled")])
        self.assertEqual(namespace.objects(), {})
        output = namespace(DAYTWO, "upgrade", "--install", "web", HELLO, *NO_PODS)
        self.assertIn('Release "web" does not exist. Installing it now.\n', output)
        self.assertEqual(self.statuses(namespace, HELM_4, "web")[-1], (2, "deployed"))

    def test_the_history_has_a_limit_that_spares_the_deployed(self):
        namespace = self.namespace()
        chart = self.chart({"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values.a | quote }}}\n", "values.yaml": "a: 0\n"})
        namespace(DAYTWO, "install", "a", chart)
        for number in range(1, 5):
            namespace(DAYTWO, "upgrade", "a", chart, "--set", f"a={number}", "--history-max", "3")
        self.assertEqual(self.statuses(namespace, HELM_4, "a"), [(3, "superseded"), (4, "superseded"), (5, "deployed")])
        bad = self.chart({"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {b: 1}}\n"})
        for _ in range(4):
            code, _, errors = namespace(DAYTWO, "upgrade", "a", bad, "--history-max", "3", check=False)
            self.assertEqual(code, 1, errors)
        self.assertIn((5, "deployed"), self.statuses(namespace, HELM_4, "a"))

    def test_a_kind_that_is_not_served_is_named_with_what_is(self):
        chart = corpus.chart("zylpsrs+helm-example", "helm__hello")
        if chart is None:
            self.skipTest("needs the shared corpus")
        namespace = self.namespace()
        code, _, errors = namespace(DAYTWO, "install", "web", chart, "--set", "ingress.enabled=true", check=False)
        self.assertEqual(code, 1)
        for part in ("hello/templates/ingress.yaml", '"Ingress"', '"networking.k8s.io/v1beta1"', "it serves that kind in networking.k8s.io/v1"):
            self.assertIn(part, errors)
        self.assertEqual(namespace.objects(), {})


class OtherReleases(Case):
    def test_releases_of_both_helms_are_taken_over(self):
        for helm in (HELM_3, HELM_4):
            for name, chart in charts():
                with self.subTest(f"{helm} {name}"):
                    namespace = self.namespace()
                    namespace(helm, "install", "web", chart, *NO_PODS)
                    self.assert_read_alike(namespace, "web")
                    self.assertEqual(namespace(DAYTWO, "diff", "web", chart, *NO_PODS), "")
                    namespace(DAYTWO, "upgrade", "web", chart, *NO_PODS, "--set", "service.port=82")
                    [service] = [item for item in namespace.objects().values() if item["kind"] == "Service" and item["spec"]["ports"][0]["port"] == 82]
                    method = namespace.data(HELM_4, "get", "metadata", "web")["applyMethod"]
                    self.assertEqual(method, "csa" if helm == HELM_3 else "ssa")
                    namespace(DAYTWO, "rollback", "web", "1")
                    self.assertEqual(namespace.data(helm, "history", "web")[-1]["description"], "Rollback to 1")
                    namespace(helm, "upgrade", "web", chart, *NO_PODS)
                    namespace(DAYTWO, "uninstall", "web")
                    self.assertEqual(namespace.objects(), {})
                    self.assertEqual(namespace.data(helm, "list"), [])

    def test_client_side_releases_become_server_side_when_asked(self):
        namespace = self.namespace()
        chart = self.chart({
            "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  keep: x\n  {{ if .Values.more }}more: y2{{ end }}\n",
            "values.yaml": "more: true\n",
        })
        namespace(HELM_3, "install", "a", chart)
        namespace(DAYTWO, "upgrade", "a", chart, "--set", "more=false", "--server-side", "true")
        self.assertEqual(namespace.objects()["ConfigMap/a"]["data"], {"keep": "x"})
        self.assertEqual(namespace.data(HELM_4, "get", "metadata", "a")["applyMethod"], "ssa")
        namespace(DAYTWO, "upgrade", "a", chart, "--set", "more=true", "--server-side=false")
        namespace(DAYTWO, "upgrade", "a", chart, "--set", "more=false")
        self.assertEqual(namespace.objects()["ConfigMap/a"]["data"], {"keep": "x"})
        self.assertEqual(namespace.data(HELM_4, "get", "metadata", "a")["applyMethod"], "csa")


class Details(Case):
    VALUES_CHART = {
        "values.yaml": "a: 1\nt: {x: 1, y: 1}\n",
        "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: {{ toJson .Values | quote }}}\n",
    }

    def test_values_are_reused_as_helm_reuses_them(self):
        old = self.chart(self.VALUES_CHART)
        new = self.chart({**self.VALUES_CHART, "values.yaml": "a: 9\nb: 9\nt: {x: 9, z: 9}\n"})
        cases = (
            (), ("--set", "t.x=5"), ("--reset-values",), ("--reuse-values",), ("--reset-then-reuse-values",),
            ("--reuse-values", "--set", "t.x=5"), ("--reset-then-reuse-values", "--set", "t.x=5"),
            ("--reset-values", "--reuse-values", "--set", "n=1"), ("--reuse-values", "--set", "t=null"),
            ("--reset-then-reuse-values", "--set", "t.y=null"),
        )
        namespaces = {program: self.namespace_of(program) for program in (DAYTWO, HELM_4)}
        for number, flags in enumerate(cases):
            seen = []
            for program, namespace in namespaces.items():
                name = f"r{number}"
                chart_flags = ("--take-ownership",)
                namespace(program, "install", name, old, "--set", "t.y=2,own=3", *chart_flags)
                namespace(program, "upgrade", name, new, *flags, *chart_flags)
                seen.append((namespace.data(program, "get", "values", name), json.loads(namespace.objects()["ConfigMap/a"]["data"]["v"])))
            self.assertEqual(seen[0], seen[1], flags)

    def namespace_of(self, program):
        namespace = Namespace("values-" + Path(program).name)
        self.enterContext(namespace)
        return namespace

    def test_objects_of_others_are_refused_in_helms_words_and_taken_when_asked(self):
        namespace = self.namespace()
        chart = self.chart(self.VALUES_CHART)
        kubectl("create", "configmap", "a", "-n", namespace.name)
        messages = []
        for program in (DAYTWO, HELM_4):
            code, _, errors = namespace(program, "install", "x", chart, check=False)
            self.assertEqual(code, 1)
            messages.append([line for line in errors.splitlines() if line.startswith("Error: ")][0])
        self.assertEqual(*messages)
        self.assertEqual(namespace.data(DAYTWO, "list"), [])
        namespace(DAYTWO, "install", "x", chart, "--take-ownership")
        self.assertIn("v", namespace.objects()["ConfigMap/a"]["data"])

    def test_a_record_that_is_too_large_is_refused_before_anything_is_done(self):
        namespace = self.namespace()
        noise = base64.b64encode(os.urandom(900_000)).decode()
        chart = self.chart({**self.VALUES_CHART, "files/noise.txt": noise})
        code, _, errors = namespace(DAYTWO, "install", "x", chart, check=False)
        self.assertEqual(code, 1)
        self.assertIn("the release record is", errors)
        self.assertEqual((namespace.objects(), namespace.data(DAYTWO, "list")), ({}, []))

    def test_a_revision_at_work_is_left_alone_and_an_interrupted_one_is_not(self):
        namespace = self.namespace()
        chart = self.chart(self.VALUES_CHART)
        namespace(HELM_4, "install", "x", chart)
        self.make_pending(namespace, "sh.helm.release.v1.x.v1", "pending-upgrade")
        code, _, errors = namespace(DAYTWO, "upgrade", "x", chart, check=False)
        self.assertEqual(code, 1)
        self.assertIn("another operation (install/upgrade/rollback) is in progress", errors)
        # Ten minutes later nobody can be at work any more.
        kubectl("label", "secret", "sh.helm.release.v1.x.v1", "-n", namespace.name, "--overwrite", "modifiedAt=1", "createdAt=1")
        namespace(DAYTWO, "upgrade", "x", chart)
        self.assertEqual(self.statuses(namespace, HELM_4, "x"), [(1, "failed"), (2, "deployed")])

    @staticmethod
    def make_pending(namespace, secret, status):
        text = kubectl("get", "secret", secret, "-n", namespace.name, "-o", "jsonpath={.data.release}")
        record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(text))))
        record["info"]["status"] = status
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
        patch = {"metadata": {"labels": {"status": status}}, "data": {"release": packed}}
        kubectl("patch", "secret", secret, "-n", namespace.name, "--type=merge", "-p", json.dumps(patch))

    def test_drift_is_put_back_by_an_upgrade(self):
        for flags in (("--server-side=true",), ("--server-side=false",)):
            with self.subTest(flags):
                namespace = self.namespace()
                namespace(DAYTWO, "install", "web", HELLO, *NO_PODS, *flags)
                before = {name: plain(item, namespace.name) for name, item in namespace.objects().items()}
                kubectl("delete", "service", "web-hello", "-n", namespace.name)
                kubectl("scale", "deployment", "web-hello", "-n", namespace.name, "--replicas=0")
                kubectl("patch", "deployment", "web-hello", "-n", namespace.name, "--type=json", "-p",
                        '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "drifted"}]')
                shown = namespace(DAYTWO, "diff", "web", HELLO, *NO_PODS)
                self.assertIn("--- /dev/null", shown)
                self.assertRegex(shown, r"\n-\s+(- )?image: drifted\n")
                code, _, _ = namespace(DAYTWO, "diff", "web", HELLO, *NO_PODS, "--detailed-exitcode", check=False)
                self.assertEqual(code, 2)
                namespace(DAYTWO, "upgrade", "web", HELLO, *NO_PODS, "--force-conflicts" if "true" in flags[0] else "--timeout=5m")
                after = {name: plain(item, namespace.name) for name, item in namespace.objects().items()}
                self.assertEqual(list(differences(before, after)), [])

    def test_secrets_are_not_shown(self):
        namespace = self.namespace()
        chart = self.chart({"templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: {{ .Values.p }}}\n", "values.yaml": "p: hidden-one\n"})
        namespace(DAYTWO, "install", "a", chart)
        shown = namespace(DAYTWO, "diff", "a", chart, "--set", "p=hidden-two")
        self.assertNotIn("hidden", shown)
        self.assertNotIn(base64.b64encode(b"hidden-two").decode(), shown)
        self.assertIn("*** (before)", shown)
        dry = namespace(DAYTWO, "upgrade", "a", chart, "--dry-run=server", "--hide-secret")
        self.assertNotIn("hidden", dry)

    def test_a_failure_is_undone_when_asked(self):
        namespace = self.namespace()
        chart = self.chart(self.VALUES_CHART)
        bad = self.chart({**self.VALUES_CHART, "templates/b.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {ports: [{port: 99999}]}\n"})
        code, _, errors = namespace(DAYTWO, "install", "x", bad, "--rollback-on-failure", check=False)
        self.assertEqual(code, 1)
        self.assertIn("release x failed, and has been uninstalled due to rollback-on-failure being set", errors)
        self.assertEqual((namespace.objects(), namespace.data(HELM_4, "list")), ({}, []))
        namespace(DAYTWO, "install", "x", chart)
        code, _, errors = namespace(DAYTWO, "upgrade", "x", bad, "--atomic", "--set", "a=5", check=False)
        self.assertEqual(code, 1)
        self.assertIn("release x failed, and has been rolled back due to rollback-on-failure being set", errors)
        self.assertEqual(self.statuses(namespace, HELM_4, "x"), [(1, "superseded"), (2, "failed"), (3, "deployed")])
        self.assertEqual(json.loads(namespace.objects()["ConfigMap/a"]["data"]["v"])["a"], 1)

    def test_what_is_to_be_kept_is_kept(self):
        namespace = self.namespace()
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n  annotations: {{helm.sh/resource-policy: keep}}\n"
        chart = self.chart({"templates/a.yaml": text.format("a"), "templates/b.yaml": "{{ if .Values.b }}\n" + text.format("b") + "{{ end }}", "values.yaml": "b: true\n"})
        namespace(DAYTWO, "install", "x", chart)
        namespace(DAYTWO, "upgrade", "x", chart, "--set", "b=false")
        self.assertEqual(sorted(namespace.objects()), ["ConfigMap/a", "ConfigMap/b"])
        ours = namespace(DAYTWO, "uninstall", "x")
        self.assertIn("These resources were kept due to the resource policy:\n[ConfigMap] a\n", ours)
        self.assertEqual(sorted(namespace.objects()), ["ConfigMap/a", "ConfigMap/b"])

    def test_what_is_not_ready_is_named_with_its_reason(self):
        namespace = self.namespace()
        chart = self.chart({"templates/a.yaml": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec:\n  storageClassName: none-such\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Mi}}\n"})
        code, _, errors = namespace(DAYTWO, "install", "x", chart, "--wait", "--timeout=3s", check=False)
        self.assertEqual(code, 1)
        self.assertRegex(errors, r"waiting for PersistentVolumeClaim \S+/a: is Pending")
        self.assertRegex(errors, r'Error: INSTALLATION FAILED: .*PersistentVolumeClaim \S+/a: is Pending \(ProvisioningFailed: storageclass.*"none-such" not found\)')
        self.assertEqual(self.statuses(namespace, HELM_4, "x"), [(1, "failed")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
