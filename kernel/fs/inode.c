// SPDX-License-Identifier: MIT
/*
 * Inodes: their life, and who may write to or execute them.
 *
 * Owns      struct inode.
 * Locks     inode.lock (rwlock)  >  inode.state_lock (spin)
 *
 * Invariants
 *   N1  writers > 0: that many open files may write. writers < 0: that many programs run from it.
 *       It is never both (ETXTBSY).
 *   N2  An inode holds one reference on its super block for as long as it lives.
 */
#include "fs/inode.h"

#include "core/panic.h"
#include "fs/file_lock.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "time/clock.h"
#include "vm/vm_object.h"

OBJECT_CACHE(inode_cache, inode);

/* What an inode has until its file system says otherwise: nodes that are only names for devices need no more. */
static const struct inode_operations no_operations;

int inode_create(struct super_block *super_block, struct inode **out)
{
	static const enum lock_rank ranks[FILE_SYSTEM_STACK_MAX + 1] = {
		RANK_INODE, RANK_INODE_STACKED_1, RANK_INODE_STACKED_2};
	struct inode *inode = object_allocate(&inode_cache);
	nsec_t now = clock_realtime();

	if (!inode) {
		return -ENOMEM;
	}
	refcount_init(&inode->references, 1);
	rwlock_init(&inode->lock, ranks[super_block->stack_depth], "inode.lock");
	spin_init(&inode->state_lock, RANK_INODE_CACHE, "inode.state_lock");
	super_block_get(super_block);
	inode->super_block = super_block;
	inode->operations = &no_operations;
	inode->attributes.inode_number =
		atomic_fetch_add(&super_block->next_inode_number, 1);
	inode->attributes.link_count = 1;
	inode->attributes.block_size = PAGE_SIZE;
	inode->attributes.accessed = now;
	inode->attributes.modified = now;
	inode->attributes.changed = now;
	inode->attributes.born = now;
	*out = inode;
	return 0;
}

void inode_get(struct inode *inode)
{
	refcount_get(&inode->references);
}

bool inode_try_get(struct inode *inode)
{
	return refcount_try_get(&inode->references);
}

void inode_put(struct inode *inode)
{
	struct super_block *super_block;

	if (!inode || !refcount_put(&inode->references)) {
		return;
	}
	super_block = inode->super_block;
	if (super_block->operations && super_block->operations->destroy_inode) {
		super_block->operations->destroy_inode(inode);
	}
	if (inode->object) {
		vm_object_put(inode->object);
	}
	file_lock_list_destroy(inode);
	object_free(&inode_cache, inode);
	super_block_put(super_block);
}

void inode_lock(struct inode *inode)
{
	rwlock_lock(&inode->lock);
}

void inode_unlock(struct inode *inode)
{
	rwlock_unlock(&inode->lock);
}

int inode_begin_write(struct inode *inode)
{
	int result = -ETXTBSY;

	spin_lock(&inode->state_lock);
	if (inode->writers >= 0) {
		inode->writers++;
		result = 0;
	}
	spin_unlock(&inode->state_lock);
	return result;
}

void inode_end_write(struct inode *inode)
{
	spin_lock(&inode->state_lock);
	ASSERT(inode->writers > 0);
	inode->writers--;
	spin_unlock(&inode->state_lock);
}

int inode_deny_write(struct inode *inode)
{
	int result = -ETXTBSY;

	spin_lock(&inode->state_lock);
	if (inode->writers <= 0) {
		inode->writers--;
		result = 0;
	}
	spin_unlock(&inode->state_lock);
	return result;
}

void inode_allow_write(struct inode *inode)
{
	spin_lock(&inode->state_lock);
	ASSERT(inode->writers < 0);
	inode->writers++;
	spin_unlock(&inode->state_lock);
}
