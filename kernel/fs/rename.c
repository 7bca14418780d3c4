// SPDX-License-Identifier: MIT
/*
 * rename(2): two directories at once.
 *
 * Locks     super_block.rename_lock (two directories only)  >  inode.lock of both, an ancestor first,
 *           else by address; then those of the entries. With rename_lock held no directory moves, so
 *           "is an ancestor of" stays true.
 */
#include "fs/directory_internal.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/fs.h>
#include <linux/stat.h>

struct rename {
	struct dentry *old_parent, *new_parent;
	struct dentry *old, *new;
	unsigned flags;
	const struct walk_context *by;
};

static bool is_ancestor(struct dentry *ancestor, struct dentry *of)
{
	bool found = false;

	spin_lock(&fs_tree_lock);
	for (; !found; of = of->parent) {
		found = of == ancestor;
		if (of->parent == of) {
			break;
		}
	}
	spin_unlock(&fs_tree_lock);
	return found;
}

static void lock_directories(struct dentry *a, struct dentry *b) NO_THREAD_SAFETY
{
	struct dentry *first = a, *second = b;

	if (a == b) {
		inode_lock(dentry_inode(a));
		return;
	}
	if (is_ancestor(b, a) || (!is_ancestor(a, b) && b < a)) {
		first = b;
		second = a;
	}
	inode_lock(dentry_inode(first));
	rwlock_lock_nested(&dentry_inode(second)->lock);
}

static void unlock_directories(struct dentry *a, struct dentry *b) NO_THREAD_SAFETY
{
	inode_unlock(dentry_inode(a));
	if (a != b) {
		inode_unlock(dentry_inode(b));
	}
}

/* May one of the two names disappear, and one of its kind stand in the other's place? */
static int check_kinds(const struct rename *rename)
{
	struct inode *old = dentry_inode(rename->old), *new = dentry_inode(rename->new);
	bool old_directory = inode_is(old, S_IFDIR);

	if (new && !(rename->flags & RENAME_EXCHANGE) &&
	    old_directory != inode_is(new, S_IFDIR)) {
		return old_directory ? -ENOTDIR : -EISDIR;
	}
	if (mount_in_the_way(rename->old, rename->by) ||
	    mount_in_the_way(rename->new, rename->by)) {
		return -EBUSY;
	}
	// A directory that moves gets another "..": its own write permission is asked for.
	if (old_directory && credentials_of(rename->by) &&
	    rename->old_parent != rename->new_parent) {
		return fs_permission(old, credentials_of(rename->by), ACCESS_WRITE);
	}
	return 0;
}

static int check(const struct rename *rename)
{
	struct inode *new = dentry_inode(rename->new);
	struct inode *new_directory = dentry_inode(rename->new_parent);
	int result;

	if (!dentry_inode(rename->old)) {
		return -ENOENT;
	}
	if (new && (rename->flags & RENAME_NOREPLACE)) {
		return -EEXIST;
	}
	if (!new && (rename->flags & RENAME_EXCHANGE)) {
		return -ENOENT;
	}
	if (is_ancestor(rename->old, rename->new_parent)) {
		return -EINVAL;
	}
	if (new && is_ancestor(rename->new, rename->old_parent)) {
		return (rename->flags & RENAME_EXCHANGE) ? -EINVAL : -ENOTEMPTY;
	}
	result = may_delete_from(dentry_inode(rename->old_parent), rename->old,
				 credentials_of(rename->by));
	if (result == 0) {
		result = new ? may_delete_from(new_directory, rename->new,
					       credentials_of(rename->by))
			     : may_create_in(new_directory, credentials_of(rename->by));
	}
	return result < 0 ? result : check_kinds(rename);
}

/* Locks the replaced entry too, if there is one. */
NO_THREAD_SAFETY static int apply(const struct rename *rename)
{
	struct inode *old_directory = dentry_inode(rename->old_parent);
	struct inode *new_directory = dentry_inode(rename->new_parent);
	struct inode *new = dentry_inode(rename->new);
	bool exchange = (rename->flags & RENAME_EXCHANGE) != 0;
	int result;

	if (!old_directory->operations->rename) {
		return -EPERM;
	}
	if (new) {
		rwlock_lock_nested(&new->lock); // the directories' child, after them
	}
	result = old_directory->operations->rename(
		old_directory, rename->old, new_directory, rename->new, rename->flags);
	if (new && result == 0 && !exchange &&inode_is(new, S_IFDIR)) {
		new->removed = true;
	}
	if (new) {
		rwlock_unlock(&new->lock);
	}
	if (result == 0) {
		dentry_move(rename->old, rename->new, exchange);
	}
	return result;
}

static void tell(const struct rename *rename, const char *old_name, const char *new_name)
{
	bool exchange = (rename->flags & RENAME_EXCHANGE) != 0;
	struct inode *new = dentry_inode(rename->new);
	struct notify_rename there = {
		.old_directory = dentry_inode(rename->old_parent),
		.new_directory = dentry_inode(rename->new_parent),
		.old_name = old_name,
		.new_name = new_name,
		.moved = dentry_inode(rename->old),
		.replaced = exchange ? NULL : new,
	};
	struct notify_rename back = {
		.old_directory = there.new_directory,
		.new_directory = there.old_directory,
		.old_name = new_name,
		.new_name = old_name,
		.moved = new,
	};

	notify_rename(&there);
	if (exchange) {
		notify_rename(&back);
	}
}

static int rename_locked(struct rename *rename, const char *old_name,
			 const char *new_name)
{
	int result = dentry_lookup_locked(rename->old_parent, old_name, strlen(old_name),
					  &rename->old);

	if (result == 0) {
		result = dentry_lookup_locked(rename->new_parent, new_name,
					      strlen(new_name), &rename->new);
	}
	if (result == 0) {
		result = check(rename);
	}
	if (result < 0 || dentry_inode(rename->old) == dentry_inode(rename->new)) {
		return result; // two names of one file: both stay
	}
	result = apply(rename);
	if (result == 0 && super_block_watched(rename->old_parent->super_block)) {
		tell(rename, old_name, new_name);
	}
	return result;
}

NO_THREAD_SAFETY int directory_rename(struct dentry *old_parent, const char *old_name,
				      struct dentry *new_parent, const char *new_name,
				      unsigned flags, const struct walk_context *by)
{
	struct rename rename = {.old_parent = old_parent,
				.new_parent = new_parent,
				.flags = flags,
				.by = by};
	struct mutex *lock = &old_parent->super_block->rename_lock;
	int result;

	if (old_parent->super_block != new_parent->super_block) {
		return -EXDEV;
	}
	if (old_parent != new_parent) {
		mutex_lock(lock);
	}
	lock_directories(old_parent, new_parent);
	result = rename_locked(&rename, old_name, new_name);
	unlock_directories(old_parent, new_parent);
	if (old_parent != new_parent) {
		mutex_unlock(lock);
	}
	if (result == 0 && !(flags & RENAME_EXCHANGE)) {
		mounts_forget(rename.new);
	}
	dentry_put(rename.old);
	dentry_put(rename.new);
	return result;
}
