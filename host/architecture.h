// SPDX-License-Identifier: MIT
/*
 * The architectures heddle can start machines of, and what differs between these for the command.
 */
#pragma once

#include <stdbool.h>

struct architecture {
	const char *name;     // as uname -m says it; build/NAME has its kernel and init
	unsigned elf_machine; // EM_*
	int library_flags;    // of its libraries in glibc's cache
	const char *qemu;     // the emulator's name along PATH
	const char *qemu_package; // of Debian, as the next two
	const char *compiler;     // builds kernel and init on another machine
	const char *compiler_packages;
	const char *cpu; // for -cpu, without KVM
	const char *const *
		machine; // QEMU's words for the machine and the device of the exit status; NULL at the end
	unsigned devices; // virtio-mmio slots that can be used
	bool tell_slots;  // on the kernel's command line: the machine does not
};

/* All of them, this machine's own or not, in the order in which they are named to the user; NULL past the end. */
const struct architecture *architecture_at(unsigned index);

/* NULL: there is none of that name, or that machine number (EM_*). */
const struct architecture *architecture_named(const char *name);
const struct architecture *architecture_of_machine(unsigned elf_machine);

/* The one of the machine the command runs on; x86_64 where that is none of ours. */
const struct architecture *architecture_of_host(void);

/* Is it the one of the machine the command runs on? */
bool architecture_is_native(const struct architecture *architecture);
