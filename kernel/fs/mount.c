// SPDX-License-Identifier: MIT
/*
 * Mounts: their life, where they are attached, and the steps of a walk over them.
 *
 * Owns      struct mount, the links of the trees.
 * Locks     mount_lock (mutex) for changes  >  fs_tree_lock (spin) for the links
 *
 * Invariants
 *   M1  A mount below another holds a reference on it, and has one for being there; so has a namespace's root.
 *   M2  dentry.mounted_on is true where a mount is attached, in whatever namespace.
 *   M3  At most one mount is attached at a place (parent, mountpoint); the next one goes on top of that one's root.
 *   M4  A mount without references is in no tree and nobody's peer, master or slave.
 */
#include "fs/mount.h"

#include "core/panic.h"
#include "cred/user_namespace.h"
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/mount.h>
#include <linux/stat.h>

enum { POINT_BUCKETS = 256 };

OBJECT_CACHE(mount_cache, mount);

struct mutex mount_lock;
static struct list points[POINT_BUCKETS] GUARDED_BY(fs_tree_lock);
static _Atomic u32 next_mount_id = 1;

void mount_init(void)
{
	mutex_init(&mount_lock, RANK_MOUNT, "mount_lock");
	spin_lock(&fs_tree_lock);
	for (unsigned i = 0; i < POINT_BUCKETS; i++) {
		list_init(&points[i]);
	}
	spin_unlock(&fs_tree_lock);
}

static void init_links(struct mount *mount)
{
	list_init(&mount->children);
	list_init(&mount->child_link);
	list_init(&mount->link);
	list_init(&mount->point_link);
	list_init(&mount->peers);
	list_init(&mount->slaves);
	list_init(&mount->slave_link);
	list_init(&mount->work);
	list_init(&mount->heard);
}

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
	init_links(mount);
	dentry_get(root);
	mount->root = root;
	mount->super_block = root->super_block;
	super_block_mounted(mount->super_block);
	mount->flags = flags & MOUNT_FLAGS;
	mount->id = atomic_fetch_add(&next_mount_id, 1);
	*out = mount;
	return 0;
}

int mount_create_type(const char *type_name, const char *source, unsigned long flags,
		      const char *data, struct mount **out)
{
	return mount_create_at(NULL, type_name, source, flags, data, out);
}

