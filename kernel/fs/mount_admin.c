// SPDX-License-Identifier: MIT
/*
 * mount(2), umount2(2), pivot_root(2): changing the tree of mounts.
 *
 * Locks     mount_lock (mutex)  >  fs_tree_lock. References that go are put after both were dropped.
 */
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/mount.h>
#include <linux/stat.h>

enum {
	/* flags that belong to the mount, not to the file system */
	MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
		      MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME,
	PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE,
};

/* umount2's; <linux/fs.h> has none of them. */
enum { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

/* Mounts that were taken out of the tree, with what they held. */
struct detached {
	struct mount *mount;
	struct path was;
};

static int remount(const struct path *path, unsigned long flags)
{
	struct mount *mount = path->mount;

	if (path->dentry != mount->root) {
		return -EINVAL;
	}
	atomic_store(&mount->flags, (u32)(flags & MOUNT_FLAGS));
	return 0;
}

static bool is_below(const struct mount *mount, const struct mount *top)
	MUST_HOLD(&fs_tree_lock)
{
	for (; mount; mount = mount->parent) {
		if (mount == top) {
			return true;
		}
	}
	return false;
}

static int bind_one(const struct path *from, const struct path *at)
{
	struct mount *mount;
	int result = mount_create(from->dentry, from->mount->source, from->mount->flags,
				  &mount);

	if (result < 0) {
		return result;
	}
	result = mount_attach(mount, at);
	mount_put(mount);
	return result;
}

/* The n-th mount below `from` as a place inside it, for a recursive bind. */
static struct mount *nth_child(const struct mount *top, unsigned n)
{
	struct mount *mount, *found = NULL;

	spin_lock(&fs_tree_lock);
	list_for_each(mount, &mounts, link) {
		if (mount != top && mount->parent == top && n-- == 0) {
			found = mount;
			mount_get(found);
			break;
		}
	}
	spin_unlock(&fs_tree_lock);
	return found;
}

/* MS_REC: the mounts directly below come along, with theirs as bind mounts of their own. */
static int bind_children(const struct path *from, const struct path *at, unsigned depth)
{
	struct path place = *at;
	struct mount *child;
	int result = 0;

	path_get(&place);
	path_cross_mounts(&place);
	for (unsigned n = 0;
	     result == 0 && depth < 8 && (child = nth_child(from->mount, n)); n++) {
		struct path source = {child, child->root};
		struct path target = {place.mount, child->mountpoint};

		if (target.dentry && child != place.mount &&
		    target.dentry != at->dentry) {
			result = bind_one(&source, &target);
		}
		mount_put(child);
	}
	path_put(&place);
	return result;
}

static int bind(const struct walk_context *context, const char *source,
		const struct path *at, unsigned long flags)
{
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
		result = -EINVAL;
	} else {
		result = bind_one(&from, at);
	}
	if (result == 0 && (flags & MS_REC)) {
		result = bind_children(&from, at, 0);
	}
	path_put(&from);
	return result;
}

static int move_locked(const struct path *from, const struct path *at, struct path *was)
	MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount = from->mount;

	if (from->dentry != mount->root || !mount->parent || !mount->attached) {
		return -EINVAL;
	}
	if (is_below(at->mount, mount)) {
		return -ELOOP;
	}
	mount_unlink_locked(mount, was);
	mount_link_locked(mount, at);
	return 0;
}

static int move(const struct walk_context *context, const char *source,
		const struct path *at)
{
	struct path from, was = {0};
	struct mount *mount;
	int result;

	if (!source || !*source) {
		return -EINVAL;
	}
	result = path_walk(context, source, WALK_FOLLOW, &from);
	if (result < 0) {
		return result;
	}
	mount = from.mount;
	mutex_lock(&mount_lock);
	spin_lock(&fs_tree_lock);
	result = mount ? move_locked(&from, at, &was) : -EINVAL;
	spin_unlock(&fs_tree_lock);
	mutex_unlock(&mount_lock);
	if (result == 0) {
		mount_put(mount); // the reference of the old attachment
		path_put(&was);
	}
	path_put(&from);
	return result;
}

static int mount_new(const struct walk_context *context, const char *type,
		     const char *source, const struct path *at, unsigned long flags,
		     const char *data)
{
	struct mount *mount;
	int result;

	if (!type || !*type) {
		return -EINVAL;
	}
	result =
		mount_create_at(context, type, source, flags & MOUNT_FLAGS, data, &mount);
	if (result < 0) {
		return result;
	}
	result = mount_attach(mount, at);
	mount_put(mount);
	return result;
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
	if (!at.mount) {
		result = -EINVAL;
	} else if (flags & MS_REMOUNT) {
		result = remount(&at, flags);
	} else if (flags & MS_BIND) {
		result = bind(context, source, &at, flags);
	} else if (flags & PROPAGATION) {
		// There is one tree and nothing to propagate to: private is what every mount is.
		result = (flags & (MS_SHARED | MS_SLAVE | MS_UNBINDABLE)) ? -EINVAL : 0;
		result = at.dentry == at.mount->root ? result : -EINVAL;
	} else if (flags & MS_MOVE) {
		result = move(context, source, &at);
	} else {
		result = mount_new(context, type, source, &at, flags, data);
	}
	path_put(&at);
	return result;
}

