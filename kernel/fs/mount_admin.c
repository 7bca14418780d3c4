// SPDX-License-Identifier: MIT
/*
 * mount(2): new mounts, binds, moves, and who hears of whom.
 *
 * Locks     mount_lock (mutex)  >  fs_tree_lock. References that go are put after both were dropped.
 */
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/nsfs.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/mount.h>
#include <linux/stat.h>

enum {
	PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE,
};

/* A tree that is nobody's yet, at `at`; given back when that fails. */
static int graft(const struct walk_context *context, struct mount *top, struct path *at)
{
	struct list gone = LIST_INIT(gone);
	bool directory = inode_is(dentry_inode(top->root), S_IFDIR);
	int result = mount_lock_place(context, at);

	if (result == 0) {
		result = directory == inode_is(dentry_inode(at->dentry), S_IFDIR)
				 ? mount_graft(top, at, false, &gone)
				 : -ENOTDIR;
		mount_unlock_place(at);
	}
	if (result < 0) {
		mutex_lock(&mount_lock);
		mount_discard_tree(top, &gone);
		mutex_unlock(&mount_lock);
	}
	mount_release_gone(&gone);
	return result;
}

static bool has_locked_children(struct mount *mount, const struct dentry *root)
{
	struct mount *child;
	bool found = false;

	spin_lock(&fs_tree_lock);
	list_for_each(child, &mount->children, child_link) {
		found = found ||
			(child->locked && dentry_is_below(child->mountpoint, root));
	}
	spin_unlock(&fs_tree_lock);
	return found;
}

/*
 * A place of nsfs may be bound though nobody's tree has it; but not a mount namespace older than this
 * one, or two could hold each other.
 */
static bool may_bind(const struct walk_context *context, const struct path *from)
{
	struct namespace *shown = nsfs_namespace_at(from->dentry);

	if (shown && shown->operations->kind == NAMESPACE_MOUNT && context->mounts &&
	    shown->number <= context->mounts->base.number) {
		return false;
	}
	return (shown || mount_is_ours(context, from->mount)) && !from->mount->unbindable;
}

static int copy_for_bind(const struct walk_context *context, const struct path *from,
			 bool recursive, struct mount **out)
{
	int result;

	mutex_lock(&mount_lock);
	if (!may_bind(context, from) ||
	    (!recursive && has_locked_children(from->mount, from->dentry))) {
		result = -EINVAL;
	} else {
		result = mount_copy_tree(from->mount, from->dentry,
					 recursive ? COPY_NAMESPACE_FILES : COPY_TOP_ONLY,
					 out);
	}
	if (result == 0) {
		(*out)->locked = false;
	}
	mutex_unlock(&mount_lock);
	return result;
}

static int bind(const struct walk_context *context, const char *source, struct path *at,
		unsigned long flags)
{
	struct mount *copy;
	struct path from;
	int result;

	if (!source || !*source) {
		return -EINVAL;
	}
	result = path_walk(context, source, WALK_FOLLOW, &from);
	if (result < 0) {
		return result;
	}
	if (!from.mount) {
		path_put(&from);
		return -EINVAL;
	}
	result = copy_for_bind(context, &from, (flags & MS_REC) != 0, &copy);
	path_put(&from);
	return result < 0 ? result : graft(context, copy, at);
}

static bool has_unbindable(struct mount *top)
{
	for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
		if (mount->unbindable) {
			return true;
		}
	}
	return false;
}

static int check_move(const struct walk_context *context, const struct path *from,
		      const struct path *at)
{
	struct mount *mount = from->mount;

	if (!mount_is_ours(context, mount) || from->dentry != mount->root ||
	    !mount->parent || mount->locked ||
	    inode_is(dentry_inode(from->dentry), S_IFDIR) !=
		    inode_is(dentry_inode(at->dentry), S_IFDIR)) {
		return -EINVAL;
	}
	if (mount->parent->shared || (at->mount->shared && has_unbindable(mount))) {
		return -EINVAL;
	}
	return mount_is_below(at->mount, mount) ? -ELOOP : 0;
}

