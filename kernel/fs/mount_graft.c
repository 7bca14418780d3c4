// SPDX-License-Identifier: MIT
/*
 * Attaching a tree of mounts at a place, and copies of it at every place that hears of it: all or nothing.
 *
 * Locks     mount_lock from preparing to the commit, which is one hold of fs_tree_lock; with it the
 *           place's inode.lock, so that it is not removed meanwhile (directory.c).
 */
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "lib/errno.h"
#include <linux/mount.h>
#include <linux/stat.h>

bool mount_is_ours(const struct walk_context *context, const struct mount *mount)
{
	return mount && mount->namespace &&
	       (!context->mounts || mount->namespace == context->mounts);
}

int mount_lock_place(const struct walk_context *context, struct path *at)
{
	struct inode *inode;

	mutex_lock(&mount_lock);
	path_cross_mounts(at);
	if (!mount_is_ours(context, at->mount)) {
		int result = at->mount->namespace ? -EINVAL : -ENOENT;

		mutex_unlock(&mount_lock);
		return result;
	}
	inode = dentry_inode(at->dentry);
	inode_lock(inode);
	if (dentry_unhashed(at->dentry) || inode->removed) {
		inode_unlock(inode);
		mutex_unlock(&mount_lock);
		return -ENOENT;
	}
	return 0;
}

void mount_unlock_place(const struct path *at)
{
	inode_unlock(dentry_inode(at->dentry));
	mutex_unlock(&mount_lock);
}

void mount_forget_place_locked(struct mount *mount, struct list *moved)
{
	mount_get(mount);
	list_push_back(moved, &mount->work);
}

void mount_put_places(struct list *moved)
{
	while (!list_empty(moved)) {
		struct mount *mount = list_first(moved, struct mount, work);

		list_remove(&mount->work);
		path_put(&mount->left);
		mount_put_unmarked(mount);
	}
}

/* Each of the tree gets the number of the ring it will be in; take_groups() if it will be in none after all. */
static void give_groups(struct mount *top)
{
	for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
		if (!mount->group) {
			mount->group = mount_new_group();
		}
	}
}

static void take_groups(struct mount *top)
{
	for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
		if (!mount->shared) {
			mount->group = 0;
		}
	}
}

static u32 tree_size(struct mount *top)
{
	u32 size = 0;

	for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
		size++;
	}
	return size;
}

static int reserve(struct mount_namespace *namespace, u32 size)
{
	namespace->pending += size;
	return namespace->count + namespace->pending > MOUNTS_MAX ? -ENOSPC : 0;
}

static int check_room(struct mount *top, const struct path *at, bool moving,
		      struct list *copies)
{
	u32 size = tree_size(top);
	struct mount *copy;
	int result = moving ? 0 : reserve(at->mount->namespace, size);

	list_for_each(copy, copies, work) {
		int error = reserve(copy->left.mount->namespace, size);

		result = result < 0 ? result : error;
	}
	at->mount->namespace->pending = 0;
	list_for_each(copy, copies, work) {
		copy->left.mount->namespace->pending = 0;
	}
	return result;
}

static void enter_tree(struct mount *top, struct mount_namespace *namespace)
	MUST_HOLD(&fs_tree_lock)
{
	for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
		mount_enter_locked(mount, namespace);
	}
}

/* At its place, under what may be there already. */
static void attach_copy(struct mount *copy, struct list *moved) MUST_HOLD(&fs_tree_lock)
{
	struct path place = copy->left;
	struct mount *covered = mount_at(place.mount, place.dentry), *on = copy, *next;

	copy->left = (struct path){0};
	enter_tree(copy, place.mount->namespace);
	if (covered) {
		while ((next = mount_at(on, on->root))) {
			on = next;
		}
		mount_unplace_locked(covered);
		mount_place_locked(covered, on, on->root);
		mount_forget_place_locked(covered, moved);
	}
	mount_place_locked(copy, place.mount, place.dentry);
}

static void commit(struct mount *top, const struct path *at, bool moving,
		   struct list *copies, struct list *moved) MUST_HOLD(&fs_tree_lock)
{
	if (at->mount->shared) {
		for (struct mount *mount = top; mount; mount = mount_next(mount, top)) {
			mount_change_type_locked(mount, MS_SHARED);
		}
	}
	if (moving) {
		mount_unplace_locked(top);
		mount_forget_place_locked(top, moved);
	}
	mount_place_locked(top, at->mount, at->dentry);
	if (!moving) {
		enter_tree(top, at->mount->namespace);
	}
	while (!list_empty(copies)) {
		struct mount *copy = list_first(copies, struct mount, work);

		list_remove(&copy->work);
		attach_copy(copy, moved);
	}
}

static void discard_copies(struct list *copies, struct list *gone)
{
	while (!list_empty(copies)) {
		struct mount *copy = list_first(copies, struct mount, work);

		list_remove(&copy->work);
		mount_discard_tree(copy, gone);
	}
}

int mount_graft(struct mount *top, const struct path *at, bool moving, struct list *gone)
{
	struct list copies = LIST_INIT(copies), moved = LIST_INIT(moved);
	int result = 0;

	if (at->mount->shared) {
		give_groups(top);
		result = mount_propagate_prepare(top, at, &copies);
	}
	if (result == 0) {
		result = check_room(top, at, moving, &copies);
	}
	if (result < 0) {
		discard_copies(&copies, gone);
		take_groups(top);
		return result;
	}
	spin_lock(&fs_tree_lock);
	commit(top, at, moving, &copies, &moved);
	spin_unlock(&fs_tree_lock);
	mount_put_places(&moved);
	return 0;
}
