#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the system calls of one program: compare.py HEDDLE… -- LINUX…

HEDDLE are files of `heddle run --trace`, LINUX prefixes of the files of `strace -ff -X raw`. Calls are
compared process by process. A process is named by its place in the tree (1, 1.1, 1.2, 1.2.1 …), so
neither numbers nor the order between processes count; addresses count nowhere. What differs between
two runs on Linux differs by chance, and so does what not every run on Heddle shows: both are left out.

Prints one difference a line: CALL <tab> LINUX <tab> HEDDLE, each once, sorted.
"""
import difflib
import glob
import itertools
import os
import re
import sys
from collections import Counter

# Results that are addresses, process numbers, or times.
ADDRESS = {"mmap", "brk", "mremap", "shmat"}
NUMBER = {"clone", "clone3", "fork", "vfork", "wait4", "getpid", "gettid", "getppid", "getpgrp",
          "getpgid", "getsid", "setsid", "set_tid_address"}
TIME = {"time", "times", "alarm"}
MAKERS = {"clone", "clone3", "fork", "vfork"}
ASYNCHRONOUS = {"rt_sigreturn", "restart_syscall"}  # where they stand says nothing
# Arguments that are compared, where not all of those that both sides show as numbers are.
ARGUMENTS = {"brk": (), "mmap": (1, 2, 3, 4), "munmap": (), "mprotect": (1, 2), "madvise": (1, 2),
             "mremap": (1, 2, 3), "clone": (), "clone3": (), "futex": (), "kill": (1,), "tgkill": (2,),
             "tkill": (1,), "wait4": (2,), "waitid": (0, 3), "setpgid": (), "getpgid": (), "getsid": (),
             "prlimit64": (1,), "rt_sigreturn": (), "set_tid_address": (), "set_robust_list": (1,),
             "rseq": (1, 2, 3), "arch_prctl": (0,), "sched_getaffinity": (), "sched_setaffinity": (),
             "sched_getscheduler": (), "sched_getparam": (), "sched_setparam": (), "msync": (1, 2),
             "process_vm_readv": (), "getpriority": (0,), "setpriority": (0, 2), "ioprio_get": (0,),
             "sched_setscheduler": (1,), "prctl": (0,), "mincore": (1,), "mlock": (1,), "ioctl": (0, 1),
             "restart_syscall": (), "membarrier": (0, 1), "pidfd_open": (1,), "exit": (), "rt_sigaction": (0, 3)}
# Names with a number of a process, or made up.
BY_CHANCE = [(r"/proc/\d+", "/proc/N"), (r"/(sort|sed|tmp_obj_|tmp_idx_|cc|t)\w{6}\b", r"/\1…"),
             (r"^\"/tmp/\w{8,11}\b", '"/tmp/…'), (r"^\"a\w{3}\"", '"a…"')]
RESTARTS = {"ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ERESTART_RESTARTBLOCK", "ERESTART",
            "ERESTART_ALWAYS", "ERESTART_NO_HANDLER", "ERESTART_BLOCK"}
LINE = re.compile(r"^(\w+)\((.*)\)\s+= (0x[0-9a-f]+|-?\d+|\?)(?: (E[A-Z0-9_]+))?")


def split(text):
    """The arguments of a call, cut at the commas that stand outside strings and brackets."""
    parts, depth, at, start, quoted = [], 0, 0, 0, False
    while at < len(text):
        char = text[at]
        if quoted:
            at += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    if text.strip():
        parts.append(text[start:].strip())
    return parts


def number(text):
    """As C writes numbers; None for `?`."""
    if text == "?":
        return None
    return int(text, 8) if re.fullmatch("0[0-7]+", text) else int(text, 0)


def value(text):
    """A number below 2^32, a string, or None for anything else."""
    if text == "NULL":
        return 0
    if re.fullmatch(r"-?\d+|0x[0-9a-f]+|0[0-7]*", text):
        found = number(text)
        if found >= 1 << 63:
            found -= 1 << 64
        return found & 0xffffffff if -(1 << 31) <= found < 1 << 32 else None
    if text.startswith('"') and text.endswith('"'):
        for pattern, to in BY_CHANCE:
            text = re.sub(pattern, to, text)
        return text
    return None


def read_forms():
    """Which arguments of which calls are paths, as the kernel's lines have them."""
    bits = {"FIRST": 0, "SECOND": 1, "THIRD": 2, "FOURTH": 3}
    top = os.path.dirname(os.path.abspath(__file__)) + "/../.."
    with open(top + "/kernel/syscall/call_forms.c") as source:
        text = source.read()
    return {name: {bits[b] for b in re.findall(r"[A-Z]+", strings)}
            for name, strings in re.findall(r"CALL\((\w+), \d, ([A-Z0 |]+)\)", text)}


PATHS = read_forms()