static int move(const struct walk_context *context, const char *source, struct path *at)
{
	struct list gone = LIST_INIT(gone);
	struct path from;
	int result;

	if (!source || !*source) {
		return -EINVAL;
	}
	result = path_walk(context, source, WALK_FOLLOW, &from);
	if (result < 0) {
		return result;
	}
	result = mount_lock_place(context, at);
	if (result == 0) {
		result = check_move(context, &from, at);
		if (result == 0) {
			result = mount_graft(from.mount, at, true, &gone);
		}
		mount_unlock_place(at);
	}
	mount_release_gone(&gone);
	path_put(&from);
	return result;
}

static int mount_new(const struct walk_context *context, const char *type,
		     const char *source, struct path *at, unsigned long flags,
		     const char *data)
{
	struct mount *mount;
	int result;

	if (!type) {
		return -EINVAL;
	}
	result =
		mount_create_at(context, type, source, flags & MOUNT_FLAGS, data, &mount);
	if (result < 0) {
		return result;
	}
	result = mount_check_revealing(context, mount);
	if (result < 0) {
		mount_put(mount);
		return result;
	}
	return graft(context, mount, at);
}

static int change_type(const struct walk_context *context, const struct path *at,
		       unsigned long flags)
{
	unsigned long type = flags & ~(unsigned long)(MS_REC | MS_SILENT);
	struct mount *top = at->mount, *mount;
	int result = 0;

	if (at->dentry != top->root || (type & ~(unsigned long)PROPAGATION) ||
	    (type & (type - 1))) {
		return -EINVAL;
	}
	mutex_lock(&mount_lock);
	if (mount_is_ours(context, top)) {
		spin_lock(&fs_tree_lock);
		for (mount = top; mount; mount = mount_next(mount, top)) {
			mount_change_type_locked(mount, type);
			if (!(flags & MS_REC)) {
				break;
			}
		}
		spin_unlock(&fs_tree_lock);
	} else {
		result = -EINVAL;
	}
	mutex_unlock(&mount_lock);
	return result;
}

static int mount_on(const struct walk_context *context, const char *source,
		    struct path *at, const char *type, unsigned long flags,
		    const char *data)
{
	if (!mount_permitted(context)) {
		return -EPERM;
	}
	if (!at->mount) {
		return -EINVAL;
	}
	if (flags & MS_REMOUNT) {
		return mount_remount(context, at, flags, data ? data : "");
	}
	if (flags & MS_BIND) {
		return bind(context, source, at, flags);
	}
	if (flags & PROPAGATION) {
		return change_type(context, at, flags);
	}
	if (flags & MS_MOVE) {
		return move(context, source, at);
	}
	return mount_new(context, type, source, at, flags, data);
}

int fs_mount(const struct walk_context *context, const char *source, const char *target,
	     const char *type, unsigned long flags, const char *data)
{
	struct path at;
	int result;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL) {
		flags &= ~(unsigned long)MS_MGC_MSK;
	}
	result = path_walk(context, target, WALK_FOLLOW, &at);
	if (result < 0) {
		return result;
	}
	result = mount_on(context, source, &at, type, flags, data);
	path_put(&at);
	return result;
}

/* The n-th mount of all, by its super block with a reference; NULL: there are no more. */
static struct super_block *nth_super_block(unsigned n)
{
	struct mount_namespace *namespace;
	struct super_block *super_block = NULL;
	struct mount *mount;

	spin_lock(&fs_tree_lock);
	list_for_each(namespace, &mount_namespaces, link) {
		list_for_each(mount, &namespace->mounts, link) {
			if (n-- == 0) {
				super_block = mount->super_block;
				super_block_get(super_block);
				break;
			}
		}
		if (super_block) {
			break;
		}
	}
	spin_unlock(&fs_tree_lock);
	return super_block;
}

void fs_sync_all(void)
{
	struct super_block *super_block;

	for (unsigned n = 0; (super_block = nth_super_block(n)); n++) {
		if (super_block->operations && super_block->operations->sync) {
			(void)super_block->operations->sync(super_block);
		}
		super_block_put(super_block);
	}
}