/* Most types trust who mounts them: that takes power over the machine, others over what they show. */
static bool may_mount_type(const struct file_system_type *type,
			   const struct credentials *credentials)
{
	const struct namespace *shown =
		type->shown_namespace ? type->shown_namespace() : NULL;

	if (!(type->flags & FILE_SYSTEM_FOR_ALL)) {
		return credentials_capable(credentials, CAP_SYS_ADMIN);
	}
	return !shown ||
	       credentials_capable_in(credentials, user_namespace_of(shown->owner),
				      CAP_SYS_ADMIN);
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
	if (context && !may_mount_type(type, context->credentials)) {
		return -EPERM;
	}
	source = source ? source : "none";
	data = data ? data : "";
	if (type->mount_at && context) {
		result = type->mount_at(type, context, source, flags, data, &super_block);
	} else if (type->mount) {
		result = type->mount(type, source, flags, data, &super_block);
	} else {
		result = -EINVAL;
	}
	if (result < 0) {
		return result;
	}
	if (atomic_load(&super_block->mounts) == 0) { // it is new
		super_block->only_readable = super_block->read_only;
		super_block->read_only = super_block->read_only || (flags & MS_RDONLY);
		if (context) {
			super_block->owner =
				user_namespace_get(context->credentials->user_namespace);
		}
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
	if (mount && atomic_load_explicit(&mount->expiring, memory_order_relaxed)) {
		atomic_store(&mount->expiring, false);
	}
	mount_put_unmarked(mount);
}

void mount_put_unmarked(struct mount *mount)
{
	if (!mount || !refcount_put(&mount->references)) {
		return;
	}
	ASSERT(!mount->parent && !mount->namespace && list_empty(&mount->children));
	ASSERT(list_empty(&mount->peers) && list_empty(&mount->slaves) && !mount->master);
	if (mount->notify.marks) {
		notify_mount_gone(mount);
	}
	dentry_put(mount->root);
	super_block_unmounted(mount->super_block);
	heap_free(mount->source);
	object_free(&mount_cache, mount);
}

int mount_writable(const struct mount *mount)
{
	return mount && ((mount->flags & MS_RDONLY) ||
			 READ_ONCE(mount->super_block->read_only))
		       ? -EROFS
		       : 0;
}

/* Counted before the look; who makes it read-only says so before the count is read: one of the two sees the other. */
int mount_begin_write(struct mount *mount)
{
	int result;

	atomic_fetch_add(&mount->writers, 1);
	atomic_fetch_add(&mount->super_block->writers, 1);
	atomic_thread_fence(memory_order_seq_cst);
	/* order.writers: pairs with super_block_set_read_only() */
	result = mount_writable(mount);
	if (result < 0) {
		mount_end_write(mount);
	}
	return result;
}

void mount_end_write(struct mount *mount)
{
	atomic_fetch_sub(&mount->super_block->writers, 1);
	atomic_fetch_sub(&mount->writers, 1);
}

struct mount *mount_at(struct mount *parent, const struct dentry *mountpoint)
{
	struct mount *mount;

	list_for_each(mount, &parent->children, child_link) {
		if (mount->mountpoint == mountpoint) {
			return mount;
		}
	}
	return NULL;
}

void path_cross_mounts(struct path *path)
{
	while (READ_ONCE(path->dentry->mounted_on) && path->mount) {
		struct path old = *path;
		struct mount *mount;

		spin_lock(&fs_tree_lock);
		mount = mount_at(path->mount, path->dentry);
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

static struct list *point_of(const struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	return &points[hash_u64((u64)(uintptr_t)dentry) % POINT_BUCKETS];
}

static bool is_point(const struct dentry *dentry) MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount;

	list_for_each(mount, point_of(dentry), point_link) {
		if (mount->mountpoint == dentry) {
			return true;
		}
	}
	return false;
}

/* Any mount there that is in `namespace` (NULL: in one at all). */
static struct mount *find_on(const struct dentry *dentry,
			     const struct mount_namespace *namespace)
	MUST_HOLD(&fs_tree_lock)
{
	struct mount *mount;

	list_for_each(mount, point_of(dentry), point_link) {
		if (mount->mountpoint == dentry && mount->namespace &&
		    (!namespace || mount->namespace == namespace)) {
			return mount;
		}
	}
	return NULL;
}

bool mount_in_the_way(struct dentry *dentry, const struct walk_context *by)
{
	bool found;

	if (!READ_ONCE(dentry->mounted_on)) {
		return false;
	}
	spin_lock(&fs_tree_lock);
	found = find_on(dentry, by ? by->mounts : NULL) != NULL;
	spin_unlock(&fs_tree_lock);
	return found;
}

bool mount_in_namespace(const struct mount *mount,
			const struct mount_namespace *namespace)
{
	bool inside;

	spin_lock(&fs_tree_lock);
	inside = mount->namespace && (!namespace || mount->namespace == namespace);
	spin_unlock(&fs_tree_lock);
	return inside;
}

void mounts_forget(struct dentry *dentry)
{
	struct list gone = LIST_INIT(gone);
	struct mount *mount;

	if (!READ_ONCE(dentry->mounted_on)) {
		return;
	}
	mutex_lock(&mount_lock);
	do {
		spin_lock(&fs_tree_lock);
		mount = find_on(dentry, NULL);
		spin_unlock(&fs_tree_lock);
		if (mount) {
			mount_remove_tree(mount, false, &gone);
		}
	} while (mount);
	mutex_unlock(&mount_lock);
	mount_release_gone(&gone);
}

void mount_place_locked(struct mount *mount, struct mount *parent,
			struct dentry *mountpoint)
{
	mount_get(parent);
	dentry_get(mountpoint);
	mount->parent = parent;
	mount->mountpoint = mountpoint;
	list_push_back(&parent->children, &mount->child_link);
	list_push_back(point_of(mountpoint), &mount->point_link);
	mountpoint->mounted_on = true;
}

void mount_unplace_locked(struct mount *mount)
{
	mount->left = (struct path){mount->parent, mount->mountpoint};
	mount->parent = NULL;
	mount->mountpoint = NULL;
	list_remove(&mount->child_link);
	list_remove(&mount->point_link);
	if (mount->left.dentry) {
		mount->left.dentry->mounted_on = is_point(mount->left.dentry);
	}
}

void mount_enter_locked(struct mount *mount, struct mount_namespace *namespace)
{
	mount->namespace = namespace;
	list_push_back(&namespace->mounts, &mount->link);
	namespace->count++;
}

void mount_leave_locked(struct mount *mount)
{
	if (mount->namespace) {
		list_remove(&mount->link);
		mount->namespace->count--;
		mount->namespace = NULL;
	}
}

struct mount *mount_next_skip(struct mount *mount, const struct mount *top)
{
	while (mount != top) {
		if (mount->child_link.next != &mount->parent->children) {
			return list_entry(mount->child_link.next, struct mount,
					  child_link);
		}
		mount = mount->parent;
	}
	return NULL;
}

struct mount *mount_next(struct mount *mount, const struct mount *top)
{
	return list_empty(&mount->children)
		       ? mount_next_skip(mount, top)
		       : list_first(&mount->children, struct mount, child_link);
}

bool mount_is_below(const struct mount *mount, const struct mount *top)
{
	for (; mount; mount = mount->parent) {
		if (mount == top) {
			return true;
		}
	}
	return false;
}

bool dentry_is_below(const struct dentry *dentry, const struct dentry *top)
{
	while (dentry != top && dentry->parent != dentry) {
		dentry = dentry->parent;
	}
	return dentry == top;
}
