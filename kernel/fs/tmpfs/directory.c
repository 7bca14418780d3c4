// SPDX-License-Identifier: MIT
/*
 * tmpfs directories: entries in two trees, by name and in the order they were made.
 *
 * Owns      struct tmpfs_entry.
 * Locks     the directory's inode.lock: shared for looking, exclusively for changing.
 *
 * A listing's position is the cookie of the next entry; cookies only grow, so what is there from
 * start to end of a listing is seen once, whatever comes and goes around it.
 */
#include "fs/tmpfs/tmpfs_internal.h"

#include "fs/page_file.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/fs.h>
#include <linux/stat.h>

enum { FIRST_COOKIE = 2 };

static int compare(const struct tmpfs_entry *entry, u64 hash, const char *name,
		   size_t length)
{
	if (entry->hash != hash) {
		return hash < entry->hash ? -1 : 1;
	}
	if (entry->length != length) {
		return length < entry->length ? -1 : 1;
	}
	return memcmp(name, entry->name, length);
}

static struct tmpfs_entry *find(struct inode *directory, const struct dentry *dentry)
{
	struct rbtree_node *node = tmpfs_node(directory)->by_name.root;
	u64 hash = hash_bytes(dentry->name, dentry->name_length);

	while (node) {
		struct tmpfs_entry *entry =
			rbtree_entry(node, struct tmpfs_entry, name_node);
		int order = compare(entry, hash, dentry->name, dentry->name_length);

		if (order == 0) {
			return entry;
		}
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static bool name_less(const struct rbtree_node *a, const struct rbtree_node *b)
{
	const struct tmpfs_entry *x = rbtree_entry(a, struct tmpfs_entry, name_node);
	const struct tmpfs_entry *y = rbtree_entry(b, struct tmpfs_entry, name_node);

	return compare(y, x->hash, x->name, x->length) < 0;
}

static bool cookie_less(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, struct tmpfs_entry, cookie_node)->cookie <
	       rbtree_entry(b, struct tmpfs_entry, cookie_node)->cookie;
}

static struct tmpfs_entry *entry_create(const struct dentry *dentry)
{
	struct tmpfs_entry *entry =
		heap_allocate(sizeof(*entry) + dentry->name_length + 1);

	if (entry) {
		entry->length = dentry->name_length;
		memcpy(entry->name, dentry->name, dentry->name_length);
		entry->hash = hash_bytes(entry->name, entry->length);
		rbtree_node_init(&entry->name_node);
		rbtree_node_init(&entry->cookie_node);
		list_init(&entry->link);
	}
	return entry;
}

/* Takes over the reference on `inode`. */
static void entry_link(struct inode *directory, struct tmpfs_entry *entry,
		       struct inode *inode)
{
	struct tmpfs_node *node = tmpfs_node(directory);

