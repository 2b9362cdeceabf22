"""The real ansible-core's Templar as a process.

A line on standard input is a JSON list of templates; the answer is a line with what each gives: the value with
its types, or the error. The variables are those of vars.yml.
"""
import json
import os
import sys

os.environ.setdefault("ANSIBLE_DEPRECATION_WARNINGS", "false")

from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar  # noqa: E402
from ansible.utils.display import Display  # noqa: E402
from jinja2.runtime import Undefined  # noqa: E402

# Warnings and messages are no part of an answer.
Display.display = lambda *arguments, **options: None
Display.warning = lambda *arguments, **options: None
Display.deprecated = lambda *arguments, **options: None


def shown(value):
    kind = type(value).__name__
    if isinstance(value, Undefined):
        return "undefined"
    if value is None or isinstance(value, (bool, int, float)):
        return f"{kind}:{value!r}"
    if isinstance(value, (str, bytes)):
        return f"{kind}:{value!r}"
    if isinstance(value, (list, tuple)):
        return f"{kind}:[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return f"{kind}:{{" + ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if kind in ("datetime", "date", "timedelta"):
        return f"{kind}:{value!r}"
    return kind


def answer(loader, text, template):
    # A fresh reading: templates change the lists and dicts that they are given.
    variables = loader.load(text, "vars.yml")
    try:
        return shown(Templar(loader, variables).template(template))
    except Exception as error:  # noqa: BLE001
        return "error:" + str(error)


def main():
    init_plugin_loader()
    loader = DataLoader()
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    for line in sys.stdin:
        print(json.dumps([answer(loader, text, template) for template in json.loads(line)]), flush=True)


main()
