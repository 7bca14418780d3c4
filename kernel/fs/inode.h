// SPDX-License-Identifier: MIT
/*
 * Inodes, names (dentries), file systems and their mounts.
 *
 * inode      one file; found through dentries and open files; references.
 * dentry     one name in a directory, positive (inode) or negative (NULL): a tree, so that a place keeps its name when it is renamed (R11).
 *	      A dentry holds a reference on its parent and on its inode. A positive one stays positive: a name that is removed is
 *	      unhashed and keeps its inode for whoever still holds it.
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
struct namespace;
struct path;
struct statfs;
struct super_block;
struct vm_object;
struct walk_context;

struct inode_attributes {
	u64 inode_number,
		device_id; /* device_id of the file system; 0: the super_block's */
	u32 mode, link_count, uid, gid;
	u64 special_device; /* st_rdev, makedev encoding of user space */
	u64 size, blocks;   /* bytes; 512-byte units */
	u32 block_size;
	nsec_t accessed, modified, changed, born;
};

/* setattr: which fields of inode_attributes are meant. */
enum {
	ATTRIBUTE_MODE = 1,
	ATTRIBUTE_UID = 2,
	ATTRIBUTE_GID = 4,
	ATTRIBUTE_SIZE = 8,
	ATTRIBUTE_ACCESSED = 16,
	ATTRIBUTE_MODIFIED = 32,
	ATTRIBUTE_CHANGED = 64,
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
	int (*create)(struct inode *directory, struct dentry *dentry, u32 mode,
		      const struct credentials *credentials);
	/* O_TMPFILE: a regular file without a name (link_count 0), with a reference. EOPNOTSUPP */
	int (*create_unnamed)(struct inode *directory, u32 mode,
			      const struct credentials *credentials, struct inode **out);
	int (*make_directory)(struct inode *directory, struct dentry *dentry, u32 mode,
			      const struct credentials *credentials);
	int (*make_node)(struct inode *directory, struct dentry *dentry, u32 mode,
			 u64 device, const struct credentials *credentials);
	int (*symbolic_link)(struct inode *directory, struct dentry *dentry,
			     const char *target, const struct credentials *credentials);
	int (*link)(struct inode *directory, struct dentry *dentry, struct inode *target);
	int (*unlink)(struct inode *directory, struct dentry *dentry);
	int (*remove_directory)(struct inode *directory, struct dentry *dentry);
	/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE. fs/ moves the dentries afterwards. */
	int (*rename)(struct inode *old_directory, struct dentry *old_dentry,
		      struct inode *new_directory, struct dentry *new_dentry,
		      unsigned flags);
	/* The target into `to` (at most size bytes, no NUL); its length. EINVAL if NULL. */
	int (*read_link)(struct inode *inode, char *to, size_t size);
	/* Magic links (/proc/PID/exe, fd/N): go to a place directly. Takes precedence over read_link when walking. */
	int (*follow_link)(struct inode *inode, const struct credentials *credentials,
			   struct path *out);
	/* NULL: inode->attributes as they are. */
	int (*get_attributes)(struct inode *inode, struct inode_attributes *out);
	/* inode.lock held exclusively; NULL: fs/ changes inode->attributes itself (and truncates inode->object for SIZE). */
	int (*set_attributes)(struct inode *inode,
			      const struct inode_attributes *attributes, unsigned which);
	/* NULL: mode bits decide. */
	int (*permission)(struct inode *inode, const struct credentials *credentials,
			  int wanted);
	/* Extended attributes; NULL: EOPNOTSUPP. size 0 asks for the length. */
	s64 (*get_xattr)(struct inode *inode, const char *name, void *value, size_t size);
	s64 (*list_xattr)(struct inode *inode, char *list, size_t size);
	/* flags: XATTR_CREATE, XATTR_REPLACE; value NULL: remove. */
	int (*set_xattr)(struct inode *inode, const char *name, const void *value,
			 size_t size, int flags);
	/* Is a cached name still true? NULL: always. false: it is dropped and looked up again. (procfs, rw shares) */
	bool (*revalidate)(struct dentry *dentry);
};

/* A member of a list that is NULL when it is empty, by its head or the node in front of it. */
struct notify_node {
	struct notify_node *next, **link;
};

