// SPDX-License-Identifier: MIT
/*
 * Extended attributes of tmpfs: a list an inode.
 *
 * Locks     inode.lock, held by the caller: exclusively for set, shared for the others.
 */
#include "fs/tmpfs/tmpfs_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/xattr.h>

static struct tmpfs_xattr *find(struct inode *inode, const char *name)
{
	struct tmpfs_xattr *attribute;

	list_for_each(attribute, &tmpfs_node(inode)->xattrs, link) {
		if (strcmp(attribute->name, name) == 0) {
			return attribute;
		}
	}
	return NULL;
}

static void destroy(struct tmpfs_xattr *attribute)
{
	list_remove(&attribute->link);
	heap_free(attribute->name);
	heap_free(attribute->value);
	heap_free(attribute);
}

s64 tmpfs_get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct tmpfs_xattr *attribute = find(inode, name);

	if (!attribute) {
		return -ENODATA;
	}
	if (size > 0) {
		if (size < attribute->size) {
			return -ERANGE;
		}
		memcpy(value, attribute->value, attribute->size);
	}
	return (s64)attribute->size;
}

s64 tmpfs_list_xattr(struct inode *inode, char *list, size_t size)
{
	struct tmpfs_xattr *attribute;
	size_t total = 0;

	list_for_each(attribute, &tmpfs_node(inode)->xattrs, link) {
		size_t length = strlen(attribute->name) + 1;

		if (size > 0) {
			if (size - total < length) {
				return -ERANGE;
			}
			memcpy(list + total, attribute->name, length);
		}
		total += length;
	}
	return (s64)total;
}

int tmpfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
		    int flags)
{
	struct tmpfs_xattr *old = find(inode, name), *new;

	if ((flags & XATTR_CREATE) && old) {
		return -EEXIST;
	}
	if (((flags & XATTR_REPLACE) || !value) && !old) {
		return -ENODATA;
	}
	if (value) {
		new = heap_allocate(sizeof(*new));
		if (!new) {
			return -ENOMEM;
		}
		list_init(&new->link);
		new->name = heap_duplicate_string(name);
		new->value = size ? heap_duplicate(value, size) : NULL;
		new->size = size;
		if (!new->name || (size && !new->value)) {
			destroy(new);
			return -ENOMEM;
		}
		list_push_back(&tmpfs_node(inode)->xattrs, &new->link);
	}
	if (old) {
		destroy(old);
	}
	return 0;
}

void tmpfs_destroy_xattrs(struct tmpfs_node *node)
{
	while (!list_empty(&node->xattrs)) {
		destroy(list_first(&node->xattrs, struct tmpfs_xattr, link));
	}
}
