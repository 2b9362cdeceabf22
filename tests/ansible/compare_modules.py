#!/usr/bin/env python3
"""Compare what daytwo's modules return and leave behind with the real ansible-core.

usage: compare_modules.py ANSIBLE_PLAYBOOK DAYTWO CASES.yml [NAME...]

The cases are a list; see modules.yml. Each runs in a directory of its own, under both programs; what the
task registered and the tree that it left are compared. The exit code is 1 if there are differences that
modules.known beside the cases does not name, or cases there that are equal.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

KEYWORDS = {"name", "prepare", "check", "diff"}
# What differs between any two runs, of one program too.
DROPPED = {"atime", "mtime", "ctime", "inode", "dev", "start", "end", "delta", "exception", "invocation",
           "module_stderr", "module_stdout", "traceback", "elapsed", "cmd_", "version", "attributes", "attr_flags"}
TREE = "find . -printf '%P %y %m %l\\n' | sort; find . -type f | sort | xargs -r -d '\\n' sha1sum"


def play(cases, work, out):
    tasks = [{"set_fact": {"results": []}}]
    for number, case in enumerate(cases):
        here = f"{work}/{number}"
        text = json.dumps({key: value for key, value in case.items() if key not in KEYWORDS})
        call = json.loads(re.sub(r'"D(/[^"]*)?"', lambda match: json.dumps(here + (match.group(1) or "")), text))
        tasks.append({"shell": f"mkdir -p {here} && cd {here} && {case.get('prepare', 'true')}"})
        task = {"name": case["name"], **call, "register": "done", "ignore_errors": True}
        if case.get("check"):
            task["check_mode"] = True
        if case.get("diff"):
            task["diff"] = True
        tasks.append(task)
        tasks.append({"shell": f"cd {here} && {TREE}", "register": "tree"})
        tasks.append({"set_fact": {"results": "{{ results + [[done, tree.stdout_lines]] }}"}})
    tasks.append({"copy": {"content": "{{ results | to_json }}", "dest": str(out)}})
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def run(program, cases):
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        out, work, book = directory / "out.json", directory / "work", directory / "play.yml"
        book.write_text("---\n" + json.dumps(play(cases, work, out), indent=1))
        done = subprocess.run(program + [str(book)], capture_output=True, text=True)
        if not out.exists():
            sys.exit(f"{program[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return normal(json.loads(out.read_text()), str(work))


def normal(value, work):
    if isinstance(value, dict):
        if "files" in value and isinstance(value["files"], list):
            value["files"].sort(key=lambda item: item.get("path", "") if isinstance(item, dict) else item)
        return {key: normal(item, work) for key, item in sorted(value.items())
                if key not in DROPPED and not key.startswith("_ansible") and not temporary(key, item, work)}
    if isinstance(value, list):
        return [normal(item, work) for item in value]
    if isinstance(value, str):
        value = value.replace(work, "DIR")
        value = re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@[\d:]+~", ".BACKUP~", value)
        value = re.sub(r"\S*(ansible-tmp|ansible_tmp|/tmp/tmp)\S*", "TEMPORARY", value)
        return value
    return value


def temporary(key, item, work):
    """The copy of a source that a program makes for itself."""
    if key not in ("src", "after_header") or not isinstance(item, str):
        return False
    return "ansible" in item and not item.startswith(work)


def main():
    real, ours, path, *names = sys.argv[1:]
    cases = [case for case in yaml.safe_load(pathlib.Path(path).read_text())
             if not names or any(name in case["name"] for name in names)]
    known = pathlib.Path(path).with_suffix(".known")
    known = {line.split("  #")[0].strip() for line in known.read_text().splitlines() if not line.startswith("#")} if known.exists() else set()
    expected = run([real], cases)
    got = run([ours, "playbook"], cases)
    different = []
    for case, a, b in zip(cases, expected, got):
        if a != b:
            different.append(case["name"])
            print(f"{case['name']}\n   ansible: {json.dumps(a, sort_keys=True)}\n   daytwo:  {json.dumps(b, sort_keys=True)}")
    names = {case["name"] for case in cases}
    unexpected = set(different) - known
    healed = (known & names) - set(different)
    print(f"{len(cases) - len(different)} equal, {len(different)} different ({len(known & names)} known)")
    for name in sorted(healed):
        print(f"no longer different: {name}")
    sys.exit(1 if unexpected or healed else 0)


main()
