// SPDX-License-Identifier: MIT
/*
 * umount2(2), and taking trees of mounts down.
 *
 * Locks     mount_lock  >  fs_tree_lock. References that go are put after both were dropped.
 *
 * What leaves is collected first, then looked at, then taken out in one hold of fs_tree_lock. A mount
 * that hears of an unmount loses what is mounted at the same place, unless something stays mounted on
 * that: but what covers all of it moves down into its place.
 */
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/path.h"
#include "lib/errno.h"
#include <linux/mount.h>
#include <linux/stat.h>

/* umount2's; <linux/fs.h> has none of them. */
enum { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

static void add(struct mount *mount, struct list *leaving)
{
	if (!mount->leaving) {
		mount->leaving = true;
		list_push_back(leaving, &mount->work);
	}
}

static void drop_from(struct mount *mount)
{
	mount->leaving = false;
	list_remove(&mount->work);
}

static void add_heard(struct mount *mount, struct list *leaving)
{
	struct list listeners = LIST_INIT(listeners);
	struct mount *listener, *child;

	mount_listeners(mount->parent, &listeners);
	list_for_each(listener, &listeners, heard) {
		child = mount_at(listener, mount->mountpoint);
		if (child && !child->locked) {
			add(child, leaving);
		}
	}
	mount_listeners_end(&listeners);
}

/* May this one go, that only heard of it? Not from under what stays. */
static bool may_leave(const struct mount *mount)
{
	struct mount *child;

	list_for_each(child, &mount->children, child_link) {
		if (!child->leaving &&
		    (child->mountpoint != mount->root || mount->parent->leaving)) {
			return false;
		}
	}
	return true;
}

static void keep_needed(struct mount *top, struct list *leaving)
{
	struct mount *mount, *next;
	bool changed;

	do {
		changed = false;
		list_for_each_safe(mount, next, leaving, work) {
			if (!mount_is_below(mount, top) && !may_leave(mount)) {
				drop_from(mount);
				changed = true;
			}
		}
	} while (changed);
}

static void collect(struct mount *top, bool propagate, struct list *leaving)
{
	struct mount *mount;

	for (mount = top; mount; mount = mount_next(mount, top)) {
		add(mount, leaving);
	}
	if (!propagate) {
		return;
	}
	for (mount = top; mount; mount = mount_next(mount, top)) {
		if (mount->parent) {
			add_heard(mount, leaving);
		}
	}
	keep_needed(top, leaving);
}

/* What covers a mount that leaves goes down to its place. */
static void move_cover(struct mount *mount, struct list *moved) MUST_HOLD(&fs_tree_lock)
{
	struct mount *cover = mount_at(mount, mount->root), *parent = mount->parent;
	struct dentry *mountpoint = mount->mountpoint;

	if (!cover || cover->leaving || !parent) {
		return;
	}
	mount_unplace_locked(cover);
	mount_unplace_locked(mount);
	mount_place_locked(cover, parent, mountpoint);
	mount_forget_place_locked(cover, moved);
}

static void take_out(struct list *leaving, struct list *gone, struct list *moved)
	MUST_HOLD(&fs_tree_lock)
{
	while (!list_empty(leaving)) {
		struct mount *mount = list_first(leaving, struct mount, work);

		move_cover(mount, moved);
		if (mount->parent) {
			mount_unplace_locked(mount);
		}
		if (mount->namespace && mount->namespace->root == mount) {
			mount->namespace->root = NULL;
		}
		mount_leave_locked(mount);
		mount_change_type_locked(mount, MS_PRIVATE);
		drop_from(mount);
		list_push_back(gone, &mount->work);
	}
}

void mount_remove_tree(struct mount *top, bool propagate, struct list *gone)
{
	struct list leaving = LIST_INIT(leaving), moved = LIST_INIT(moved);

	collect(top, propagate, &leaving);
	spin_lock(&fs_tree_lock);
	take_out(&leaving, gone, &moved);
	spin_unlock(&fs_tree_lock);
	mount_put_places(&moved);
}

/* References beyond the attachment's, the caller's on `top`, and that of what covers it. */
static bool in_use(struct mount *mount, const struct mount *top) MUST_HOLD(&fs_tree_lock)
{
	u32 expected = mount == top ? 2 : 1;

	if (mount == top && !list_empty(&mount->children)) {
		return true;
	}
	if (mount_at(mount, mount->root)) {
		expected++;
	}
	return refcount_read(&mount->references) > expected;
}

static bool any_in_use(struct mount *top, struct list *leaving) MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount;

