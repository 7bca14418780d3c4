# SPDX-License-Identifier: MIT
"""The Open POSIX Test Suite: Debian's source package posixtestsuite, built with the architecture's compiler and C library of this
system: Debian's cross compilers for the other architectures.

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
FLAGS = ["-std=gnu99", "-O1", "-w", "-D_GNU_SOURCE", "-D_POSIX_C_SOURCE=200112L", "-I", SUITE + "/include"]
# What the tests are linked with, as they look for it.
LOADERS = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1", "riscv64": "lib/ld-linux-riscv64-lp64d.so.1"}
LIBRARIES = ["lib/libc.so.6", "lib/libgcc_s.so.1"]
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


def compiler(arch):
    return arch + "-linux-gnu-gcc"


def program(arch, name):
    return os.path.join(BUILD, "bin-" + arch, name)


def compile_test(arch, name, source):
    """Return whether it builds."""
    target = program(arch, name)
    if os.path.exists(target):
        return True
    return subprocess.run([compiler(arch), *FLAGS, source, "-o", target, "-lpthread", "-lrt", "-lm"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def build(arch, tests):
    """The names of those that build; tests: {name: source}."""
    os.makedirs(program(arch, ""), exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [name for name, fine in zip(tests, pool.map(lambda pair: compile_test(arch, *pair), tests.items())) if fine]


def alone(source):
    with open(source, encoding="latin-1") as text:
        return bool(ALONE.search(text.read()))


def word(result, _output):
    return RESULTS.get(result, result.replace(" ", ":"))


def shell(arch):
    """What system(3) runs: this system's, or Debian's package of the other architecture."""
    if arch == os.uname().machine:
        return "/bin/busybox"
    tree = subprocess.run([ROOT + "/tests/foreign/tree", arch, "conformance", "busybox-static"], text=True, stdout=subprocess.PIPE,
                          check=True)
    return tree.stdout.strip() + "/bin/busybox"


def library(arch, name):
    """Where the compiler has it."""
    said = subprocess.run([compiler(arch), "-print-file-name=" + os.path.basename(name)], text=True, stdout=subprocess.PIPE, check=True)
    return said.stdout.strip()


def files(arch, names):
    """What the guest's tree needs for these tests: [(name, path, mode)]."""
    system = [("bin/sh", shell(arch), 0o100755), ("etc/passwd", PASSWD, 0o100644)]
    system += [(name, library(arch, name), 0o100755) for name in [LOADERS[arch], *LIBRARIES]]
    return system + [("tests/" + name, program(arch, name), 0o100755) for name in names]
