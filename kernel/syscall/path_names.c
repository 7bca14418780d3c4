// SPDX-License-Identifier: MIT
/* Calls that make, remove and read names: mkdir, mknod, link, symlink, unlink, rmdir, rename, readlink. */
#include "syscall/file_support.h"

#include "lib/string.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

/* A name and the place it is relative to. */
struct named_place {
	struct user_name name;
	struct at_place at;
};

static int named_begin(struct named_place *place, int directory, vaddr_t user)
{
	int result = user_name_read(&place->name, user);

	if (result < 0) {
		return result;
	}
	result = at_begin(&place->at, directory, place->name.text);
	if (result < 0) {
		user_name_release(&place->name);
	}
	return result;
}

static void named_end(struct named_place *place)
{
	at_end(&place->at);
	user_name_release(&place->name);
}

static long make_directory(int directory, vaddr_t user, u32 mode)
{
	struct named_place place;
	long result = named_begin(&place, directory, user);

	if (result == 0) {
		result = fs_make_directory(&place.at.context, place.name.text, mode);
		named_end(&place);
	}
	return result;
}

long sys_mkdir(const struct syscall_arguments *a)
{
	return make_directory(AT_FDCWD, a->arg[0], (u32)a->arg[1]);
}

long sys_mkdirat(const struct syscall_arguments *a)
{
	return make_directory((int)a->arg[0], a->arg[1], (u32)a->arg[2]);
}

/* Judged before the name is read. */
static int check_node_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

static long make_node(int directory, vaddr_t user, u32 mode, u64 device)
{
	struct named_place place;
	long result = check_node_type(mode);

	if (result == 0) {
		result = named_begin(&place, directory, user);
	}
	if (result == 0) {
		result = fs_make_node(&place.at.context, place.name.text, mode,
				      (u32)device);
		named_end(&place);
	}
	return result;
}

long sys_mknod(const struct syscall_arguments *a)
{
	return make_node(AT_FDCWD, a->arg[0], (u32)a->arg[1], a->arg[2]);
}

long sys_mknodat(const struct syscall_arguments *a)
{
	return make_node((int)a->arg[0], a->arg[1], (u32)a->arg[2], a->arg[3]);
}

static long remove_name(int directory, vaddr_t user, bool remove_directory)
{
	struct named_place place;
	long result = named_begin(&place, directory, user);

	if (result == 0) {
		result = remove_directory
				 ? fs_remove_directory(&place.at.context, place.name.text)
				 : fs_unlink(&place.at.context, place.name.text);
		named_end(&place);
	}
	return result;
}

long sys_unlink(const struct syscall_arguments *a)
{
	return remove_name(AT_FDCWD, a->arg[0], false);
}

long sys_rmdir(const struct syscall_arguments *a)
{
	return remove_name(AT_FDCWD, a->arg[0], true);
}

long sys_unlinkat(const struct syscall_arguments *a)
{
	u32 flags = (u32)a->arg[2];

	if (flags & ~(u32)AT_REMOVEDIR) {
		return -EINVAL;
	}
	return remove_name((int)a->arg[0], a->arg[1], flags & AT_REMOVEDIR);
}

static long symbolic_link(vaddr_t user_target, int directory, vaddr_t user)
{
	struct named_place place;
	struct user_name target;
	long result = user_name_read(&target, user_target);

	if (result < 0) {
		return result;
	}
	result = named_begin(&place, directory, user);
	if (result == 0) {
		result =
			fs_symbolic_link(&place.at.context, target.text, place.name.text);
		named_end(&place);
	}
	user_name_release(&target);
	return result;
}

long sys_symlink(const struct syscall_arguments *a)
{
	return symbolic_link(a->arg[0], AT_FDCWD, a->arg[1]);
}

long sys_symlinkat(const struct syscall_arguments *a)
{
	return symbolic_link(a->arg[0], (int)a->arg[1], a->arg[2]);
}

static long hard_link(int from_directory, vaddr_t from_user, int to_directory,
		      vaddr_t to_user, int at_flags)
{
	unsigned walk_flags = ((at_flags & AT_SYMLINK_FOLLOW) ? WALK_FOLLOW : 0) |
			      ((at_flags & AT_EMPTY_PATH) ? WALK_EMPTY : 0);
	struct named_place to;
	struct path from;
	long result;

	if (at_flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
		return -EINVAL;
	}
	result = at_walk(from_directory, from_user, walk_flags, &from);
	if (result < 0) {
		return result;
	}
	result = named_begin(&to, to_directory, to_user);
	if (result == 0) {
		result = fs_link(&from, &to.at.context, to.name.text);
		named_end(&to);
	}
	path_put(&from);
	return result;
}

long sys_link(const struct syscall_arguments *a)
{
	return hard_link(AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

long sys_linkat(const struct syscall_arguments *a)
{
	return hard_link((int)a->arg[0], a->arg[1], (int)a->arg[2], a->arg[3],
			 (int)a->arg[4]);
}

static long rename_names(int from_directory, vaddr_t from, int to_directory, vaddr_t to,
			 u32 flags)
{
	struct named_place *places;
	long result;

	if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) &&
	     (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))) {
		return -EINVAL;
	}
	places = heap_allocate_array(2, sizeof(*places));
	if (!places) {
		return -ENOMEM;
	}
	result = named_begin(&places[0], from_directory, from);
	if (result == 0) {
		result = named_begin(&places[1], to_directory, to);
		if (result == 0) {
			result = fs_rename(&places[0].at.context, places[0].name.text,
					   &places[1].at.context, places[1].name.text,
					   flags);
			named_end(&places[1]);
		}
		named_end(&places[0]);
	}
	heap_free(places);
	return result;
}

long sys_rename(const struct syscall_arguments *a)
{
	return rename_names(AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

long sys_renameat(const struct syscall_arguments *a)
{
	return rename_names((int)a->arg[0], a->arg[1], (int)a->arg[2], a->arg[3], 0);
}

long sys_renameat2(const struct syscall_arguments *a)
{
	return rename_names((int)a->arg[0], a->arg[1], (int)a->arg[2], a->arg[3],
			    (u32)a->arg[4]);
}

static long read_link(int directory, vaddr_t user, vaddr_t to, s64 size)
{
	struct path path;
	char *text;
	s64 length;
	int result;

	if ((int)size <= 0) {
		return -EINVAL;
	}
	result = at_walk(directory, user, WALK_EMPTY, &path);
	if (result < 0) {
		return result;
	}
	text = heap_allocate(PATH_MAX);
	length = text ? fs_read_link(&path, text, PATH_MAX) : -ENOMEM;
	path_put(&path);
	if (length >= 0) {
		length = MIN(length, (s64)(int)size);
		if (user_write(to, text, (size_t)length)) {
			length = -EFAULT;
		}
	}
	heap_free(text);
	return (long)length;
}

long sys_readlink(const struct syscall_arguments *a)
{
	long result = read_link(AT_FDCWD, a->arg[0], a->arg[1], (s64)a->arg[2]);
	char first;

	// readlink("") is ENOENT; only readlinkat() takes the empty name of an O_PATH link.
	if (result == -EINVAL && !user_read(&first, a->arg[0], 1) && !first) {
		return -ENOENT;
	}
	return result;
}

long sys_readlinkat(const struct syscall_arguments *a)
{
	long result = read_link((int)a->arg[0], a->arg[1], a->arg[2], (s64)a->arg[3]);
	char first;

	if (result == -EINVAL && (int)a->arg[3] > 0 && !user_read(&first, a->arg[1], 1) &&
	    !first) {
		return -ENOENT;
	}
	return result;
}
