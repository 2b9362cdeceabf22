#!/usr/bin/env python3
"""Compare daytwo with the real ansible-core, expression by expression.

usage: compare.py ANSIBLE_PLAYBOOK DAYTWO FILE...

Each line of a file is a template. Both programs set a fact from each and write what they got as JSON
(type and value, or the error); differences are printed. With RECORD=FILE, the rows on which both agree are
written as the fixture that the unit tests read. The exit code is 1 if there are any.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

VARS = {
    "size": 3, "fl": 1.5, "lst": [1, 2], "nested": {"a": 1, "b": 3}, "jsonstr": '{"k":[1,true,null]}',
    "tpl": "{{size}}-x", "nul": None, "sflag": "no", "omitme": "{{ omit }}", "selfref": "{{ selfref }}",
}


def play(templates, out):
    tasks = []
    for number, template in enumerate(templates):
        tasks.append({"set_fact": {"r": template}, "register": "done", "ignore_errors": True})
        text = (
            "{{ results + [[%d, done.ansible_facts.r | type_debug, done.ansible_facts.r]] "
            "if not done.failed else results + [[%d, 'ERROR', done.msg | default('no message')]] }}" % (number, number)
        )
        tasks.append({"set_fact": {"results": text}, "ignore_errors": True})
    tasks.append({"copy": {"content": "{{ results | to_json }}", "dest": str(out)}})
    variables = dict(VARS)
    return [{"hosts": "localhost", "gather_facts": False, "vars": {**variables}, "tasks": [{"set_fact": {"results": []}}] + tasks}]


def run(program, templates):
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        out = directory / "out.json"
        book = directory / "play.yml"
        book.write_text("---\n" + json.dumps(play(templates, out), indent=1))
        done = subprocess.run(program + [str(book)], capture_output=True, text=True)
        if not out.exists():
            sys.exit(f"{program[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return {row[0]: row[1:] for row in json.loads(out.read_text())}


def normal(row):
    if row is None:
        return None
    kind, value = row
    if kind == "ERROR":
        return ["ERROR", str(value).split("The error appears")[0].strip()]
    kind = {"AnsibleUnicode": "str", "AnsibleUnsafeText": "str", "NativeJinjaText": "str",
            "NativeJinjaUnsafeText": "str", "AnsibleSequence": "list", "AnsibleMapping": "dict"}.get(kind, kind)
    return [kind, value]


def main():
    real, ours = sys.argv[1], sys.argv[2]
    record = os.environ.get("RECORD")
    templates = [line for name in sys.argv[3:] for line in pathlib.Path(name).read_text().split("\n") if line]
    expected = run([real], templates)
    got = run([ours, "playbook"], templates)
    wrong = 0
    for number, template in enumerate(templates):
        a, b = normal(expected.get(number)), normal(got.get(number))
        if a != b:
            wrong += 1
            print(f"{template}\n   ansible: {a}\n   daytwo:  {b}")
    if record:
        rows = [[template, *(normal(expected.get(number)) or [])] for number, template in enumerate(templates)
                if expected.get(number) and normal(expected.get(number)) == normal(got.get(number)) and not any(word in template for word in ("HOME", "omitme"))]
        pathlib.Path(record).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"{len(templates) - wrong} equal, {wrong} different")
    sys.exit(1 if wrong else 0)


main()
