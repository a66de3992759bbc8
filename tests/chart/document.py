"""What of the chart is made from something else: the table of values in helm/README.md from the comments in values.yaml,
and the part of values.schema.json that is vidne's own configuration from src/config/default.toml (and which values there must be).

    document.py            exit code 1, and which file, if one of them is not what it should be
    document.py --write    writes them"""

import json
import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm"
BEGIN, END = "<!-- values: made by tests/chart/document.py -->", "<!-- /values -->"


def comments(text):
    """The comment right above each key of a YAML text, by the key's dotted path."""
    found, path, pending = {}, [], []
    for line in text.splitlines():
        comment = re.fullmatch(r"\s*# ?(.*)", line)
        key = re.match(r"( *)([A-Za-z_]+):", line)
        if comment:
            pending.append(comment[1])
            continue
        if key:
            path = path[: len(key[1]) // 2] + [key[2]]
            if pending:
                found[".".join(path)] = " ".join(pending)
        pending = []
    return found


def rows(values, described, prefix=""):
    """(path, default, description); a key without a description is explained by those below it."""
    for key, value in values.items():
        path = prefix + key
        if path in described:
            yield path, json.dumps(value), described[path]
        elif isinstance(value, dict) and value:
            yield from rows(value, described, path + ".")
        else:
            sys.exit(f"helm/values.yaml: {path} has no comment")


def table():
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    lines = ["| value | default | |", "|---|---|---|"]
    for path, default, description in rows(yaml.safe_load(text), comments(text)):
        default = default.replace('""', "") if default == '""' else f"`{default}`"
        lines.append(f"| `{path}` | {default} | {description} |".replace("|  |", "| |"))
    return "\n".join(lines)


def readme():
    path = CHART / "README.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return path, text, f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def kind(default):
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, int):
        return "integer"
    if isinstance(default, float):
        return "number"
    return "string"


def setting(default):
    types = [kind(default), "null"]
    # A size may be a number of bytes.
    if isinstance(default, str) and re.fullmatch(r"\d+ ?[KMG]iB", default):
        types.insert(1, "integer")
    return {"type": types}


def section(settings):
    properties = {
        key: section(value) if isinstance(value, dict) else setting(value) for key, value in settings.items()
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def schema():
    path = CHART / "values.schema.json"
    text = path.read_text(encoding="utf-8")
    whole = json.loads(text)
    defaults = tomllib.loads((ROOT / "src/config/default.toml").read_text(encoding="utf-8"))
    whole["properties"]["config"] = section(defaults)
    # With none of them taken away, templates find what they look for.
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    whole["required"] = [key for key, value in values.items() if value is not None]
    return path, text, json.dumps(whole, indent=2) + "\n"


def main():
    wrong = False
    for path, is_now, should_be in [readme(), schema()]:
        if is_now == should_be:
            continue
        if sys.argv[1:] == ["--write"]:
            path.write_text(should_be, encoding="utf-8")
        else:
            print(f"{path.relative_to(ROOT)} is out of date: run tests/chart/document.py --write", file=sys.stderr)
            wrong = True
    return 1 if wrong else 0


sys.exit(main())
