// SPDX-License-Identifier: MIT
/*
 * Reading a flattened device tree, front to back, without copying. Every offset and length in it is checked against the blob's size:
 * it comes from outside. Nodes' addresses are taken as they stand: buses that translate are not followed.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

enum { DEVICE_TREE_DEPTH_MAX = 8 };

struct device_tree {
	const u8 *blob;
	u32 size;
	u32 structure, structure_end; /* offsets of the block of nodes */
	u32 strings, strings_end;
	u32 reservations;
};
extern struct device_tree
	device_tree; /* the machine's; each port's boot.c that has one */

/* -EINVAL: that is none. `mapped`: how many bytes at `blob` may be looked at. */
int device_tree_open(struct device_tree *tree, const void *blob,
		     size_t mapped) must_check;

struct device_node {
	const struct device_tree *tree;
	const char *name;
	unsigned depth;                /* the root's is 0 */
	u32 properties;                /* offset of the first token behind the name */
	u32 address_cells, size_cells; /* in which its parent counts */

	/* of device_tree_next() */
	u32 next;
	u8 cells[DEVICE_TREE_DEPTH_MAX]
		[2]; /* what nodes at each depth say for their children */
};

/* Start with `node` all zeros but for `tree`; false: no more. */
bool device_tree_next(struct device_node *node);
/* A property's bytes, or NULL. */
const u8 *device_node_property(const struct device_node *node, const char *name,
			       u32 *size);
bool device_node_compatible(const struct device_node *node, const char *with);
/* The index-th pair of `reg`. */
bool device_node_reg(const struct device_node *node, unsigned index, u64 *address,
		     u64 *size);
/* By its property `device_type`. */
bool device_node_has_type(const struct device_node *node, const char *type);
/* Not said to be disabled, or broken. */
bool device_node_is_okay(const struct device_node *node);
/* The next CPU from `node` on (zeros: from the start), and the machine's number for it; false: no more. */
bool device_tree_next_cpu(struct device_node *node, u64 *number);
/* Random bytes that the machine has put there for us, or NULL. */
const u8 *device_tree_seed(u32 *size);
/* The first node that is compatible with `with` behind `node` (zeros: from the start). */
bool device_tree_find(struct device_node *node, const char *with);
/* The index-th entry of the list of reserved memory; false: no more. */
bool device_tree_reservation(const struct device_tree *tree, unsigned index, u64 *address,
			     u64 *size);
u64 device_tree_number(const u8 *cells, unsigned count);
