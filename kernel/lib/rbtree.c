// SPDX-License-Identifier: MIT
/*
 * Red-black trees.
 *
 * Invariants
 *   R1  A red node has no red child; the root is black.
 *   R2  Every path from a node down to an absent child passes the same number of black nodes.
 *   R3  tree->leftmost is the smallest node, NULL in an empty tree.
 *   R4  An unlinked node is its own parent.
 */
#include "lib/rbtree.h"

bool rbtree_linked(const struct rbtree_node *node)
{
	return node->parent != node;
}

static bool is_red(const struct rbtree_node *node)
{
	return node && node->red;
}

/* The place that holds `node`: the root pointer or a child pointer of its parent. */
static struct rbtree_node **place_of(struct rbtree *tree, struct rbtree_node *node)
{
	if (!node->parent) {
		return &tree->root;
	}
	return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

static void rotate_left(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *up = node->right;

	*place_of(tree, node) = up;
	up->parent = node->parent;
	node->right = up->left;
	if (up->left) {
		up->left->parent = node;
	}
	up->left = node;
	node->parent = up;
}

static void rotate_right(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *up = node->left;

	*place_of(tree, node) = up;
	up->parent = node->parent;
	node->left = up->right;
	if (up->right) {
		up->right->parent = node;
	}
	up->right = node;
	node->parent = up;
}

/* `node` is red and so may its parent be (R1): push the fault up, or rotate it away. */
static void insert_fix(struct rbtree *tree, struct rbtree_node *node)
{
	while (is_red(node->parent)) {
		struct rbtree_node *parent = node->parent, *grand = parent->parent;
		bool left = grand->left == parent;
		struct rbtree_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			parent->red = uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (left) {
			if (parent->right == node) {
				rotate_left(tree, parent);
				parent = node;
			}
			rotate_right(tree, grand);
		} else {
			if (parent->left == node) {
				rotate_right(tree, parent);
				parent = node;
			}
			rotate_left(tree, grand);
		}
		parent->red = false;
		grand->red = true;
		break;
	}
	tree->root->red = false;
}

void rbtree_insert(struct rbtree *tree, struct rbtree_node *node,
		   struct rbtree_node *parent, struct rbtree_node **link)
{
	node->parent = parent;
	node->left = node->right = NULL;
	node->red = true;
	if (!parent || (parent == tree->leftmost && link == &parent->left)) {
		tree->leftmost = node;
	}
	*link = node;
	insert_fix(tree, node);
}

void rbtree_add(struct rbtree *tree, struct rbtree_node *node,
		bool (*less)(const struct rbtree_node *, const struct rbtree_node *))
{
	struct rbtree_node *parent = NULL, **link = &tree->root;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->left : &parent->right;
	}
	rbtree_insert(tree, node, parent, link);
}

/*
 * The subtree `node` (maybe absent) of `parent` lacks one black node (R2), on the left. Repairs it,
 * or moves the lack to the parent. Returns the node that now lacks one, NULL when all is well.
 */
static struct rbtree_node *remove_fix_left(struct rbtree *tree,
					   struct rbtree_node *parent)
{
	struct rbtree_node *sibling = parent->right;

	if (sibling->red) {
		sibling->red = false;
		parent->red = true;
		rotate_left(tree, parent);
		sibling = parent->right;
	}
	if (!is_red(sibling->left) && !is_red(sibling->right)) {
		sibling->red = true;
		return parent;
	}
	if (!is_red(sibling->right)) {
		sibling->left->red = false;
		sibling->red = true;
		rotate_right(tree, sibling);
		sibling = parent->right;
	}
	sibling->red = parent->red;
	parent->red = false;
	sibling->right->red = false;
	rotate_left(tree, parent);
	return NULL;
}

/* remove_fix_left() in the mirror. */
static struct rbtree_node *remove_fix_right(struct rbtree *tree,
					    struct rbtree_node *parent)
{
	struct rbtree_node *sibling = parent->left;

	if (sibling->red) {
		sibling->red = false;
		parent->red = true;
		rotate_right(tree, parent);
		sibling = parent->left;
	}
	if (!is_red(sibling->left) && !is_red(sibling->right)) {
		sibling->red = true;
		return parent;
	}
	if (!is_red(sibling->left)) {
		sibling->right->red = false;
		sibling->red = true;
		rotate_left(tree, sibling);
		sibling = parent->left;
	}
	sibling->red = parent->red;
	parent->red = false;
	sibling->left->red = false;
	rotate_right(tree, parent);
	return NULL;
}

static void remove_fix(struct rbtree *tree, struct rbtree_node *node,
		       struct rbtree_node *parent)
{
	while (parent && !is_red(node)) {
		node = parent->left == node ? remove_fix_left(tree, parent)
					    : remove_fix_right(tree, parent);
		if (!node) {
			return;
		}
		parent = node->parent;
	}
	if (node) {
		node->red = false;
	}
}

/* Put `heir`, the smallest node of the right subtree, where `node` is. */
static void replace_by_heir(struct rbtree *tree, struct rbtree_node *node,
			    struct rbtree_node *heir)
{
	*place_of(tree, node) = heir;
	heir->parent = node->parent;
	heir->left = node->left;
	heir->left->parent = heir;
	heir->red = node->red;
}

void rbtree_remove(struct rbtree *tree, struct rbtree_node *node)
{
	struct rbtree_node *child, *parent;
	bool removed_red;

	if (tree->leftmost == node) {
		tree->leftmost = rbtree_next(node);
	}
	if (node->left && node->right) {
		struct rbtree_node *heir = node->right;

		while (heir->left) {
			heir = heir->left;
		}
		child = heir->right;
		parent = heir->parent;
		removed_red = heir->red;
		if (parent == node) {
			parent = heir;
		} else {
			parent->left = child;
			if (child) {
				child->parent = parent;
			}
			heir->right = node->right;
			heir->right->parent = heir;
		}
		replace_by_heir(tree, node, heir);
	} else {
		child = node->left ? node->left : node->right;
		parent = node->parent;
		removed_red = node->red;
		*place_of(tree, node) = child;
		if (child) {
			child->parent = parent;
		}
	}
	if (!removed_red) {
		remove_fix(tree, child, parent);
	}
	rbtree_node_init(node);
}

struct rbtree_node *rbtree_last(const struct rbtree *tree)
{
	struct rbtree_node *node = tree->root;

	while (node && node->right) {
		node = node->right;
	}
	return node;
}

struct rbtree_node *rbtree_next(const struct rbtree_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left) {
			node = node->left;
		}
		return (struct rbtree_node *)node;
	}
	while (node->parent && node->parent->right == node) {
		node = node->parent;
	}
	return node->parent;
}

struct rbtree_node *rbtree_previous(const struct rbtree_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right) {
			node = node->right;
		}
		return (struct rbtree_node *)node;
	}
	while (node->parent && node->parent->left == node) {
		node = node->parent;
	}
	return node->parent;
}
