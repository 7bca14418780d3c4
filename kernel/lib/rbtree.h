// SPDX-License-Identifier: MIT
/*
 * Red-black trees, linked through a member of what they hold.
 *
 * The caller walks down to find the place (comparing keys itself), then calls
 * rbtree_insert(), or uses rbtree_add() with a comparison function. Trees hold no lock.
 */
#pragma once

#include "lib/types.h"

struct rbtree_node {
	struct rbtree_node *parent, *left, *right;
	bool red;
};

struct rbtree {
	struct rbtree_node *root;
	struct rbtree_node *leftmost; /* kept true by insert and remove */
};

#define RBTREE_INIT {0}

/* Link `node` as the child at `*link` of `parent` (NULL: as the root) and rebalance. */
void rbtree_insert(struct rbtree *tree, struct rbtree_node *node,
		   struct rbtree_node *parent, struct rbtree_node **link);
/* Insert by `less(a, b)`; equal keys go behind the ones that are there. */
void rbtree_add(struct rbtree *tree, struct rbtree_node *node,
		bool (*less)(const struct rbtree_node *, const struct rbtree_node *));
/* Unlink `node`; rbtree_linked(node) is false afterwards. */
void rbtree_remove(struct rbtree *tree, struct rbtree_node *node);
/* A node is unlinked after rbtree_node_init() and rbtree_remove(). */
static inline void rbtree_node_init(struct rbtree_node *node)
{
	node->parent = node;
	node->left = node->right = NULL;
	node->red = false;
}
bool rbtree_linked(const struct rbtree_node *node);
static inline struct rbtree_node *rbtree_first(const struct rbtree *tree)
{
	return tree->leftmost;
}
struct rbtree_node *rbtree_last(const struct rbtree *tree);
struct rbtree_node *rbtree_next(const struct rbtree_node *node);
struct rbtree_node *rbtree_previous(const struct rbtree_node *node);

#define rbtree_entry(node, type, member) container_of(node, type, member)
#define rbtree_for_each(node, tree) \
	for (node = rbtree_first(tree); node; node = rbtree_next(node))