/* A mount of the subtree of `top`, deepest last attached first; NULL: none is left. */
static bool detach_one(struct mount *top, struct detached *out)
{
	struct mount *mount, *victim = NULL;

	spin_lock(&fs_tree_lock);
	list_for_each(mount, &mounts, link) {
		if (is_below(mount, top)) {
			victim = mount;
		}
	}
	if (victim) {
		out->mount = victim;
		mount_unlink_locked(victim, &out->was);
	}
	spin_unlock(&fs_tree_lock);
	return victim != NULL;
}

static void detach_tree(struct mount *top)
{
	struct detached detached;

	while (detach_one(top, &detached)) {
		mount_put(detached.mount);
		path_put(&detached.was);
	}
}

/* Detach unless somebody uses it: references beyond that of being attached and the caller's. */
static int detach_unused(struct mount *mount)
{
	struct detached detached = {.mount = mount};
	int result = 0;

	spin_lock(&fs_tree_lock);
	if (refcount_read(&mount->references) > 2) {
		result = -EBUSY;
	} else {
		mount_unlink_locked(mount, &detached.was);
	}
	spin_unlock(&fs_tree_lock);
	if (result == 0) {
		mount_put(mount);
		path_put(&detached.was);
	}
	return result;
}

int fs_unmount(const struct walk_context *context, const char *target, int flags)
{
	struct mount *mount;
	struct path path;
	int result;

	if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW)) {
		return -EINVAL;
	}
	if ((flags & UMOUNT_EXPIRE) && (flags & (UMOUNT_FORCE | UMOUNT_DETACH))) {
		return -EINVAL;
	}
	result = path_walk(context, target, (flags & UMOUNT_NOFOLLOW) ? 0 : WALK_FOLLOW,
			   &path);
	if (result < 0) {
		return result;
	}
	mount = path.mount;
	if (!mount || path.dentry != mount->root || !mount->attached || !mount->parent) {
		path_put(&path);
		return -EINVAL;
	}
	mount_get(mount);
	path_put(&path);
	mutex_lock(&mount_lock);
	if (!mount->attached) {
		result = -EINVAL;
	} else if (flags & UMOUNT_DETACH) {
		detach_tree(mount);
	} else {
		result = detach_unused(mount);
	}
	mutex_unlock(&mount_lock);
	mount_put(mount);
	return result;
}

/* new_root's mount takes the place of the root's, and that goes to put_old. */
static int pivot_locked(const struct path *root, const struct path *new,
			const struct path *old, struct path was[2])
	MUST_HOLD(&fs_tree_lock)
{
	struct path top = {0};

	if (new->dentry != new->mount->root || root->dentry != root->mount->root ||
	    !new->mount->parent) {
		return -EINVAL;
	}
	if (new->mount == root->mount || old->mount == root->mount) {
		return -EBUSY;
	}
	if (!is_below(old->mount, new->mount)) {
		return -EINVAL;
	}
	if (root->mount->parent) {
		top = (struct path){root->mount->parent, root->mount->mountpoint};
	}
	mount_unlink_locked(new->mount, &was[0]);
	mount_unlink_locked(root->mount, &was[1]);
	mount_link_locked(new->mount, top.mount ? &top : NULL);
	mount_link_locked(root->mount, old);
	return 0;
}

static int pivot(const struct path *root, const struct path *new, const struct path *old)
{
	struct path was[2] = {0};
	int result;

	mutex_lock(&mount_lock);
	spin_lock(&fs_tree_lock);
	result = pivot_locked(root, new, old, was);
	spin_unlock(&fs_tree_lock);
	mutex_unlock(&mount_lock);
	if (result == 0) {
		mount_put(new->mount);
		mount_put(root->mount);
		path_put(&was[0]);
		path_put(&was[1]);
	}
	return result;
}

int fs_pivot_root(const struct walk_context *context, const char *new_root,
		  const char *put_old, struct path *old_root, struct path *root)
{
	struct path old;
	int result = path_walk(context, new_root, WALK_FOLLOW | WALK_DIRECTORY, root);

	if (result < 0) {
		return result;
	}
	result = path_walk(context, put_old, WALK_FOLLOW | WALK_DIRECTORY, &old);
	if (result < 0) {
		path_put(root);
		return result;
	}
	fs_info_get_root(context->fs, old_root);
	result = pivot(old_root, root, &old);
	path_put(&old);
	if (result < 0) {
		path_put(root);
		path_put(old_root);
	}
	return result;
}

void fs_sync_all(void)
{
	struct super_block *super_block;
	unsigned n = 0;

	do {
		struct mount *mount;
		unsigned at = 0;

		super_block = NULL;
		spin_lock(&fs_tree_lock);
		list_for_each(mount, &mounts, link) {
			if (at++ == n) {
				super_block = mount->super_block;
				super_block_get(super_block);
				break;
			}
		}
		spin_unlock(&fs_tree_lock);
		if (super_block && super_block->operations &&
		    super_block->operations->sync) {
			(void)super_block->operations->sync(super_block);
		}
		super_block_put(super_block);
		n++;
	} while (super_block);
}
