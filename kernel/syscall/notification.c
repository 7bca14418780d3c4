// SPDX-License-Identifier: MIT
/* Notification of changes of files: inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2). */
#include "fs/notify/inotify.h"
#include "syscall/file_support.h"
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/inotify.h>

/* All that a mask may have. */
enum {
	MASK_KNOWN = IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED |
		     IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |
		     IN_MASK_ADD | IN_ISDIR
};
#define MASK_ALL ((u32)MASK_KNOWN | IN_ONESHOT)

static long make(u32 flags)
{
	struct file *file;
	int result;

	if (flags & ~(u32)(IN_CLOEXEC | IN_NONBLOCK)) {
		return -EINVAL;
	}
	result = inotify_create(flags & IN_NONBLOCK, current_thread()->account, &file);
	return result < 0 ? result : current_install_file(file, flags & IN_CLOEXEC);
}

long sys_inotify_init1(const struct syscall_arguments *a)
{
	return make((u32)a->arg[0]);
}

#ifdef __NR_inotify_init
long sys_inotify_init(const struct syscall_arguments *a)
{
	return make(0);
}
#endif

static long watch_path(struct file *file, vaddr_t name, u32 mask)
{
	unsigned flags = ((mask & IN_DONT_FOLLOW) ? 0 : WALK_FOLLOW) |
			 ((mask & IN_ONLYDIR) ? WALK_DIRECTORY : 0);
	struct path path;
	long result = at_walk(AT_FDCWD, name, flags, &path);

	if (result < 0) {
		return result;
	}
	result = fs_permission(dentry_inode(path.dentry), current_credentials(),
			       ACCESS_READ);
	if (result == 0) {
		result = inotify_watch_inode(file, dentry_inode(path.dentry), mask);
	}
	path_put(&path);
	return result;
}

long sys_inotify_add_watch(const struct syscall_arguments *a)
{
	u32 mask = (u32)a->arg[2];
	struct fd_reference reference;
	long result;

	if (!mask || (mask & ~MASK_ALL)) {
		return -EINVAL;
	}
	result = fd_begin(current_files(), (int)a->arg[0], &reference);
	if (result < 0) {
		return result;
	}
	if (((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)) ||
	    !file_is_inotify(reference.file)) {
		result = -EINVAL;
	} else {
		result = watch_path(reference.file, a->arg[1], mask);
	}
	fd_end(&reference);
	return result;
}

long sys_inotify_rm_watch(const struct syscall_arguments *a)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result < 0) {
		return result;
	}
	result = file_is_inotify(reference.file)
			 ? inotify_unwatch(reference.file, (int)a->arg[1])
			 : -EINVAL;
	fd_end(&reference);
	return result;
}
