// SPDX-License-Identifier: MIT
/*
 * --pack: a program and what it needs to start, put into an initramfs.
 */
#pragma once

#include "architecture.h"
#include "initramfs.h"

#include <limits.h>
#include <stddef.h>

/* Where the program comes from, and where it goes. */
struct pack {
	const struct architecture *architecture;
	const char *root;      // the tree to take from
	const char *directory; // where the program will run
	const char *search;    // its PATH
	struct initramfs *archive;

	char **added; // paths that are in the archive
	size_t added_count, added_room;
	char **lacking; // libraries that were not found
	size_t lacking_count;
	size_t bytes;
};

/*
 * Add the program at `path` (absolute in the tree), its #! chain, loader and libraries, and the
 * few files under /etc that C libraries look up names with. Returns 0 or a negative errno.
 */
int pack_program(struct pack *pack, const char *path);
void pack_free(struct pack *pack);
