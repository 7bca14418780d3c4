// SPDX-License-Identifier: MIT
/* stat(2) in all its forms, statfs(2), access(2). */
#include "syscall/file_support.h"

#include "fs/device.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

static int write_stat(vaddr_t to, const struct inode_attributes *from)
{
	struct stat stat uninitialized_;

	memset(&stat, 0, sizeof(stat));
	stat.st_dev = from->device_id;
	stat.st_ino = from->inode_number;
	stat.st_mode = from->mode;
	stat.st_nlink = from->link_count;
	stat.st_uid = current_uid_shown(from->uid);
	stat.st_gid = current_gid_shown(from->gid);
	stat.st_rdev = from->special_device;
	stat.st_size = (__typeof__(stat.st_size))from->size;
	stat.st_blksize = (__typeof__(stat.st_blksize))from->block_size;
	stat.st_blocks = (__typeof__(stat.st_blocks))from->blocks;
	struct __kernel_timespec accessed = nsec_to_timespec(from->accessed);
	struct __kernel_timespec modified = nsec_to_timespec(from->modified);
	struct __kernel_timespec changed = nsec_to_timespec(from->changed);

	stat.st_atime = (__typeof__(stat.st_atime))accessed.tv_sec;
	stat.st_atime_nsec = (__typeof__(stat.st_atime_nsec))accessed.tv_nsec;
	stat.st_mtime = (__typeof__(stat.st_mtime))modified.tv_sec;
	stat.st_mtime_nsec = (__typeof__(stat.st_mtime_nsec))modified.tv_nsec;
	stat.st_ctime = (__typeof__(stat.st_ctime))changed.tv_sec;
	stat.st_ctime_nsec = (__typeof__(stat.st_ctime_nsec))changed.tv_nsec;
	return user_write(to, &stat, sizeof(stat));
}

static long stat_path(struct path *path, vaddr_t to)
{
	struct inode_attributes attributes uninitialized_;
	int result = fs_get_attributes(path, &attributes);

	path_put(path);
	return result < 0 ? result : write_stat(to, &attributes);
}

static long stat_at(int directory, vaddr_t name, int at_flags, vaddr_t to)
{
	struct path path;
	int result;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)) {
		return -EINVAL;
	}
	result = at_walk(directory, name, walk_flags_of(at_flags), &path);
	return result < 0 ? result : stat_path(&path, to);
}

long sys_stat(const struct syscall_arguments *a)
{
	return stat_at(AT_FDCWD, a->arg[0], 0, a->arg[1]);
}

long sys_lstat(const struct syscall_arguments *a)
{
	return stat_at(AT_FDCWD, a->arg[0], AT_SYMLINK_NOFOLLOW, a->arg[1]);
}

long sys_newfstatat(const struct syscall_arguments *a)
{
	return stat_at((int)a->arg[0], a->arg[1], (int)a->arg[3], a->arg[2]);
}

long sys_fstat(const struct syscall_arguments *a)
{
	struct path path;
	int result = fd_path((int)a->arg[0], &path);

	return result < 0 ? result : stat_path(&path, a->arg[1]);
}

static struct statx_timestamp statx_time(nsec_t time)
{
	struct __kernel_timespec ts = nsec_to_timespec(time);

	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = (u32)ts.tv_nsec};
}

static int write_statx(vaddr_t to, const struct path *path,
		       const struct inode_attributes *from)
{
	struct statx statx = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
		.stx_blksize = from->block_size,
		.stx_nlink = from->link_count,
		.stx_uid = current_uid_shown(from->uid),
		.stx_gid = current_gid_shown(from->gid),
		.stx_mode = (u16)from->mode,
		.stx_ino = from->inode_number,
		.stx_size = from->size,
		.stx_blocks = from->blocks,
		.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.stx_atime = statx_time(from->accessed),
		.stx_btime = statx_time(from->born),
		.stx_ctime = statx_time(from->changed),
		.stx_mtime = statx_time(from->modified),
		.stx_rdev_major = device_major(from->special_device),
		.stx_rdev_minor = device_minor(from->special_device),
		.stx_dev_major = device_major(from->device_id),
		.stx_dev_minor = device_minor(from->device_id),
	};

	if (path->mount) {
		statx.stx_mnt_id = path->mount->id;
		if (path->mount->root == path->dentry) {
			statx.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
		}
	}
	return user_write(to, &statx, sizeof(statx));
}

