# SPDX-License-Identifier: MIT
"""The tables of run-conformance: what each test answered on Linux and on Heddle, and the page made of them.

A table is a file of lines `TEST LINUX HEDDLE` beside this one, PART.table for x86-64 and PART-ARCHITECTURE.table for others; `-` stands
for: never run there.
"""
import os

from guest import ROOT

FOLDER = os.path.join(ROOT, "tests", "conformance")
PAGE = os.path.join(ROOT, "docs", "conformance.md")
GROUPS = [("asynchronous I/O", ("aio_", "lio_")), ("message queues", ("mq_",)), ("semaphores", ("sem_",)),
          ("scheduling", ("sched_",)), ("threads", ("pthread_",)), ("timers", ("timer_",)),
          ("signals", ("sig", "kill", "raise")), ("memory", ("mmap", "mlock", "mun", "shm_")),
          ("clocks, sleeping", ("clock", "nanosleep", "time")), ("stress-ng", ("stress-ng-",)),
          ("rt-tests", ("rt-tests-",)), ("processes, files, dates", ("",))]
TITLES = {"x86_64": "x86-64", "aarch64": "AArch64", "riscv64": "RISC-V 64"}


def path(part, arch):
    return os.path.join(FOLDER, part + ("" if arch == "x86_64" else "-" + arch) + ".table")


def read(part, arch):
    """{test: [linux, heddle]}"""
    if not os.path.exists(path(part, arch)):
        return {}
    with open(path(part, arch), encoding="utf-8") as lines:
        rows = [line.split() for line in lines if not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def key(name):
    """Numbers within names count as numbers."""
    return [int(word) if word.isdigit() else word for word in name.split("-") if word]


def write(part, arch, rows):
    lines = [f"{name} {linux} {heddle}\n" for name, (linux, heddle) in sorted(rows.items(), key=lambda row: str(key(row[0])))]
    with open(path(part, arch), "w", encoding="utf-8") as out:
        out.write("# Written by tests/run-conformance: test, its result on Linux, on Heddle.\n" + "".join(lines))


def group(name):
    return next(title for title, prefixes in GROUPS if name.startswith(prefixes))


def worse(rows):
    return [name for name, (linux, heddle) in rows.items() if linux == "pass" and heddle not in ("pass", "-")]


def group_line(title, rows):
    linux = [name for name, row in rows.items() if row[0] == "pass"]
    both = [name for name in linux if rows[name][1] == "pass"]
    missing = sum(rows[name][1] == "-" for name in linux)
    return (f"| {title} | {len(rows)} | {len(linux)} | {len(both)} | {missing or ''} | "
            f"{', '.join(f'`{name}`' for name in worse(rows))} |")


def reasons(rows):
    """Lines for the tests that are worse here, and `reasons` knows why."""
    with open(os.path.join(FOLDER, "reasons"), encoding="utf-8") as lines:
        known = dict(line.strip().split(" ", 1) for line in lines if line.strip() and not line.startswith("#"))
    return [f"- `{name}`: {known.get(name, 'not looked into')}" for name in worse(rows)]


def summary(arch, rows):
    """Lines: how many of each group pass, and what is worse here."""
    lines = ["", "## " + TITLES[arch], "",
             "| group | tests | pass on Linux | of these on Heddle | not run | pass on Linux only |", "|---|---|---|---|---|---|"]
    for title, _ in GROUPS:
        members = {name: row for name, row in rows.items() if group(name) == title}
        if members:
            lines.append(group_line(title, members))
    lines.append(group_line("all", rows))
    return lines + (["", "Why:", "", *reasons(rows)] if worse(rows) else [])


def not_on_linux(rows):
    """Lines: the tests that do not pass on Linux, by architecture; rows: {architecture: {test: [linux, heddle]}}."""
    lines = ["", "## The tests that do not pass on Linux, which nothing is asked of", "",
             "| test |" + "".join(f" {TITLES[arch]}: Linux | Heddle |" for arch in rows), "|---|" + "---|---|" * len(rows)]
    for name in dict.fromkeys(name for known in rows.values() for name in known):
        cells = [known.get(name, ["", ""]) for known in rows.values()]
        if any(linux not in ("pass", "") and "-" not in (linux, heddle) for linux, heddle in cells):
            lines.append(f"| {name} |" + "".join(f" {linux} | {heddle} |" for linux, heddle in cells))
    return lines


def write_page(parts):
    rows = {arch: {test: row for part in parts for test, row in read(part, arch).items()} for arch in TITLES}
    rows = {arch: known for arch, known in rows.items() if known}
    lines = ["# Conformance", "",
             "Test suites of others, on Debian's Linux and on Heddle: the same programs and C library, the same machine under QEMU's emulation,",
             "4 CPUs for the POSIX suite, 2 for the others. Written by `tests/run-conformance --write` from tests/conformance/*.table, which have every test; the aim is that",
             "what passes on Linux passes on Heddle. `make conformance` runs all of it on Heddle and compares with the tables; with `ARCH=aarch64` or",
             "`ARCH=riscv64` the POSIX suite on that architecture."]
    for arch, known in rows.items():
        lines += summary(arch, known)
    lines += not_on_linux(rows)
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
