// SPDX-License-Identifier: MIT
/*
 * pivot_root(2): another mount takes the place of the root's, and that goes below it.
 *
 * Locks     mount_lock  >  fs_tree_lock.
 */
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/path.h"
#include "lib/errno.h"

/* Does one get from `path` up to `top`? */
static bool reaches(struct path path, const struct path *top) MUST_HOLD(&fs_tree_lock)
{
	while (path.mount != top->mount && path.mount->parent) {
		path.dentry = path.mount->mountpoint;
		path.mount = path.mount->parent;
	}
	return path.mount == top->mount && dentry_is_below(path.dentry, top->dentry);
}

static int check(const struct walk_context *context, const struct path *root,
		 const struct path *new, const struct path *old) MUST_HOLD(&fs_tree_lock)
{
	const struct mount *parent = new->mount->parent, *above = root->mount->parent;

	if (old->mount->shared || (parent && parent->shared) ||
	    (above && above->shared) || !mount_is_ours(context, root->mount) ||
	    !mount_is_ours(context, new->mount) || new->mount->locked) {
		return -EINVAL;
	}
	if (new->mount == root->mount || old->mount == root->mount) {
		return -EBUSY;
	}
	if (root->dentry != root->mount->root || !above ||
	    new->dentry != new->mount->root || !parent) {
		return -EINVAL;
	}
	return reaches(*old, new) && reaches(*new, root) ? 0 : -EINVAL;
}

static void exchange(const struct path *root, const struct path *new,
		     const struct path *old, struct list *moved) MUST_HOLD(&fs_tree_lock)
{
	struct mount *above = root->mount->parent;
	struct dentry *mountpoint = root->mount->mountpoint;

	new->mount->locked = root->mount->locked;
	root->mount->locked = false;
	mount_unplace_locked(new->mount);
	mount_unplace_locked(root->mount);
	mount_place_locked(root->mount, old->mount, old->dentry);
	mount_place_locked(new->mount, above, mountpoint);
	mount_forget_place_locked(new->mount, moved);
	mount_forget_place_locked(root->mount, moved);
}

static int pivot(const struct walk_context *context, const struct path *root,
		 const struct path *new, struct path *old)
{
	struct list moved = LIST_INIT(moved);
	int result = mount_lock_place(context, old);

	if (result < 0) {
		return result;
	}
	if (dentry_unhashed(new->dentry)) {
		result = -ENOENT;
	} else {
		spin_lock(&fs_tree_lock);
		result = check(context, root, new, old);
		if (result == 0) {
			exchange(root, new, old, &moved);
		}
		spin_unlock(&fs_tree_lock);
	}
	mount_put_places(&moved);
	mount_unlock_place(old);
	return result;
}

int fs_pivot_check_right(const struct walk_context *context)
{
	return mount_permitted(context) ? 0 : -EPERM;
}

int fs_pivot_root(const struct walk_context *context, const struct path *root,
		  struct path *put_old, struct path *old_root)
{
	int result;

	fs_info_get_root(context->fs, old_root);
	result = pivot(context, old_root, root, put_old);
	if (result < 0) {
		path_put(old_root);
	}
	return result;
}
