// SPDX-License-Identifier: MIT
/*
 * Mounts: their life, where they are attached, and the steps of a walk over them.
 *
 * Owns      struct mount, the list of attached mounts.
 * Locks     mount_lock (mutex) for changes  >  fs_tree_lock (spin) for the links
 *
 * Invariants
 *   M1  An attached mount holds a reference on its parent, and has one for being attached.
 *   M2  dentry.mounted_on is true where a mount is attached; it may be true for longer.
 */
#include "fs/mount.h"

#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/mount.h>
#include <linux/stat.h>

OBJECT_CACHE(mount_cache, mount);

struct mutex mount_lock;
struct list mounts GUARDED_BY(fs_tree_lock) = LIST_INIT(mounts);
static _Atomic u32 next_mount_id = 1;

int mount_create(struct dentry *root, const char *source, unsigned flags,
		 struct mount **out)
{
	struct mount *mount = object_allocate(&mount_cache);

	if (!mount) {
		return -ENOMEM;
	}
	mount->source = heap_duplicate_string(source && *source ? source : "none");
	if (!mount->source) {
		object_free(&mount_cache, mount);
		return -ENOMEM;
	}
	refcount_init(&mount->references, 1);
	list_init(&mount->link);
	dentry_get(root);
	mount->root = root;
	mount->super_block = root->super_block;
	super_block_mounted(mount->super_block);
	mount->flags = flags;
	mount->id = atomic_fetch_add(&next_mount_id, 1);
	*out = mount;
	return 0;
}

int mount_create_type(const char *type_name, const char *source, unsigned long flags,
		      const char *data, struct mount **out)
{
	return mount_create_at(NULL, type_name, source, flags, data, out);
}

int mount_create_at(const struct walk_context *context, const char *type_name,
		    const char *source, unsigned long flags, const char *data,
		    struct mount **out)
{
	struct file_system_type *type = file_system_find(type_name);
	struct super_block *super_block;
	int result;

	if (!type) {
		return -ENODEV;
	}
	source = source ? source : "none";
	data = data ? data : "";
	if (type->mount_at) {
		result = context ? type->mount_at(type, context, source, flags, data,
						  &super_block)
				 : -EINVAL;
	} else {
		result = type->mount(type, source, flags, data, &super_block);
	}
	if (result < 0) {
		return result;
	}
	// mount_create() makes the super block's mounts 1: from there on the mount keeps it.
	result = mount_create(super_block->root, source, (unsigned)flags, out);
	if (result < 0 && atomic_load(&super_block->mounts) == 0) {
		super_block_shutdown(super_block);
	}
	return result;
}

void mount_get(struct mount *mount)
{
	refcount_get(&mount->references);
}

void mount_put(struct mount *mount)
{
	while (mount && refcount_put(&mount->references)) {
		struct mount *parent = mount->parent;
		struct super_block *super_block = mount->super_block;

		dentry_put(mount->mountpoint);
		dentry_put(mount->root);
		super_block_unmounted(super_block);
		heap_free(mount->source);
		object_free(&mount_cache, mount);
		mount = parent;
	}
}

int mount_writable(const struct mount *mount)
{
	return mount && ((mount->flags & MS_RDONLY) || mount->super_block->read_only)
		       ? -EROFS
		       : 0;
}

/* The mount attached at this place, without a reference. */
static struct mount *find_at(const struct path *path) MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount, *found = NULL;

	list_for_each(mount, &mounts, link) {
		if (mount->parent == path->mount && mount->mountpoint == path->dentry) {
			found = mount; // the newest one covers the others
		}
	}
	return found;
}

void path_cross_mounts(struct path *path)
{
	while (READ_ONCE(path->dentry->mounted_on)) {
		struct path old = *path;
		struct mount *mount;

		spin_lock(&fs_tree_lock);
		mount = find_at(path);
		if (mount) {
			mount_get(mount);
			dentry_get(mount->root);
		}
		spin_unlock(&fs_tree_lock);
		if (!mount) {
			return;
		}
		path->mount = mount;
		path->dentry = mount->root;
		path_put(&old);
	}
}

bool path_leave_mount(struct path *path)
{
	struct path up = {0};

	spin_lock(&fs_tree_lock);
	if (path->mount->parent) {
		up = (struct path){path->mount->parent, path->mount->mountpoint};
		path_get(&up);
	}
	spin_unlock(&fs_tree_lock);
	if (!up.mount) {
		return false;
	}
	path_put(path);
	*path = up;
	return true;
}

bool dentry_is_mountpoint(struct dentry *dentry)
{
	struct mount *mount;
	bool found = false;

	if (!READ_ONCE(dentry->mounted_on)) {
		return false;
	}
	spin_lock(&fs_tree_lock);
	list_for_each(mount, &mounts, link) {
		found = found || mount->mountpoint == dentry;
	}
	spin_unlock(&fs_tree_lock);
	return found;
}

void mount_link_locked(struct mount *mount, const struct path *at)
{
	if (at) {
		path_get(at);
		mount->parent = at->mount;
		mount->mountpoint = at->dentry;
		at->dentry->mounted_on = true;
	}
	mount->attached = true;
	mount_get(mount);
	list_push_back(&mounts, &mount->link);
}

void mount_unlink_locked(struct mount *mount, struct path *was)
{
	struct mount *other;
	bool covered = false;

	*was = (struct path){mount->parent, mount->mountpoint};
	mount->parent = NULL;
	mount->mountpoint = NULL;
	mount->attached = false;
	list_remove(&mount->link);
	list_for_each(other, &mounts, link) {
		covered = covered || other->mountpoint == was->dentry;
	}
	if (was->dentry) {
		was->dentry->mounted_on = covered;
	}
}

int mount_attach(struct mount *mount, const struct path *at)
{
	struct inode *inode = dentry_inode(at->dentry);
	bool directory = inode_is(inode, S_IFDIR);

	if (directory != inode_is(dentry_inode(mount->root), S_IFDIR)) {
		return -ENOTDIR;
	}
	mutex_lock(&mount_lock);
	if (dentry_unhashed(at->dentry) || inode->removed) {
		mutex_unlock(&mount_lock);
		return -ENOENT;
	}
	spin_lock(&fs_tree_lock);
	mount_link_locked(mount, at);
	spin_unlock(&fs_tree_lock);
	mutex_unlock(&mount_lock);
	return 0;
}
