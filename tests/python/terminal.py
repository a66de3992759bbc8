"""Runs a program on a terminal of its own and prints the bytes that it draws.

    terminal.py COLUMNS PROGRAM [ARGUMENT...]

Ends with the program's exit code.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

ROWS = 24


def drawn_by(child, terminal):
    """All that comes until the program closes the terminal."""
    drawn = bytearray()
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says so of a terminal that nobody has open any more.
            break
        if not chunk:
            break
        drawn += chunk
    _, status = os.waitpid(child, 0)
    return bytes(drawn), os.waitstatus_to_exitcode(status)


def main():
    columns, *program = sys.argv[1:]
    # The size is set before the program can look at it.
    ready, go = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.read(ready, 1)
        os.execv(program[0], program)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, int(columns), 0, 0))
    os.write(go, b"1")
    drawn, code = drawn_by(child, terminal)
    sys.stdout.buffer.write(drawn)
    sys.stdout.buffer.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
