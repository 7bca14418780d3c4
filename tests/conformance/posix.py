# SPDX-License-Identifier: MIT
"""The Open POSIX Test Suite: Debian's source package posixtestsuite, built with the host's compiler and C library.

Each program NUMBER-NUMBER.c of a folder of conformance/interfaces is one test, FOLDER-NUMBER-NUMBER; those that want arguments
from a script, and those that are only built, are left out.
"""
import concurrent.futures
import glob
import os
import re
import subprocess

from guest import ROOT

BUILD = os.path.join(ROOT, "build", "conformance")
SUITE = os.path.join(BUILD, "posixtestsuite")
DEADLINE = 60  # seconds; the longest that pass on Linux sleep for half of it
RESULTS = {"exit 0": "pass", "exit 1": "fail", "exit 2": "unresolved", "exit 4": "unsupported", "exit 5": "untested"}
COMMAND = ["gcc", "-std=gnu99", "-O1", "-w", "-D_GNU_SOURCE", "-D_POSIX_C_SOURCE=200112L", "-I", SUITE + "/include"]
# What the tests are linked with, and a shell for system(3).
LIBRARIES = ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libgcc_s.so.1"]
PASSWD = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"  # some tests change to another user
# A test runs alone when it sets a clock that all share, or asks for a real-time class: then it may keep CPUs from others.
ALONE = re.compile(r"clock_settime|settimeofday|SCHED_FIFO|SCHED_RR|sched_setscheduler")


def fetch():
    if not os.path.exists(SUITE + "/conformance"):
        subprocess.run([ROOT + "/tools/fetch-source", "posixtestsuite", SUITE], check=True)


def find():
    """{name: source}"""
    fetch()
    found = {}
    for source in sorted(glob.glob(SUITE + "/conformance/interfaces/*/*.c")):
        folder, name = source.split("/")[-2:]
        if re.fullmatch(r"\d+-\d+\.c", name):
            found[f"{folder}-{name[:-2]}"] = source
    return found


def compile_test(name, source):
    """Return whether it builds."""
    target = os.path.join(BUILD, "bin", name)
    if os.path.exists(target):
        return True
    return subprocess.run([*COMMAND, source, "-o", target, "-lpthread", "-lrt", "-lm"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def build(tests):
    """The names of those that build."""
    os.makedirs(os.path.join(BUILD, "bin"), exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [name for name, fine in zip(tests, pool.map(lambda pair: compile_test(*pair), tests.items())) if fine]


def alone(source):
    with open(source, encoding="latin-1") as text:
        return bool(ALONE.search(text.read()))


def word(result, _output):
    return RESULTS.get(result, result.replace(" ", ":"))


def files(names):
    """What the guest's tree needs for these tests: [(name, path, mode)]."""
    system = [("bin/sh", "/bin/busybox", 0o100755), ("etc/passwd", PASSWD, 0o100644)]
    system += [(path[1:], path, 0o100755) for path in LIBRARIES]
    return system + [("tests/" + name, os.path.join(BUILD, "bin", name), 0o100755) for name in names]
