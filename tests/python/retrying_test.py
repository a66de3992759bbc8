#!/usr/bin/env python3
"""Records events with README's example and prints the id of each as it is acknowledged.

    python retrying_test.py --endpoint 127.0.0.1:50051 --count 1000
"""

import argparse
import faulthandler
import sys

import grpc

import contract  # noqa: F401  makes the stubs that the example imports
import retrying


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, metavar="HOST:PORT")
    parser.add_argument("--count", required=True, type=int)
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    faulthandler.dump_traceback_later(200, exit=True)

    options = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 1000)]
    service = contract.audit_grpc.AuditServiceStub(grpc.insecure_channel(arguments.endpoint, options))
    for number in range(arguments.count):
        event = contract.event.Event(type=contract.event.EVENT_TYPE_RECORD_READ, description=str(number))
        receipt = retrying.record(service, event)
        print(receipt.event_id)

    # What will not get better is said at once.
    used = contract.event.Event(
        event_id=receipt.event_id, type=contract.event.EVENT_TYPE_RECORD_READ, description="something else"
    )
    try:
        retrying.record(service, used)
    except grpc.RpcError as error:
        return 0 if error.code() == grpc.StatusCode.ALREADY_EXISTS else 1
    return 1


if __name__ == "__main__":
    sys.exit(main())
