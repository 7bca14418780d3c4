// SPDX-License-Identifier: MIT
/*
 * Overlay: copying up: a file or directory of a lower layer gets a copy in the upper one, which is what counts from then on.
 *
 * Locks     overlay.copy_lock; inside it the layers' own. The overlay inode's own lock may be held by the caller.
 *
 * The copy is complete before overlay_node.upper is set, and nobody looks for it in the upper layer before: names of what has a dentry in
 * the overlay are not looked up again. A failed copy is removed.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

enum { CHUNK = 65536, COPY_LIST_SIZE = 4096, COPY_VALUE_SIZE = 4096 };

static int write_all(struct file *to, const u8 *data, size_t size, u64 offset)
{
	while (size > 0) {
		struct io_buffer io;
		s64 done;

		io_buffer_init_kernel(&io, (void *)data, size);
		done = file_write(to, &io, &offset);
		if (done <= 0) {
			return done < 0 ? (int)done : -EIO;
		}
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

static int copy_bytes(struct file *from, struct file *to)
{
	u8 *chunk = heap_allocate(CHUNK);
	u64 offset = 0;
	s64 got;
	int error = 0;

	if (!chunk) {
		return -ENOMEM;
	}
	while (!error && (got = file_read_kernel(from, chunk, CHUNK, offset)) != 0) {
		error = got < 0 ? (int)got : write_all(to, chunk, (size_t)got, offset);
		offset += (u64)(got > 0 ? got : 0);
	}
	heap_free(chunk);
	return error;
}

static int copy_contents(struct inode *inode, struct dentry *copy)
{
	const struct overlay *overlay = overlay_of(inode);
	struct path from, to = {overlay->upper.mount, copy};
	struct file *source, *target;
	int error;

	overlay_real_path(inode, &from);
	error = fs_open_path(&from, O_RDONLY | O_LARGEFILE, overlay->credentials,
			     &source);
	if (error) {
		return error;
	}
	error = fs_open_path(&to, O_WRONLY | O_LARGEFILE, overlay->credentials, &target);
	if (!error) {
		error = copy_bytes(source, target);
		file_put(target);
	}
	file_put(source);
	return error;
}

/* Extended attributes that both layers can hold; the overlay's own stay behind. */
static void copy_xattrs(struct inode *from, struct inode *to)
{
	char *list = heap_allocate(COPY_LIST_SIZE + COPY_VALUE_SIZE),
	     *value = list + COPY_LIST_SIZE;
	s64 size = 0;

	if (list && from->operations->list_xattr && from->operations->get_xattr &&
	    to->operations->set_xattr) {
		size = from->operations->list_xattr(from, list, COPY_LIST_SIZE);
	}
	for (s64 at = 0; at < size; at += (s64)strlen(list + at) + 1) {
		s64 length = from->operations->get_xattr(from, list + at, value,
							 COPY_VALUE_SIZE);

		if (length >= 0 && !overlay_xattr_is_own(list + at)) {
			(void)to->operations->set_xattr(to, list + at, value,
							(size_t)length,
							0); /* as much as it takes */
		}
	}
	heap_free(list);
}

static int copy_attributes(const struct inode_attributes *from, struct dentry *copy)
{
	return inode_set_attributes(dentry_inode(copy), from,
				    ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_MODE |
					    ATTRIBUTE_ACCESSED | ATTRIBUTE_MODIFIED);
}

/* An entry like `inode` in the parent's upper directory: made, filled, and still unknown to the overlay. */
static int make_copy(struct inode *inode, const struct inode_attributes *attributes,
		     struct dentry **out)
{
	const struct overlay_node *node = overlay_node(inode);
	struct make_request request = {.mode = attributes->mode,
				       .device = attributes->special_device};
	struct dentry *parent = overlay_upper(node->parent);
	char *target = NULL;
	int error;

	request.owner = overlay_of(inode)->credentials;
	if ((attributes->mode & S_IFMT) == S_IFLNK) {
		s64 length;

		target = heap_allocate(PATH_MAX + 1);
		if (!target) {
			return -ENOMEM;
		}
		length = inode_read_link(overlay_real_inode(inode), target, PATH_MAX);
		if (length < 0) {
			heap_free(target);
			return (int)length;
		}
		request.target = target;
	}
	error = directory_make(parent, node->name, &request, NULL, out);
	heap_free(target);
	return error;
}

static int remove_copy(struct inode *inode, bool directory)
{
	const struct overlay_node *node = overlay_node(inode);
	struct dentry *parent = overlay_upper(node->parent);

	return directory ? directory_remove(parent, node->name, NULL)
			 : directory_unlink(parent, node->name, NULL);
}

/* The parent has an upper backing; copy_lock held. */
static int copy_one(struct inode *inode)
{
	struct overlay_node *node = overlay_node(inode);
	struct inode_attributes attributes;
	struct dentry *copy;
	int error = inode_get_attributes(overlay_real_inode(inode), &attributes);

	if (!error) {
		error = make_copy(inode, &attributes, &copy);
	}
	if (error) {
		return error;
	}
	if ((attributes.mode & S_IFMT) == S_IFREG && attributes.size > 0) {
		error = copy_contents(inode, copy);
	}
	if (!error) {
		copy_xattrs(overlay_real_inode(inode), dentry_inode(copy));
		error = copy_attributes(&attributes, copy);
	}
	if (error) {
		(void)remove_copy(
			inode, (attributes.mode & S_IFMT) ==
				       S_IFDIR); /* best effort: the first error counts */
		dentry_put(copy);
		return error;
	}
	/* order.once: pairs with overlay_upper() */
	__atomic_store_n(&node->upper, copy, __ATOMIC_RELEASE);
	return 0;
}

int overlay_copy_up(struct inode *inode)
{
	struct overlay *overlay = overlay_of(inode);
	int error = 0;

	if (overlay_upper(inode)) {
		return 0;
	}
	if (!overlay->upper.mount) {
		return -EROFS;
	}
	mutex_lock(&overlay->copy_lock);
	while (!overlay_upper(inode) && !error) {
		struct inode *highest =
			inode; /* the topmost one above that lacks a copy */

		while (!overlay_upper(overlay_node(highest)->parent)) {
			highest = overlay_node(highest)->parent;
		}
		error = copy_one(highest);
	}
	mutex_unlock(&overlay->copy_lock);
	return error;
}
