// SPDX-License-Identifier: MIT
/*
 * Regular files in a page cache: read, write, seek, map.
 *
 * Locks     inode.lock exclusively around each write (size, append position, times); reads take none:
 *           a read sees the size of some moment between its start and end.
 */
#include "fs/page_file.h"

#include "fs/fs_internal.h"
#include "fs/write_check.h"
#include "lib/errno.h"
#include "vm/vm_object.h"
#include "vm/vm_space.h"
#include <asm/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/stat.h>

u64 page_file_object_size(struct vm_object *object)
{
	return inode_size(object->owner);
}

void page_file_object_written(struct vm_object *object)
{
	inode_touch(object->owner, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
}

s64 page_file_read(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 moved;

	if (*position >= inode_size(file->inode) || io->remaining == 0) {
		return 0;
	}
	moved = vm_object_read(file->inode->object, *position, io);
	if (moved > 0) {
		*position += (u64)moved;
		path_accessed(&file->path);
	}
	return moved;
}

/* Cut what is to be written at RLIMIT_FSIZE; its length, or an errno. */
static s64 writable_length(u64 position, u64 wanted)
{
	u64 count = wanted;
	int result;

	if (position > INT64_MAX || count > INT64_MAX - position) {
		return -EINVAL; // beyond the largest offset
	}
	result = fs_check_size_limit(position, &count);
	return result < 0 ? result : (s64)count;
}

static s64 write_locked(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inode *inode = file->inode;
	u64 hidden = 0;
	s64 length, moved;

	if (atomic_load(&file->flags) & O_APPEND) {
		*position = inode_size(inode);
	}
	length = writable_length(*position, io->remaining);
	if (length <= 0) {
		return length;
	}
	if ((u64)length < io->remaining) {
		hidden = io->remaining - (u64)length;
		io->remaining = (u64)length;
	}
	inode_drop_privilege(inode);
	moved = vm_object_write(inode->object, *position, io);
	io->remaining += hidden;
	if (moved > 0) {
		*position += (u64)moved;
		if (*position > inode_size(inode)) {
			WRITE_ONCE(inode->attributes.size, *position);
		}
		inode_touch(inode, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	}
	return moved;
}

s64 page_file_write(struct file *file, struct io_buffer *io, u64 *position)
{
	s64 moved;

	if (io->remaining == 0) {
		return 0;
	}
	inode_lock(file->inode);
	moved = write_locked(file, io, position);
	inode_unlock(file->inode);
	return moved;
}

static s64 seek_data_or_hole(struct file *file, s64 offset, int whence)
{
	u64 size = inode_size(file->inode), index = (u64)offset / PAGE_SIZE;
	u64 end = (size + PAGE_SIZE - 1) / PAGE_SIZE;
	bool found;

	if (offset < 0 || (u64)offset >= size) {
		return -ENXIO;
	}
	// Files that are read in on demand have data everywhere.
	if (!file->inode->object || file->inode->object->operations->read_page) {
		return whence == SEEK_DATA ? offset : (s64)size;
	}
	if (whence == SEEK_DATA) {
		found = vm_object_next_page(file->inode->object, &index, end);
		return found ? MAX(offset, (s64)(index * PAGE_SIZE)) : -ENXIO;
	}
	while (index < end) {
		u64 next = index;

		if (!vm_object_next_page(file->inode->object, &next, end) ||
		    next != index) {
			return MAX(offset, (s64)(index * PAGE_SIZE));
		}
		index++;
	}
	return (s64)size;
}

static s64 seek_base(struct file *file, s64 offset, int whence)
	MUST_HOLD(&file->position_lock)
{
	switch (whence) {
	case SEEK_SET:
		return 0;
	case SEEK_CUR:
		return (s64)file->position;
	case SEEK_END:
		return (s64)inode_size(file->inode);
	default:
		return -1;
	}
}

s64 generic_seek(struct file *file, s64 offset, int whence)
{
	s64 base, result = -EINVAL;

	mutex_lock(&file->position_lock);
	base = seek_base(file, offset, whence);
	if (base >= 0 && !__builtin_add_overflow(base, offset, &result)) {
		if (result >= 0) {
			file->position = (u64)result;
		} else {
			result = -EINVAL;
		}
	} else {
		result = -EINVAL; // no such whence, or a sum beyond the largest offset
	}
	mutex_unlock(&file->position_lock);
	return result;
}

s64 page_file_seek(struct file *file, s64 offset, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		return generic_seek(file, offset, whence);
	}
	offset = seek_data_or_hole(file, offset, whence);
	return offset < 0 ? offset : generic_seek(file, offset, SEEK_SET);
}

int page_file_map(struct file *file, struct vm_map_request *request)
{
	bool shared = (request->map_flags & MAP_TYPE) != MAP_PRIVATE;
	u32 maximum = PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE;

	if (!(file->mode & FILE_READ)) {
		return -EACCES;
	}
	if (shared && !(file->mode & FILE_WRITE)) {
		if (request->protect & PROTECT_WRITE) {
			return -EACCES;
		}
		maximum &= ~(u32)PROTECT_WRITE;
	}
	if (file->path.mount && (file->path.mount->flags & MS_NOEXEC)) {
		if (request->protect & PROTECT_EXECUTE) {
			return -EPERM;
		}
		maximum &= ~(u32)PROTECT_EXECUTE;
	}
	request->maximum_protect = maximum;
	vm_object_get(file->inode->object);
	request->object = file->inode->object;
	path_accessed(&file->path);
	return 0;
}

int page_file_sync(struct file *file, bool data_only)
{
	return vm_object_sync(file->inode->object, 0, inode_size(file->inode));
}
