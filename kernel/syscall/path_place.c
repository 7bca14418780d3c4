// SPDX-License-Identifier: MIT
/* Where a process stands: getcwd, chdir, fchdir, chroot, umask. */
#include "syscall/file_support.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

long sys_getcwd(const struct syscall_arguments *a)
{
	struct path cwd, root;
	char *buffer = heap_allocate(PATH_MAX), *start;
	long length;

	if (!buffer) {
		return -ENOMEM;
	}
	fs_info_get_cwd(current_fs(), &cwd);
	fs_info_get_root(current_fs(), &root);
	length = path_to_name(&cwd, &root, buffer, PATH_MAX, NAME_FOR_GETCWD, &start);
	path_put(&cwd);
	path_put(&root);
	if (length >= 0) {
		length++; // with its NUL
		if ((u64)length > a->arg[1]) {
			length = -ERANGE;
		} else if (user_write(a->arg[0], start, (size_t)length)) {
			length = -EFAULT;
		}
	}
	heap_free(buffer);
	return length;
}

static long enter_directory(struct path *path)
{
	struct inode *inode = dentry_inode(path->dentry);
	long result = -ENOTDIR;

	if ((inode->attributes.mode & S_IFMT) == S_IFDIR) {
		result = fs_permission(inode, current_credentials(), ACCESS_EXECUTE);
	}
	if (result == 0) {
		fs_info_set_cwd(current_fs(), path);
	}
	path_put(path);
	return result;
}

long sys_chdir(const struct syscall_arguments *a)
{
	struct path path;
	long result = at_walk(AT_FDCWD, a->arg[0], WALK_FOLLOW | WALK_DIRECTORY, &path);

	return result < 0 ? result : enter_directory(&path);
}

long sys_fchdir(const struct syscall_arguments *a)
{
	struct path path;
	long result = fd_path((int)a->arg[0], &path);

	return result < 0 ? result : enter_directory(&path);
}

long sys_chroot(const struct syscall_arguments *a)
{
	struct path path;
	long result = at_walk(AT_FDCWD, a->arg[0], WALK_FOLLOW | WALK_DIRECTORY, &path);

	if (result < 0) {
		return result;
	}
	result = fs_permission(dentry_inode(path.dentry), current_credentials(),
			       ACCESS_EXECUTE);
	if (result == 0 && !current_capable_inside(CAP_SYS_CHROOT)) {
		result = -EPERM;
	}
	if (result == 0) {
		fs_info_set_root(current_fs(), &path);
	}
	path_put(&path);
	return result;
}

long sys_umask(const struct syscall_arguments *a)
{
	return fs_info_set_umask(current_fs(), (u32)a->arg[0]);
}
