"""As much of a Kubernetes API as `helm install` asks before it writes its first object, which is the record of the
release with everything rendered in it. That record is kept here, and the write is refused: nothing is ever made."""

import base64
import gzip
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import yaml

# The kinds that a chart here may use.
KINDS = {
    "v1": ["ConfigMap", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment", "StatefulSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "batch/v1": ["Job"],
    "monitoring.coreos.com/v1": ["ServiceMonitor"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
}


def plural(kind):
    name = kind.lower()
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def resources(group_version):
    verbs = ["create", "delete", "get", "list", "patch", "update"]
    found = [
        {"name": plural(kind), "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": verbs}
        for kind in KINDS[group_version]
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def groups():
    found = []
    for group_version in KINDS:
        group, _, version = group_version.rpartition("/")
        if group:
            named = {"groupVersion": group_version, "version": version}
            found.append({"name": group, "versions": [named], "preferredVersion": named})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def release_record(body):
    """The record in a request that writes it: JSON, gzipped, in base64 (and once more where the request is JSON)."""
    if body.startswith(b"{"):
        packed = base64.b64decode(json.loads(body)["data"]["release"])
    else:
        packed = re.search(rb"H4sI[A-Za-z0-9+/]+=*", body).group()
    return json.loads(gzip.decompress(base64.b64decode(packed)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0].rstrip("/")
        group_version = re.sub("^/apis?/", "", path)
        if path == "/version":
            major, minor = self.server.version.split(".")
            self.answer(200, {"major": major, "minor": minor, "gitVersion": f"v{self.server.version}.0"})
        elif path == "/api":
            self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            self.answer(200, groups())
        elif group_version in KINDS:
            self.answer(200, resources(group_version))
        elif re.search("/(secrets|configmaps)$", path):
            self.answer(200, {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
        else:
            self.refuse(404, "NotFound")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if b"helm.sh/release.v1" in body:
            self.server.release = release_record(body)
        self.refuse(403, "Forbidden")

    do_PUT = do_PATCH = do_DELETE = do_POST

    def refuse(self, code, reason):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code})

    def answer(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Cluster(ThreadingHTTPServer):
    """Serves on a free loopback port until it is left."""

    daemon_threads = True

    def __init__(self, version):
        super().__init__(("127.0.0.1", 0), Handler)
        self.version = version
        self.release = None

    def __enter__(self):
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def kubeconfig(self, namespace):
        """How a client reaches it."""
        return yaml.safe_dump({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.server_address[1]}"}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "nobody", "namespace": namespace}}],
        })
