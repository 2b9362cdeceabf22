#!/usr/bin/env python3
"""Processor time of a play of 200 tasks with templates, beside ansible-playbook.

usage: playbook.py ANSIBLE_PLAYBOOK DAYTWO [RUNS]

Prints the processor seconds of one run of each program (the least of RUNS, children included) and their ratio.
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


def cost(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "False"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with tempfile.TemporaryDirectory() as directory:
        book = pathlib.Path(directory) / "play.yml"
        book.write_text(json.dumps(play()))
        theirs = min(cost([sys.argv[1], str(book)]) for _ in range(runs))
        ours = min(cost([sys.argv[2], "playbook", str(book)]) for _ in range(runs))
    print(f"200 tasks: ansible-playbook {theirs:.2f} s, daytwo {ours:.3f} s of processor time: {theirs / ours:.0f} times less")


main()
