// SPDX-License-Identifier: MIT
/* What the files of 9p know of each other. */
#pragma once

#include "fs/9p/transport.h"
#include "fs/inode.h"
#include "fs/page_file.h"
#include "vm/vm_object.h"

enum { P9_TABLE_SIZE = 4096, P9_OPEN_MAX = 128, P9_DEFAULT_SIZE = 512000, P9_SPARES = 4 };

/* A mount. Legend: I immutable · t table_lock · o open_lock */
struct p9_mount {
	struct p9_channel *channel; /* I */
	u32 message_size;           /* I: as agreed */
	bool snapshot; /* I: what was seen once stays true: everything is cached for good */
	u32 root_fid; /* I */
	struct spinlock table_lock;
	struct list table[P9_TABLE_SIZE]; /* t: p9_node.table_link by qid.path */
	struct spinlock open_lock;
	struct list
		open_files; /* o: p9_open.link of snapshot mounts' readers, least recently used first */
	u32 open_count; /* o */
};

/* An open fid. References: the node's, and one for each I/O. */
struct p9_open {
	struct refcount references;
	struct p9_mount *mount;
	struct p9_node
		*node;    /* o: whose reader or writer it is; NULL: nobody's any more */
	struct list link; /* o */
	u32 fid;
};

/* A file: inode->data. */
struct p9_node {
	struct inode *inode;
	struct p9_qid qid;
	_Atomic u32
		fid; /* where walks start: a place by name, so another after its name went */
	u32 spare_fids[P9_SPARES]; /* o: at other names of it, seen earlier */
	u32 spare_count;           /* o */
	struct list table_link;
	struct p9_open *reader, *writer; /* o */
	u32 opens;                       /* o: open files */
	char *target; /* of a symbolic link, once read (snapshots); under inode.lock */
	u32 target_length;
};

static inline struct p9_mount *p9_mount_of(const struct inode *inode)
{
	return inode->super_block->data;
}

static inline struct p9_node *p9_node_of(const struct inode *inode)
{
	return inode->data;
}

/* --- calls.c: one message each --- */
struct p9_attributes {
	struct p9_qid qid;
	struct inode_attributes attributes;
};

int p9_version(struct p9_channel *channel, u32 *message_size) must_check;
int p9_attach(struct p9_channel *channel, u32 fid, const char *user, const char *tree,
	      struct p9_qid *qid) must_check;
/* A new fid at `name` below `fid` (NULL: the same place). -ENOENT */
int p9_walk(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	    u32 *out, struct p9_qid *qid) must_check;
int p9_get_attributes(struct p9_channel *channel, u32 fid,
		      struct p9_attributes *out) must_check;
int p9_set_attributes(struct p9_channel *channel, u32 fid,
		      const struct inode_attributes *attributes, u32 valid) must_check;
int p9_open_fid(struct p9_channel *channel, u32 fid, u32 flags) must_check;
int p9_create(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	      u32 flags, u32 mode, u32 gid) must_check;
s64 p9_read(struct p9_channel *channel, u32 fid, u64 offset,
	    const struct virtio_segment *segments, unsigned count);
s64 p9_write(struct p9_channel *channel, u32 fid, u64 offset,
	     const struct virtio_segment *segments, unsigned count);
s64 p9_read_link(struct p9_channel *channel, u32 fid, char *to, size_t size);
/* Messages that are a directory's fid, a name and some numbers. */
int p9_make_directory(struct p9_channel *channel, u32 fid, const char *name,
		      size_t length, u32 mode, u32 gid) must_check;
int p9_make_link(struct p9_channel *channel, u32 fid, const char *name, size_t length,
		 const char *target, u32 gid) must_check;
int p9_make_node(struct p9_channel *channel, u32 fid, const char *name, size_t length,
		 u32 mode, u64 device, u32 gid) must_check;
int p9_link(struct p9_channel *channel, u32 directory, u32 fid, const char *name,
	    size_t length) must_check;
int p9_unlink(struct p9_channel *channel, u32 fid, const char *name, size_t length,
	      bool directory) must_check;
int p9_rename(struct p9_channel *channel, u32 old_fid, const char *old_name,
	      size_t old_length, u32 new_fid, const char *new_name,
	      size_t new_length) must_check;
int p9_sync(struct p9_channel *channel, u32 fid, bool data_only) must_check;

/* --- node.c --- */
/* The inode of what `fid` (taken over) stands at; a known one if the qid is known. */
int p9_node_find(struct super_block *super_block, u32 fid, const struct p9_qid *qid,
		 struct inode **out) must_check;
/* A name of it is gone: stand at another one, if one is known. */
void p9_node_lost_name(struct inode *inode);
void p9_destroy_inode(struct inode *inode);
/* Ask the server and remember. */
int p9_refresh(struct inode *inode, struct inode_attributes *out) must_check;

/* --- open.c --- */
/* An open fid for reading (writing), with a reference: the node's, or a new one. */
int p9_reader(struct p9_node *node, struct p9_open **out) must_check;
int p9_writer(struct p9_node *node, struct p9_open **out) must_check;
void p9_open_put(struct p9_open *open);
/* `fid` is open for reading and writing: the node's from now on. Takes the fid over. */
int p9_open_adopt(struct p9_node *node, u32 fid) must_check;
void p9_node_opened(struct p9_node *node);
/* false: there are other open files of it. */
bool p9_node_closed(struct p9_node *node);
void p9_node_forget_opens(struct p9_node *node);

extern const struct inode_operations p9_directory_operations,
	p9_writable_directory_operations;
extern const struct inode_operations p9_file_inode_operations,
	p9_writable_inode_operations;
extern const struct inode_operations p9_link_operations, p9_writable_link_operations;
extern const struct file_operations p9_file_operations, p9_writable_file_operations;
extern const struct file_operations p9_directory_file_operations;
extern const struct vm_object_operations p9_object_operations,
	p9_writable_object_operations;

/* --- directory.c --- */
int p9_lookup(struct inode *directory, struct dentry *dentry);
int p9_get_attributes_cached(struct inode *inode, struct inode_attributes *out);

/* --- modify.c: inode operations of writable shares --- */
int p9_change_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which);
int p9_create_file(struct inode *directory, struct dentry *dentry, u32 mode,
		   const struct credentials *credentials);
int p9_create_directory(struct inode *directory, struct dentry *dentry, u32 mode,
			const struct credentials *credentials);
int p9_create_node(struct inode *directory, struct dentry *dentry, u32 mode, u64 device,
		   const struct credentials *credentials);
int p9_create_link(struct inode *directory, struct dentry *dentry, const char *target,
		   const struct credentials *credentials);
int p9_add_link(struct inode *directory, struct dentry *dentry, struct inode *target);
int p9_remove_name(struct inode *directory, struct dentry *dentry);
int p9_remove_directory(struct inode *directory, struct dentry *dentry);
int p9_move_name(struct inode *old_directory, struct dentry *old_dentry,
		 struct inode *new_directory, struct dentry *new_dentry, unsigned flags);
