# SPDX-License-Identifier: MIT
"""stress-ng's stressors and the programs of rt-tests: Debian's packages, each test one command.

A stressor runs with one worker and --verify. One that says that it skips itself, or that it ended before it began, did not pass: its
word is `skipped`.
"""
import os
import re
import shutil
import subprocess

from conformance.posix import PASSWD

CLASSES = ("scheduler", "cpu", "pipe", "interrupt", "memory")
NAMED = ("clone fork vfork exec futex pthread mutex sem sem-sysv msg mq shm shm-sysv signal sigq sigfd timer timerfd switch yield "
         "affinity nice resched schedpolicy eventfd epoll poll").split()
# Not run: what works on the machine rather than the kernel (cpu-online takes CPUs away, smi wants its firmware, ioport its ports),
# and what needs minutes to come up under emulation.
LEFT_OUT = {"cpu-online", "smi", "ioport", "ipsec-mb", "lockbus"}
# These refuse to run as root.
AS_NOBODY = {"exec", "spawn"}
SPECIAL = {"sched-deadline": "--cyclic 1 --cyclic-policy deadline"}
RT_TESTS = {
    "hackbench": "hackbench -g 4 -l 100",
    "hackbench-threads": "hackbench -T -g 4 -l 100",
    "hackbench-pipes": "hackbench -p -g 4 -l 100",
    "cyclictest": "cyclictest -q -t 4 -p 80 -l 2000",
    "ptsematest": "ptsematest -q -t 2 -p 80 -l 200",
    "svsematest": "svsematest -q -t 2 -p 80 -l 200",
    "sigwaittest": "sigwaittest -q -t 2 -p 80 -l 200",
    "signaltest": "signaltest -q -t 4 -p 80 -l 500",
    "pi_stress": "pi_stress -q -D 10 -g 2",
}
STATUSES = {"exit 0": "pass", "exit 3": "no-resource", "exit 4": "not-implemented"}


def stressors():
    names = set(NAMED)
    for of in CLASSES:
        said = subprocess.run(["stress-ng", "--class", of + "?"], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        names.update(said.stdout.split(":")[-1].split())
    return sorted(names - LEFT_OUT)


def stress_command(name, seconds):
    what = SPECIAL.get(name, f"--{name} 1")
    command = f"stress-ng {what} --verify -t {seconds} --temp-path /tmp"
    return f"su -s /bin/sh nobody -c '{command}'" if name in AS_NOBODY else command


def commands(part, seconds):
    """{name: command}"""
    if part == "rt-tests":
        return {"rt-tests-" + name: command for name, command in RT_TESTS.items()}
    return {"stress-ng-" + name: stress_command(name, seconds) for name in [*stressors(), *SPECIAL]}


def word(result, output):
    if result == "exit 0" and re.search(r"skipp(ed|ing)|No stress workers|finished prematurely after just", output):
        return "skipped"
    return STATUSES.get(result, result.replace(" ", ":"))


def libraries(programs):
    found = {"/lib64/ld-linux-x86-64.so.2"}
    for program in programs:
        said = subprocess.run(["ldd", program], text=True, stdout=subprocess.PIPE, check=True)
        found.update(re.findall(r"=> (/\S+)", said.stdout))
    return sorted(found)


def files(chosen):
    """What the guest's tree needs for these commands, {name: command}: [(name, bytes or path, mode)]."""
    programs = sorted({shutil.which(word) for command in chosen.values() for word in command.replace("'", " ").split()
                       if word == "stress-ng" or word in " ".join(RT_TESTS.values())} - {None})
    tree = [("bin/" + tool, "/bin/busybox", 0o100755) for tool in ("sh", "su")]
    tree += [("etc/passwd", PASSWD, 0o100644)]
    tree += [("bin/" + os.path.basename(program), program, 0o100755) for program in programs]
    tree += [(path[1:], path, 0o100755) for path in libraries(programs)]
    return tree + [("tests/" + name, f"#!/bin/sh\n{command}\n".encode(), 0o100755) for name, command in chosen.items()]
