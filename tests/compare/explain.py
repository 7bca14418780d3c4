#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reasons for differences.

  explain.py REASONS FILE              the lines of FILE (compare.py) that have no reason
  explain.py REASONS -p FOLDER NAME…   the page docs/differences.md from FOLDER/NAME.differences

REASONS: `PATTERN`, a line that begins with a tab: the reason. The pattern is a regular expression that
is searched in `PROGRAM: CALL -> LINUX -> HEDDLE`; the first that fits counts.
"""
import os
import re
import sys
from collections import defaultdict

PAGE = """# Differences from Linux

What {programs} programs ask of the kernel and what it answers: {calls} system calls in {processes} processes, on
Linux {release} (strace) and on Heddle (`heddle run --trace`). `make compare` runs them and writes this page; a
difference without a reason in tests/compare/reasons fails. `make test` has a sample of them.

Calls are compared process by process, in the order in which each was made: the name, paths, the arguments that are
numbers, the result or error. Not compared: addresses, numbers of processes, times; and what is not the same in three
runs on Linux and two on Heddle. Numbers of flags and requests are the kernel's (`0xffffff9c` is AT_FDCWD); `…` is an
address or a buffer; "no call": the program went another way, most often after a difference further up.
"""


def read_reasons(path):
    reasons, pattern = [], None
    with open(path) as lines:
        for line in lines:
            if line.startswith("\t"):
                reasons.append((re.compile(pattern), line.strip()))
            elif line.strip() and not line.startswith("#"):
                pattern = line.strip()
    return reasons


def read_differences(path):
    with open(path) as lines:
        return [tuple(line.rstrip("\n").split("\t")) for line in lines]


def reason(reasons, program, difference):
    text = f"{program}: " + " -> ".join(difference)
    return next((i for i, (pattern, _) in enumerate(reasons) if pattern.search(text)), None)


def page(reasons, folder, names):
    kinds, sizes = defaultdict(lambda: defaultdict(set)), {}
    for name in names:
        with open(f"{folder}/{name}.size") as size:
            sizes[name] = size.read().strip("# \n")
        for difference in read_differences(f"{folder}/{name}.differences"):
            kinds[reason(reasons, name, difference)][difference].add(name)
    total = [sum(int(re.findall(r"\d+", size)[i]) for size in sizes.values()) for i in (0, 1)]
    release = ".".join(os.uname().release.split(".")[:2])
    print(PAGE.format(programs=len(names), calls=total[0], processes=total[1], release=release))
    print("| program | compared |\n|---|---|")
    for name in names:
        print(f"| {name} | {sizes[name]} |")
    for index, (_, text) in [*enumerate(reasons), (None, (None, "No reason known"))]:
        if index in kinds:
            examples = sorted(kinds[index].items())
            print(f"\n## {text}\n\n| call | Linux | Heddle | in |\n|---|---|---|---|")
            for (call, there, here), where in examples[:12]:
                cells = [f"`{c}`".replace("|", "\\|") for c in (call[:90], there[:70], here[:70])]
                print("|", " | ".join([*cells, ", ".join(sorted(where))]), "|")
            if len(examples) > 12:
                print(f"\nand {len(examples) - 12} more of the same kind.")


def main():
    reasons = read_reasons(sys.argv[1])
    if sys.argv[2] == "-p":
        page(reasons, sys.argv[3], sys.argv[4:])
        return
    program = os.path.basename(sys.argv[2]).partition(".")[0]
    for difference in read_differences(sys.argv[2]):
        if reason(reasons, program, difference) is None:
            print("\t".join(difference))


main()
