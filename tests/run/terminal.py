#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command on a terminal of 33 by 77 and play a part.

  terminal.py SECONDS [WAIT_FOR SEND]... -- COMMAND...

When WAIT_FOR has been shown, SEND is typed; "resize" makes the window 40 by 99 instead. What was
shown goes to stdout, then `status N`.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


def main():
    split = sys.argv.index("--")
    seconds = float(sys.argv[1])
    parts = [text.encode().decode("unicode_escape").encode() for text in sys.argv[2:split]]
    script = list(zip(parts[::2], parts[1::2]))
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
    shown, start = b"", 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        if script and script[0][0] in shown[start:]:
            start = len(shown)
            send = script.pop(0)[1]
            if send == b"resize":
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 99, 0, 0))
            else:
                os.write(terminal, send)
    else:
        os.kill(pid, 9)
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    print("\nstatus", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
