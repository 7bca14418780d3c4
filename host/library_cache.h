// SPDX-License-Identifier: MIT
/*
 * /etc/ld.so.cache of glibc: the path of a library by its name.
 */
#pragma once

#include <stddef.h>

struct library_cache {
	const char *data; // the mapped file, or NULL
	size_t size;
	int flags; // of the architecture's libraries
};

/* Never fails: without a readable cache nothing is found in it. */
void library_cache_open(struct library_cache *cache, const char *host_path, int flags);
void library_cache_close(struct library_cache *cache);

/* The path, in the tree the cache belongs to, or NULL. */
const char *library_cache_find(const struct library_cache *cache, const char *name);
