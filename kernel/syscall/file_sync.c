// SPDX-License-Identifier: MIT
/* Writing back, and making room: fsync, sync, fallocate, fadvise. */
#include "syscall/file_support.h"

#include "fs/notify/notify.h"
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>

static long sync_file(int fd, bool data_only)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), fd, &reference);

	if (result == 0) {
		result = reference.file->operations->sync
				 ? reference.file->operations->sync(reference.file,
								    data_only)
				 : -EINVAL;
		fd_end(&reference);
	}
	return result;
}

long sys_fsync(const struct syscall_arguments *a)
{
	return sync_file((int)a->arg[0], false);
}

long sys_fdatasync(const struct syscall_arguments *a)
{
	return sync_file((int)a->arg[0], true);
}

long sys_sync(const struct syscall_arguments *a)
{
	fs_sync_all();
	return 0;
}

long sys_syncfs(const struct syscall_arguments *a)
{
	struct path path;
	long result = fd_path((int)a->arg[0], &path);

	if (result == 0) {
		struct super_block *super_block = path.dentry->super_block;

		if (super_block->operations && super_block->operations->sync) {
			result = super_block->operations->sync(super_block);
		}
		path_put(&path);
	}
	return result;
}

long sys_sync_file_range(const struct syscall_arguments *a)
{
	u32 known = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		    SYNC_FILE_RANGE_WAIT_AFTER;

	bool valid = !((u32)a->arg[3] & ~known) && (s64)a->arg[1] >= 0 &&
		     (s64)a->arg[2] >= 0 && (s64)(a->arg[1] + a->arg[2]) >= 0;
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);
	u32 type;

	if (result) {
		return result;
	}
	type = reference.file->inode->attributes.mode & S_IFMT;
	fd_end(&reference);
	if (!valid) {
		return -EINVAL;
	}
	if (type != S_IFREG && type != S_IFBLK && type != S_IFDIR) {
		return -ESPIPE;
	}
	return (u32)a->arg[3] ? sync_file((int)a->arg[0], true) : 0;
}

static int check_allocation(const struct file *file, int mode, s64 offset, s64 length)
{
	u32 type = file->inode->attributes.mode & S_IFMT;

	if (offset < 0 || length <= 0) {
		return -EINVAL;
	}
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE)) {
		return -EOPNOTSUPP;
	}
	if (!(file->mode & FILE_WRITE)) {
		return -EBADF;
	}
	if (type == S_IFIFO) {
		return -ESPIPE;
	}
	if (type == S_IFDIR) {
		return -EISDIR;
	}
	if (type != S_IFREG) {
		return -ENODEV;
	}
	return offset > INT64_MAX - length ? -EFBIG : 0;
}

long sys_fallocate(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	struct file *file;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	file = reference.file;
	result = check_allocation(file, (int)a->arg[1], (s64)a->arg[2], (s64)a->arg[3]);
	if (result == 0) {
		result = file->operations->allocate
				 ? file->operations->allocate(file, (int)a->arg[1],
							      a->arg[2], a->arg[3])
				 : -EOPNOTSUPP;
		if (result == 0) {
			notify_file(file, NOTIFY_MODIFY);
		}
	}
	fd_end(&reference);
	return result;
}

/* Advice changes nothing but is checked. */
long sys_fadvise64(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	if ((reference.file->inode->attributes.mode & S_IFMT) == S_IFIFO) {
		result = -ESPIPE;
	} else if ((u32)a->arg[3] > POSIX_FADV_NOREUSE || (s64)a->arg[2] < 0) {
		result = -EINVAL;
	}
	fd_end(&reference);
	return result;
}

long sys_readahead(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	if (!(reference.file->mode & FILE_READ)) {
		result = -EBADF;
	} else if ((reference.file->inode->attributes.mode & S_IFMT) != S_IFREG) {
		result = -EINVAL;
	}
	fd_end(&reference);
	return result;
}
