// SPDX-License-Identifier: MIT
/*
 * The kernel heap: size classes of slabs with per-CPU caches, whole frames above. Debug builds poison and check for double frees.
 * Context: thread, no spinlock held; heap_free() in any context.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

void heap_init(void);
/* Zeroed, 16-byte aligned (cache-line aligned from 64 bytes up when size is a multiple); NULL: no memory, or size 0 or > 4 MiB. */
void *heap_allocate(size_t size) must_check;
void *heap_allocate_array(size_t count,
			  size_t size) must_check; /* NULL on overflow too */
void *heap_duplicate(const void *data, size_t size) must_check;
char *heap_duplicate_string(const char *s) must_check;
void heap_free(void *memory); /* NULL is nothing */
u64 heap_bytes_in_use(void);
u64 heap_frames(void); /* slabs and large blocks */
void heap_drain_cpu(
	void); /* what this CPU keeps goes back to its slabs, empty slabs to the frames; any context */

/* Caches of one kind of object, counted by name for the ledger (R10). */
struct object_cache {
	const char *name;
	u32 size;
	_Atomic bool listed;
	_Atomic s64 live;
	struct object_cache *next;
};
#define OBJECT_CACHE(variable, type) \
	static struct object_cache variable = {.name = #type, .size = sizeof(struct type)}
void *object_allocate(struct object_cache *cache) must_check; /* zeroed */
void object_free(struct object_cache *cache, void *object);   /* NULL is nothing */
/* `change` more of objects that are part of others: counted only. */
void object_count(struct object_cache *cache, s64 change);
/* For the ledger: every cache that was ever used. */
struct object_cache *object_cache_first(void);
