// SPDX-License-Identifier: MIT
/*
 * Overlay: open regular files: each call goes to the file of the layer that backs the inode now.
 *
 * Owns      struct overlay_file: the real files, each opened at most once; a file that was opened before a copy-up switches to the copy,
 *           so that readers and writers of one file always see the same bytes.
 */
#include "fs/overlay/overlay_internal.h"

#include "fs/notify/notify.h"
#include "fs/page_file.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "vm/vm_space.h"
#include <linux/fcntl.h>
#include <linux/fs.h>

enum { SHARED_FLAGS = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_DSYNC };

struct overlay_file {
	struct file *lower, *upper; /* set once each, by compare-and-exchange */
};

static int open_real(struct file *file, struct file **slot, const struct path *path)
{
	u32 flags = (file->flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)) |
		    OPEN_UNNOTIFIED;
	struct file *real, *expected = NULL;
	int error =
		fs_open_path(path, flags, overlay_of(file->inode)->credentials, &real);

	if (error) {
		return error;
	}
	/* order.once: pairs with real_file() */
	if (!__atomic_compare_exchange_n(slot, &expected, real, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		file_put(real); /* another thread was faster */
	}
	return 0;
}

/* The real file, borrowed for one operation. */
static int real_file(struct file *file, struct file **out)
{
	struct overlay_file *pair = file->data;
	struct file **slot = overlay_upper(file->inode) ? &pair->upper : &pair->lower;
	struct path path;
	int error = 0;

	/* order.once: pairs with open_real() */
	*out = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	if (!*out) {
		overlay_real_path(file->inode, &path);
		/* a copy-up in between moves `path` to the upper layer: then the slot follows it */
		slot = path.dentry == overlay_upper(file->inode) ? &pair->upper
								 : &pair->lower;
		error = open_real(file, slot, &path);
		*out = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	}
	if (!error) {
		u32 flags = atomic_load(&(*out)->flags);

		atomic_store(&(*out)->flags,
			     (flags & ~(u32)SHARED_FLAGS) | (file->flags & SHARED_FLAGS));
	}
	return error;
}

static int overlay_open(struct inode *inode, struct file *file)
{
	struct file *real;
	int error = 0;

	if (file->mode & FILE_WRITE) {
		error = overlay_copy_up(inode);
	}
	if (error) {
		return error;
	}
	file->data = heap_allocate(sizeof(struct overlay_file));
	if (!file->data) {
		return -ENOMEM;
	}
	error = real_file(file, &real);
	if (error) {
		heap_free(file->data);
		file->data = NULL;
	}
	return error;
}

static void overlay_release(struct file *file)
{
	struct overlay_file *pair = file->data;

	if (pair) {
		file_put(pair->lower);
		file_put(pair->upper);
		heap_free(pair);
	}
}

/* What a write to the real file changes: the size, and set-id bits that go. */
static void take_size(struct inode *inode)
{
	const struct inode *real = overlay_real_inode(inode);

	WRITE_ONCE(inode->attributes.size, inode_size(real));
	WRITE_ONCE(inode->attributes.mode, READ_ONCE(real->attributes.mode));
}

static s64 overlay_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct file *real;
	int error = real_file(file, &real);

	return error ? error : file_read(real, io, position);
}

static s64 overlay_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct file *real;
	s64 result = real_file(file, &real);

	if (result) {
		return result;
	}
	result = file_write(real, io, position);
	take_size(file->inode);
	return result;
}

static s64 overlay_seek(struct file *file, s64 offset, int whence)
{
	struct file *real;
	s64 result = real_file(file, &real);

	if (result) {
		return result;
	}
	take_size(file->inode);
	if ((whence == SEEK_DATA || whence == SEEK_HOLE) && real->operations->seek) {
		result = real->operations->seek(real, offset, whence);
		if (result < 0) {
			return result;
		}
		offset = result;
		whence = SEEK_SET;
	}
	return generic_seek(file, offset, whence);
}

static int overlay_map(struct file *file, struct vm_map_request *request)
{
	struct file *real;
	int error = real_file(file, &real);

	if (error) {
		return error;
	}
	return real->operations->map ? real->operations->map(real, request) : -ENODEV;
}

static int overlay_sync(struct file *file, bool data_only)
{
	struct file *real;
	int error = real_file(file, &real);

	if (error) {
		return error;
	}
	return real->operations->sync ? real->operations->sync(real, data_only) : -EINVAL;
}

static int overlay_allocate(struct file *file, int mode, u64 offset, u64 length)
{
	struct file *real;
	int error = real_file(file, &real);

	if (!error) {
		error = real->operations->allocate
				? real->operations->allocate(real, mode, offset, length)
				: -EOPNOTSUPP;
		take_size(file->inode);
	}
	return error;
}

const struct file_operations overlay_file_operations = {
	.open = overlay_open,
	.release = overlay_release,
	.read = overlay_read,
	.write = overlay_write,
	.seek = overlay_seek,
	.map = overlay_map,
	.sync = overlay_sync,
	.allocate = overlay_allocate,
};
