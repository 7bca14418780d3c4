// SPDX-License-Identifier: MIT
/*
 * Open fids: what data is read and written through. A node has at most one for reading and one for writing.
 *
 * Owns      struct p9_open.
 * Locks     p9_mount.open_lock (spin): node.reader, node.writer, node.opens, the list by age.
 *
 * On a snapshot a reader is kept when the file is closed, as the next one to open it is often near; of all the kept ones
 * the oldest go. On other mounts both go with the last open file.
 */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include <linux/fcntl.h>

OBJECT_CACHE(open_cache, p9_open);

void p9_open_put(struct p9_open *open)
{
	if (open && refcount_put(&open->references)) {
		p9_clunk(open->mount->channel, open->fid);
		object_free(&open_cache, open);
	}
}

/* Open the file again on a fid of its own. */
static int open_new(struct p9_node *node, u32 flags, struct p9_open **out)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	struct p9_open *open = object_allocate(&open_cache);
	int error;

	if (!open) {
		return -ENOMEM;
	}
	refcount_init(&open->references, 1);
	open->mount = mount;
	list_init(&open->link);
	error = p9_walk(mount->channel, node->fid, NULL, 0, &open->fid, NULL);
	if (!error) {
		error = p9_open_fid(mount->channel, open->fid, flags);
		if (error) {
			p9_clunk(mount->channel, open->fid);
		}
	}
	if (error) {
		object_free(&open_cache, open);
		return error;
	}
	*out = open;
	return 0;
}

/* open_lock held: take the oldest kept reader if there are too many; the caller drops it. */
static struct p9_open *evict(struct p9_mount *mount)
{
	struct p9_open *oldest;

	if (mount->open_count <= P9_OPEN_MAX) {
		return NULL;
	}
	oldest = list_first(&mount->open_files, struct p9_open, link);
	list_remove(&oldest->link);
	mount->open_count--;
	oldest->node->reader = NULL;
	oldest->node = NULL;
	return oldest;
}

/* The node's reader or writer with a reference; NULL: it has none. */
static struct p9_open *known(struct p9_node *node, struct p9_open **slot)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	struct p9_open *open;

	spin_lock(&mount->open_lock);
	open = *slot;
	if (open) {
		refcount_get(&open->references);
		if (!list_empty(&open->link)) {
			list_remove(&open->link);
			list_push_back(&mount->open_files, &open->link);
		}
	}
	spin_unlock(&mount->open_lock);
	return open;
}

/* Make `open` the node's unless it has one by now: then that is *open. The caller has a reference in either case. */
static void keep(struct p9_node *node, struct p9_open **slot, struct p9_open **open)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	struct p9_open *surplus = NULL;

	spin_lock(&mount->open_lock);
	if (*slot) {
		surplus = *open;
		*open = *slot;
		refcount_get(&(*open)->references);
	} else {
		refcount_get(&(*open)->references);
		*slot = *open;
		(*open)->node = node;
		if (mount->snapshot) {
			list_push_back(&mount->open_files, &(*open)->link);
			mount->open_count++;
			surplus = evict(mount);
		}
	}
	spin_unlock(&mount->open_lock);
	p9_open_put(surplus);
}

int p9_reader(struct p9_node *node, struct p9_open **out)
{
	int error;

	*out = known(node, &node->reader);
	if (*out) {
		return 0;
	}
	error = open_new(node, O_RDONLY | O_LARGEFILE, out);
	if (!error) {
		keep(node, &node->reader, out);
	}
	return error;
}

int p9_writer(struct p9_node *node, struct p9_open **out)
{
	int error;

	*out = known(node, &node->writer);
	if (*out) {
		return 0;
	}
	error = open_new(node, O_RDWR | O_LARGEFILE, out);
	if (error == -EACCES) {
		error = open_new(node, O_WRONLY | O_LARGEFILE, out);
	}
	if (!error) {
		keep(node, &node->writer, out);
	}
	return error;
}

int p9_open_adopt(struct p9_node *node, u32 fid)
{
	struct p9_open *open = object_allocate(&open_cache);
	struct p9_open *again;

	if (!open) {
		p9_clunk(p9_mount_of(node->inode)->channel, fid);
		return -ENOMEM;
	}
	refcount_init(&open->references, 1);
	open->mount = p9_mount_of(node->inode);
	open->fid = fid;
	list_init(&open->link);
	again = open;
	refcount_get(&again->references);
	keep(node, &node->writer, &open);
	p9_open_put(open);
	keep(node, &node->reader, &again);
	p9_open_put(again);
	return 0;
}

void p9_node_opened(struct p9_node *node)
{
	struct p9_mount *mount = p9_mount_of(node->inode);

	spin_lock(&mount->open_lock);
	node->opens++;
	spin_unlock(&mount->open_lock);
}

bool p9_node_closed(struct p9_node *node)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	bool last;

	spin_lock(&mount->open_lock);
	node->opens--;
	last = node->opens == 0;
	spin_unlock(&mount->open_lock);
	return last;
}

void p9_node_forget_opens(struct p9_node *node)
{
	struct p9_mount *mount = p9_mount_of(node->inode);
	struct p9_open *reader, *writer;

	spin_lock(&mount->open_lock);
	reader = node->reader;
	writer = node->writer;
	node->reader = node->writer = NULL;
	if (reader && !list_empty(&reader->link)) {
		list_remove(&reader->link);
		mount->open_count--;
	}
	spin_unlock(&mount->open_lock);
	p9_open_put(reader);
	p9_open_put(writer);
}
