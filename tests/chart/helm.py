"""Helm itself, from the shared library in the package helm-sdkpy."""

import ctypes
import importlib.util
import json
from ctypes import POINTER, byref, c_char_p, c_ulonglong, c_void_p
from pathlib import Path

from cluster import Cluster

OPTIONS = {
    "wait": False,
    "timeout_seconds": 30,
    "server_side_apply": "false",
    "disable_openapi_validation": True,
    "create_namespace": False,
}


class Refused(Exception):
    """Helm does not render or install this; the text is Helm's."""


def library():
    folder = Path(importlib.util.find_spec("helm_sdkpy").origin).parent
    helm = ctypes.CDLL(str(folder / "_lib/linux-amd64/libhelm_sdkpy.so"))
    helm.helm_sdkpy_last_error.restype = c_char_p
    helm.helm_sdkpy_free.argtypes = [c_void_p]
    helm.helm_sdkpy_config_create.argtypes = [c_char_p] * 4 + [POINTER(c_ulonglong)]
    helm.helm_sdkpy_config_destroy.argtypes = [c_ulonglong]
    helm.helm_sdkpy_config_destroy.restype = None
    helm.helm_sdkpy_lint.argtypes = [c_ulonglong, c_char_p, POINTER(c_void_p)]
    helm.helm_sdkpy_install.argtypes = [c_ulonglong] + [c_char_p] * 5 + [POINTER(c_void_p)]
    return helm


class Helm:
    def __init__(self):
        self.library = library()

    def check(self, code):
        if code:
            raise Refused((self.library.helm_sdkpy_last_error() or b"no reason given").decode())

    def call(self, function, cluster, namespace, *arguments):
        handle, out = c_ulonglong(), c_void_p()
        kubeconfig = cluster.kubeconfig(namespace).encode()
        self.check(self.library.helm_sdkpy_config_create(namespace.encode(), kubeconfig, b"", b"{}", byref(handle)))
        try:
            self.check(function(handle, *(argument.encode() for argument in arguments), byref(out)))
            text = ctypes.string_at(out.value).decode()
            self.library.helm_sdkpy_free(out)
            return json.loads(text)
        finally:
            self.library.helm_sdkpy_config_destroy(handle)

    def lint(self, chart):
        """What `helm lint` says with the default values: (severity, text), 2 is a warning, 3 an error."""
        with Cluster("1.33") as cluster:
            found = self.call(self.library.helm_sdkpy_lint, cluster, "default", str(chart))
        return [(message["Severity"], f"{message['Path']}: {message['Err']}") for message in found["Messages"] or []]

    def release(self, chart, values, version, name="vidne", namespace="audit"):
        """The record of the release that `helm install` makes on a cluster of this version."""
        with Cluster(version) as cluster:
            arguments = [name, str(chart), json.dumps(values), "", json.dumps(OPTIONS)]
            try:
                self.call(self.library.helm_sdkpy_install, cluster, namespace, *arguments)
            except Refused:
                # The write of the record is refused each time; without a record, Helm itself refused.
                if cluster.release is None:
                    raise
            return cluster.release
