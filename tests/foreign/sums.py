# SPDX-License-Identifier: MIT
"""Numbers, threads, child processes, files and signals of Python; what it prints is the same everywhere."""
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading

harmonic = 0.0
for divisor in range(1, 20001):  # sum() rounds another way since Python 3.12
    harmonic += 1 / divisor
print(harmonic.hex(), pow(3, 10**6, 2**127 - 1), 2**0.5)
print(hashlib.sha256(open("words", "rb").read()).hexdigest())

lock, total = threading.Lock(), [0]


def add(start):
    for number in range(start, 4000, 8):
        with lock:
            total[0] += number


threads = [threading.Thread(target=add, args=(start,)) for start in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total[0])

child = os.fork()
if child == 0:
    os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(subprocess.run(["sort", "-r"], input="a\nc\nb\n", capture_output=True, text=True).stdout.split())
with open(os.memfd_create("packed"), "w+b") as file:
    file.write(struct.pack("<dI", 2.5, 7))
    file.seek(0)
    print(struct.unpack("<dI", file.read()))
seen = []
signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.pause()
print(json.dumps({"seen": seen, "sizes": struct.calcsize("P"), "order": sys.byteorder}))
sys.exit(3)
