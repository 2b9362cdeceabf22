"""The real Helm, timed in process: reads the work as JSON on stdin, answers the processor time by name in seconds."""

import json
import sys
import time

from helm_python import Chart, _native

OPTIONS = json.dumps({"name": "rel", "namespace": "ns", "kube_version": "v1.33.0"})


def values_of(case):
    if case["values"] is None:
        return "{}"
    with open(case["values"], encoding="utf-8-sig") as file:
        return _native.call_string("helm_values_from_yaml", file.read() or "{}")


def render(chart, values):
    _native.call_string("helm_render", chart._raw(), values, OPTIONS)


def figure(work):
    """The time of one rendering of every case, the mean of several in a budget, after one that is not counted."""
    total = 0
    for case in work["cases"]:
        values = values_of(case)
        with Chart.load(case["chart"]) as chart:
            render(chart, values)
            count = 0
            start = time.process_time()
            while count == 0 or time.process_time() - start < work["budget"]:
                render(chart, values)
                count += 1
            total += (time.process_time() - start) / count
    return total


print(json.dumps({work["name"]: figure(work) for work in json.load(sys.stdin)}))
