#!/usr/bin/env python3
"""Requests and processor time of install, upgrade and no-op repair beside helm 4's, as ratios.

    measure.py [ROUNDS]

Charts: charts/hello and, when the shared corpus is there, kube-prometheus-stack. Set DAYTWO to an optimised
binary. The figures are printed, never asserted.
"""

import resource
import statistics
import sys

import corpus
from cluster import DAYTWO, HELM_4, ROOT, Namespace, kubectl, run
from proxy import Proxy


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(proxy, *command):
    """(requests, seconds of processor time) of a command; through the proxy for the one, directly for the other."""
    proxy.reset()
    process = proxy.start(*command)
    output, _ = process.communicate(timeout=900)
    if process.returncode != 0:
        raise SystemExit(f"{command}: {output}")
    return len(proxy.requests)


def seconds(*command):
    begin = children_seconds()
    run(*command)
    return children_seconds() - begin


# kube-prometheus-stack without the Jobs of its admission hooks, which need a node.
STACK_FLAGS = ("--set", "prometheusOperator.admissionWebhooks.enabled=false", "--set", "prometheusOperator.tls.enabled=false")


def charts():
    yield "charts/hello", ROOT / "charts" / "hello", ()
    stack = corpus.chart("prometheus-community+helm-charts", "charts__kube-prometheus-stack")
    if stack:
        yield "kube-prometheus-stack", stack, STACK_FLAGS


def steps(chart, flags):
    changed = ("--set", "global.changed=1", "--set", "service.port=8081")
    yield "install", ("install", "rel", chart, *flags)
    yield "upgrade", ("upgrade", "rel", chart, *flags, *changed)
    yield "no-op repair", ("upgrade", "rel", chart, *flags, *changed)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with Proxy() as proxy:
        for title, chart, flags in charts():
            figures = {}
            for program in (DAYTWO, HELM_4):
                with Namespace("measure") as namespace:
                    for step, command in steps(chart, flags):
                        count = measure(proxy, program, *command, "-n", namespace.name)
                        figures[program, step] = [count]
                    run(program, "uninstall", "rel", "-n", namespace.name, "--wait")
                    for _ in range(rounds):
                        for step, command in steps(chart, flags):
                            figures[program, step].append(seconds(program, *command, "-n", namespace.name))
                        run(program, "uninstall", "rel", "-n", namespace.name, "--wait")
                kubectl("wait", "namespace", namespace.name, "--for=delete", "--timeout=10m")
            for step, _ in steps(chart, flags):
                ours, theirs = figures[DAYTWO, step], figures[HELM_4, step]
                mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
                print(
                    f"{title}, {step}: requests {ours[0]} to {theirs[0]} (1 : {theirs[0] / ours[0]:.1f}); "
                    f"processor time {mine * 1000:.0f} ms to {other * 1000:.0f} ms (1 : {other / mine:.1f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
