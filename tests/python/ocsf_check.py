"""Says of each line of a file whether it is a valid OCSF event: `valid`, or what is wrong.

The schemas are the official ones that the package ocsf-json-schema carries.
"""

import json
import sys
from functools import cache

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


@cache
def schema(version):
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))


@cache
def validator(version, class_uid, profiles):
    of_class = schema(version)
    name = of_class.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(of_class.get_class_schema(name, list(profiles)))


def verdict(line):
    event = json.loads(line)
    metadata = event["metadata"]
    profiles = tuple(metadata.get("profiles", ()))
    errors = validator(metadata["version"], event["class_uid"], profiles).iter_errors(event)
    messages = [f"{error.json_path}: {error.message}"[:300].replace("\n", " ") for error in errors]
    return "; ".join(messages) or "valid"


with open(sys.argv[1], encoding="utf-8", newline="\n") as lines:
    for line in lines:
        print(verdict(line))
