// SPDX-License-Identifier: MIT
/*
 * Radix trees of 64-way nodes.
 *
 * Invariants
 *   X1  A tree of height h holds indexes below 64^h; height 0 is root == NULL.
 *   X2  node.used counts the slots that are not NULL. radix_remove() frees nodes that become
 *       empty; radix_reserve() leaves a path of nodes that may be empty until its item comes.
 */
#include "lib/radix.h"
#include "lib/compiler.h"
#include "lib/errno.h"

enum { RADIX_BITS = 6, RADIX_SLOTS = 1 << RADIX_BITS, RADIX_LEVELS = 11 };

struct radix_node {
	void *slot[RADIX_SLOTS];
	u32 used;
};

static struct radix_allocator allocator;

void radix_set_allocator(const struct radix_allocator *chosen)
{
	allocator = *chosen;
}

static unsigned slot_of(u64 index, unsigned level)
{
	return index >> (RADIX_BITS * level) & (RADIX_SLOTS - 1);
}

/* The largest index that a tree of this height can hold. */
static u64 max_index(unsigned height)
{
	return height * RADIX_BITS >= 64 ? ~0ULL : (1ULL << (height * RADIX_BITS)) - 1;
}

static bool fits(const struct radix *tree, u64 index)
{
	return tree->height > 0 && index <= max_index(tree->height);
}

/* The leaf node of `index`, or NULL. */
static struct radix_node *find_leaf(const struct radix *tree, u64 index)
{
	if (!fits(tree, index)) {
		return NULL;
	}
	struct radix_node *node = tree->root;

	for (unsigned level = tree->height - 1; node && level > 0; level--) {
		node = node->slot[slot_of(index, level)];
	}
	return node;
}

void *radix_get(const struct radix *tree, u64 index)
{
	struct radix_node *leaf = find_leaf(tree, index);

	return leaf ? leaf->slot[slot_of(index, 0)] : NULL;
}

/* Add levels at the top until `index` fits; an empty tree starts at the height it needs. */
static int grow(struct radix *tree, u64 index)
{
	if (!tree->root) {
		tree->height = 0;
	}
	while (!fits(tree, index)) {
		struct radix_node *top = allocator.allocate(sizeof(*top));

		if (!top) {
			return -ENOMEM;
		}
		tree->height++;
		if (tree->root) {
			top->slot[0] = tree->root;
			top->used = 1;
		} else {
			while (!fits(tree, index)) {
				tree->height++;
			}
		}
		tree->root = top;
	}
	return 0;
}

/* Make every node on the way to `index`. */
static int make_path(struct radix *tree, u64 index, struct radix_node **leaf)
{
	int err = grow(tree, index);

	if (err) {
		return err;
	}
	struct radix_node *node = tree->root;

	for (unsigned level = tree->height - 1; level > 0; level--) {
		void **slot = &node->slot[slot_of(index, level)];

		if (!*slot) {
			*slot = allocator.allocate(sizeof(*node));
			if (!*slot) {
				return -ENOMEM;
			}
			node->used++;
		}
		node = *slot;
	}
	*leaf = node;
	return 0;
}

/* Free the nodes on the way to `index` that are empty, from the leaf up (X2). */
static void trim(struct radix *tree, u64 index)
{
	struct radix_node *path[RADIX_LEVELS];
	struct radix_node *node = tree->root;
	unsigned level = tree->height;

	while (level > 0 && node) {
		path[--level] = node;
		node = level > 0 ? node->slot[slot_of(index, level)] : NULL;
	}
	for (; level < tree->height && path[level]->used == 0; level++) {
		allocator.release(path[level]);
		if (level + 1 == tree->height) {
			tree->root = NULL;
			tree->height = 0;
			return;
		}
		path[level + 1]->slot[slot_of(index, level + 1)] = NULL;
		path[level + 1]->used--;
	}
}

int radix_reserve(struct radix *tree, u64 index)
{
	struct radix_node *leaf;
	int err = make_path(tree, index, &leaf);

	/* If growing failed, what was added on top is in use: it holds the old root. */
	if (err && fits(tree, index) && tree->root) {
		trim(tree, index);
	}
	return err;
}

int radix_insert(struct radix *tree, u64 index, void *item)
{
	struct radix_node *leaf = find_leaf(tree, index);

	if (!leaf) {
		int err = radix_reserve(tree, index);

		if (err) {
			return err;
		}
		leaf = find_leaf(tree, index);
	}
	void **slot = &leaf->slot[slot_of(index, 0)];

	if (*slot) {
		return -EEXIST;
	}
	*slot = item;
	leaf->used++;
	return 0;
}

void *radix_replace(struct radix *tree, u64 index, void *item)
{
	struct radix_node *leaf = find_leaf(tree, index);

	if (!leaf || !leaf->slot[slot_of(index, 0)]) {
		return NULL;
	}
	void *old = leaf->slot[slot_of(index, 0)];

	leaf->slot[slot_of(index, 0)] = item;
	return old;
}

void *radix_remove(struct radix *tree, u64 index)
{
	struct radix_node *leaf = find_leaf(tree, index);

	if (!leaf || !leaf->slot[slot_of(index, 0)]) {
		return NULL;
	}
	void *old = leaf->slot[slot_of(index, 0)];

	leaf->slot[slot_of(index, 0)] = NULL;
	leaf->used--;
	if (leaf->used == 0) {
		trim(tree, index);
	}
	return old;
}

void *radix_next(const struct radix *tree, u64 *index)
{
	u64 at = *index;

	while (fits(tree, at)) {
		struct radix_node *node = tree->root;
		unsigned level = tree->height - 1;

		/* Walk down as far as there is something, then step over what is missing. */
		while (node && level > 0) {
			struct radix_node *child = node->slot[slot_of(at, level)];

			if (!child) {
				break;
			}
			node = child;
			level--;
		}
		if (node && level == 0 && node->slot[slot_of(at, 0)]) {
			*index = at;
			return node->slot[slot_of(at, 0)];
		}
		u64 step = 1ULL << (RADIX_BITS * level);
		u64 following = (at & ~(step - 1)) + step;

		if (following <= at) {
			return NULL; /* wrapped: there was no larger index */
		}
		at = following;
	}
	return NULL;
}

static void destroy_node(struct radix_node *node, unsigned level)
{
	for (unsigned i = 0; level > 0 && i < RADIX_SLOTS; i++) {
		if (node->slot[i]) {
			destroy_node(node->slot[i], level - 1);
		}
	}
	allocator.release(node);
}

void radix_destroy(struct radix *tree)
{
	if (tree->root) {
		destroy_node(tree->root, tree->height - 1);
	}
	tree->root = NULL;
	tree->height = 0;
}
