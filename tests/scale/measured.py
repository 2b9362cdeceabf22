"""What is measured: the program, the cluster that it works in, and the operator at work with its figures."""

import os
import pathlib
import re
import subprocess
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS = os.environ.get("DAYTWO_METRICS", "127.0.0.1:18080")
TICKS = os.sysconf("SC_CLK_TCK")


def output(*command, **options):
    """What a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def release_binary():
    """The path of DAYTWO_BINARY, or of a release build."""
    if given := os.environ.get("DAYTWO_BINARY"):
        return given
    subprocess.run(["cargo", "build", "--release", "--bin", "daytwo"], cwd=ROOT, check=True)
    return str(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/daytwo")


def control_plane(cluster):
    """Sets KUBECONFIG and PATH for a control plane of this name, unless KUBECONFIG names a cluster."""
    if os.environ.get("KUBECONFIG"):
        return
    os.environ.setdefault("DAYTWO_CLUSTER", cluster)
    os.environ["KUBECONFIG"] = output(ROOT / "tests/cluster/up", "--control-plane")
    os.environ["PATH"] = output(ROOT / "tests/cluster/status", "--clients") + ":" + os.environ["PATH"]


class Operator:
    """The program at work: it serves what `watches`.yaml of a project names, again every so many seconds."""

    def __init__(self, binary, project, watches, namespace, period):
        self.log = tempfile.TemporaryFile()
        command = [binary, "run", f"--watches-file={watches}.yaml", f"--reconcile-period={period}s"]
        command += [f"--metrics-bind-address={METRICS}", "--health-probe-bind-address=0"]
        environment = os.environ | {"WATCH_NAMESPACE": namespace}
        self.process = subprocess.Popen(command, cwd=project, env=environment, stdout=self.log, stderr=self.log)

    def total(self, *names):
        """The sums of these metrics over all that they tell apart; a name may go on with a pattern of its labels."""
        try:
            with urllib.request.urlopen(f"http://{METRICS}/metrics") as answer:
                metrics = answer.read().decode()
        except OSError:  # not served yet
            metrics = ""
        begins = (name if "{" in name else name + "{" for name in names)
        return [sum(map(float, re.findall(rf"^{begin}.*}} (\S+)$", metrics, re.M))) for begin in begins]

    def processor(self):
        """Processor seconds so far."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        return sum(map(int, stat.rsplit(")", 1)[1].split()[11:13])) / TICKS

    def figures(self):
        """Processor seconds, KiB of memory, passes and requests so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        return self.processor(), memory, *self.total("controller_runtime_reconcile_total", "rest_client_requests_total")

    def end(self):
        self.process.terminate()
        self.process.wait()
