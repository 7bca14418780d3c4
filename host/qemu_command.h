// SPDX-License-Identifier: MIT
/*
 * QEMU's command line for a run.
 */
#pragma once

#include "machine.h"
#include "options.h"

#include <stddef.h>

#define QEMU_WORDS_MAX 256

/* Zero it before use. */
struct qemu_command {
	char *words[QEMU_WORDS_MAX + 1]; // NULL at the end
	size_t count;
	unsigned devices; // of virtio
};

/*
 * `sockets` (indexed by port; [0] is the serial console) and `initramfs` are descriptors that QEMU inherits. QEMU waits for the
 * end of `gate`, a pipe, before it looks at the initramfs; -1: it does not.
 */
void qemu_command_build(struct qemu_command *command, const struct options *options,
			const struct machine_files *files, const char *accel,
			const int *sockets, int initramfs, int gate);

/* One line on stdout, quoted for a shell. */
void qemu_command_print(const struct qemu_command *command);
void qemu_command_free(struct qemu_command *command);
