// SPDX-License-Identifier: MIT
/*
 * The command line of `heddle run`, checked as far as it can be without starting anything.
 */
#pragma once

#include "architecture.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_CPUS       16
#define MAX_SHARES     21 // 23 virtio slots of x86_64, less the console and the root
#define MAX_GROUPS     128
#define MIN_MEMORY_MIB 32
#define MAX_MEMORY_MIB (1024 * 1024)

enum accel_choice { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };

/* -v: one directory of the host. */
struct share_option {
	char *source; // absolute
	char *place;  // absolute, in the guest
	bool writable;
};

struct options {
	char **arguments; // the program and its arguments
	char **environment;
	char *directory;

	const struct architecture *architecture; // NULL without --arch: the program says
	unsigned cpus;
	unsigned memory_mib;
	uid_t user;
	gid_t group;
	gid_t groups[MAX_GROUPS];
	size_t group_count;
	mode_t mask;

	char *root; // absolute; "/" is the host's own tree
	bool pack;
	struct share_option shares[MAX_SHARES];
	size_t share_count;

	double timeout; // seconds, 0 for none
	double boot_timeout;
	enum accel_choice accel;
	const char *status_file;
	const char *trace_file;
	bool dry_run, summary;

	const char *kernel; // NULL: the one built beside this command
	const char *append; // more words for the kernel's command line
};

/* Fill options from argv (argv[0] is "run" or "shell"). Returns 0, or -EINVAL after saying what is wrong. */
int options_parse(struct options *options, int count, char **arguments);

/* The value of a variable of the program's environment, or NULL. */
const char *options_variable(const struct options *options, const char *name);

void options_print_help(void);