/* Who asks to be told of what happens to an object, and of what all together (fs/notify/). Zero at first. */
struct notify_target {
	struct notify_node *marks; /* notify_lock */
	u32 wanted;                /* notify_lock; read without */
};

struct inode {
	struct refcount references;
	struct super_block *super_block;
	const struct inode_operations *operations;
	const struct file_operations *
		file_operations; /* what open(2) gives; devices and FIFOs: set by fs/ from mode and special_device */
	void *data; /* the file system's own */

	struct rwlock lock;                 /* directory contents, attributes, writes */
	struct inode_attributes attributes; /* lock; single words may be read without */
	struct vm_object *object;           /* page cache; NULL: none */

	struct spinlock state_lock; /* RANK_INODE_CACHE */
	s32 writers; /* state_lock: > 0: open for writing n times; < 0: being executed (ETXTBSY) */
	struct file_lock_list *locks; /* flock, POSIX, OFD; made on first use */
	void *pipe;                   /* FIFO: struct pipe of ipc/; state_lock */
	void *socket;                 /* bound unix socket */
	bool removed;                 /* directory was removed: no creates inside */
	bool unnamed;                 /* O_TMPFILE: link(2) may give it a first name */
	struct notify_target notify;
};

struct dentry {
	struct refcount references; /* one of them is the cache's while it is hashed */
	struct dentry *parent;      /* tree lock; itself for a root */
	char *name;                 /* tree lock */
	u32 name_length;
	u64 hash;
	char short_name[32]; /* where `name` points if it fits */
	struct inode *
		inode; /* NULL: negative. Set once, never cleared; read with dentry_inode() */
	struct super_block *super_block;
	struct list child_link; /* parent's children; tree lock */
	struct list children;
	struct list hash_link; /* empty: unhashed (removed) */
	struct list lru_link;
	bool recently_used; /* tree lock: second chance before it is dropped */
	bool mounted_on;    /* a mount may be attached here: look */
	void *data;         /* the file system's own (zero at first) */
};

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

struct file_system_type {
	const char *name;
	/* mount(2): source, data string. May sleep. */
	int (*mount)(const struct file_system_type *type, const char *source,
		     unsigned long flags, const char *data, struct super_block **out);
	/* Instead, where a user mounts it: for types whose options name places (overlay) or ids (tmpfs). `context` is the caller's. */
	int (*mount_at)(const struct file_system_type *type,
			const struct walk_context *context, const char *source,
			unsigned long flags, const char *data, struct super_block **out);
	/* The caller's namespace that it shows, borrowed: who mounts it needs CAP_SYS_ADMIN over that. NULL: it shows none. */
	struct namespace *(*shown_namespace)(void);
	unsigned flags; /* FILE_SYSTEM_* */
	struct file_system_type *next;
};
enum {
	FILE_SYSTEM_NODEV = 1,
	FILE_SYSTEM_FOR_ALL =
		2, /* CAP_SYS_ADMIN in any user namespace is enough to mount it */
	FILE_SYSTEM_REVEALS =
		4, /* it is about the machine: mounts over parts of it are to hide these */
	FILE_SYSTEM_DEVICES =
		8, /* its device nodes are its own making: they open whoever mounted it */
};

struct super_block_operations {
	void (*destroy_inode)(
		struct inode *inode); /* last reference gone: free inode->data */
	/* The last mount and the last inode went: free super_block->data. */
	void (*unmount)(struct super_block *super_block);
	/* Fill f_type, f_blocks, f_files, …; fs/ has filled f_bsize, f_frsize, f_namelen, f_fsid and f_flags. NULL: those alone. */
	int (*statfs)(struct super_block *super_block, struct statfs *out);
	int (*sync)(struct super_block *super_block);
	/* MS_REMOUNT with options; NULL: they are not looked at. -EINVAL */
	int (*remount)(struct super_block *super_block, const char *data);
	int (*show_options)(struct super_block *super_block, char *to, size_t size);
};

enum { FILE_SYSTEM_STACK_MAX = 2 };

