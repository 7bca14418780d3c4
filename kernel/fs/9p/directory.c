// SPDX-License-Identifier: MIT
/*
 * Directories of 9p, read: finding names, listing, links. Changing them is in modify.c.
 *
 * On a snapshot fs/'s cache of names, negative ones too, answers whatever was asked once; elsewhere each use of a name asks.
 */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include <linux/fcntl.h>

enum { LISTING_ORDER = 3 };

/* An open directory's part of the listing, as the server sent it. file->position_lock. */
struct listing {
	u32 fid;
	struct frame *buffer; /* 2^order frames: as many as were to be had */
	unsigned order;
	u32 at, size;
	u64 position; /* of the entry at `at` */
};

int p9_lookup(struct inode *directory, struct dentry *dentry)
{
	struct p9_mount *mount = p9_mount_of(directory);
	struct inode *inode;
	struct p9_qid qid;
	u32 fid;
	int error = p9_walk(mount->channel, p9_node_of(directory)->fid, dentry->name,
			    dentry->name_length, &fid, &qid);

	if (error) {
		return error == -ENOENT ? 0 : error;
	}
	error = p9_node_find(directory->super_block, fid, &qid, &inode);
	if (error) {
		return error == -ENOENT ? 0 : error;
	}
	dentry_set_inode(dentry, inode);
	return 0;
}

/* Is it still the same file that has this name? */
static bool revalidate(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	struct dentry *parent;
	struct p9_mount *mount;
	struct p9_qid qid;
	u32 fid;
	int error;

	if (!inode) {
		return false;
	}
	mount = p9_mount_of(inode);
	parent = dentry_parent(dentry);
	error = p9_walk(mount->channel, p9_node_of(dentry_inode(parent))->fid,
			dentry->name, dentry->name_length, &fid, &qid);
	dentry_put(parent);
	if (error) {
		return false;
	}
	p9_clunk(mount->channel, fid);
	return qid.path == p9_node_of(inode)->qid.path &&
	       qid.type == p9_node_of(inode)->qid.type;
}

int p9_get_attributes_cached(struct inode *inode, struct inode_attributes *out)
{
	int error = p9_refresh(inode, out);

	if (error == -ENOENT && p9_node_of(inode)->opens) {
		*out = inode->attributes; /* unlinked, and still open */
		out->link_count = 0;
		return 0;
	}
	return error;
}

/* --- links --- */

/* The target of a link does not change: it is asked for once. */
static int load_target(struct p9_node *node)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	char *target = heap_allocate(PAGE_SIZE);
	char *kept;
	s64 length;

	if (!target) {
		return -ENOMEM;
	}
	length = p9_read_link(mount->channel, node->fid, target, PAGE_SIZE);
	kept = length > 0 ? heap_duplicate(target, (size_t)length) : NULL;
	heap_free(target);
	if (length <= 0 || !kept) {
		return length < 0 ? (int)length : length == 0 ? -ENOENT : -ENOMEM;
	}
	spin_lock(&mount->table_lock);
	if (!node->target) {
		node->target_length = (u32)length;
		/* order.once: pairs with read_link() */
		__atomic_store_n(&node->target, kept, __ATOMIC_RELEASE);
		kept = NULL;
	}
	spin_unlock(&mount->table_lock);
	heap_free(kept);
	return 0;
}

static int read_link(struct inode *inode, char *to, size_t size)
{
	struct p9_node *node = p9_node_of(inode);
	/* order.once: pairs with load_target() */
	const char *target = __atomic_load_n(&node->target, __ATOMIC_ACQUIRE);
	int error = target ? 0 : load_target(node);

	if (error) {
		return error;
	}
	size = MIN(size, (size_t)node->target_length);
	memcpy(to, node->target, size);
	return (int)size;
}

static int read_link_now(struct inode *inode, char *to, size_t size)
{
	return (int)p9_read_link(p9_mount_of(inode)->channel, p9_node_of(inode)->fid, to,
				 size);
}

/* --- listing --- */

static int open_directory(struct inode *inode, struct file *file)
{
	struct p9_mount *mount = p9_mount_of(inode);
	struct listing *listing = heap_allocate(sizeof *listing);
	int error;

	if (!listing) {
		return -ENOMEM;
	}
	error = p9_walk(mount->channel, p9_node_of(inode)->fid, NULL, 0, &listing->fid,
			NULL);
	if (!error) {
		error = p9_open_fid(mount->channel, listing->fid,
				    O_RDONLY | O_DIRECTORY | O_LARGEFILE);
		if (error) {
			p9_clunk(mount->channel, listing->fid);
		}
	}
	if (error) {
		heap_free(listing);
		return error;
	}
	file->data = listing;
	return 0;
}

