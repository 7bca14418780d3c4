// SPDX-License-Identifier: MIT
/*
 * The virtual machine: QEMU's process, and our ends of its sockets.
 */
#pragma once

#include "../guest/protocol.h"
#include "options.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Files a run needs; found once. */
struct machine_files {
	char qemu[PATH_MAX];
	char kernel[PATH_MAX];
	char init[PATH_MAX];
};

struct machine {
	pid_t pid;
	int ports[PORT_END]; // our ends; [0] is the serial console
	int errors;          // what QEMU itself says
	int gate;            // open: QEMU waits for machine_release
	int initramfs;       // its pages, until the guest has them
};

/* Index of the serial console among the ports. */
#define PORT_SERIAL 0

/*
 * Find QEMU, kernel and init. Returns 0, or -ENOENT with `missing` set to a line that says what
 * is missing and how to get it.
 */
int machine_find_files(const struct options *options, struct machine_files *files,
		       char *missing, size_t size);

/* Look for QEMU alone. */
int machine_find_qemu(const struct architecture *architecture, char path[PATH_MAX]);

/* Print the command that machine_start would run. */
void machine_print(const struct options *options, const struct machine_files *files,
		   const char *accel);

/*
 * Start QEMU, which stops short of reading the initramfs until machine_release, so that the
 * file is filled while QEMU starts. `initramfs`, a memfd, is the machine's from then on. Returns 0 or
 * a negative errno.
 */
int machine_start(struct machine *machine, const struct options *options,
		  const struct machine_files *files, const char *accel, int initramfs);

/* The initramfs is complete. */
void machine_release(struct machine *machine);

/* The guest has copied the initramfs: its pages are the host's again. A guest that asks for it anew reads zeros. */
void machine_forget_initramfs(struct machine *machine);

/* End it at once and reap it. Returns its wait status, or -1 if it had been reaped. */
int machine_stop(struct machine *machine);

/* Start a child that dies with us, with no signal blocked and a session of its own. */
pid_t machine_fork(void);
