// SPDX-License-Identifier: MIT
/* Extended attributes: setxattr(2) and its kin; file handles, which nothing here has. */
#include "syscall/file_support.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>

struct attribute_name {
	char text[XATTR_NAME_MAX + 1];
};

static int name_read(struct attribute_name *name, vaddr_t from)
{
	s64 length = user_read_string(name->text, from, sizeof(name->text));

	if (length == 0 || length == -ENAMETOOLONG) {
		return -ERANGE;
	}
	return length < 0 ? (int)length : 0;
}

static long set_at(struct path *path, const struct syscall_arguments *a)
{
	struct attribute_name name;
	u64 size = a->arg[3];
	int flags = (int)a->arg[4];
	void *value;
	long result = name_read(&name, a->arg[1]);

	if (result < 0) {
		return result;
	}
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
		return -EINVAL;
	}
	if (size > XATTR_SIZE_MAX) {
		return -E2BIG;
	}
	value = heap_allocate(size + 1);
	if (!value) {
		return -ENOMEM;
	}
	result = user_read(value, a->arg[2], size);
	if (result == 0) {
		result = fs_set_xattr(path, name.text, value, size, flags,
				      current_credentials());
	}
	heap_free(value);
	return result;
}

/* Copies what a getter left in `buffer` out; size 0 only asks for the length. */
static long copy_out(vaddr_t to, const void *buffer, u64 size, long result)
{
	if (result > 0 && size > 0 && user_write(to, buffer, (size_t)result)) {
		return -EFAULT;
	}
	return result;
}

static long get_at(struct path *path, const struct syscall_arguments *a)
{
	u64 size = MIN(a->arg[3], (u64)XATTR_SIZE_MAX);
	struct attribute_name name;
	void *value;
	long result = name_read(&name, a->arg[1]);

	if (result < 0) {
		return result;
	}
	value = heap_allocate(size + 1);
	if (!value) {
		return -ENOMEM;
	}
	result = (long)fs_get_xattr(path, name.text, value, size, current_credentials());
	result = copy_out(a->arg[2], value, size, result);
	heap_free(value);
	return result;
}

static long list_at(struct path *path, const struct syscall_arguments *a)
{
	u64 size = MIN(a->arg[2], (u64)XATTR_LIST_MAX);
	char *list = heap_allocate(size + 1);
	long result;

	if (!list) {
		return -ENOMEM;
	}
	result = copy_out(a->arg[1], list, size, (long)fs_list_xattr(path, list, size));
	heap_free(list);
	return result;
}

static long remove_at(struct path *path, const struct syscall_arguments *a)
{
	struct attribute_name name;
	long result = name_read(&name, a->arg[1]);

	return result < 0
		       ? result
		       : fs_set_xattr(path, name.text, NULL, 0, 0, current_credentials());
}

typedef long (*attribute_call)(struct path *path, const struct syscall_arguments *a);

static long by_name(const struct syscall_arguments *a, unsigned walk_flags,
		    attribute_call call)
{
	struct path path;
	long result = at_walk(AT_FDCWD, a->arg[0], walk_flags, &path);

	if (result == 0) {
		result = call(&path, a);
		path_put(&path);
	}
	return result;
}

static long by_descriptor(const struct syscall_arguments *a, attribute_call call)
{
	struct fd_reference reference;
	long result = fd_begin(current_files(), (int)a->arg[0], &reference);

	if (result == 0) {
		struct path path = reference.file->path;

		result = call(&path, a);
		fd_end(&reference);
	}
	return result;
}

long sys_setxattr(const struct syscall_arguments *a)
{
	return by_name(a, WALK_FOLLOW, set_at);
}

long sys_lsetxattr(const struct syscall_arguments *a)
{
	return by_name(a, 0, set_at);
}

long sys_fsetxattr(const struct syscall_arguments *a)
{
	return by_descriptor(a, set_at);
}

long sys_getxattr(const struct syscall_arguments *a)
{
	return by_name(a, WALK_FOLLOW, get_at);
}

long sys_lgetxattr(const struct syscall_arguments *a)
{
	return by_name(a, 0, get_at);
}

long sys_fgetxattr(const struct syscall_arguments *a)
{
	return by_descriptor(a, get_at);
}

long sys_listxattr(const struct syscall_arguments *a)
{
	return by_name(a, WALK_FOLLOW, list_at);
}

long sys_llistxattr(const struct syscall_arguments *a)
{
	return by_name(a, 0, list_at);
}

long sys_flistxattr(const struct syscall_arguments *a)
{
	return by_descriptor(a, list_at);
}

long sys_removexattr(const struct syscall_arguments *a)
{
	return by_name(a, WALK_FOLLOW, remove_at);
}

long sys_lremovexattr(const struct syscall_arguments *a)
{
	return by_name(a, 0, remove_at);
}

long sys_fremovexattr(const struct syscall_arguments *a)
{
	return by_descriptor(a, remove_at);
}

long sys_name_to_handle_at(const struct syscall_arguments *a)
{
	return -EOPNOTSUPP;
}

long sys_open_by_handle_at(const struct syscall_arguments *a)
{
	return -EOPNOTSUPP;
}
