// SPDX-License-Identifier: MIT
/*
 * The system calls that make and remove names, below the level of descriptors: mkdir, mknod,
 * symlink, link, unlink, rmdir, rename (path_resolution(7), and each call's manual page).
 *
 * Context   thread, no lock held.
 */
#include "fs/fs_internal.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <asm/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

/* Make what `request` says at `name`; *out (may be NULL) is the new place. */
static int make_at(const struct walk_context *context, const char *name,
		   struct make_request *request, struct path *out)
{
	struct dentry *made = NULL;
	struct walk walk;
	int result = walk_begin(&walk, context, name, 0);

	if (result < 0) {
		return result;
	}
	request->owner = context->credentials;
	result = walk_to_parent(&walk);
	if (result == 0 && walk.last_kind != WALK_LAST_NAME) {
		result = -EEXIST;
	}
	if (result == 0 && walk.trailing_slash && (request->mode & S_IFMT) != S_IFDIR) {
		result = dentry_lookup(walk.current.dentry, walk.last, strlen(walk.last),
				       &made);
		if (result == 0) {
			result = dentry_inode(made) ? -EEXIST : -ENOENT;
			dentry_put(made);
		}
	}
	if (result == 0 && mount_writable(walk.current.mount) < 0) {
		result = dentry_lookup(walk.current.dentry, walk.last, strlen(walk.last),
				       &made);
		if (result == 0) {
			result = dentry_inode(made) ? -EEXIST : -EROFS;
			dentry_put(made);
		}
	}
	if (result == 0) {
		result = directory_make(walk.current.dentry, walk.last, request,
					context->credentials, out ? &made : NULL);
	}
	if (result == 0 && out) {
		*out = (struct path){walk.current.mount, made};
		mount_get(out->mount);
	}
	walk_end(&walk);
	return result;
}

int fs_make_directory(const struct walk_context *context, const char *name, u32 mode)
{
	struct make_request request = {
		.mode = S_IFDIR | (mode & 01777 & ~fs_info_umask(context->fs)),
	};

	return make_at(context, name, &request, NULL);
}

int fs_make_node_at(const struct walk_context *context, const char *name, u32 mode,
		    u64 device, struct path *out)
{
	struct make_request request = {.device = device};
	u32 type = mode & S_IFMT;

	switch (type) {
	case 0:
		type = S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!(type == S_IFCHR && device == 0) && // a whiteout: no device at all
		    !credentials_capable(context->credentials, CAP_MKNOD)) {
			return -EPERM;
		}
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	request.mode = type | (mode & 07777 & ~fs_info_umask(context->fs));
	return make_at(context, name, &request, out);
}

int fs_make_node(const struct walk_context *context, const char *name, u32 mode,
		 u64 device)
{
	return fs_make_node_at(context, name, mode, device, NULL);
}

int fs_symbolic_link(const struct walk_context *context, const char *target,
		     const char *name)
{
	struct make_request request = {.mode = S_IFLNK | 0777, .target = target};

	if (*target == '\0') {
		return -ENOENT;
	}
	return make_at(context, name, &request, NULL);
}

int fs_link(const struct path *from, const struct walk_context *to, const char *name)
{
	struct make_request request = {.link = dentry_inode(from->dentry)};
	struct walk walk;
	int result = walk_begin(&walk, to, name, 0);

	if (result < 0) {
		return result;
	}
	result = walk_to_parent(&walk);
	if (result == 0 && walk.last_kind != WALK_LAST_NAME) {
		result = -EEXIST;
	}
	if (result == 0 && walk.current.mount != from->mount) {
		result = -EXDEV;
	}
	walk_end(&walk);
	return result < 0 ? result : make_at(to, name, &request, NULL);
}

static int remove_at(const struct walk_context *context, const char *name, bool directory)
{
	static const int unlink_errors[] = {0, -EISDIR, -EISDIR, -EISDIR};
	static const int remove_errors[] = {0, -EINVAL, -ENOTEMPTY, -EBUSY};
	struct dentry *dentry;
	struct walk walk;
	int result = walk_begin(&walk, context, name, 0);

	if (result < 0) {
		return result;
	}
	result = walk_to_parent(&walk);
	if (result == 0) {
		result = (directory ? remove_errors : unlink_errors)[walk.last_kind];
	}
	if (result == 0 && walk.trailing_slash && !directory) {
		result = dentry_lookup(walk.current.dentry, walk.last, strlen(walk.last),
				       &dentry);
		if (result == 0) {
			struct inode *inode = dentry_inode(dentry);

			result = !inode                     ? -ENOENT
				 : inode_is(inode, S_IFDIR) ? -EISDIR
							    : -ENOTDIR;
			dentry_put(dentry);
		}
	}
	if (result == 0) {
		result = mount_writable(walk.current.mount);
	}
	if (result == 0) {
		result = (directory ? directory_remove : directory_unlink)(
			walk.current.dentry, walk.last, context);
	}
	walk_end(&walk);
	return result;
}

int fs_unlink(const struct walk_context *context, const char *name)
{
	return remove_at(context, name, false);
}

int fs_remove_directory(const struct walk_context *context, const char *name)
{
	return remove_at(context, name, true);
}

/* A trailing slash asks for a directory: the old name must be one; the new one may be missing then. */
static int check_rename_slashes(const struct walk *old, const struct walk *new,
				unsigned flags)
{
	struct dentry *dentry;
	struct inode *inode;
	int result = 0;

	if (!old->trailing_slash && !new->trailing_slash) {
		return 0;
	}
	result =
		dentry_lookup(old->current.dentry, old->last, strlen(old->last), &dentry);
	if (result < 0) {
		return result;
	}
	inode = dentry_inode(dentry);
	if (!inode) {
		result = -ENOENT;
	} else if (!inode_is(inode, S_IFDIR) && !(flags & RENAME_EXCHANGE)) {
		result = -ENOTDIR;
	}
	dentry_put(dentry);
	return result;
}

static int rename_walked(struct walk *old, struct walk *new, unsigned flags)
{
	int result = walk_to_parent(old);

	if (result == 0) {
		result = walk_to_parent(new);
	}
	if (result < 0) {
		return result;
	}
	if (old->current.mount != new->current.mount) {
		return -EXDEV;
	}
	if (old->last_kind != WALK_LAST_NAME) {
		return -EBUSY;
	}
	if (new->last_kind != WALK_LAST_NAME) {
		return (flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
	}
	result = mount_writable(old->current.mount);
	if (result == 0) {
		result = check_rename_slashes(old, new, flags);
	}
	if (result < 0) {
		return result;
	}
	return directory_rename(old->current.dentry, old->last, new->current.dentry,
				new->last, flags, old->context);
}

int fs_rename(const struct walk_context *from, const char *old_name,
	      const struct walk_context *to, const char *new_name, unsigned flags)
{
	struct walk old, new;
	int result;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) ==
		    (RENAME_NOREPLACE | RENAME_EXCHANGE)) {
		return -EINVAL;
	}
	result = walk_begin(&old, from, old_name, 0);
	if (result < 0) {
		return result;
	}
	result = walk_begin(&new, to, new_name, 0);
	if (result == 0) {
		result = rename_walked(&old, &new, flags);
		walk_end(&new);
	}
	walk_end(&old);
	return result;
}