long sys_statx(const struct syscall_arguments *a)
{
	struct inode_attributes attributes;
	int at_flags = (int)a->arg[2], result;
	u32 mask = (u32)a->arg[3];
	struct path path;

	if ((at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
			  AT_STATX_SYNC_TYPE)) ||
	    (mask & STATX__RESERVED) ||
	    (at_flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
		return -EINVAL;
	}
	if (!a->arg[1] && (at_flags & AT_EMPTY_PATH)) {
		result = fd_path((int)a->arg[0], &path);
	} else {
		result = at_walk((int)a->arg[0], a->arg[1], walk_flags_of(at_flags),
				 &path);
	}
	if (result < 0) {
		return result;
	}
	result = fs_get_attributes(&path, &attributes);
	if (result == 0) {
		result = write_statx(a->arg[4], &path, &attributes);
	}
	path_put(&path);
	return result;
}

static long statfs_path(struct path *path, vaddr_t to)
{
	struct statfs statfs;
	int result = fs_statfs(path, &statfs);

	path_put(path);
	return result < 0 ? result : user_write(to, &statfs, sizeof(statfs));
}

long sys_statfs(const struct syscall_arguments *a)
{
	struct path path;
	int result = at_walk(AT_FDCWD, a->arg[0], WALK_FOLLOW, &path);

	return result < 0 ? result : statfs_path(&path, a->arg[1]);
}

long sys_fstatfs(const struct syscall_arguments *a)
{
	struct path path;
	int result = fd_path((int)a->arg[0], &path);

	return result < 0 ? result : statfs_path(&path, a->arg[1]);
}

/* access(2) asks for the real ids; a copy of the credentials has them as the file system's. */
static int real_credentials(struct credentials **out)
{
	const struct credentials *current = current_credentials();
	int result = credentials_copy(current, out);

	if (result == 0) {
		(*out)->fsuid = current->uid;
		(*out)->fsgid = current->gid;
		(*out)->capability_effective =
			current->uid == 0 ? current->capability_permitted : 0;
	}
	return result;
}

static int access_place(const struct path *path, int wanted,
			const struct credentials *credentials)
{
	struct inode *inode = dentry_inode(path->dentry);
	u32 type = inode->attributes.mode & S_IFMT;
	int result = wanted ? fs_permission(inode, credentials, wanted) : 0;

	if (result == 0 && (wanted & ACCESS_WRITE) &&
	    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)) {
		result = mount_writable(path->mount);
	}
	return result;
}

static long access_at(int directory, vaddr_t user, int wanted, int at_flags)
{
	struct credentials *credentials = NULL;
	struct user_name name;
	struct at_place at;
	struct path path;
	int result;

	if ((wanted & ~7) ||
	    (at_flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))) {
		return -EINVAL;
	}
	result = user_name_read(&name, user);
	if (result < 0) {
		return result;
	}
	result = at_begin(&at, directory, name.text);
	if (result == 0) {
		if (!(at_flags & AT_EACCESS)) {
			result = real_credentials(&credentials);
			at.context.credentials = credentials;
		}
		if (result == 0) {
			result = path_walk(&at.context, name.text,
					   walk_flags_of(at_flags), &path);
		}
		if (result == 0) {
			result = access_place(&path, wanted, at.context.credentials);
			path_put(&path);
		}
		credentials_put(credentials);
		at_end(&at);
	}
	user_name_release(&name);
	return result;
}

long sys_access(const struct syscall_arguments *a)
{
	return access_at(AT_FDCWD, a->arg[0], (int)a->arg[1], 0);
}

long sys_faccessat(const struct syscall_arguments *a)
{
	return access_at((int)a->arg[0], a->arg[1], (int)a->arg[2], 0);
}

long sys_faccessat2(const struct syscall_arguments *a)
{
	return access_at((int)a->arg[0], a->arg[1], (int)a->arg[2], (int)a->arg[3]);
}
