"""The real ansible-core's Templar as a process.

A line on standard input is a JSON list of templates; the answer is a line with what each gives: the value with
its types, the error, or null when that takes too long or too much memory. The variables are those of vars.yml.
"""
import json
import os
import resource
import signal
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

SECONDS = 2
BYTES = 2 << 30


class TooMuch(BaseException):
    """No `except Exception` of Ansible's own may take it for an error of the template."""


def too_much(*_):
    raise TooMuch


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


def answer(templar, loader, text, template):
    """What a template gives; null also where the time is up while an error is being told."""
    try:
        return told(templar, loader, text, template)
    except (TooMuch, MemoryError):
        return None


def told(templar, loader, text, template):
    # A fresh reading: templates change the lists and dicts that they are given.
    variables = loader.load(text, "vars.yml")
    variables["vars"] = variables.copy()
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        templar.available_variables = variables
        return shown(templar.template(template))
    except Exception as error:  # noqa: BLE001
        # Half a character of a message is no JSON.
        return "error:" + str(error).encode("utf-8", "backslashreplace").decode()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main():
    signal.signal(signal.SIGVTALRM, too_much)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    init_plugin_loader()
    loader = DataLoader()
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    templar = Templar(loader)
    for line in sys.stdin:
        print(json.dumps([answer(templar, loader, text, template) for template in json.loads(line)]), flush=True)


main()
