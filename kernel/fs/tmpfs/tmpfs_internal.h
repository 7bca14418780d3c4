// SPDX-License-Identifier: MIT
/* tmpfs: what its files share. */
#pragma once

#include "fs/directory.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/list.h"
#include "lib/rbtree.h"

struct tmpfs {
	u64 page_limit;  /* 0: none */
	u64 inode_limit; /* 0: none */
	u32 root_mode, root_uid, root_gid;
	_Atomic s64 pages, inodes; /* in use */
};

struct tmpfs_xattr {
	struct list link;
	char *name;
	void *value;
	size_t size;
};

/* inode->data */
struct tmpfs_node {
	struct rbtree by_name, by_cookie; /* directories: struct tmpfs_entry */
	u64 next_cookie;
	u64 entry_count;
	char *target;        /* links */
	u32 seals;           /* F_SEAL_* */
	s64 accounted_pages; /* of the object, as counted in tmpfs.pages; state_lock */
	struct list xattrs;
};

struct tmpfs_entry {
	struct rbtree_node name_node, cookie_node;
	struct list link; /* while a directory is torn down */
	u64 hash, cookie;
	struct inode *inode; /* a reference */
	u32 length;
	char name[];
};

static inline struct tmpfs *tmpfs_of(const struct super_block *super_block)
{
	return super_block->data;
}

static inline struct tmpfs_node *tmpfs_node(const struct inode *inode)
{
	return inode->data;
}

int tmpfs_remount(struct super_block *super_block, const char *options) must_check;

extern const struct inode_operations tmpfs_directory_operations,
	tmpfs_file_inode_operations, tmpfs_link_operations, tmpfs_special_operations;
extern const struct file_operations tmpfs_directory_file_operations,
	tmpfs_file_operations;

/* st_size of a directory: 20 for each entry, "." and ".." too, as Linux counts. */
static inline u64 tmpfs_directory_size(u64 entries)
{
	return (entries + 2) * 20;
}

/* An inode of type and permissions `mode`; directory NULL: owned by root. */
int tmpfs_make_inode(struct super_block *super_block, const struct inode *directory,
		     u32 mode, const struct credentials *owner,
		     struct inode **out) must_check;
void tmpfs_destroy_entries(struct inode *directory);
void tmpfs_account(struct inode *inode);
int tmpfs_get_attributes(struct inode *inode, struct inode_attributes *out);
int tmpfs_set_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which);
s64 tmpfs_get_xattr(struct inode *inode, const char *name, void *value, size_t size);
s64 tmpfs_list_xattr(struct inode *inode, char *list, size_t size);
int tmpfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
		    int flags);
void tmpfs_destroy_xattrs(struct tmpfs_node *node);
