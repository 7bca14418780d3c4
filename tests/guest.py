# SPDX-License-Identifier: MIT
"""A guest that runs a list of programs under tests/user/runner: its initramfs, its machine, what it says.

The guest is Heddle or, to compare, Debian's kernel in the same machine.
"""
import os
import select
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MACHINES = {"x86_64": "microvm,acpi=on", "aarch64": "virt", "riscv64": "virt"}
MODELS = {"x86_64": "max", "aarch64": "max", "riscv64": "rv64,v=true,vext_spec=v1.0"}
LINUX = {"x86_64": ("q35", "ttyS0"), "aarch64": ("virt", "ttyAMA0"), "riscv64": ("virt", "ttyS0")}  # its machine, its console
EXIT_DEVICES = {"x86_64": ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
                "aarch64": ["-semihosting-config", "enable=on,target=native"], "riscv64": []}
GUEST_SLACK = 60  # seconds a guest may take beyond what its programs may take


def newc_entry(name, data, mode, number):
    head = "070701" + "".join(f"{field:08x}" for field in (
        number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    blob = head.encode() + name.encode() + b"\0"
    blob += b"\0" * (-len(blob) % 4)
    return blob + data + b"\0" * (-len(data) % 4)


def linux_modules(kernel):
    """The module the Debian kernel of that path needs for the tests, in the order of loading."""
    found = []
    for folder, _, names in os.walk(os.path.dirname(os.path.dirname(kernel))):
        found += [os.path.join(folder, name) for name in names if name == "overlay.ko"]
    return found


def write_initramfs(path, files, linux=None):
    """files: [(name, bytes or the path of a file, mode)], with the modules of `linux`, the path of a Debian kernel."""
    files = [(folder, b"", 0o040755) for folder in ("dev", "proc", "sys", "tmp", "tests")] + files
    if linux:
        files = files + [(os.path.basename(module), module, 0o100644) for module in linux_modules(linux)]
    with open(path, "wb") as archive:
        for number, (name, data, mode) in enumerate(files, 1):
            if isinstance(data, str):
                with open(data, "rb") as source:
                    data = source.read()
            archive.write(newc_entry(name, data, mode, number))
        archive.write(newc_entry("TRAILER!!!", b"", 0, 0))


def list_file(deadlines):
    """What the runner reads; deadlines: {name: seconds}."""
    listing = "".join(f"{name} {seconds}\n" for name, seconds in deadlines.items())
    return ("tests/list", listing.encode(), 0o100644)


def debian_kernel(arch):
    """The path of Debian's kernel, or None where it cannot be had."""
    found = subprocess.run([os.path.join(ROOT, "tests", "debian-kernel"), arch], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return found.stdout.strip() if found.returncode == 0 else None


def qemu_command(options, cpus, initramfs, words=""):
    """options: arch, kernel, machine, model, linux (boot Debian's kernel), memory."""
    if options.linux:
        kernel, (machine, console) = debian_kernel(options.arch), LINUX[options.arch]
        append = f"console={console} quiet panic=-1 rdinit=/init"
    else:
        kernel, machine, append = options.kernel, options.machine, "console=ttyS0"
    return [f"qemu-system-{options.arch}", "-M", machine, "-accel", "tcg", "-cpu", options.model, "-m", options.memory,
            "-smp", str(cpus), "-nodefaults", "-no-user-config", "-display", "none",
            "-serial", "stdio", "-no-reboot", *EXIT_DEVICES[options.arch],
            "-kernel", kernel, "-initrd", initramfs, "-append", f"{append} {words}".strip()]


def boot(command, budget, verbose):
    """Run one guest; budget: {name: seconds}. Return ({name: (result, output, seconds)}, the name it stopped in, last output, ended)."""
    results, current, output, everything, begun = {}, None, [], [], 0
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    deadline = time.monotonic() + GUEST_SLACK
    pending, ended = b"", False
    try:
        while not ended:
            left = deadline - time.monotonic()
            ready = select.select([guest.stdout], [], [], max(0, left))[0] if left > 0 else []
            data = os.read(guest.stdout.fileno(), 65536) if ready else b""
            if not data:
                everything.append("[no sign of life]" if not ready else "[the guest ended]")
                break
            pending += data
            *lines, pending = pending.split(b"\n")
            for raw in lines:
                line = raw.decode(errors="replace").strip("\r")
                everything.append(line)
                if verbose:
                    print("   |", line, flush=True)
                words = line.split()
                if line.startswith("BEGIN ") and len(words) == 2:
                    current, output, begun = words[1], [], time.monotonic()
                    deadline = time.monotonic() + budget.get(current, 20) * 2 + 15
                elif "RESULT " in line and current and current in words:
                    at = words.index(current)
                    results[current] = (" ".join(words[at + 1:]), "\n".join(output),
                                        time.monotonic() - begun)
                    current = None
                elif line.startswith("TESTS-END"):
                    ended = True
                else:
                    output.append(line)
    finally:
        guest.kill()
        guest.wait()
    return results, current, everything[-60:], ended


def run_programs(deadlines, start, verbose=False):
    """Boot as often as it takes: behind a program that killed its guest another one goes on.

    deadlines: {name: seconds}; start({name: seconds}) gives the command of a guest that runs those.
    Return {name: (result, output, seconds)}.
    """
    results, left = {}, dict(deadlines)
    while left:
        got, stopped, tail, ended = boot(start(left), left, verbose)
        results.update(got)
        if stopped:
            results[stopped] = ("died", "\n".join(tail))
        elif not got and not ended:
            results.update({name: ("noboot", "") for name in left})
            print("   the guest did not start the tests; its last lines:")
            print("\n".join("   | " + line for line in tail[-40:]))
        left = {name: seconds for name, seconds in left.items() if name not in results}
        if ended:
            results.update({name: ("lost", "") for name in left})
            break
    return results
