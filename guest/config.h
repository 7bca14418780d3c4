// SPDX-License-Identifier: MIT
/*
 * What heddle wants of this run, read once from CONFIG_PATH and never changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_GROUPS 128
#define MAX_SHARES 32

/* One directory of the host: mounted at `place`, by its 9p tag. */
struct share {
	const char *tag;
	const char *place;
	bool writable;
};

struct config {
	char **arguments; // NULL-terminated; NULL if there is no configuration
	char **environment;
	const char *directory;
	const char *hostname;
	const char *root_tag; // NULL: the initramfs is the root

	uid_t user;
	gid_t group;
	gid_t groups[MAX_GROUPS];
	size_t group_count;
	mode_t mask;

	struct share shares[MAX_SHARES];
	size_t share_count;

	bool terminal[3]; // stdin, stdout, stderr are a terminal
	bool joined;      // stdout and stderr are one pipe, so that their order stays
	bool trace;       // the program's system calls are wanted
	bool report;      // what --summary tells is wanted
	bool raw;         // the host's terminal is raw: ours does all the work
	unsigned rows, columns;
};

/* Returns 0, or a negative errno: -ENOENT if this is not a run of heddle's. */
int config_read(struct config *config);

/* The value of a variable in the program's environment, or NULL. */
const char *config_variable(const struct config *config, const char *name);
