// SPDX-License-Identifier: MIT
/*
 * open(2), below descriptors: find or make the file, check rights, make the struct file.
 *
 * Context   thread, no lock held. Creation happens under the directory's inode.lock, so that of two
 *           O_EXCL openers one wins.
 */
#include "cred/user_namespace.h"
#include "fs/directory_internal.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

enum { PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC };

static int wanted_access(u32 flags)
{
	static const int by_mode[4] = {ACCESS_READ, ACCESS_WRITE,
				       ACCESS_READ | ACCESS_WRITE,
				       ACCESS_READ | ACCESS_WRITE};

	return by_mode[flags & O_ACCMODE] | ((flags & O_TRUNC) ? ACCESS_WRITE : 0);
}

/* A device node is only a name where somebody without power over the machine made the file system. */
static bool opens_devices(const struct path *path)
{
	const struct super_block *super_block;

	if (!path->mount) {
		return true;
	}
	super_block = path->mount->super_block;
	return !(atomic_load(&path->mount->flags) & MS_NODEV) &&
	       (!super_block->owner || super_block->owner == &first_user_namespace ||
		(super_block->type->flags & FILE_SYSTEM_DEVICES));
}

/* Is the kind of file one that these flags can open, where it is mounted? */
static int check_kind(const struct path *path, u32 flags, int wanted)
{
	struct inode *inode = dentry_inode(path->dentry);

	switch (inode->attributes.mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if ((wanted & ACCESS_WRITE) || (flags & O_CREAT)) {
			return -EISDIR;
		}
		break;
	case S_IFCHR:
	case S_IFBLK:
		return opens_devices(path) ? 0 : -EACCES;
	case S_IFREG:
		if (wanted & ACCESS_WRITE) {
			return mount_writable(path->mount);
		}
		break;
	default:
		break;
	}
	return 0;
}

static int may_open(const struct path *path, u32 flags,
		    const struct credentials *credentials, bool created)
{
	struct inode *inode = dentry_inode(path->dentry);
	int wanted = wanted_access(flags);
	int result = check_kind(path, flags, wanted);

	if (result == 0 && !created) {
		result = fs_permission(inode, credentials, wanted);
	}
	if (result == 0 && (flags & O_NOATIME) &&
	    !credentials_owns(credentials, inode->attributes.uid)) {
		result = -EPERM;
	}
	return result;
}

static int open_place(const struct path *path, u32 flags,
		      const struct credentials *credentials, bool created,
		      struct file **out)
{
	struct inode *inode = dentry_inode(path->dentry);
	const struct file_operations *operations = NULL;
	struct file *file;
	int result;

	if ((flags & O_DIRECTORY) && !inode_is(inode, S_IFDIR)) {
		return -ENOTDIR;
	}
	if (flags & O_PATH) {
		return file_create(path, NULL, flags & PATH_FLAGS, credentials, out);
	}
	result = may_open(path, flags, credentials, created);
	if (result == 0) {
		result = special_file_operations(inode, &operations);
	}
	if (result == 0) {
		result = file_create(path, operations, flags, credentials, &file);
	}
	if (result < 0) {
		return result;
	}
	notify_file(file, NOTIFY_OPEN);
	if ((flags & O_TRUNC) && inode_is(inode, S_IFREG) && !created) {
		result = fs_truncate(path, 0, credentials);
	}
	if (result < 0) {
		file_put(file);
		return result;
	}
	*out = file;
	return 0;
}

int fs_open_path(const struct path *path, u32 flags,
		 const struct credentials *credentials, struct file **out)
{
	return open_place(path, flags & ~(u32)(O_CREAT | O_EXCL), credentials, false,
			  out);
}

static int open_existing(const struct walk_context *context, const char *name, u32 flags,
			 unsigned walk_flags, struct file **out)
{
	struct path path;
	int result;

	if (!(flags & O_NOFOLLOW)) {
		walk_flags |= WALK_FOLLOW;
	}
	if (flags & O_DIRECTORY) {
		walk_flags |= WALK_DIRECTORY;
	}
	result = path_walk(context, name, walk_flags, &path);
	if (result < 0) {
		return result;
	}
	result = open_place(&path, flags, context->credentials, false, out);
	path_put(&path);
	return result;
}

/* The last component, made if it is not there. */
static int find_or_make(struct walk *walk, u32 flags, u32 mode, struct dentry **out,
			bool *created)
{
	struct dentry *parent = walk->current.dentry;
	struct inode *directory = dentry_inode(parent);
	struct make_request request = {.mode = S_IFREG | mode,
				       .owner = walk->context->credentials};
	size_t length = strlen(walk->last);
	int result = dentry_lookup(parent, walk->last, length, out);

	if (result < 0 || dentry_inode(*out)) {
		return result;
	}
	dentry_put(*out);
	inode_lock(directory);
	result = dentry_lookup_locked(parent, walk->last, length, out);
	if (result == 0 && !dentry_inode(*out)) {
		result = mount_writable(walk->current.mount);
		if (result == 0) {
			result = directory_make_locked(parent, *out, &request,
						       request.owner);
		}
		*created = result == 0;
		if (result < 0) {
			dentry_put(*out);
		}
	}
	inode_unlock(directory);
	return result;
}

