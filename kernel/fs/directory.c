// SPDX-License-Identifier: MIT
/*
 * Making and removing names in directories, below the level of paths.
 *
 * Locks     inode.lock of the directory, then of the entry that is removed (a directory before its
 *           child: rwlock_lock_nested). rename.c has the two-directory case.
 * Context   thread.
 */
#include "fs/directory.h"

#include "fs/directory_internal.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include <linux/stat.h>

int may_create_in(struct inode *directory, const struct credentials *check)
{
	if (directory->removed) {
		return -ENOENT;
	}
	return check ? fs_permission(directory, check, ACCESS_WRITE | ACCESS_EXECUTE) : 0;
}

int may_delete_from(struct inode *directory, struct dentry *victim,
		    const struct credentials *check)
{
	struct inode *inode = dentry_inode(victim);
	int result;

	if (!check) {
		return 0;
	}
	result = fs_permission(directory, check, ACCESS_WRITE | ACCESS_EXECUTE);
	if (result < 0) {
		return result;
	}
	if ((directory->attributes.mode & S_ISVTX) &&
	    check->fsuid != inode->attributes.uid &&
	    check->fsuid != directory->attributes.uid &&
	    !credentials_capable_over(check, inode->attributes.uid, inode->attributes.gid,
				      CAP_FOWNER)) {
		return -EPERM;
	}
	return 0;
}

void inode_init_owner(struct inode *inode, const struct inode *directory, u32 mode,
		      const struct credentials *owner)
{
	struct inode_attributes *attributes = &inode->attributes;

	attributes->uid = owner ? owner->fsuid : 0;
	attributes->gid = owner ? owner->fsgid : 0;
	if (directory->attributes.mode & S_ISGID) {
		attributes->gid = directory->attributes.gid;
		if ((mode & S_IFMT) == S_IFDIR) {
			mode |= S_ISGID;
		} else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && owner &&
			   !credentials_in_group(owner, attributes->gid) &&
			   !credentials_capable_over(owner, directory->attributes.uid,
						     directory->attributes.gid,
						     CAP_FSETID)) {
			mode &= ~(u32)S_ISGID;
		}
	}
	attributes->mode = mode;
}

static int make_link(struct inode *directory, struct dentry *dentry, struct inode *target)
{
	int result;

	if (!directory->operations->link) {
		return -EPERM;
	}
	if (inode_is(target, S_IFDIR)) {
		return -EPERM;
	}
	if (target->super_block != directory->super_block) {
		return -EXDEV;
	}
	rwlock_lock_nested(&target->lock);
	result = target->attributes.link_count == 0 && !target->unnamed
			 ? -ENOENT
			 : directory->operations->link(directory, dentry, target);
	target->unnamed = target->unnamed && result < 0;
	rwlock_unlock(&target->lock);
	if (result == 0) {
		notify_inode(target, NOTIFY_ATTRIBUTES);
	}
	return result;
}

static int make(struct inode *directory, struct dentry *dentry,
		const struct make_request *request)
{
	const struct inode_operations *operations = directory->operations;
	const struct credentials *owner = request->owner;

	if (request->link) {
		return make_link(directory, dentry, request->link);
	}
	switch (request->mode & S_IFMT) {
	case S_IFREG:
		return operations->create ? operations->create(directory, dentry,
							       request->mode, owner)
					  : -EACCES;
	case S_IFDIR:
		return operations->make_directory
			       ? operations->make_directory(directory, dentry,
							    request->mode, owner)
			       : -EPERM;
	case S_IFLNK:
		return operations->symbolic_link
			       ? operations->symbolic_link(directory, dentry,
							   request->target, owner)
			       : -EPERM;
	default:
		return operations->make_node
			       ? operations->make_node(directory, dentry, request->mode,
						       request->device, owner)
			       : -EPERM;
	}
}

int directory_make_locked(struct dentry *parent, struct dentry *dentry,
			  const struct make_request *request,
			  const struct credentials *check)
{
	struct inode *directory = dentry_inode(parent);
	int result = may_create_in(directory, check);

	if (result == 0) {
		result = make(directory, dentry, request);
	}
	if (result == 0) {
		notify_name(directory, dentry->name, dentry_inode(dentry), NOTIFY_CREATE);
	}
	return result;
}