class Call:
    def __init__(self, name, arguments, result, error):
        self.name = name
        values = [value(a) for a in split(arguments)]
        wanted = ARGUMENTS.get(name, range(len(values)))
        paths = PATHS.get(name, ())
        self.values = [v if i in wanted and (i in paths or isinstance(v, int)) else None
                       for i, v in enumerate(values)]
        self.strings = [v for v in self.values if isinstance(v, str)]
        self.raw = number(result)
        if error in RESTARTS:
            self.result = "restart"
        elif error:
            self.result = error
        elif name == "readlink" and self.strings == ['"/proc/self"']:
            self.result = "number"
        elif name in ADDRESS | NUMBER | TIME and self.raw:
            self.result = "address" if name in ADDRESS else "number"
        elif name == "rt_sigreturn" or self.raw is None:
            self.result = "?"
        else:
            self.result = str(self.raw)

    def key(self):
        return (self.name, *self.strings[:2])

    def show(self):
        shown = [v if isinstance(v, str) else hex(v) if isinstance(v, int) and v > 1024 else
                 "…" if v is None else str(v) for v in self.values]
        while shown and shown[-1] == "…":
            shown.pop()
        return f"{self.name}({', '.join(shown)})"


def read_linux(prefix):
    """Lists of calls by process number, and the first process."""
    processes = {}
    for path in glob.glob(prefix + ".*"):
        calls = processes[int(path.rsplit(".", 1)[1])] = []
        with open(path, errors="replace") as lines:
            for line in lines:
                match = LINE.match(line)
                if match:
                    calls.append(Call(*match.groups()))
    return processes


def read_heddle(path):
    processes = {}
    with open(path, errors="replace") as lines:
        for line in lines:
            number, rest = line.split(" ", 1)
            match = LINE.match(rest)
            calls = processes.setdefault(int(number), [])
            if match:
                calls.append(Call(*match.groups()))
    return processes


def tree(processes):
    """The same lists by place in the tree."""
    made = {c.raw for calls in processes.values() for c in calls if c.name in MAKERS and c.raw and c.raw > 0}
    places = {}

    def place(number, name):
        places[name] = processes.get(number, [])
        children = [c.raw for c in places[name] if c.name in MAKERS and c.raw and c.raw > 0]
        for index, child in enumerate(children, 1):
            place(child, f"{name}.{index}")

    for number in sorted(processes):
        if number not in made and processes[number]:
            place(number, "1" if "1" not in places else f"?{number}")
            break
    return places


def compare_pair(one, two):
    """What differs between two calls that are the same one in both lists, or None."""
    same = one.result == two.result
    for a, b in zip(one.values, two.values):
        if a is not None and b is not None and a != b:
            same = False
    if same:
        return None
    if one.result != two.result:
        return (one.show(), one.result, two.result)
    return (one.name, f"{one.show()} = {one.result}", f"{two.show()} = {two.result}")


def moved(gone, come):
    """What is missing, what is new; and what only stands in another place."""
    for call in gone:
        twin = next((c for c in come if c.key() == call.key()), None)
        if twin:
            come.remove(twin)
            yield compare_pair(call, twin) or (f"order of {call.name}", "there", "elsewhere")
        else:
            yield (call.show(), call.result, "no call")
    for call in come:
        yield (call.show(), "no call", call.result)


def differences(first, second):
    """A Counter of (call, result there, result here)."""
    found = Counter()
    for name in sorted(set(first) | set(second)):
        a, b = first.get(name), second.get(name)
        if a is None or b is None:
            found[(f"process {name}", "there" if a else "-", "there" if b else "-")] += 1
            continue
        gone, come = [], []
        matcher = difflib.SequenceMatcher(None, [c.key() for c in a], [c.key() for c in b], autojunk=False)
        for kind, i, j, k, m in matcher.get_opcodes():
            if kind == "equal":
                pairs = [compare_pair(x, y) for x, y in zip(a[i:j], b[k:m])]
                found.update(p for p in pairs if p)
                continue
            gone += a[i:j]
            come += b[k:m]
        found.update(moved(gone, come))
    return found


def main():
    middle = sys.argv.index("--")
    heddle = [tree(read_heddle(p)) for p in sys.argv[1:middle]]
    linux = [tree(read_linux(p)) for p in sys.argv[middle + 1:]]
    for calls in (c for run in heddle + linux for c in run.values()):
        calls[:] = [c for c in calls if c.name not in ASYNCHRONOUS]
    chance = set()
    for other in linux[1:]:
        chance |= {call.split("(")[0] + call.partition('"')[2] for call, _, _ in differences(linux[0], other)}
    found = differences(linux[0], heddle[0])
    for there, here in itertools.product(linux, heddle):
        found &= differences(there, here)
    for call, there, here in sorted(found):
        by_chance = call.split("(")[0] + call.partition('"')[2] in chance
        if not by_chance:
            print(f"{call}\t{there}\t{here}")
    total = sum(len(c) for c in linux[0].values())
    print(f"# {total} calls in {len(linux[0])} processes", file=sys.stderr)


main()
