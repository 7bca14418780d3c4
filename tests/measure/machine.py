# SPDX-License-Identifier: MIT
"""A machine that is measured: its initramfs, its command, and the text of its console. Heddle and Debian's kernel get the same."""
import os
import shutil
import subprocess
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(TOP, "build/measure")
QEMU = ["qemu-system-x86_64", "-M", "microvm,acpi=on,auto-kernel-cmdline=off,mem-merge=off", "-accel", "tcg",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
QEMU_AARCH64 = ["qemu-system-aarch64", "-M", "virt,mem-merge=off", "-accel", "tcg", "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot", "-semihosting-config", "enable=on,target=native"]
# By architecture: the command's beginning, the model (without what counts more for each turn of a loop), the console.
MACHINES = {"x86_64": (QEMU, "max,-erms", "ttyS0"), "aarch64": (QEMU_AARCH64, "max", "ttyAMA0")}

# What keeps Linux from doing less than it could.
LINUX_LEAN = ("mitigations=off init_on_alloc=0 randomize_kstack_offset=off hardened_usercopy=off psi=0 lsm= audit=0 "
              "cgroup_disable=memory nokaslr")
# On x86-64 also: its counter is to be believed, and its timer's interrupts need no test.
LINUX_LEAN_X86_64 = LINUX_LEAN + " tsc=reliable no_timer_check"


def initramfs(name, files):
    """A plain cpio; files: {path in it: path here}, links followed."""
    tree = os.path.join(OUT, "tree-" + name)
    shutil.rmtree(tree, ignore_errors=True)
    for path, source in files.items():
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        shutil.copy(os.path.realpath(source), tree + path)
    names = subprocess.run(["find", "."], cwd=tree, check=True, capture_output=True).stdout
    archive = tree + ".cpio"
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=out,
                       check=True)
    return archive


def machine_command(arch, kernel, cpus, count, archive=None, words=""):
    """count: time is a count of instructions."""
    head, model, console = MACHINES[arch]
    command = head + ["-cpu", model, "-smp", str(cpus), "-m", "1024M", "-serial", "stdio", "-kernel", kernel]
    if count:
        command += ["-icount", "shift=0,sleep=off"]
    if archive:
        command += ["-initrd", archive, "-append", f"console={console} quiet {words}"]
    return command


def text_of(command, seconds):
    """What it writes until it ends, has written a line that begins with `end`, or its time is up."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               errors="replace")
    deadline = threading.Timer(seconds, process.kill)
    deadline.start()
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith("end"):
            process.kill()  # a machine with several CPUs cannot be switched off by Linux
    process.wait()
    deadline.cancel()
    return text
