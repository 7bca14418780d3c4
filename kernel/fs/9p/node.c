// SPDX-License-Identifier: MIT
/*
 * Inodes of 9p: one for each qid, with a fid where walks to names below it start.
 *
 * Owns      struct p9_node, the table of them.
 * Locks     p9_mount.table_lock (spin): the table. A node in it may be on its way out: inode_try_get() tells.
 */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"
#include <linux/stat.h>

OBJECT_CACHE(node_cache, p9_node);

static struct list *bucket_of(struct p9_mount *mount, const struct p9_qid *qid)
{
	return &mount->table[hash_u64(qid->path) % P9_TABLE_SIZE];
}

/* table_lock held. A number that was given to another kind of file since does not count. */
static struct inode *find_locked(struct p9_mount *mount, const struct p9_qid *qid)
{
	struct p9_node *node;

	list_for_each(node, bucket_of(mount, qid), table_link) {
		if (node->qid.path == qid->path && node->qid.type == qid->type &&
		    inode_try_get(node->inode)) {
			return node->inode;
		}
	}
	return NULL;
}

static struct inode *find(struct p9_mount *mount, const struct p9_qid *qid)
{
	struct inode *inode;

	spin_lock(&mount->table_lock);
	inode = find_locked(mount, qid);
	spin_unlock(&mount->table_lock);
	return inode;
}

static int set_up_file(struct inode *inode, bool snapshot)
{
	inode->operations =
		snapshot ? &p9_file_inode_operations : &p9_writable_inode_operations;
	inode->file_operations =
		snapshot ? &p9_file_operations : &p9_writable_file_operations;
	return vm_object_create(snapshot ? &p9_object_operations
					 : &p9_writable_object_operations,
				inode, &inode->object);
}

static int set_up(struct inode *inode)
{
	bool snapshot = p9_mount_of(inode)->snapshot;

	switch (inode->attributes.mode & S_IFMT) {
	case S_IFREG:
		return set_up_file(inode, snapshot);
	case S_IFDIR:
		inode->operations = snapshot ? &p9_directory_operations
					     : &p9_writable_directory_operations;
		inode->file_operations = &p9_directory_file_operations;
		return 0;
	case S_IFLNK:
		inode->operations =
			snapshot ? &p9_link_operations : &p9_writable_link_operations;
		return 0;
	default:
		inode->operations = snapshot ? &p9_file_inode_operations
					     : &p9_writable_inode_operations;
		return 0;
	}
}

static int make_inode(struct super_block *super_block, const struct p9_attributes *from,
		      struct inode **out)
{
	struct p9_node *node = object_allocate(&node_cache);
	struct inode *inode;
	int error;

	if (!node) {
		return -ENOMEM;
	}
	error = inode_create(super_block, &inode);
	if (error) {
		object_free(&node_cache, node);
		return error;
	}
	list_init(&node->table_link);
	node->inode = inode;
	node->qid = from->qid;
	node->fid = P9_NO_FID;
	inode->data = node;
	inode->attributes = from->attributes;
	error = set_up(inode);
	if (error) {
		inode_put(inode);
		return error;
	}
	*out = inode;
	return 0;
}

/* Enter a new inode; if another thread was faster, that one's is *inode afterwards. */
static void enter(struct p9_mount *mount, struct inode **inode)
{
	struct p9_node *node = p9_node_of(*inode);
	struct inode *other;

	spin_lock(&mount->table_lock);
	other = find_locked(mount, &node->qid);
	if (!other) {
		list_push_front(bucket_of(mount, &node->qid), &node->table_link);
	}
	spin_unlock(&mount->table_lock);
	if (other) {
		inode_put(*inode);
		*inode = other;
	}
}

/*
 * Stand at `fid`, the name it was found under last. The fid from before may be in use just now, and may
 * be of use again: some are kept.
 */
static void move_to(struct p9_node *node, u32 fid)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	u32 surplus = P9_NO_FID;

	spin_lock(&mount->open_lock);
	if (node->spare_count == P9_SPARES) {
		surplus = node->spare_fids[0];
		node->spare_count--;
		memmove(node->spare_fids, node->spare_fids + 1,
			node->spare_count * sizeof node->spare_fids[0]);
	}
	node->spare_fids[node->spare_count++] = atomic_exchange(&node->fid, fid);
	spin_unlock(&mount->open_lock);
	if (surplus != P9_NO_FID) {
		p9_clunk(mount->channel, surplus);
	}
}

void p9_node_lost_name(struct inode *inode)
{
	struct p9_mount *mount = p9_mount_of(inode);
	struct p9_node *node = p9_node_of(inode);
	struct p9_attributes attributes;

	for (unsigned tries = 0; tries < P9_SPARES; tries++) {
		u32 last = atomic_load(&node->fid);

		if (p9_get_attributes(mount->channel, last, &attributes) != -ENOENT) {
			return;
		}
		/* The oldest comes to the front, the lost one goes to the back. */
		spin_lock(&mount->open_lock);
		if (node->spare_count) {
			atomic_store(&node->fid, node->spare_fids[0]);
			memmove(node->spare_fids, node->spare_fids + 1,
				(node->spare_count - 1) * sizeof node->spare_fids[0]);
			node->spare_fids[node->spare_count - 1] = last;
		}
		spin_unlock(&mount->open_lock);
	}
}

int p9_node_find(struct super_block *super_block, u32 fid, const struct p9_qid *qid,
		 struct inode **out)
{
	struct p9_mount *mount = super_block->data;
	struct inode *inode = find(mount, qid);
	struct p9_attributes attributes;
	int error;

	if (inode) {
		if (mount->snapshot) {
			p9_clunk(mount->channel, fid);
		} else {
			move_to(p9_node_of(inode), fid);
		}
		*out = inode;
		return 0;
	}
	error = p9_get_attributes(mount->channel, fid, &attributes);
	if (!error) {
		error = make_inode(super_block, &attributes, &inode);
	}
	if (error) {
		p9_clunk(mount->channel, fid);
		return error;
	}
	p9_node_of(inode)->fid = fid;
	enter(mount, &inode);
	*out = inode;
	return 0;
}

void p9_destroy_inode(struct inode *inode)
{
	struct p9_mount *mount = p9_mount_of(inode);
	struct p9_node *node = p9_node_of(inode);

	if (!node) {
		return;
	}
	spin_lock(&mount->table_lock);
	list_remove(&node->table_link);
	spin_unlock(&mount->table_lock);
	p9_node_forget_opens(node);
	if (node->fid != P9_NO_FID) {
		p9_clunk(mount->channel, node->fid);
	}
	for (unsigned i = 0; i < node->spare_count; i++) {
		p9_clunk(mount->channel, node->spare_fids[i]);
	}
	heap_free(node->target);
	object_free(&node_cache, node);
}

int p9_refresh(struct inode *inode, struct inode_attributes *out)
{
	struct p9_node *node = p9_node_of(inode);
	struct p9_attributes now;
	int error = p9_get_attributes(p9_mount_of(inode)->channel, node->fid, &now);

	if (error) {
		return error;
	}
	if ((now.attributes.mode & S_IFMT) != (inode->attributes.mode & S_IFMT)) {
		return -ESTALE;
	}
	*out = now.attributes;
	inode->attributes = now.attributes;
	return 0;
}
