// SPDX-License-Identifier: MIT
/*
 * Inodes, names (dentries), file systems and their mounts.
 *
 * inode      one file; found through dentries and open files; references.
 * dentry     one name in a directory, positive (inode) or negative (NULL): a tree, so that a place keeps its name when it is renamed (R11).
 *	      A dentry holds a reference on its parent and on its inode.
 * super_block one mounted instance of a file system; mount: where a super_block's tree is attached.
 * path       (mount, dentry): a place. Both referenced.
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "cred/credentials.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sync/mutex.h"
#include "sync/rwlock.h"

struct dentry;
struct file;
struct file_operations;
struct inode;
struct mount;
struct path;
struct super_block;
struct vm_object;

struct inode_attributes {
	u64 inode_number, device_id;	/* device_id of the file system; 0: the super_block's */
	u32 mode, link_count, uid, gid;
	u64 special_device;		/* st_rdev, makedev encoding of user space */
	u64 size, blocks;		/* bytes; 512-byte units */
	u32 block_size;
	nsec_t accessed, modified, changed, born;
};

/* setattr: which fields of inode_attributes are meant. */
enum {
	ATTRIBUTE_MODE = 1, ATTRIBUTE_UID = 2, ATTRIBUTE_GID = 4, ATTRIBUTE_SIZE = 8,
	ATTRIBUTE_ACCESSED = 16, ATTRIBUTE_MODIFIED = 32, ATTRIBUTE_CHANGED = 64,
};

/* Directory listing: returns false when the buffer is full (the entry will come again from `position`). */
struct directory_context {
	bool (*emit)(struct directory_context *context, const char *name, size_t length,
		     u64 position_after, u64 inode_number, unsigned type /* DT_… */);
	u64 position;
};

/* Operations run with the directory's inode.lock held exclusively (lookup: shared), may sleep; permissions have been checked by fs/. NULL: EPERM (or the errno named). */
struct inode_operations {
	/* Find `dentry->name`: set the inode with dentry_set_inode(), or leave it negative. Errors other than "not there". */
	int (*lookup)(struct inode *directory, struct dentry *dentry);
	int (*create)(struct inode *directory, struct dentry *dentry, u32 mode, const struct credentials *credentials);
	int (*make_directory)(struct inode *directory, struct dentry *dentry, u32 mode, const struct credentials *credentials);
	int (*make_node)(struct inode *directory, struct dentry *dentry, u32 mode, u64 device, const struct credentials *credentials);
	int (*symbolic_link)(struct inode *directory, struct dentry *dentry, const char *target, const struct credentials *credentials);
	int (*link)(struct inode *directory, struct dentry *dentry, struct inode *target);
	int (*unlink)(struct inode *directory, struct dentry *dentry);
	int (*remove_directory)(struct inode *directory, struct dentry *dentry);
	/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE. fs/ moves the dentries afterwards. */
	int (*rename)(struct inode *old_directory, struct dentry *old_dentry,
		      struct inode *new_directory, struct dentry *new_dentry, unsigned flags);
	/* The target into `to` (at most size bytes, no NUL); its length. EINVAL if NULL. */
	int (*read_link)(struct inode *inode, char *to, size_t size);
	/* Magic links (/proc/PID/exe, fd/N): go to a place directly. Takes precedence over read_link when walking. */
	int (*follow_link)(struct inode *inode, const struct credentials *credentials, struct path *out);
	/* NULL: inode->attributes as they are. */
	int (*get_attributes)(struct inode *inode, struct inode_attributes *out);
	/* inode.lock held exclusively; NULL: fs/ changes inode->attributes itself (and truncates inode->object for SIZE). */
	int (*set_attributes)(struct inode *inode, const struct inode_attributes *attributes, unsigned which);
	/* NULL: mode bits decide. */
	int (*permission)(struct inode *inode, const struct credentials *credentials, int wanted);
	/* Extended attributes; NULL: EOPNOTSUPP. size 0 asks for the length. */
	s64 (*get_xattr)(struct inode *inode, const char *name, void *value, size_t size);
	s64 (*list_xattr)(struct inode *inode, char *list, size_t size);
	int (*set_xattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
	/* Is a cached name still true? NULL: always. false: it is dropped and looked up again. (procfs, rw shares) */
	bool (*revalidate)(struct dentry *dentry);
};

struct inode {
	struct refcount references;
	struct super_block *super_block;
	const struct inode_operations *operations;
	const struct file_operations *file_operations; /* what open(2) gives; devices and FIFOs: set by fs/ from mode and special_device */
	void *data;			/* the file system's own */

	struct rwlock lock;		/* directory contents, attributes, writes */
	struct inode_attributes attributes; /* lock; single words may be read without */
	struct vm_object *object;	/* page cache; NULL: none */

	struct spinlock state_lock;	/* RANK_INODE_CACHE */
	s32 writers;			/* state_lock: > 0: open for writing n times; < 0: being executed (ETXTBSY) */
	struct file_lock_list *locks;	/* flock, POSIX, OFD; made on first use */
	void *pipe;			/* FIFO: struct pipe of ipc/; state_lock */
	void *socket;			/* bound unix socket */
	bool removed;			/* directory was removed: no creates inside */
};

struct dentry {
	struct refcount references;
	struct spinlock lock;
	struct dentry *parent;		/* tree lock; itself for a root */
	char *name;			/* tree lock */
	u32 name_length;
	u64 hash;
	struct inode *inode;		/* NULL: negative. Set once, cleared by unlink */
	struct super_block *super_block;
	struct list child_link;		/* parent's children; tree lock */
	struct list children;
	struct list hash_link;		/* empty: unhashed (removed) */
	struct list lru_link;
	bool mounted_on;		/* a mount may be attached here: look */
};

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

struct file_system_type {
	const char *name;
	/* mount(2): source, data string. May sleep. */
	int (*mount)(const struct file_system_type *type, const char *source, unsigned long flags,
		     const char *data, struct super_block **out);
	unsigned flags;			/* FILE_SYSTEM_* */
	struct file_system_type *next;
};
enum { FILE_SYSTEM_NODEV = 1 };

struct kernel_statfs;
struct super_block_operations {
	void (*destroy_inode)(struct inode *inode);	/* last reference gone: free inode->data */
	void (*unmount)(struct super_block *super_block);
	int (*statfs)(struct super_block *super_block, void *kstatfs /* struct statfs */);
	int (*sync)(struct super_block *super_block);
	int (*show_options)(struct super_block *super_block, char *to, size_t size);
};

struct super_block {
	struct refcount references;	/* mounts and open inodes */
	const struct file_system_type *type;
	const struct super_block_operations *operations;
	u64 device_id;			/* st_dev */
	bool read_only;
	struct dentry *root;
	void *data;
	struct mutex rename_lock;
	_Atomic u64 next_inode_number;
};

void file_system_register(struct file_system_type *type);

/* --- inodes --- */
int inode_create(struct super_block *super_block, struct inode **out) must_check; /* zeroed, one reference, lock ready */
void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* may sleep */
/* --- dentries --- */
int dentry_create_root(struct super_block *super_block, struct inode *inode, struct dentry **out) must_check;
void dentry_set_inode(struct dentry *dentry, struct inode *inode); /* takes over the caller's reference */
void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
/* --- super blocks --- */
int super_block_create(const struct file_system_type *type, const struct super_block_operations *operations, struct super_block **out) must_check;
void super_block_put(struct super_block *super_block);
