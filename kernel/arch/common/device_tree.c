// SPDX-License-Identifier: MIT
#include "arch/common/device_tree.h"
#include "lib/errno.h"
#include "lib/string.h"

#define MAGIC 0xd00dfeed

enum { TOKEN_NODE = 1, TOKEN_END = 2, TOKEN_PROPERTY = 3, TOKEN_NOTHING = 4 };
enum {
	HEADER_SIZE = 40,
	DEFAULT_ADDRESS_CELLS = 2,
	DEFAULT_SIZE_CELLS = 1,
	CELLS_MAX = 4
};

static u32 word(const u8 *at)
{
	return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

u64 device_tree_number(const u8 *cells, unsigned count)
{
	u64 value = 0;

	for (unsigned i = 0; i < count; i++) {
		value = value << 32 | word(cells + 4 * i);
	}
	return value;
}

int device_tree_open(struct device_tree *tree, const void *blob, size_t mapped)
{
	const u8 *header = blob;
	u32 structure_size, strings_size;

	if (mapped < HEADER_SIZE || word(header) != MAGIC) {
		return -EINVAL;
	}
	*tree = (struct device_tree){
		.blob = blob,
		.size = word(header + 4),
		.structure = word(header + 8),
		.strings = word(header + 12),
		.reservations = word(header + 16),
	};
	strings_size = word(header + 32);
	structure_size = word(header + 36);
	if (tree->size > mapped || tree->structure > tree->size ||
	    structure_size > tree->size - tree->structure || tree->strings > tree->size ||
	    strings_size > tree->size - tree->strings ||
	    !IS_ALIGNED(tree->structure, 4)) {
		return -EINVAL;
	}
	tree->structure_end = tree->structure + structure_size;
	tree->strings_end = tree->strings + strings_size;
	return 0;
}

/* The length of the text at `offset`, which must end before `end`; false: it does not. */
static bool text_length(const struct device_tree *tree, u32 offset, u32 end, u32 *length)
{
	for (u32 at = offset; at < end; at++) {
		if (tree->blob[at] == '\0') {
			*length = at - offset;
			return true;
		}
	}
	return false;
}

struct token {
	u32 kind, next;
	u32 value, size;  /* of a property */
	const char *name; /* of a property or node */
};

static bool read_property(const struct device_tree *tree, u32 at, struct token *to)
{
	u32 name, length;

	if (tree->structure_end - at < 8) {
		return false;
	}
	to->size = word(tree->blob + at);
	name = word(tree->blob + at + 4);
	to->value = at + 8;
	if (to->size > tree->structure_end - to->value ||
	    name >= tree->strings_end - tree->strings ||
	    !text_length(tree, tree->strings + name, tree->strings_end, &length)) {
		return false;
	}
	to->name = (const char *)tree->blob + tree->strings + name;
	to->next = ALIGN_UP(to->value + to->size, 4u);
	return true;
}

/* The token at `at`; false: the end, or nonsense. */
static bool read_token(const struct device_tree *tree, u32 at, struct token *to)
{
	u32 length;

	if (at > tree->structure_end || tree->structure_end - at < 4) {
		return false;
	}
	to->kind = word(tree->blob + at);
	to->next = at += 4;
	switch (to->kind) {
	case TOKEN_NODE:
		if (!text_length(tree, at, tree->structure_end, &length)) {
			return false;
		}
		to->name = (const char *)tree->blob + at;
		to->next = ALIGN_UP(at + length + 1, 4u);
		return true;
	case TOKEN_PROPERTY:
		return read_property(tree, at, to);
	case TOKEN_END:
	case TOKEN_NOTHING:
		return true;
	default:
		return false;
	}
}

const u8 *device_node_property(const struct device_node *node, const char *name,
			       u32 *size)
{
	struct token token;
	u32 at = node->properties;

	while (read_token(node->tree, at, &token) &&
	       (token.kind == TOKEN_PROPERTY || token.kind == TOKEN_NOTHING)) {
		if (token.kind == TOKEN_PROPERTY && strcmp(token.name, name) == 0) {
			*size = token.size;
			return node->tree->blob + token.value;
		}
		at = token.next;
	}
	return NULL;
}

static u8 cells_property(const struct device_node *node, const char *name, u8 otherwise)
{
	u32 size;
	const u8 *value = device_node_property(node, name, &size);

	return value != NULL && size == 4 ? (u8)MIN(word(value), (u32)CELLS_MAX)
					  : otherwise;
}

static void enter_node(struct device_node *node, const struct token *token,
		       unsigned depth)
{
	node->name = token->name;
	node->depth = depth;
	node->properties = node->next = token->next;
	node->address_cells =
		depth > 0 ? node->cells[depth - 1][0] : DEFAULT_ADDRESS_CELLS;
	node->size_cells = depth > 0 ? node->cells[depth - 1][1] : DEFAULT_SIZE_CELLS;
	node->cells[depth][0] =
		cells_property(node, "#address-cells", DEFAULT_ADDRESS_CELLS);
	node->cells[depth][1] = cells_property(node, "#size-cells", DEFAULT_SIZE_CELLS);
}

bool device_tree_next(struct device_node *node)
{
	/* How deep the next node would be: one below this one, less the ends on the way. */
	unsigned depth = node->name != NULL ? node->depth + 1 : 0;
	u32 at = node->name != NULL ? node->next : node->tree->structure;
	struct token token;

	while (read_token(node->tree, at, &token)) {
		at = token.next;
		if (token.kind == TOKEN_END) {
			if (depth == 0) {
				break;
			}
			depth--;
		} else if (token.kind == TOKEN_NODE) {
			if (depth >= DEVICE_TREE_DEPTH_MAX) {
				break;
			}
			enter_node(node, &token, depth);
			return true;
		}
	}
	return false;
}

bool device_node_compatible(const struct device_node *node, const char *with)
{
	u32 size, length;
	const u8 *value = device_node_property(node, "compatible", &size);

	if (value == NULL) {
		return false;
	}
	for (u32 at = (u32)(value - node->tree->blob), end = at + size;
	     at < end && text_length(node->tree, at, end, &length); at += length + 1) {
		if (strcmp((const char *)node->tree->blob + at, with) == 0) {
			return true;
		}
	}
	return false;
}

bool device_node_reg(const struct device_node *node, unsigned index, u64 *address,
		     u64 *size)
{
	u32 bytes, pair = 4 * (node->address_cells + node->size_cells);
	const u8 *value = device_node_property(node, "reg", &bytes);

	if (value == NULL || pair == 0 || index >= bytes / pair) {
		return false;
	}
	value += index * pair;
	*address = device_tree_number(value, node->address_cells);
	*size = device_tree_number(value + 4 * node->address_cells, node->size_cells);
	return true;
}

bool device_tree_find(struct device_node *node, const char *with)
{
	node->tree = &device_tree;
	while (device_tree_next(node)) {
		u32 size;
		const u8 *status = device_node_property(node, "status", &size);
		bool off = status != NULL && size > 0 && status[0] != 'o'; /* okay */

		if (!off && device_node_compatible(node, with)) {
			return true;
		}
	}
	return false;
}

bool device_tree_reservation(const struct device_tree *tree, unsigned index, u64 *address,
			     u64 *size)
{
	u64 at = (u64)tree->reservations + 16UL * index;

	if (at + 16 > tree->size) {
		return false;
	}
	*address = device_tree_number(tree->blob + at, 2);
	*size = device_tree_number(tree->blob + at + 8, 2);
	return *address != 0 || *size != 0;
}

bool device_node_has_type(const struct device_node *node, const char *type)
{
	u32 size;
	const u8 *own = device_node_property(node, "device_type", &size);

	return own != NULL && size == strlen(type) + 1 && memcmp(own, type, size) == 0;
}

bool device_node_is_okay(const struct device_node *node)
{
	u32 size;
	const u8 *status = device_node_property(node, "status", &size);

	return status == NULL || (size > 0 && status[0] == 'o'); /* ok, okay */
}

bool device_tree_next_cpu(struct device_node *node, u64 *number)
{
	u64 size;

	while (device_tree_next(node)) {
		if (node->depth == 2 && device_node_has_type(node, "cpu") &&
		    device_node_reg(node, 0, number, &size)) {
			return true;
		}
	}
	return false;
}

const u8 *device_tree_seed(u32 *size)
{
	struct device_node node = {.tree = &device_tree};

	while (device_tree_next(&node)) {
		if (node.depth == 1 && strcmp(node.name, "chosen") == 0) {
			return device_node_property(&node, "rng-seed", size);
		}
	}
	return NULL;
}
