"""The real Helm, asked over pipes: one JSON request a line on stdin, one JSON answer a line on stdout.

A request is {"chart": {path: text} or null for the chart of the request before, "values": [JSON text, ...]}, answered by
one outcome for each values, or {"set": [text, ...]}, answered by one outcome for each text of `--set`. An outcome is
{"ok": JSON text} or {"error": text}.
"""

import json
import os
import shutil
import sys
import tempfile

import helm_python
from helm_python import _native

OPTIONS = json.dumps({"name": "rel", "namespace": "ns", "kube_version": "v1.33.0"})


def outcome(call, *arguments):
    try:
        return {"ok": _native.call_string(call, *arguments)}
    except helm_python.HelmError as error:
        return {"error": str(error)}
    except UnicodeDecodeError:
        return {"error": "an error whose text is no UTF-8"}


class Charts:
    """The chart that is being rendered, which Helm only loads from a directory."""

    def __init__(self):
        self.chart, self.error = None, "no chart"
        memory = "/dev/shm"
        self.room = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None)
        self.directory = os.path.join(self.room, "chart")

    def load(self, files):
        if self.chart is not None:
            self.chart.close()
            self.chart = None
        shutil.rmtree(self.directory, ignore_errors=True)
        for path, text in files.items():
            path = os.path.join(self.directory, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text.encode())
        try:
            self.chart = helm_python.Chart.load(self.directory)
        except helm_python.HelmError as error:
            self.error = str(error)

    def render(self, values):
        if self.chart is None:
            return {"error": self.error}
        return outcome("helm_render", self.chart._raw(), values, OPTIONS)


def main():
    charts = Charts()
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "set" in request:
                answer = [outcome("helm_strvals_parse", text) for text in request["set"]]
            else:
                if request["chart"] is not None:
                    charts.load(request["chart"])
                answer = [charts.render(values) for values in request["values"]]
            print(json.dumps(answer), flush=True)
    finally:
        shutil.rmtree(charts.room, ignore_errors=True)


main()