	entry->inode = inode;
	entry->cookie = node->next_cookie++;
	rbtree_add(&node->by_name, &entry->name_node, name_less);
	rbtree_add(&node->by_cookie, &entry->cookie_node, cookie_less);
	node->entry_count++;
	directory->attributes.size = tmpfs_directory_size(node->entry_count);
	directory->attributes.link_count += inode->attributes.mode >> 12 == S_IFDIR >> 12;
	inode_touch(directory, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
}

/* The entry's reference on its inode becomes the caller's. */
static void entry_unlink(struct inode *directory, struct tmpfs_entry *entry)
{
	struct tmpfs_node *node = tmpfs_node(directory);

	rbtree_remove(&node->by_name, &entry->name_node);
	rbtree_remove(&node->by_cookie, &entry->cookie_node);
	node->entry_count--;
	directory->attributes.size = tmpfs_directory_size(node->entry_count);
	directory->attributes.link_count -=
		entry->inode->attributes.mode >> 12 == S_IFDIR >> 12;
	inode_touch(directory, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
}

static void collect(struct inode *directory, struct list *to)
{
	struct tmpfs_node *node = tmpfs_node(directory);
	struct rbtree_node *first;

	while ((first = rbtree_first(&node->by_cookie))) {
		struct tmpfs_entry *entry =
			rbtree_entry(first, struct tmpfs_entry, cookie_node);

		entry_unlink(directory, entry);
		list_push_back(to, &entry->link);
	}
}

/* A whole tree goes without recursion: directories below give their entries to the list first. */
void tmpfs_destroy_entries(struct inode *directory)
{
	struct list entries = LIST_INIT(entries);

	collect(directory, &entries);
	while (!list_empty(&entries)) {
		struct tmpfs_entry *entry =
			list_first(&entries, struct tmpfs_entry, link);
		struct inode *inode = entry->inode;

		list_remove(&entry->link);
		if ((inode->attributes.mode & S_IFMT) == S_IFDIR &&
		    refcount_read(&inode->references) == 1) {
			collect(inode, &entries);
		}
		inode_put(inode);
		heap_free(entry);
	}
}

static int tmpfs_lookup(struct inode *directory, struct dentry *dentry)
{
	struct tmpfs_entry *entry = find(directory, dentry);

	if (entry) {
		inode_get(entry->inode);
		dentry_set_inode(dentry, entry->inode);
	}
	return 0;
}

/* Give a new inode (reference taken over in any case) the dentry's name. */
static int add_new(struct inode *directory, struct dentry *dentry, struct inode *inode)
{
	struct tmpfs_entry *entry = entry_create(dentry);

	if (!entry) {
		inode_put(inode);
		return -ENOMEM;
	}
	entry_link(directory, entry, inode);
	inode_get(inode);
	dentry_set_inode(dentry, inode);
	return 0;
}

static int tmpfs_make_node(struct inode *directory, struct dentry *dentry, u32 mode,
			   u64 device, const struct credentials *credentials)
{
	struct inode *inode;
	int result = tmpfs_make_inode(directory->super_block, directory, mode,
				      credentials, &inode);

	if (result < 0) {
		return result;
	}
	inode->attributes.special_device = device;
	return add_new(directory, dentry, inode);
}

static int tmpfs_create(struct inode *directory, struct dentry *dentry, u32 mode,
			const struct credentials *credentials)
{
	return tmpfs_make_node(directory, dentry, mode, 0, credentials);
}

static int tmpfs_create_unnamed(struct inode *directory, u32 mode,
				const struct credentials *credentials, struct inode **out)
{
	int result = tmpfs_make_inode(directory->super_block, directory, mode,
				      credentials, out);

	if (result == 0) {
		(*out)->attributes.link_count = 0;
	}
	return result;
}

static int tmpfs_symbolic_link(struct inode *directory, struct dentry *dentry,
			       const char *target, const struct credentials *credentials)
{
	struct inode *inode;
	int result = tmpfs_make_inode(directory->super_block, directory, S_IFLNK | 0777,
				      credentials, &inode);

	if (result < 0) {
		return result;
	}
	tmpfs_node(inode)->target = heap_duplicate_string(target);
	if (!tmpfs_node(inode)->target) {
		inode_put(inode);
		return -ENOMEM;
	}
	inode->attributes.size = strlen(target);
	return add_new(directory, dentry, inode);
}

static int tmpfs_link(struct inode *directory, struct dentry *dentry,
		      struct inode *target)
{
	int result;

	inode_get(target);
	result = add_new(directory, dentry, target);
	if (result == 0) {
		target->attributes.link_count++;
		inode_touch(target, ATTRIBUTE_CHANGED);
	}
	return result;
}

static void drop_name(struct inode *directory, struct tmpfs_entry *entry)
{
	struct inode *inode = entry->inode;

	entry_unlink(directory, entry);
	inode->attributes.link_count -=
		(inode->attributes.mode & S_IFMT) == S_IFDIR ? 2 : 1;
	inode_touch(inode, ATTRIBUTE_CHANGED);
	inode_put(inode); // the dentry still holds one
	heap_free(entry);
}

static int tmpfs_unlink(struct inode *directory, struct dentry *dentry)
{
	struct tmpfs_entry *entry = find(directory, dentry);

	if (!entry) {
		return -ENOENT;
	}
	drop_name(directory, entry);
	return 0;
}

static int tmpfs_remove_directory(struct inode *directory, struct dentry *dentry)
{
	if (tmpfs_node(dentry_inode(dentry))->entry_count > 0) {
		return -ENOTEMPTY;
	}
	return tmpfs_unlink(directory, dentry);
}

static void exchange_entries(struct inode *old_directory, struct tmpfs_entry *old,
			     struct inode *new_directory, struct tmpfs_entry *new)
{
	struct inode *inode = old->inode;
	bool old_is = (inode->attributes.mode & S_IFMT) == S_IFDIR;
	bool new_is = (new->inode->attributes.mode &S_IFMT) == S_IFDIR;

	old->inode = new->inode;
	new->inode = inode;
	old_directory->attributes.link_count += (u32)new_is - (u32)old_is;
	new_directory->attributes.link_count += (u32)old_is - (u32)new_is;
	inode_touch(old_directory, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	inode_touch(new_directory, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	inode_touch(old->inode, ATTRIBUTE_CHANGED);
	inode_touch(new->inode, ATTRIBUTE_CHANGED);
}

static int tmpfs_rename(struct inode *old_directory, struct dentry *old_dentry,
			struct inode *new_directory, struct dentry *new_dentry,
			unsigned flags)
{
	struct tmpfs_entry *old = find(old_directory, old_dentry);
	struct tmpfs_entry *new = find(new_directory, new_dentry), *moved;
	struct inode *inode;

	if (!old) {
		return -ENOENT;
	}
	if (flags & RENAME_EXCHANGE) {
		if (!new) {
			return -ENOENT;
		}
		exchange_entries(old_directory, old, new_directory, new);
		return 0;
	}
	if (new && tmpfs_node(new->inode)->entry_count > 0) {
		return -ENOTEMPTY;
	}
	moved = entry_create(new_dentry);
	if (!moved) {
		return -ENOMEM;
	}
	if (new) {
		drop_name(new_directory, new);
	}
	inode = old->inode;
	entry_unlink(old_directory, old);
	heap_free(old);
	entry_link(new_directory, moved, inode);
	inode_touch(inode, ATTRIBUTE_CHANGED);
	return 0;
}

static unsigned directory_type(const struct inode *inode)
{
	return inode->attributes.mode >> 12; // DT_… are the type bits of the mode
}

static bool emit_dots(struct file *file, struct directory_context *context)
{
	struct dentry *parent = dentry_parent(file->path.dentry);
	u64 parent_number = dentry_inode(parent)->attributes.inode_number;

	dentry_put(parent);
	if (context->position == 0) {
		if (!context->emit(context, ".", 1, 1,
				   file->inode->attributes.inode_number, 4)) {
			return false;
		}
		context->position = 1;
	}
	if (context->position == 1) {
		if (!context->emit(context, "..", 2, FIRST_COOKIE, parent_number, 4)) {
			return false;
		}
		context->position = FIRST_COOKIE;
	}
	return true;
}

static struct tmpfs_entry *first_from(struct inode *directory, u64 cookie)
{
	struct rbtree_node *node = tmpfs_node(directory)->by_cookie.root;
	struct tmpfs_entry *best = NULL;

	while (node) {
		struct tmpfs_entry *entry =
			rbtree_entry(node, struct tmpfs_entry, cookie_node);

		if (entry->cookie >= cookie) {
			best = entry;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static int tmpfs_iterate(struct file *file, struct directory_context *context)
{
	struct inode *directory = file->inode;
	struct tmpfs_entry *entry;

	if (!emit_dots(file, context)) {
		return 0;
	}
	rwlock_lock_shared(&directory->lock);
	while ((entry = first_from(directory, context->position))) {
		if (!context->emit(context, entry->name, entry->length, entry->cookie + 1,
				   entry->inode->attributes.inode_number,
				   directory_type(entry->inode))) {
			break;
		}
		context->position = entry->cookie + 1;
	}
	rwlock_unlock_shared(&directory->lock);
	return 0;
}

static int no_sync(struct file *file, bool data_only)
{
	return 0; // memory is all there is
}

const struct inode_operations tmpfs_directory_operations = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.create_unnamed = tmpfs_create_unnamed,
	.make_directory = tmpfs_create,
	.make_node = tmpfs_make_node,
	.symbolic_link = tmpfs_symbolic_link,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.remove_directory = tmpfs_remove_directory,
	.rename = tmpfs_rename,
	.get_attributes = tmpfs_get_attributes,
	.get_xattr = tmpfs_get_xattr,
	.list_xattr = tmpfs_list_xattr,
	.set_xattr = tmpfs_set_xattr,
};

const struct file_operations tmpfs_directory_file_operations = {
	.seek = generic_seek,
	.iterate = tmpfs_iterate,
	.sync = no_sync,
};
