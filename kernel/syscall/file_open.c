// SPDX-License-Identifier: MIT
/* Making and closing descriptors: open(2) and its kin, close(2), dup(2), memfd_create(2). */
#include "syscall/file_support.h"

#include "fs/tmpfs/tmpfs.h"
#include "lib/string.h"
#include "mm/usercopy.h"
#include "process/resources.h"
#include "syscall/file_duplicate.h"
#include <asm/resource.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/sched.h>

enum {
	OPEN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
		     O_NONBLOCK | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE |
		     O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_SYNC | O_PATH |
		     O_TMPFILE,
	RESOLVE_KNOWN = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED,
	FIRST_HOW_SIZE = 24, /* of the first version of struct open_how */
};

static long open_named(int directory, const char *name, u32 flags, u32 mode,
		       unsigned walk_flags)
{
	struct at_place at;
	struct file *file;
	long result;
	int fd = current_reserve_fd(flags & O_CLOEXEC);

	if (fd < 0) {
		return fd;
	}
	result = at_begin(&at, directory, name);
	if (result == 0) {
		result = fs_open(&at.context, name, flags, mode, walk_flags, &file);
		at_end(&at);
	}
	if (result < 0) {
		fd_cancel(current_files(), fd);
		return result;
	}
	fd_install(current_files(), fd, file);
	return fd;
}

static long do_open(int directory, vaddr_t user, u32 flags, u32 mode, unsigned walk_flags)
{
	struct user_name name;
	long result = user_name_read(&name, user);

	if (result == 0) {
		result = open_named(directory, name.text, flags, mode, walk_flags);
		user_name_release(&name);
	}
	return result;
}

long sys_open(const struct syscall_arguments *a)
{
	return do_open(AT_FDCWD, a->arg[0], ((u32)a->arg[1] & OPEN_FLAGS) | O_LARGEFILE,
		       (u32)a->arg[2], 0);
}

long sys_openat(const struct syscall_arguments *a)
{
	return do_open((int)a->arg[0], a->arg[1],
		       ((u32)a->arg[2] & OPEN_FLAGS) | O_LARGEFILE, (u32)a->arg[3], 0);
}

long sys_creat(const struct syscall_arguments *a)
{
	return do_open(AT_FDCWD, a->arg[0], O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE,
		       (u32)a->arg[1], 0);
}

static unsigned resolve_to_walk(u64 resolve)
{
	return ((resolve & RESOLVE_NO_XDEV) ? WALK_NO_CROSS_DEVICE : 0) |
	       ((resolve & RESOLVE_NO_MAGICLINKS) ? WALK_NO_MAGIC_LINKS : 0) |
	       ((resolve & RESOLVE_NO_SYMLINKS) ? WALK_NO_SYMLINKS : 0) |
	       ((resolve & RESOLVE_BENEATH) ? WALK_BENEATH : 0) |
	       ((resolve & RESOLVE_IN_ROOT) ? WALK_IN_ROOT : 0);
}

static int check_how(const struct open_how *how)
{
	bool creates = (how->flags & O_CREAT) || (how->flags & O_TMPFILE) == O_TMPFILE;

	if ((how->flags & ~(u64)OPEN_FLAGS) || (how->resolve & ~(u64)RESOLVE_KNOWN) ||
	    (how->mode & ~07777ULL) || (how->mode && !creates)) {
		return -EINVAL;
	}
	if ((how->flags & O_PATH) &&
	    (how->flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC))) {
		return -EINVAL;
	}
	if ((how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) ==
	    (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
		return -EINVAL;
	}
	return (how->resolve & RESOLVE_CACHED) ? -EAGAIN
					       : 0; // nothing is promised to be cached
}

/* A structure that may grow: what we do not know must be zero (E2BIG). */
static int read_how(struct open_how *how, vaddr_t from, u64 size)
{
	u8 byte;

	if (size < FIRST_HOW_SIZE) {
		return -EINVAL;
	}
	if (size > PAGE_SIZE) {
		return -E2BIG;
	}
	if (user_read(how, from, sizeof(*how))) {
		return -EFAULT;
	}
	for (u64 i = sizeof(*how); i < size; i++) {
		if (user_read(&byte, from + i, 1)) {
			return -EFAULT;
		}
		if (byte) {
			return -E2BIG;
		}
	}
	return 0;
}

