"""Stubs made from `proto/` at every run, as any user of the contract would make them.

Only `vidne/v1` is generated: google.rpc.Status comes from googleapis-common-protos.
"""

import atexit
import pathlib
import shutil
import sys
import tempfile

import grpc_tools
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def generate() -> str:
    """Compiles the contract into a temporary folder and returns it."""
    folder = tempfile.mkdtemp(prefix="vidne-stubs.")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(file) for file in (PROTO / "vidne" / "v1").glob("*.proto"))
    assert files, f"no protos below {PROTO}"
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python")]
    failed = protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *outputs, *files])
    assert failed == 0, "protoc refuses the contract"
    return folder


sys.dont_write_bytecode = True
sys.path.insert(0, generate())

from vidne.v1 import audit_service_pb2 as audit  # noqa: E402
from vidne.v1 import audit_service_pb2_grpc as audit_grpc  # noqa: E402
from vidne.v1 import event_pb2 as event  # noqa: E402
from vidne.v1 import export_service_pb2 as export  # noqa: E402
from vidne.v1 import filter_pb2 as filters  # noqa: E402
from vidne.v1 import tenant_service_pb2 as tenant  # noqa: E402
from vidne.v1 import tenant_service_pb2_grpc as tenant_grpc  # noqa: E402

__all__ = ["audit", "audit_grpc", "event", "export", "filters", "tenant", "tenant_grpc"]
