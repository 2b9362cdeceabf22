#!/usr/bin/env python3
"""Processor time of a play of 200 tasks with templates, and of AWX's role up to its first call of a cluster, beside
ansible-playbook.

usage: playbook.py ANSIBLE_PLAYBOOK DAYTWO [RUNS [AWX_OPERATOR]]

Prints the processor seconds of one run of each program (the least of RUNS, children included) and their ratio.
AWX_OPERATOR is the directory of awx-operator's project; without it, its role is left out. That ansible-playbook needs
kubernetes.core then.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

VARS = {"name": "web", "replicas": 3, "labels": {"app": "{{ name }}", "tier": "front"}, "ports": [80, 443, 8080]}


def tasks():
    for number in range(67):
        yield {"set_fact": {
            f"fact_{number}": "{{ labels | combine({'n': replicas + %d}) }}" % number,
            f"list_{number}": "{{ ports | map('string') | map('regex_replace', '^', name ~ '-') | list }}",
        }}
        yield {"debug": {"msg": "{{ fact_%d | to_nice_yaml }} {%% for p in list_%d %%}{{ p }},{%% endfor %%}" % (number, number)}}
        yield {"assert": {"that": [f"fact_{number}.n == {number} + replicas", f"list_{number} | length == 3", "name in labels.app"]}}


def play():
    return [{"hosts": "localhost", "gather_facts": False, "vars": VARS, "tasks": list(tasks())[:200]}]


def awx():
    """The play that ansible-operator makes of the role; its first call of a cluster finds none."""
    return [{
        "hosts": "localhost", "gather_facts": False, "collections": ["kubernetes.core", "operator_sdk.util"],
        "vars": {"ansible_operator_meta": {"name": "demo", "namespace": "awx"}}, "roles": ["installer"],
    }]


def cost(command, ends, environment):
    """The processor seconds of a run whose output has the text by which it ends as it should."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "False", **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ends not in done.stdout:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    ansible, daytwo = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    plays = [("200 tasks", play(), " ok=200 ", {})]
    if len(sys.argv) > 4:
        environment = {"ANSIBLE_ROLES_PATH": f"{sys.argv[4]}/roles", "KUBECONFIG": "/nonexistent"}
        plays.append(("AWX's role", awx(), "Could not create API client", environment))
    for name, content, ends, environment in plays:
        with tempfile.TemporaryDirectory() as directory:
            book = pathlib.Path(directory) / "play.yml"
            book.write_text(json.dumps(content))
            theirs = min(cost([ansible, str(book)], ends, environment) for _ in range(runs))
            # The shorter a run, the more of them it takes.
            ours = min(cost([daytwo, "playbook", str(book)], ends, environment) for _ in range(10 * runs))
        print(f"{name}: ansible-playbook {theirs:.2f} s, daytwo {ours:.4f} s of processor time: {theirs / ours:.0f} times less")


main()
