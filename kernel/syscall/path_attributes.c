// SPDX-License-Identifier: MIT
/* Calls that change attributes: chmod, chown, utimes, truncate. */
#include "syscall/file_support.h"

#include "abi/utime.h"
#include "cred/user_namespace.h"
#include "fs/directory.h"
#include "fs/mount.h"
#include "mm/usercopy.h"
#include "process/signal/signal.h"
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/utime.h>

static long change_mode(struct path *path, u32 mode)
{
	struct inode_attributes attributes = {.mode = mode & 07777};
	struct inode *inode = dentry_inode(path->dentry);
	long result;

	if ((inode->attributes.mode & S_IFMT) == S_IFLNK) {
		result = -EOPNOTSUPP;
	} else {
		result = fs_set_attributes(path, &attributes, ATTRIBUTE_MODE,
					   current_credentials());
	}
	path_put(path);
	return result;
}

static long change_mode_at(int directory, vaddr_t name, u32 mode, int at_flags)
{
	struct path path;
	long result;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
		return -EINVAL;
	}
	result = at_walk(directory, name, walk_flags_of(at_flags), &path);
	return result < 0 ? result : change_mode(&path, mode);
}

long sys_chmod(const struct syscall_arguments *a)
{
	return change_mode_at(AT_FDCWD, a->arg[0], (u32)a->arg[1], 0);
}

long sys_fchmodat(const struct syscall_arguments *a)
{
	return change_mode_at((int)a->arg[0], a->arg[1], (u32)a->arg[2], 0);
}

long sys_fchmodat2(const struct syscall_arguments *a)
{
	return change_mode_at((int)a->arg[0], a->arg[1], (u32)a->arg[2], (int)a->arg[3]);
}

/* The place of a descriptor one may change things through: not an O_PATH one. */
static int usable_fd_path(int fd, struct path *out)
{
	struct fd_reference reference;
	int result = fd_begin(current_files(), fd, &reference);

	if (result == 0) {
		*out = reference.file->path;
		path_get(out);
		fd_end(&reference);
	}
	return result;
}

long sys_fchmod(const struct syscall_arguments *a)
{
	struct path path;
	long result = usable_fd_path((int)a->arg[0], &path);

	return result < 0 ? result : change_mode(&path, (u32)a->arg[1]);
}

static long change_owner(struct path *path, u32 uid, u32 gid)
{
	struct inode_attributes attributes = {.uid = current_uid_to_kernel(uid),
					      .gid = current_gid_to_kernel(gid)};
	unsigned which =
		(uid != ~0u ? ATTRIBUTE_UID : 0) | (gid != ~0u ? ATTRIBUTE_GID : 0);
	const struct inode_attributes *now = &dentry_inode(path->dentry)->attributes;
	long result;

	if ((which & ATTRIBUTE_UID && attributes.uid == ID_INVALID) ||
	    (which & ATTRIBUTE_GID && attributes.gid == ID_INVALID)) {
		path_put(path);
		return -EINVAL;
	}
	if (!which && credentials_owns(current_credentials(), now->uid)) {
		attributes.uid =
			now->uid; // nothing changes but the set-uid bits, which go
		which = ATTRIBUTE_UID;
	}
	result = fs_set_attributes(path, &attributes, which, current_credentials());
	path_put(path);
	return result;
}

static long change_owner_at(int directory, vaddr_t name, u32 uid, u32 gid, int at_flags)
{
	struct path path;
	long result;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
		return -EINVAL;
	}
	result = at_walk(directory, name, walk_flags_of(at_flags), &path);
	return result < 0 ? result : change_owner(&path, uid, gid);
}

long sys_chown(const struct syscall_arguments *a)
{
	return change_owner_at(AT_FDCWD, a->arg[0], (u32)a->arg[1], (u32)a->arg[2], 0);
}

