// SPDX-License-Identifier: MIT
/* What the device tree tells becomes boot_info. */
#include "arch/common/boot_memory.h"
#include "arch/common/device_tree.h"
#include "lib/string.h"

struct device_tree device_tree;

static init_ u64 number_property(const struct device_node *node, const char *name)
{
	u32 size;
	const u8 *value = device_node_property(node, name, &size);

	return value != NULL && (size == 4 || size == 8)
		       ? device_tree_number(value, size / 4)
		       : 0;
}

/* The command line; NULL: none is given. */
static init_ const char *given_words(const struct device_node *chosen)
{
	u32 size;
	const u8 *text = device_node_property(chosen, "bootargs", &size);

	return text != NULL && size > 0 && text[size - 1] == '\0' ? (const char *)text
								  : NULL;
}

init_ bool boot_tree_has_word(const char *word)
{
	struct device_node node = {.tree = &device_tree};
	size_t length = strlen(word);
	const char *text = NULL;

	while (text == NULL && device_tree_next(&node)) {
		if (node.depth == 1 && strcmp(node.name, "chosen") == 0) {
			text = given_words(&node);
		}
	}
	while (text != NULL && *text != '\0') {
		size_t here = 0;

		while (text[here] != '\0' && text[here] != ' ') {
			here++;
		}
		if (here == length && memcmp(text, word, length) == 0) {
			return true;
		}
		text += here + (text[here] == ' ');
	}
	return false;
}

static init_ void read_chosen(const struct device_node *node)
{
	u64 start = number_property(node, "linux,initrd-start");
	u64 end = number_property(node, "linux,initrd-end");
	const char *text = given_words(node);

	if (text != NULL) {
		string_copy(boot_command_line, text, sizeof(boot_command_line));
	}
	if (start < end) {
		boot_set_initramfs(start, end - start);
	}
}

init_ void boot_read_tree(void)
{
	struct device_node node = {.tree = &device_tree};
	unsigned reserved_depth = ~0u; /* of /reserved-memory, while inside */
	u64 address, size;

	while (device_tree_next(&node)) {
		if (node.depth <= reserved_depth) {
			reserved_depth = ~0u;
		}
		if (node.depth == 1 && strcmp(node.name, "chosen") == 0) {
			read_chosen(&node);
		} else if (node.depth == 1 && strcmp(node.name, "reserved-memory") == 0) {
			reserved_depth = 1;
		} else if (node.depth == 1 && device_node_has_type(&node, "memory")) {
			for (unsigned i = 0; device_node_reg(&node, i, &address, &size);
			     i++) {
				boot_add_ram(address, size);
			}
		} else if (node.depth == 2 && reserved_depth == 1) {
			for (unsigned i = 0; device_node_reg(&node, i, &address, &size);
			     i++) {
				boot_reserve(address, address + size);
			}
		}
	}
	for (unsigned i = 0; device_tree_reservation(&device_tree, i, &address, &size);
	     i++) {
		boot_reserve(address, address + size);
	}
}
