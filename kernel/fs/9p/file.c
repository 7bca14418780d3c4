// SPDX-License-Identifier: MIT
/*
 * Contents of files: pages are read straight into the page cache. On a snapshot they stay as long as there is room; on a
 * writable share every write goes to the server before it returns, and nothing is kept when the file is no longer open.
 */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/fcntl.h>

/* Read until `size` bytes are there or the file ends. */
static s64 read_fully(struct p9_node *node, u64 offset, struct frame **frames,
		      unsigned count)
{
	struct virtio_segment segments[32] __attribute__((uninitialized));
	struct p9_mount *mount = p9_mount_of(node->inode);
	struct p9_open *open;
	u64 done = 0, size = (u64)count << PAGE_SHIFT;
	s64 moved = p9_reader(node, &open);

	if (moved < 0) {
		return moved;
	}
	while (done < size) {
		unsigned first = (unsigned)(done >> PAGE_SHIFT);
		u32 skip = (u32)(done & ~PAGE_MASK);

		for (unsigned i = first; i < count; i++) {
			segments[i].physical =
				frame_physical(frames[i]) + (i == first ? skip : 0);
			segments[i].size = (u32)PAGE_SIZE - (i == first ? skip : 0);
		}
		moved = p9_read(mount->channel, open->fid, offset + done,
				segments + first, count - first);
		if (moved <= 0) {
			break;
		}
		done += (u64)moved;
		if (offset + done >= inode_size(node->inode)) {
			break;
		}
	}
	p9_open_put(open);
	return moved < 0 ? moved : (s64)done;
}

static int read_pages(struct vm_object *object, u64 index, struct frame **frames,
		      unsigned count)
{
	struct inode *inode = object->owner;
	u64 most = (p9_mount_of(inode)->message_size - P9_READ_HEADER) >> PAGE_SHIFT;
	s64 done;

	count = (unsigned)MIN((u64)MIN(count, 32u), most);
	done = read_fully(p9_node_of(inode), index << PAGE_SHIFT, frames, count);
	if (done < 0) {
		return (int)done;
	}
	for (u64 at = (u64)done; at < (u64)count << PAGE_SHIFT;) {
		size_t part = PAGE_SIZE - (at & ~PAGE_MASK);

		memset((u8 *)frame_address(frames[at >> PAGE_SHIFT]) + (at & ~PAGE_MASK),
		       0, part);
		at += part;
	}
	return (int)count;
}

static int read_page(struct vm_object *object, u64 index, struct frame *frame)
{
	int result = read_pages(object, index, &frame, 1);

	return result < 0 ? result : 0;
}

static int write_page(struct vm_object *object, u64 index, struct frame *frame,
		      size_t length)
{
	struct p9_node *node = p9_node_of(object->owner);
	struct p9_open *open;
	size_t done = 0;
	int error = p9_writer(node, &open);

	if (error) {
		return error;
	}
	while (done < length) {
		struct virtio_segment segment = {frame_physical(frame) + done,
						 (u32)(length - done)};
		s64 moved = p9_write(open->mount->channel, open->fid,
				     (index << PAGE_SHIFT) + done, &segment, 1);

		if (moved <= 0) {
			error = moved < 0 ? (int)moved : -EIO;
			break;
		}
		done += (size_t)moved;
	}
	p9_open_put(open);
	return error;
}

const struct vm_object_operations p9_object_operations = {
	.read_page = read_page,
	.read_pages = read_pages,
	.size = page_file_object_size,
};

const struct vm_object_operations p9_writable_object_operations = {
	.read_page = read_page,
	.read_pages = read_pages,
	.write_page = write_page,
	.size = page_file_object_size,
};

/* --- open files --- */

static int open_snapshot(struct inode *inode, struct file *file)
{
	struct p9_open *open;
	int error;

	if (file->mode & FILE_WRITE) {
		return -EROFS;
	}
	/* Whether the server lets us is known now, not at the first read. */
	error = p9_reader(p9_node_of(inode), &open);
	if (!error) {
		p9_open_put(open);
	}
	return error;
}

static int open_writable(struct inode *inode, struct file *file)
{
	struct p9_node *node = p9_node_of(inode);
	struct inode_attributes attributes;
	struct p9_open *open;
	int error = 0;

	if (file->mode & FILE_READ) {
		error = p9_reader(node, &open);
		if (error) {
			return error;
		}
		p9_open_put(open);
	}
	if (file->mode & FILE_WRITE) {
		error = p9_writer(node, &open);
		if (error) {
			return error;
		}
		p9_open_put(open);
	}
	error = p9_refresh(inode, &attributes);
	if (!error) {
		p9_node_opened(node);
		file->data = node;
	}
	return error;
}

static int flush_writable(struct file *file)
{
	return vm_object_sync(file->inode->object, 0, inode_size(file->inode));
}

static void release_writable(struct file *file)
{
	struct p9_node *node = file->data;

	if (!node) {
		return;
	}
	(void)flush_writable(file);
	if (p9_node_closed(node)) {
		/* No areas are left: each holds a file. */
		vm_object_punch(file->inode->object, 0, UINT64_MAX & PAGE_MASK);
		p9_node_forget_opens(node);
	}
}

/* Through the cache, for those who map the file; the server has it when we return. */
static s64 write_through(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 moved = page_file_write(file, io, position);
	int error;

	if (moved <= 0) {
		return moved;
	}
	error = vm_object_sync(file->inode->object, *position - (u64)moved, *position);
	return error ? error : moved;
}

static int sync_writable(struct file *file, bool data_only)
{
	struct p9_open *open;
	int error = flush_writable(file);

	if (!error) {
		error = file->mode & FILE_WRITE
				? p9_writer(p9_node_of(file->inode), &open)
				: p9_reader(p9_node_of(file->inode), &open);
	}
	if (!error) {
		error = p9_sync(open->mount->channel, open->fid, data_only);
		p9_open_put(open);
	}
	return error;
}

static int nothing_to_sync(struct file *file, bool data_only)
{
	return 0; /* nothing is ever written */
}

const struct file_operations p9_file_operations = {
	.open = open_snapshot,
	.read = page_file_read,
	.seek = page_file_seek,
	.map = page_file_map,
	.sync = nothing_to_sync,
};

const struct file_operations p9_writable_file_operations = {
	.open = open_writable,
	.release = release_writable,
	.flush = flush_writable,
	.read = page_file_read,
	.write = write_through,
	.seek = page_file_seek,
	.map = page_file_map,
	.sync = sync_writable,
};
