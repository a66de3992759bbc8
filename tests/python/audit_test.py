#!/usr/bin/env python3
"""The contract, checked from Python with grpcio against a vidne that is running and empty.

    python audit_test.py --endpoint 127.0.0.1:50051

The checks build on each other: the first that fails ends the run with exit code 1.
"""

import argparse
import faulthandler
import sys
import time
import traceback

import following
import reading
import recording
import surroundings
import tenants
from client import Client

# Seconds after which the whole run counts as hanging; it then shows where.
LIMIT = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, metavar="HOST:PORT")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    faulthandler.dump_traceback_later(LIMIT, exit=True)

    client = Client(arguments.endpoint)
    checked = 0
    for module in (surroundings, recording, reading, following, tenants):
        for check in module.CHECKS:
            name, start = f"{module.__name__}: {check.__name__.replace('_', ' ')}", time.monotonic()
            try:
                check(client)
            except Exception:
                print(f"FAILED {name}")
                traceback.print_exc(file=sys.stdout)
                return 1
            print(f"ok     {name} ({time.monotonic() - start:.2f} s)")
            checked += 1
    client.channel.close()
    print(f"all {checked} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
