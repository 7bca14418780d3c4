// SPDX-License-Identifier: MIT
/*
 * microvm for x86-64 (docs/decisions/0010-the-machine.md), `virt` for the others, whose device tree
 * tells the kernel all it needs.
 */
#include "architecture.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const microvm[] = {
	"-M",      "microvm,acpi=on,auto-kernel-cmdline=off,mem-merge=off",
	"-device", "isa-debug-exit,iobase=0xf4,iosize=0x4",
	NULL,
};

// version 2 of the interrupt controller serves 8 CPUs
static const char *const virt_aarch64[] = {
	"-M",
	"virt,gic-version=3,mem-merge=off",
	"-semihosting-config",
	"enable=on,target=native",
	NULL,
};

// the test device is part of the machine, the firmware of QEMU
static const char *const virt_riscv64[] = {"-M", "virt,mem-merge=off", NULL};

static const struct architecture architectures[] = {
	{
		.name = "x86_64",
		.elf_machine = EM_X86_64,
		.library_flags = 0x0303,
		.qemu = "qemu-system-x86_64",
		.qemu_package = "qemu-system-x86",
		.compiler = "x86_64-linux-gnu-gcc",
		.compiler_packages = "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
		.cpu = "max",
		.machine = microvm,
		.devices = 23, // of 24: slot 0 stays empty, its line is not raised
		.tell_slots = true,
	},
	{
		.name = "aarch64",
		.elf_machine = EM_AARCH64,
		.library_flags = 0x0a03,
		.qemu = "qemu-system-aarch64",
		.qemu_package = "qemu-system-arm",
		.compiler = "aarch64-linux-gnu-gcc",
		.compiler_packages = "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
		.cpu = "max",
		.machine = virt_aarch64,
		.devices = 32,
	},
	{
		.name = "riscv64",
		.elf_machine = EM_RISCV,
		.library_flags = 0x1003,
		.qemu = "qemu-system-riscv64",
		.qemu_package = "qemu-system-misc",
		.compiler = "riscv64-linux-gnu-gcc",
		.compiler_packages = "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
		.cpu = "rv64,v=true,vext_spec=v1.0",
		.machine = virt_riscv64,
		.devices = 8,
	},
};

enum { COUNT = sizeof architectures / sizeof architectures[0] };

const struct architecture *architecture_at(unsigned index)
{
	return index < COUNT ? &architectures[index] : NULL;
}

const struct architecture *architecture_named(const char *name)
{
	for (unsigned i = 0; i < COUNT; i++) {
		if (!strcmp(architectures[i].name, name)) {
			return &architectures[i];
		}
	}
	return NULL;
}

const struct architecture *architecture_of_machine(unsigned elf_machine)
{
	for (unsigned i = 0; i < COUNT; i++) {
		if (architectures[i].elf_machine == elf_machine) {
			return &architectures[i];
		}
	}
	return NULL;
}

const struct architecture *architecture_of_host(void)
{
	struct utsname names;
	const struct architecture *own =
		uname(&names) == 0 ? architecture_named(names.machine) : NULL;

	return own ? own : &architectures[0];
}

bool architecture_is_native(const struct architecture *architecture)
{
	return architecture == architecture_of_host();
}