struct super_block {
	struct refcount references; /* inodes, and one for all mounts together */
	_Atomic u32 mounts;
	_Atomic u32 writers; /* files open for writing in any of them */
	const struct file_system_type *type;
	const struct super_block_operations *operations;
	u64 device_id; /* st_dev */
	struct user_namespace
		*owner;     /* of who mounted it first; a reference; NULL: the first */
	bool read_only;     /* now; mount_lock to change */
	bool only_readable; /* it cannot be written to ever */
	bool forgets_names; /* /proc: a name nobody holds is dropped at once, with what its inode pins */
	bool treeless; /* nsfs: a file's name is that of its dentry, which hangs in no tree */
	unsigned
		stack_depth; /* I: how many others it stands on, at most: an overlay one more than the deepest of its layers */
	struct dentry *root;
	void *data;
	struct mutex rename_lock;
	_Atomic u64 next_inode_number;
	struct notify_node
		*watched; /* notify_lock; read without: NULL: nothing in it is marked */
	struct notify_target notify;
};

void file_system_register(struct file_system_type *type);

/* --- inodes --- */
/* Zeroed, one reference, lock ready; inode_number is the next free one of the super block, times are now, link_count is 1. */
int inode_create(struct super_block *super_block, struct inode **out) must_check;
void inode_get(struct inode *inode);
bool inode_try_get(struct inode *inode)
	must_check; /* from a file system's own table of inodes, under its lock */
void inode_put(struct inode *inode); /* may sleep */
void inode_lock(struct inode *inode) ACQUIRES(&inode->lock);
void inode_unlock(struct inode *inode) RELEASES(&inode->lock);
/* For writing / against writing (a program being run): 0 or -ETXTBSY; and back. */
int inode_begin_write(struct inode *inode) must_check;
void inode_end_write(struct inode *inode);
int inode_deny_write(struct inode *inode) must_check;
void inode_allow_write(struct inode *inode);
static inline u64 inode_size(const struct inode *inode)
{
	return READ_ONCE(inode->attributes.size);
}

static inline bool inode_is_directory(const struct inode *inode)
{
	return (inode->attributes.mode & 0170000) == 0040000;
}

/* --- dentries --- */
/* Takes over the caller's reference on the inode, also when it fails. */
int dentry_create_root(struct super_block *super_block, struct inode *inode,
		       struct dentry **out) must_check;
void dentry_set_inode(struct dentry *dentry,
		      struct inode *inode); /* takes over the caller's reference */
void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry); /* may sleep; NULL is nothing */
static inline struct inode *dentry_inode(const struct dentry *dentry)
{
	/* order.once: pairs with dentry_set_inode() */
	return __atomic_load_n(&dentry->inode, __ATOMIC_ACQUIRE);
}
/*
 * The entry `name` of a directory, positive or negative, from the cache or by the file system's lookup. No permission check, no mounts,
 * no "." and "..". The caller holds no lock (…_locked: parent's inode.lock, exclusively).
 */
int dentry_lookup(struct dentry *parent, const char *name, size_t length,
		  struct dentry **out) must_check;
int dentry_lookup_locked(struct dentry *parent, const char *name, size_t length,
			 struct dentry **out) must_check;
/* The cached entry with a reference, or NULL. */
struct dentry *dentry_find_cached(struct dentry *parent, const char *name, size_t length);
/* Forget the name (the dentry lives on for its holders): removed, or no longer true. */
void dentry_unhash(struct dentry *dentry);
bool dentry_unhashed(const struct dentry *dentry);
struct dentry *dentry_parent(struct dentry *dentry); /* with a reference */
/* Forget all names that nobody uses. May sleep. */
void dentry_drop_unused(void);

/* --- super blocks --- */
/* device_id is new; no root yet: the caller sets root, with a reference that the super block owns. */
int super_block_create(const struct file_system_type *type,
		       const struct super_block_operations *operations,
		       struct super_block **out) must_check;
/*
 * Say, before it has inodes, that it stands on file systems of which the deepest has stack_depth `below`: its locks are
 * outside theirs. -EINVAL: that is too many on one another for the kernel's stack (Linux's limit).
 */
int super_block_stack(struct super_block *super_block, unsigned below) must_check;
void super_block_get(struct super_block *super_block);
void super_block_put(struct super_block *super_block);
/* Give a file system that was never mounted back (a failed or an inner mount): drops root and the cached names. */
void super_block_shutdown(struct super_block *super_block);