int directory_make_unnamed(struct dentry *parent, u32 mode,
			   const struct credentials *owner, struct dentry **out)
{
	struct inode *directory = dentry_inode(parent), *inode;
	char name[32];
	int length, result;

	if (!directory->operations->create_unnamed) {
		return -EOPNOTSUPP;
	}
	inode_lock(directory);
	result = directory->operations->create_unnamed(directory, mode, owner, &inode);
	inode_unlock(directory);
	if (result < 0) {
		return result;
	}
	inode->unnamed = true;
	length = format_string(name, sizeof(name), "#%llu",
			       (unsigned long long)inode->attributes.inode_number);
	result = dentry_create_detached(parent, name, (size_t)length, inode->super_block,
					out);
	if (result < 0) {
		inode_put(inode);
		return result;
	}
	dentry_set_inode(*out, inode);
	return 0;
}

int directory_make(struct dentry *parent, const char *name,
		   const struct make_request *request, const struct credentials *check,
		   struct dentry **out)
{
	struct inode *directory = dentry_inode(parent);
	struct dentry *dentry;
	int result;

	inode_lock(directory);
	result = dentry_lookup_locked(parent, name, strlen(name), &dentry);
	if (result == 0) {
		result = dentry_inode(dentry)
				 ? -EEXIST
				 : directory_make_locked(parent, dentry, request, check);
		if (result == 0 && out) {
			*out = dentry;
		} else {
			dentry_put(dentry);
		}
	}
	inode_unlock(directory);
	return result;
}

const struct credentials *credentials_of(const struct walk_context *by)
{
	return by ? by->credentials : NULL;
}

/* Its link count changed; whoever has the file open still keeps it; the name is gone. */
static void tell_of_removal(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);

	if (!inode_is(inode, S_IFDIR)) {
		notify_inode(inode, NOTIFY_ATTRIBUTES);
	}
	if (refcount_alone(&dentry->references)) {
		notify_name_lost(inode);
	}
	notify_name(directory, dentry->name, inode, NOTIFY_DELETE);
}

static int remove_locked(struct dentry *parent, struct dentry *dentry,
			 const struct walk_context *by, bool directory_wanted)
{
	struct inode *directory = dentry_inode(parent), *inode = dentry_inode(dentry);
	const struct inode_operations *operations = directory->operations;
	bool is_directory = inode && inode_is(inode, S_IFDIR);
	int result =
		inode ? may_delete_from(directory, dentry, credentials_of(by)) : -ENOENT;

	if (result < 0) {
		return result;
	}
	if (is_directory != directory_wanted) {
		return directory_wanted ? -ENOTDIR : -EISDIR;
	}
	rwlock_lock_nested(&inode->lock); // the directory's child, after it
	if (mount_in_the_way(dentry, by)) {
		result = -EBUSY; // and it becomes none while the lock is held
	} else if (is_directory) {
		result = operations->remove_directory
				 ? operations->remove_directory(directory, dentry)
				 : -EPERM;
		inode->removed = inode->removed || result == 0;
	} else {
		result = operations->unlink ? operations->unlink(directory, dentry)
					    : -EPERM;
	}
	rwlock_unlock(&inode->lock);
	if (result == 0) {
		dentry_unhash(dentry);
	}
	if (result == 0 && is_directory) {
		dentry_prune_children(dentry);
	}
	if (result == 0 && super_block_watched(directory->super_block)) {
		tell_of_removal(directory, dentry);
	}
	return result;
}

static int remove(struct dentry *parent, const char *name, const struct walk_context *by,
		  bool directory_wanted)
{
	struct inode *directory = dentry_inode(parent);
	struct dentry *dentry = NULL;
	int result;

	inode_lock(directory);
	result = dentry_lookup_locked(parent, name, strlen(name), &dentry);
	if (result == 0) {
		result = remove_locked(parent, dentry, by, directory_wanted);
	}
	inode_unlock(directory);
	if (result == 0) {
		mounts_forget(dentry);
	}
	dentry_put(dentry); // outside: the last reference may free the file
	return result;
}

int directory_unlink(struct dentry *parent, const char *name,
		     const struct walk_context *by)
{
	return remove(parent, name, by, false);
}

int directory_remove(struct dentry *parent, const char *name,
		     const struct walk_context *by)
{
	return remove(parent, name, by, true);
}
