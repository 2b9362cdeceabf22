#!/usr/bin/env python3
"""Installs and upgrades charts of the corpus by us and by helm 4 into two namespaces, and compares the objects.

    corpus.py [--short] [REPOSITORY/CHART[:CASE]...]

The charts are those of corpus.txt, five of them in the short form. Compared is what the manifests name,
cluster-scoped objects and those of other namespaces included, after removing what the server sets.
Where no node runs pods, those of hooks succeed by themselves.
"""

import json
import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from cluster import DAYTWO, HELM_4, ROOT, Kubelet, Namespace, differences, kubectl, plain, run

SHARED = Path(os.environ.get("DAYTWO_CONFORMANCE", ROOT.parent / "shared" / "conformance")) / "helm"
LIST = Path(__file__).with_name("corpus.txt")
SHORT = 5
_unpacked = []


def corpus():
    """The unpacked corpus; None when it is not there."""
    archive = SHARED / "charts.tar.xz"
    if not _unpacked and archive.exists():
        directory = tempfile.TemporaryDirectory()
        with tarfile.open(archive) as tar:
            tar.extractall(directory.name, filter="data")
        _unpacked.append(directory)
    return Path(_unpacked[0].name) / "charts" if _unpacked else None


def chart(repository, name):
    root = corpus()
    return root / repository / name if root and (root / repository / name).is_dir() else None


def cases(short, chosen):
    """(title, chart, values, flags) of the list."""
    index = {}
    for case in json.loads((SHARED / "index.json").read_text()):
        index[f"{case['repo']}/{case['chart']}:{case['case']}"] = case
    lines = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    if chosen:
        lines = [[title] for title in chosen]
    for title, *flags in lines[:SHORT] if short else lines:
        case = index[title if ":" in title else f"{title}:default"]
        values = case.get("values")
        yield title, corpus().parent / case["chart_dir"], values and corpus().parent / values, flags


class Comparison:
    """One chart, by us and by helm, in a namespace each."""

    def __init__(self, ours, theirs):
        self.sides = ((DAYTWO, ours), (HELM_4, theirs))

    def step(self, verb, path, values, flags):
        found = []
        for program, namespace in self.sides:
            given = ("-f", values) if values else ()
            namespace(program, verb, "rel", path, *given, *flags, "--timeout=4m")
            found.append(self.objects(namespace))
        ours, theirs = found
        return list(differences(theirs, ours)), len(ours)

    @staticmethod
    def objects(namespace):
        """What the manifest names, wherever it is, as it is in the cluster."""
        manifest = namespace(HELM_4, "get", "manifest", "rel")
        text = kubectl("get", "-n", namespace.name, "-f", "-", "-o", "json", stdin=manifest)
        items = json.loads(text)
        items = items["items"] if items["kind"] == "List" else [items]
        plains = (plain(item, namespace.name) for item in items)
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in plains}

    def end(self):
        for program, namespace in self.sides:
            namespace(program, "uninstall", "rel", "--ignore-not-found", "--no-hooks")


def compare(path, values, flags):
    """Problems of one chart, and how many objects were compared."""
    with Namespace("ours") as ours, Namespace("helm") as theirs, Kubelet([ours.name, theirs.name]):
        # Cluster-scoped objects can belong to one release only: the second takes them over.
        comparison = Comparison(ours, theirs)
        problems, total = [], 0
        try:
            for verb, more in (("install", ()), ("upgrade", ("--set-string", "commonLabels.changed=yes"))):
                wrong, count = comparison.step(verb, path, values, ("--take-ownership", "--force-conflicts", *flags, *more))
                problems += [f"{verb}: {line}" for line in wrong]
                total += count
        finally:
            comparison.end()
        return problems, total


def main():
    arguments = sys.argv[1:]
    short = "--short" in arguments
    chosen = [argument for argument in arguments if not argument.startswith("--")]
    if corpus() is None:
        print(f"corpus: not at {SHARED}; skipped")
        return
    passed, failed, objects = 0, [], 0
    for title, path, values, flags in cases(short, chosen):
        begin = time.monotonic()
        try:
            problems, count = compare(path, values, flags)
        except Exception as error:  # a chart that fails must not hide the others
            problems, count = [str(error)], 0
        objects += count
        if problems:
            failed.append(title)
            print(f"FAILED {title}\n  " + "\n  ".join(problems[:20]), flush=True)
        else:
            passed += 1
            print(f"ok {title}: {count} objects, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"corpus: {passed} passed, {len(failed)} failed; {objects} objects compared")
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
