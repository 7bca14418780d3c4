// SPDX-License-Identifier: MIT
/* Red-black trees: order, balance and linkage under random inserts and removes. */
#include "lib/rbtree.h"
#include "unit.h"

struct item {
	struct rbtree_node node;
	u64 key, serial;
};

static bool less(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, struct item, node)->key <
	       rbtree_entry(b, struct item, node)->key;
}

/* Black height of a subtree, or -1 if an invariant (R1, R2, links) is broken. */
static int black_height(const struct rbtree_node *node)
{
	if (!node) {
		return 0;
	}
	int left = black_height(node->left), right = black_height(node->right);
	bool red_child =
		(node->left && node->left->red) || (node->right && node->right->red);

	if (left < 0 || left != right || (node->red && red_child) ||
	    (node->left && node->left->parent != node) ||
	    (node->right && node->right->parent != node)) {
		return -1;
	}
	return left + !node->red;
}

static bool is_sound(const struct rbtree *tree, unsigned expected)
{
	struct rbtree_node *node, *before = NULL;
	unsigned count = 0;

	if (black_height(tree->root) < 0 || (tree->root && tree->root->red)) {
		return false;
	}
	rbtree_for_each(node, tree) {
		if (before && (less(node, before) || rbtree_previous(node) != before)) {
			return false;
		}
		before = node;
		count++;
	}
	return count == expected && rbtree_last(tree) == before;
}

TEST(empty_tree)
{
	struct rbtree tree = RBTREE_INIT;

	EXPECT(!rbtree_first(&tree) && !rbtree_last(&tree));
}

TEST(equal_keys_keep_their_order)
{
	struct rbtree tree = RBTREE_INIT;
	struct item item[50];
	struct rbtree_node *node;
	u64 serial = 0;

	for (unsigned i = 0; i < 50; i++) {
		item[i] = (struct item){.key = 7, .serial = i};
		rbtree_add(&tree, &item[i].node, less);
	}
	rbtree_for_each(node, &tree) {
		EXPECT_EQ(rbtree_entry(node, struct item, node)->serial, serial);
		serial++;
	}
	EXPECT_EQ(serial, 50);
}

TEST(random_inserts_and_removes)
{
	static struct item item[300];
	struct rbtree tree = RBTREE_INIT;
	unsigned linked = 0;

	for (unsigned i = 0; i < 300; i++) {
		rbtree_node_init(&item[i].node);
	}
	for (unsigned step = 0; step < 20000; step++) {
		struct item *one = &item[unit_random() % 300];

		if (rbtree_linked(&one->node)) {
			rbtree_remove(&tree, &one->node);
			linked--;
			EXPECT(!rbtree_linked(&one->node));
		} else {
			one->key = unit_random() % 100;
			rbtree_add(&tree, &one->node, less);
			linked++;
			EXPECT(rbtree_linked(&one->node));
		}
		if (step % 16 == 0) {
			REQUIRE(is_sound(&tree, linked));
		}
	}
	while (rbtree_first(&tree)) {
		rbtree_remove(&tree, rbtree_first(&tree));
		linked--;
		REQUIRE(is_sound(&tree, linked));
	}
	EXPECT(!tree.root);
}
