// SPDX-License-Identifier: MIT
/*
 * File system types by name, and super blocks: mounted instances.
 *
 * Owns      struct super_block, the list of types.
 * Locks     types_lock (spin).
 *
 * Life: super_block_create() gives one reference, which stands for all mounts together (and for a
 * mount in the making); each inode holds one more. When the last mount goes, the root and the
 * cached names are dropped; when the last inode has gone too, operations->unmount() runs.
 */
#include "core/panic.h"
#include "cred/user_namespace.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/stat.h>

OBJECT_CACHE(super_block_cache, super_block);

static struct spinlock types_lock =
	SPINLOCK_INIT(RANK_INODE_CACHE, "file_system.types_lock");
static struct file_system_type *types GUARDED_BY(types_lock);
static _Atomic u32 next_device = 1;

void file_system_register(struct file_system_type *type)
{
	struct file_system_type **link;

	spin_lock(&types_lock);
	for (link = &types; *link; link = &(*link)->next) {
		ASSERT(*link != type); /* twice would close a circle */
	}
	type->next = NULL;
	*link = type;
	spin_unlock(&types_lock);
}

struct file_system_type *file_system_find(const char *name)
{
	struct file_system_type *type;

	spin_lock(&types_lock);
	for (type = types; type && strcmp(type->name, name) != 0; type = type->next) {
	}
	spin_unlock(&types_lock);
	return type;
}

const struct file_system_type *file_system_nth(unsigned n)
{
	struct file_system_type *type;

	spin_lock(&types_lock);
	for (type = types; type && n > 0; type = type->next) {
		n--;
	}
	spin_unlock(&types_lock);
	return type;
}

int super_block_create(const struct file_system_type *type,
		       const struct super_block_operations *operations,
		       struct super_block **out)
{
	struct super_block *super_block = object_allocate(&super_block_cache);

	if (!super_block) {
		return -ENOMEM;
	}
	refcount_init(&super_block->references, 1);
	super_block->type = type;
	super_block->operations = operations;
	// Major 0: no block device. Minors above 255 go to the upper bits of the encoding.
	u32 minor = atomic_fetch_add(&next_device, 1);

	super_block->device_id = (minor & 0xff) | ((u64)(minor & ~0xffu) << 12);
	mutex_init(&super_block->rename_lock, RANK_RENAME, "super_block.rename_lock");
	atomic_store(&super_block->next_inode_number, 1);
	*out = super_block;
	return 0;
}

int super_block_stack(struct super_block *super_block, unsigned below)
{
	static const enum lock_rank ranks[FILE_SYSTEM_STACK_MAX + 1] = {
		RANK_RENAME, RANK_RENAME_STACKED_1, RANK_RENAME_STACKED_2};

	ASSERT(!super_block->root);
	if (below >= FILE_SYSTEM_STACK_MAX) {
		return -EINVAL;
	}
	super_block->stack_depth = below + 1;
	mutex_init(&super_block->rename_lock, ranks[super_block->stack_depth],
		   "super_block.rename_lock");
	return 0;
}

void super_block_get(struct super_block *super_block)
{
	refcount_get(&super_block->references);
}

void super_block_put(struct super_block *super_block)
{
	if (!super_block || !refcount_put(&super_block->references)) {
		return;
	}
	if (super_block->operations && super_block->operations->unmount) {
		super_block->operations->unmount(super_block);
	}
	user_namespace_put(super_block->owner);
	object_free(&super_block_cache, super_block);
}

void super_block_shutdown(struct super_block *super_block)
{
	struct dentry *root = super_block->root;

	if (super_block_watched(super_block)) {
		notify_super_block_gone(super_block);
	}
	dentry_shrink(super_block);
	super_block->root = NULL;
	dentry_put(root);
	super_block_put(super_block);
}

void super_block_mounted(struct super_block *super_block)
{
	atomic_fetch_add(&super_block->mounts, 1);
}

void super_block_unmounted(struct super_block *super_block)
{
	if (atomic_fetch_sub(&super_block->mounts, 1) == 1) {
		super_block_shutdown(super_block);
	}
}
