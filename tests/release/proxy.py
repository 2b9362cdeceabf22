"""A proxy before the API server that counts requests and can end a client at a chosen one.

The client speaks plain HTTP to it; it speaks TLS to the server with the client's own certificate.
"""

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cluster import kubectl


class Server(ThreadingHTTPServer):
    """Clients end here on purpose, in the middle of a request."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Proxy:
    """Counts the requests; calls `before(number, request)` and `after(number, request)` around each."""

    def __init__(self):
        config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
        self.target = urlsplit(config["clusters"][0]["cluster"]["server"])
        self.directory = tempfile.TemporaryDirectory()
        self.tls = ssl.create_default_context(cadata=self._text(config["clusters"][0]["cluster"], "certificate-authority"))
        user = config["users"][0]["user"]
        chain, key = self._file(user, "client-certificate"), self._file(user, "client-key")
        self.tls.load_cert_chain(chain, key)
        self.requests = []
        self.before = self.after = lambda number, request: None
        self.lock = threading.Lock()

    @staticmethod
    def _text(part, name):
        if f"{name}-data" in part:
            return base64.b64decode(part[f"{name}-data"]).decode()
        with open(part[name], encoding="utf-8") as file:
            return file.read()

    def _file(self, part, name):
        path = os.path.join(self.directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._text(part, name))
        return path

    def __enter__(self):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                proxy.forward(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.kubeconfig = os.path.join(self.directory.name, "kubeconfig")
        with open(self.kubeconfig, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "proxy",
                    "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.server.server_port}"}}],
                    "users": [{"name": "proxy", "user": {}}],
                    "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
                },
                file,
            )
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.directory.cleanup()

    def forward(self, request):
        with self.lock:
            number = len(self.requests)
            self.requests.append(f"{request.command} {request.path}")
        length = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(length) if length else None
        connection = http.client.HTTPSConnection(self.target.hostname, self.target.port, context=self.tls)
        skipped = {"host", "connection", "accept-encoding"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in skipped}
        try:
            self.before(number, request)
            connection.request(request.command, request.path, body, headers)
            answer = connection.getresponse()
            if "watch=true" in request.path or "watch=1" in request.path:
                self.stream(request, answer)
                return
            content = answer.read()
            self.after(number, request)
            request.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
        except OSError:
            request.close_connection = True
        finally:
            connection.close()

    @staticmethod
    def stream(request, answer):
        request.send_response(answer.status)
        request.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        while True:
            content = answer.read1(65536)
            request.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
            request.wfile.flush()
            if not content:
                return

    def reset(self):
        with self.lock:
            self.requests.clear()
        self.before = self.after = lambda number, request: None

    def start(self, *command):
        """A client of the proxy, in the background."""
        environment = {**os.environ, "KUBECONFIG": self.kubeconfig, "TZ": "UTC"}
        return subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
