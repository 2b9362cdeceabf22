#!/usr/bin/env python3
"""Installs, upgrades and uninstalls charts of the corpus by helm 4 and by us, each in a namespace, and compares the objects.

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

from cluster import DAYTWO, HELM_4, ROOT, Kubelet, Namespace, differences, kubectl, plain

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


STEPS = (("install", ()), ("upgrade", ("--set-string", "commonLabels.changed=yes")))


def with_manifest(namespace, manifest, *arguments):
    """kubectl on the objects of a manifest, wherever they are."""
    # Objects of other namespaces are accepted only when the namespace is the context's.
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["contexts"][0]["context"]["namespace"] = namespace.name
    with tempfile.NamedTemporaryFile("w") as file:
        json.dump(config, file)
        file.flush()
        return kubectl(*arguments, "-f", "-", stdin=manifest, env={"KUBECONFIG": file.name})


def objects(namespace, manifest):
    """What the manifest names, as it is in the cluster."""
    items = json.loads(with_manifest(namespace, manifest, "get", "-o", "json"))
    items = items["items"] if items["kind"] == "List" else [items]
    plains = (plain(item, namespace.name) for item in items)
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in plains}


def life(program, namespace, path, values, flags):
    """The objects after each step of a release's life."""
    found, manifest = [], ""
    given = ("-f", values) if values else ()
    try:
        for verb, more in STEPS:
            namespace(program, verb, "rel", path, *given, *flags, *more, "--timeout=4m")
            manifest = namespace(HELM_4, "get", "manifest", "rel")
            found.append(objects(namespace, manifest))
    finally:
        # Cluster-scoped objects must be gone before the other side makes its own, the kept ones included.
        namespace(program, "uninstall", "rel", "--ignore-not-found", "--no-hooks", "--wait", "--timeout=4m")
        if manifest:
            with_manifest(namespace, manifest, "delete", "--ignore-not-found")
    return found


def compare(path, values, flags):
    """Problems of one chart, and how many objects were compared."""
    with Namespace("ours") as ours, Namespace("helm") as theirs, Kubelet([ours.name, theirs.name]):
        sides = [life(program, namespace, path, values, flags) for program, namespace in ((HELM_4, theirs), (DAYTWO, ours))]
    problems = []
    for (verb, _), helm, daytwo in zip(STEPS, *sides):
        problems += [f"{verb}: {line}" for line in differences(helm, daytwo)]
    return problems, sum(len(step) for step in sides[1])


def main():
    arguments = sys.argv[1:]
    short = "--short" in arguments
    chosen = [argument for argument in arguments if not argument.startswith("--")]
    if corpus() is None:
        print(f"corpus: not at {SHARED}; skipped")
        return
    passed, failed, total = 0, [], 0
    for title, path, values, flags in cases(short, chosen):
        begin = time.monotonic()
        try:
            problems, count = compare(path, values, flags)
        except Exception as error:  # a chart that fails must not hide the others
            problems, count = [str(error)[-500:]], 0
        total += count
        if problems:
            failed.append(title)
            print(f"FAILED {title}\n  " + "\n  ".join(problems[:20]), flush=True)
        else:
            passed += 1
            print(f"ok {title}: {count} objects, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"corpus: {passed} passed, {len(failed)} failed; {total} objects compared")
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