long sys_openat2(const struct syscall_arguments *a)
{
	struct open_how how;
	long result = read_how(&how, a->arg[2], a->arg[3]);

	if (result == 0) {
		result = check_how(&how);
	}
	if (result < 0) {
		return result;
	}
	return do_open((int)a->arg[0], a->arg[1], (u32)how.flags | O_LARGEFILE,
		       (u32)how.mode, resolve_to_walk(how.resolve));
}

long sys_close(const struct syscall_arguments *a)
{
	long result = fd_close(current_files(), (int)a->arg[0]);

	// The descriptor is gone: restarting would close somebody else's.
	return result <= -ERESTART ? -EINTR : result;
}

long sys_close_range(const struct syscall_arguments *a)
{
	u32 first = (u32)a->arg[0], last = (u32)a->arg[1], flags = (u32)a->arg[2];

	if ((flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last) {
		return -EINVAL;
	}
	if (flags & CLOSE_RANGE_UNSHARE) {
		struct resource_change change = {0};
		int result = resources_prepare(&change, CLONE_FILES);

		if (result == 0) {
			resources_commit(&change);
		}
		resources_release(&change);
		if (result < 0) {
			return result;
		}
	}
	return fd_close_range(current_files(), first, last, flags & CLOSE_RANGE_CLOEXEC);
}

static long duplicate_from(int fd, u64 from, bool close_on_exec)
{
	struct file *file = file_table_get(current_files(), fd);
	u64 limit = current_limit(RLIMIT_NOFILE);
	int new;

	if (!file) {
		return -EBADF;
	}
	if (from >= limit) {
		file_put(file);
		return -EINVAL;
	}
	new = fd_reserve(current_files(), (u32)from, limit, close_on_exec);
	if (new < 0) {
		file_put(file);
		return new;
	}
	fd_install(current_files(), new, file);
	return new;
}

long file_duplicate(int fd, u64 from, bool close_on_exec)
{
	return duplicate_from(fd, from, close_on_exec);
}

long sys_dup(const struct syscall_arguments *a)
{
	long result = duplicate_from((int)a->arg[0], 0, false);

	return result == -EINVAL ? -EMFILE : result;
}

static long replace(int old, int new, bool close_on_exec)
{
	struct file *file = file_table_get(current_files(), old);
	long result;

	if (!file) {
		return -EBADF;
	}
	result = fd_replace(current_files(), new, file, close_on_exec,
			    current_limit(RLIMIT_NOFILE));
	file_put(file);
	return result;
}

long sys_dup2(const struct syscall_arguments *a)
{
	int old = (int)a->arg[0], new = (int)a->arg[1];

	if (old == new) {
		int result = fd_get_close_on_exec(current_files(), old);

		return result < 0 ? result : new;
	}
	return replace(old, new, false);
}

long sys_dup3(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[2];

	if ((flags & ~(u32)O_CLOEXEC) || (int)a->arg[0] == (int)a->arg[1]) {
		return -EINVAL;
	}
	return replace((int)a->arg[0], (int)a->arg[1], flags & O_CLOEXEC);
}

long sys_memfd_create(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[1];
	u32 known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC;
	u32 mode = (flags & MFD_NOEXEC_SEAL) ? 0666 : 0777;
	u32 seals = (flags & MFD_ALLOW_SEALING) ? 0 : F_SEAL_SEAL;
	struct file *file;
	char name[250];
	s64 length;
	int result;

	if ((flags & ~known) ||
	    (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC)) {
		return -EINVAL;
	}
	length = user_read_string(name, a->arg[0], sizeof(name));
	if (length < 0) {
		return length == -ENAMETOOLONG ? -EINVAL : length;
	}
	if (flags & MFD_NOEXEC_SEAL) {
		seals = F_SEAL_EXEC;
	}
	result = memfd_create_file(name, seals, mode, current_credentials(), &file);
	return result < 0 ? result : current_install_file(file, flags & MFD_CLOEXEC);
}