	list_for_each(mount, leaving, work) {
		if (in_use(mount, top)) {
			return true;
		}
	}
	return false;
}

int mount_remove_unused(struct mount *mount, struct list *gone)
{
	struct list leaving = LIST_INIT(leaving), moved = LIST_INIT(moved);
	bool busy;

	collect(mount, true, &leaving);
	spin_lock(&fs_tree_lock);
	busy = any_in_use(mount, &leaving);
	if (!busy) {
		take_out(&leaving, gone, &moved);
	}
	spin_unlock(&fs_tree_lock);
	mount_put_places(&moved);
	while (!list_empty(&leaving)) {
		drop_from(list_first(&leaving, struct mount, work));
	}
	return busy ? -EBUSY : 0;
}

/* Twice in a row without use between: then it goes. */
static int expire(struct mount *mount, struct list *gone)
{
	bool used;

	spin_lock(&fs_tree_lock);
	used = in_use(mount, mount);
	spin_unlock(&fs_tree_lock);
	if (used) {
		return -EBUSY;
	}
	return atomic_exchange(&mount->expiring, true) ? mount_remove_unused(mount, gone)
						       : -EAGAIN;
}

static int remove_mount(struct mount *mount, int flags, struct list *gone)
{
	if (!mount->namespace || !mount->parent || mount->locked) {
		return -EINVAL;
	}
	if (flags & UMOUNT_EXPIRE) {
		return expire(mount, gone);
	}
	if (flags & UMOUNT_DETACH) {
		mount_remove_tree(mount, true, gone);
		return 0;
	}
	return mount_remove_unused(mount, gone);
}

/* The root of the caller stays; that it is read-only from now on is what is asked for. */
static bool is_own_root(const struct walk_context *context, const struct mount *mount)
{
	struct path root;
	bool same;

	fs_info_get_root(context->fs, &root);
	same = root.mount == mount;
	path_put(&root);
	return same;
}

static int unmount(const struct walk_context *context, const struct path *path, int flags)
{
	struct mount *mount = path->mount;
	struct list gone = LIST_INIT(gone);
	bool own_root = is_own_root(context, mount);
	int result;

	if ((flags & UMOUNT_EXPIRE) && own_root) {
		return -EINVAL;
	}
	mutex_lock(&mount_lock);
	if (path->dentry != mount->root || !mount_is_ours(context, mount)) {
		result = -EINVAL;
	} else if (own_root && !(flags & UMOUNT_DETACH)) {
		result = super_block_set_read_only(mount->super_block, true);
	} else {
		result = remove_mount(mount, flags, &gone);
	}
	mutex_unlock(&mount_lock);
	mount_release_gone(&gone);
	return result;
}

/* The walk must not count as a use of the mount at its end, so its last place is taken over, not put. */
static int find_mount(const struct walk_context *context, const char *target, int flags,
		      struct path *out)
{
	struct walk walk;
	int result = walk_begin(&walk, context, target,
				(flags & UMOUNT_NOFOLLOW) ? 0 : WALK_FOLLOW);

	if (result < 0) {
		return result;
	}
	result = walk_to_end(&walk);
	if (result == 0) {
		*out = walk.current;
		walk.current = (struct path){0};
		path_cross_mounts(out);
	}
	walk_end(&walk);
	return result;
}

int fs_unmount(const struct walk_context *context, const char *target, int flags)
{
	struct path path;
	int result;

	if (flags & ~UNMOUNT_FLAGS) {
		return -EINVAL;
	}
	result = find_mount(context, target, flags, &path);
	if (result < 0) {
		return result;
	}
	if (!mount_permitted(context)) {
		result = -EPERM;
	} else if (!path.mount || ((flags & UMOUNT_EXPIRE) &&
				   (flags & (UMOUNT_FORCE | UMOUNT_DETACH)))) {
		result = -EINVAL;
	} else {
		result = unmount(context, &path, flags);
	}
	dentry_put(path.dentry);
	mount_put_unmarked(path.mount);
	return result;
}