/* One attempt; 1: a link was followed, go on. */
static int create_or_follow(struct walk *walk, u32 flags, u32 mode, struct file **out)
{
	struct path place = {walk->current.mount, NULL};
	bool created = false;
	int result = find_or_make(walk, flags, mode, &place.dentry, &created);

	if (result < 0) {
		return result;
	}
	if (!created && (flags & O_EXCL)) {
		result = -EEXIST;
	} else if (!created && inode_is(dentry_inode(place.dentry), S_IFLNK) &&
		   !(flags & O_NOFOLLOW)) {
		result = walk_follow(walk, place.dentry);
		dentry_put(place.dentry);
		return result < 0 ? result : 1;
	} else {
		mount_get(place.mount);
		path_cross_mounts(&place);
		result = open_place(&place, created ? flags & ~(u32)O_TRUNC : flags,
				    walk->context->credentials, created, out);
		path_put(&place);
		return result;
	}
	dentry_put(place.dentry);
	return result;
}

static int open_at_parent(struct walk *walk, u32 flags, u32 mode, struct file **out)
{
	int result;

	do {
		result = walk->jumped ? 0 : walk_to_parent(walk);
		if (result < 0) {
			return result;
		}
		if (walk->jumped || walk->last_kind == WALK_LAST_NONE) {
			if (flags & O_EXCL) {
				return -EEXIST;
			}
			return open_place(&walk->current, flags,
					  walk->context->credentials, false, out);
		}
		if (walk->last_kind != WALK_LAST_NAME || walk->trailing_slash) {
			return -EISDIR;
		}
		result = create_or_follow(walk, flags, mode, out);
	} while (result == 1);
	return result;
}

static int open_creating(const struct walk_context *context, const char *name, u32 flags,
			 u32 mode, unsigned walk_flags, struct file **out)
{
	struct walk walk;
	int result = walk_begin(&walk, context, name, walk_flags);

	if (result < 0) {
		return result;
	}
	result = open_at_parent(&walk, flags, mode, out);
	walk_end(&walk);
	return result;
}

static int open_unnamed(const struct walk_context *context, const char *name, u32 flags,
			u32 mode, unsigned walk_flags, struct file **out)
{
	struct path directory, place;
	int result = path_walk(context, name, walk_flags | WALK_FOLLOW | WALK_DIRECTORY,
			       &directory);

	if (result < 0) {
		return result;
	}
	result = mount_writable(directory.mount);
	if (result == 0) {
		result = fs_permission(dentry_inode(directory.dentry),
				       context->credentials,
				       ACCESS_WRITE | ACCESS_EXECUTE);
	}
	if (result == 0) {
		result = directory_make_unnamed(directory.dentry, S_IFREG | mode,
						context->credentials, &place.dentry);
	}
	if (result == 0) {
		place.mount = directory.mount;
		result = open_place(&place, flags & ~(u32)(O_TMPFILE | O_TRUNC),
				    context->credentials, true, out);
		if (result == 0 && (flags & O_EXCL)) {
			dentry_inode(place.dentry)->unnamed = false;
		}
		dentry_put(place.dentry);
	}
	path_put(&directory);
	return result;
}

int fs_open(const struct walk_context *context, const char *name, u32 flags, u32 mode,
	    unsigned walk_flags, struct file **out)
{
	u32 masked;

	if (flags & O_PATH) {
		flags &= PATH_FLAGS;
	}
	masked = mode & 07777;
	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		masked &= ~fs_info_umask(context->fs);
	}
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		if ((flags & O_CREAT) || !(wanted_access(flags) & ACCESS_WRITE)) {
			return -EINVAL;
		}
		return open_unnamed(context, name, flags, masked, walk_flags, out);
	}
	if ((flags & O_CREAT) && (flags & O_DIRECTORY)) {
		return -EINVAL;
	}
	if (flags & O_CREAT) {
		return open_creating(context, name, flags, masked, walk_flags, out);
	}
	return open_existing(context, name, flags, walk_flags, out);
}

int fs_open_executable_path(const struct path *path,
			    const struct credentials *credentials, struct file **out)
{
	struct inode *inode = dentry_inode(path->dentry);
	int result;

	if (inode_is(inode, S_IFLNK)) {
		return -ELOOP;
	}
	if (!inode_is(inode, S_IFREG) ||
	    (path->mount && (path->mount->flags & MS_NOEXEC))) {
		return -EACCES;
	}
	result = fs_permission(inode, credentials, ACCESS_EXECUTE);
	if (result == 0) {
		result = inode_deny_write(inode);
	}
	if (result == 0) {
		result = file_create(path, inode->file_operations, O_RDONLY | O_LARGEFILE,
				     credentials, out);
		if (result < 0) {
			inode_allow_write(inode);
		} else {
			(*out)->mode |= FILE_EXECUTABLE;
			notify_file(*out, NOTIFY_OPEN | NOTIFY_OPEN_EXECUTABLE);
		}
	}
	return result;
}

int fs_open_executable(const struct walk_context *context, const char *name,
		       unsigned walk_flags, struct file **out)
{
	struct path path;
	int result = path_walk(context, name, walk_flags, &path);

	if (result < 0) {
		return result;
	}
	result = fs_open_executable_path(&path, context->credentials, out);
	path_put(&path);
	return result;
}