long sys_lchown(const struct syscall_arguments *a)
{
	return change_owner_at(AT_FDCWD, a->arg[0], (u32)a->arg[1], (u32)a->arg[2],
			       AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(const struct syscall_arguments *a)
{
	return change_owner_at((int)a->arg[0], a->arg[1], (u32)a->arg[2], (u32)a->arg[3],
			       (int)a->arg[4]);
}

long sys_fchown(const struct syscall_arguments *a)
{
	struct path path;
	long result = usable_fd_path((int)a->arg[0], &path);

	return result < 0 ? result : change_owner(&path, (u32)a->arg[1], (u32)a->arg[2]);
}

/* Access and modification time to set; UTIME_NOW and UTIME_OMIT are understood. */
struct new_times {
	struct inode_attributes attributes;
	unsigned which;
	bool all_now; /* both are "now": write permission is enough */
};

static int set_one(struct new_times *times, const struct __kernel_timespec *ts,
		   nsec_t now, unsigned which)
{
	nsec_t value = now;

	if (ts->tv_nsec == UTIME_OMIT) {
		return 0;
	}
	if (ts->tv_nsec != UTIME_NOW) {
		if (ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC) {
			return -EINVAL;
		}
		value = ts->tv_sec > INT64_MAX / NSEC_PER_SEC - 1 ? INT64_MAX
			: ts->tv_sec < INT64_MIN / NSEC_PER_SEC + 1
				? INT64_MIN
				: ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	}
	times->which |= which;
	if (which == ATTRIBUTE_ACCESSED) {
		times->attributes.accessed = value;
	} else {
		times->attributes.modified = value;
	}
	return 0;
}

static int parse_times(struct new_times *times, const struct __kernel_timespec ts[2])
{
	nsec_t now = clock_realtime();
	int result;

	*times = (struct new_times){0};
	result = set_one(times, &ts[0], now, ATTRIBUTE_ACCESSED);
	if (result == 0) {
		result = set_one(times, &ts[1], now, ATTRIBUTE_MODIFIED);
	}
	times->all_now = ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW;
	return result;
}

static int may_set_times(const struct path *path, const struct new_times *times)
{
	struct inode *inode = dentry_inode(path->dentry);
	int result;

	if (credentials_owns(current_credentials(), inode->attributes.uid)) {
		return 0;
	}
	if (!times->all_now) {
		return -EPERM;
	}
	result = fs_permission(inode, current_credentials(), ACCESS_WRITE);
	return result;
}

static long set_times(struct path *path, const struct __kernel_timespec ts[2])
{
	struct new_times times;
	long result = parse_times(&times, ts);

	if (result == 0 && times.which) {
		result = mount_writable(path->mount);
		if (result == 0) {
			result = may_set_times(path, &times);
		}
		if (result == 0) {
			result = fs_set_attributes(path, &times.attributes, times.which,
						   current_credentials());
		}
	}
	path_put(path);
	return result;
}

static const struct __kernel_timespec both_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

static long set_times_at(int directory, vaddr_t name,
			 const struct __kernel_timespec ts[2], int at_flags)
{
	struct path path;
	long result;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
		return -EINVAL;
	}
	// A NULL name means the descriptor itself (futimens).
	result = name ? at_walk(directory, name, walk_flags_of(at_flags), &path)
		      : (directory == AT_FDCWD ? -EFAULT
					       : usable_fd_path(directory, &path));
	return result < 0 ? result : set_times(&path, ts);
}

long sys_utimensat(const struct syscall_arguments *a)
{
	struct __kernel_timespec ts[2] = {both_now[0], both_now[1]};

	if (a->arg[2] && user_read(ts, a->arg[2], sizeof(ts))) {
		return -EFAULT;
	}
	if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT) {
		return 0;
	}
	return set_times_at((int)a->arg[0], a->arg[1], ts, (int)a->arg[3]);
}

static long set_timevals(int directory, vaddr_t name, vaddr_t times)
{
	struct __kernel_timespec ts[2] = {both_now[0], both_now[1]};
	struct __kernel_old_timeval tv[2];

	if (times) {
		if (user_read(tv, times, sizeof(tv))) {
			return -EFAULT;
		}
		for (unsigned i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000) {
				return -EINVAL;
			}
			ts[i].tv_sec = tv[i].tv_sec;
			ts[i].tv_nsec = tv[i].tv_usec * NSEC_PER_USEC;
		}
	}
	return set_times_at(directory, name, ts, 0);
}

long sys_utimes(const struct syscall_arguments *a)
{
	return a->arg[0] ? set_timevals(AT_FDCWD, a->arg[0], a->arg[1]) : -EFAULT;
}

long sys_futimesat(const struct syscall_arguments *a)
{
	return set_timevals((int)a->arg[0], a->arg[1], a->arg[2]);
}

long sys_utime(const struct syscall_arguments *a)
{
	struct __kernel_timespec ts[2] = {both_now[0], both_now[1]};
	struct utimbuf times;

	if (a->arg[1]) {
		if (user_read(&times, a->arg[1], sizeof(times))) {
			return -EFAULT;
		}
		ts[0] = (struct __kernel_timespec){.tv_sec = times.actime};
		ts[1] = (struct __kernel_timespec){.tv_sec = times.modtime};
	}
	return a->arg[0] ? set_times_at(AT_FDCWD, a->arg[0], ts, 0) : -EFAULT;
}

long sys_truncate(const struct syscall_arguments *a)
{
	struct inode *inode;
	struct path path;
	long result;

	if ((s64)a->arg[1] < 0) {
		return -EINVAL;
	}
	result = at_walk(AT_FDCWD, a->arg[0], WALK_FOLLOW, &path);
	if (result < 0) {
		return result;
	}
	inode = dentry_inode(path.dentry);
	if ((inode->attributes.mode & S_IFMT) != S_IFREG) {
		result = (inode->attributes.mode & S_IFMT) == S_IFDIR ? -EISDIR : -EINVAL;
	} else {
		result = mount_writable(path.mount);
	}
	if (result == 0) {
		result = fs_permission(inode, current_credentials(), ACCESS_WRITE);
	}
	if (result == 0) {
		result = inode_begin_write(inode);
	}
	if (result == 0) {
		result = fs_truncate(&path, a->arg[1], current_credentials());
		inode_end_write(inode);
	}
	path_put(&path);
	return result;
}

long sys_ftruncate(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	long result;

	if ((s64)a->arg[1] < 0) {
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result < 0) {
		return result;
	}
	if (!(reference.file->mode & FILE_WRITE) ||
	    (reference.file->inode->attributes.mode & S_IFMT) != S_IFREG) {
		result = -EINVAL;
	} else {
		result = fs_truncate(&reference.file->path, a->arg[1],
				     current_credentials());
	}
	fd_end(&reference);
	return result;
}