static void release_directory(struct file *file)
{
	struct listing *listing = file->data;

	if (!listing) {
		return;
	}
	p9_clunk(p9_mount_of(file->inode)->channel, listing->fid);
	if (listing->buffer) {
		frame_free_contiguous(listing->buffer, listing->order);
	}
	heap_free(listing);
}

static int make_buffer(struct listing *listing)
{
	int error;

	listing->order = LISTING_ORDER + 1;
	do {
		listing->order--;
		error = frame_allocate_contiguous(listing->order, 0, &listing->buffer);
	} while (error && listing->order > 0);
	return error;
}

/* Ask for entries from `position` on. 0 and size 0: there are no more. */
static int fill(struct p9_mount *mount, struct listing *listing, u64 position)
{
	struct virtio_segment segment;
	struct p9_request *request;
	int error = 0;

	if (!listing->buffer) {
		error = make_buffer(listing);
	}
	if (!error) {
		error = p9_begin(mount->channel, P9_TREADDIR, &request);
	}
	if (error) {
		return error;
	}
	segment.physical = frame_physical(listing->buffer);
	segment.size = MIN((u32)PAGE_SIZE << listing->order,
			   mount->message_size - P9_READ_HEADER);
	p9_put_u32(&request->cursor, listing->fid);
	p9_put_u64(&request->cursor, position);
	p9_put_u32(&request->cursor, segment.size);
	error = p9_call_data(request, &segment, 0, 1);
	listing->at = listing->size = 0;
	if (!error) {
		listing->size = (u32)p9_get(&request->cursor, 4);
		listing->position = position;
		if (request->cursor.broken || listing->size > segment.size) {
			listing->size = 0;
			error = -EIO;
		}
	}
	p9_end(request);
	return error;
}

/* Hand out what is in the buffer. 1: all of it; 0: the caller has enough; -EIO. */
static int emit_entries(struct listing *listing, struct directory_context *context)
{
	u8 *base = frame_address(listing->buffer);

	while (listing->at < listing->size) {
		struct p9_cursor cursor = {base + listing->at, base + listing->size,
					   false};
		struct p9_qid qid = p9_get_qid(&cursor);
		u64 after = p9_get(&cursor, 8);
		unsigned type = (unsigned)p9_get(&cursor, 1);
		size_t length = p9_get(&cursor, 2);
		u8 *name = p9_field(&cursor, length);

		if (!name) {
			listing->size = 0;
			return -EIO;
		}
		if (!context->emit(context, (const char *)name, length, after, qid.path,
				   type)) {
			return 0;
		}
		listing->at = (u32)(cursor.at - base);
		listing->position = context->position = after;
	}
	return 1;
}

static int iterate(struct file *file, struct directory_context *context)
{
	struct p9_mount *mount = p9_mount_of(file->inode);
	struct listing *listing = file->data;
	int result = 1;

	while (result > 0) {
		if (listing->at == listing->size ||
		    listing->position != context->position) {
			int error = fill(mount, listing, context->position);

			if (error || !listing->size) {
				return error;
			}
		}
		result = emit_entries(listing, context);
	}
	return result;
}

static int sync_directory(struct file *file, bool data_only)
{
	return 0; /* changes are with the server when the call that made them returns */
}

const struct inode_operations p9_directory_operations = {
	.lookup = p9_lookup,
};

const struct inode_operations p9_file_inode_operations = {0};

const struct inode_operations p9_link_operations = {
	.read_link = read_link,
};

const struct inode_operations p9_writable_link_operations = {
	.read_link = read_link_now,
	.get_attributes = p9_get_attributes_cached,
	.set_attributes = p9_change_attributes,
};

const struct file_operations p9_directory_file_operations = {
	.open = open_directory,
	.release = release_directory,
	.seek = generic_seek,
	.iterate = iterate,
	.sync = sync_directory,
};

const struct inode_operations p9_writable_directory_operations = {
	.lookup = p9_lookup,
	.revalidate = revalidate,
	.get_attributes = p9_get_attributes_cached,
	.set_attributes = p9_change_attributes,
	.create = p9_create_file,
	.make_directory = p9_create_directory,
	.make_node = p9_create_node,
	.symbolic_link = p9_create_link,
	.link = p9_add_link,
	.unlink = p9_remove_name,
	.remove_directory = p9_remove_directory,
	.rename = p9_move_name,
};

const struct inode_operations p9_writable_inode_operations = {
	.get_attributes = p9_get_attributes_cached,
	.set_attributes = p9_change_attributes,
};
