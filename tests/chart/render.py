"""Renders a chart with real Helm and holds every object against the schemas of Kubernetes, strictly.

Standard input is JSON: {"chart": folder, "versions": ["1.29", ...], "sets": [{"name": ..., "file": values file, or
"values": {...}, "release": name}]}. Standard output is JSON: the lint's warnings, and for each set what Helm refused, or
objects, hooks, notes and problems found."""

import json
import os
import sys
import tempfile

# Before Helm's runtime reads them.
HOME = tempfile.TemporaryDirectory(prefix="vidne-chart.")
os.environ.update({name: HOME.name for name in ["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"]})
for name in ["KUBECONFIG", "HELM_DRIVER"]:
    os.environ.pop(name, None)

import kubernetes_validate
import yaml

from helm import Helm, Refused

# Kinds that Kubernetes has no schema for: somebody else's.
FOREIGN = ["monitoring.coreos.com/"]


def problems(objects, version):
    for thing in objects:
        name = f"{thing['kind']}/{thing['metadata']['name']} on {version}"
        if thing["apiVersion"].startswith(tuple(FOREIGN)):
            continue
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except Exception as error:
            yield f"{name}: {error}"


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def render(helm, chart, wanted, versions):
    values = wanted.get("values") or {}
    if "file" in wanted:
        with open(wanted["file"], encoding="utf-8") as file:
            values = yaml.safe_load(file) or {}
    found = []
    for version in versions:
        try:
            record = helm.release(chart, values, version, wanted.get("release") or "vidne")
        except Refused as error:
            return {"name": wanted["name"], "refused": str(error)}
        objects = documents(record["manifest"])
        hooks = [thing for hook in record.get("hooks") or [] for thing in documents(hook["manifest"])]
        found += problems(objects + hooks, version)
    return {
        "name": wanted["name"],
        "objects": objects,
        "hooks": hooks,
        "notes": record["info"]["notes"],
        "problems": found,
    }


def main():
    job = json.load(sys.stdin)
    helm = Helm()
    lint = [text for severity, text in helm.lint(job["chart"]) if severity >= 2]
    sets = [render(helm, job["chart"], wanted, job["versions"]) for wanted in job["sets"]]
    json.dump({"lint": lint, "sets": sets}, sys.stdout)


main()
