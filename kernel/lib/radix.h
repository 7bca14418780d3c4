// SPDX-License-Identifier: MIT
/*
 * Sparse arrays of pointers indexed by u64 (page cache, pid numbers): a radix tree of 64-way nodes.
 * No lock inside. Nodes come from the allocator given at init, so the room stays free of kernel state.
 */
#pragma once

#include "lib/types.h"

struct radix_node;

struct radix {
	struct radix_node *root;
	unsigned height; /* levels; 0: empty */
};

struct radix_allocator {
	void *(*allocate)(size_t size); /* zeroed, or NULL */
	void (*release)(void *memory);
};
/* Set once at boot (mm) or by a test. */
void radix_set_allocator(const struct radix_allocator *allocator);

void *radix_get(const struct radix *tree, u64 index); /* NULL: nothing there */
/* Put `item` (not NULL) at an empty index; 0, -ENOMEM, or -EEXIST. */
int radix_insert(struct radix *tree, u64 index, void *item);
/* Make the next radix_insert(index) of this index unable to fail, unless a radix_remove() comes between; 0 or -ENOMEM. */
int radix_reserve(struct radix *tree, u64 index);
void *radix_replace(struct radix *tree, u64 index,
		    void *item); /* the old one; NULL: nothing was there, nothing done */
void *radix_remove(struct radix *tree, u64 index);
/* The first item at or after *index (which is set to its index), or NULL. */
void *radix_next(const struct radix *tree, u64 *index);
void radix_destroy(struct radix *tree); /* frees the nodes; the items are the caller's */
