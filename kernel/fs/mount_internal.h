// SPDX-License-Identifier: MIT
/* The trees of mounts, for the files of fs/ that change them. */
#pragma once

#include "fs/fs_internal.h"
#include "fs/mount.h"
#include "lib/list.h"
#include "sync/mutex.h"

enum {
	/* flags that belong to the mount, not to the file system */
	MOUNT_FLAGS = 0x1 /* MS_RDONLY */ | 0x2 /* NOSUID */ | 0x4 /* NODEV */ |
		      0x8 /* NOEXEC */ | 0x100 /* NOSYMFOLLOW */ | 0x400 /* NOATIME */ |
		      0x800 /* NODIRATIME */ | 0x200000 /* RELATIME */ |
		      0x1000000 /* STRICTATIME */,
	MOUNTS_MAX = 100000, /* in one namespace, as fs.mount-max */
};

extern struct mutex mount_lock;
extern struct list mount_namespaces; /* fs_tree_lock */

/* ---- links (mount.c) ---- */
/* Attach below `parent`, which need not be in a namespace. The caller's reference on `mount` becomes the attachment's. */
void mount_place_locked(struct mount *mount, struct mount *parent,
			struct dentry *mountpoint) MUST_HOLD(&fs_tree_lock);
/* Take out of the tree; the references on the place are in mount->left then. */
void mount_unplace_locked(struct mount *mount) MUST_HOLD(&fs_tree_lock);
void mount_enter_locked(struct mount *mount, struct mount_namespace *namespace)
	MUST_HOLD(&fs_tree_lock);
void mount_leave_locked(struct mount *mount) MUST_HOLD(&fs_tree_lock);
/* What is attached at this place, without a reference. Either lock. */
struct mount *mount_at(struct mount *parent, const struct dentry *mountpoint);
/* The tree of `top` in preorder; _skip: not what is below `mount`. NULL: the end. Either lock. */
struct mount *mount_next(struct mount *mount, const struct mount *top);
struct mount *mount_next_skip(struct mount *mount, const struct mount *top);
bool mount_is_below(const struct mount *mount, const struct mount *top);
/* Is `dentry` top, or below it? */
bool dentry_is_below(const struct dentry *dentry, const struct dentry *top)
	MUST_HOLD(&fs_tree_lock);

/* mount_put() that is not a use of the mount (MNT_EXPIRE). */
void mount_put_unmarked(struct mount *mount);

/* ---- copies (mount_copy.c): mount_lock held ---- */
enum {
	COPY_MAKE_SHARED = 1,     /* a peer of its original, or in a new ring */
	COPY_MAKE_SLAVE = 2,      /* a slave of its original */
	COPY_WITH_UNBINDABLE = 4, /* else these are left out, with what is below them */
	COPY_TOP_ONLY = 8,
	COPY_NAMESPACE_FILES = 32, /* also those of mount namespaces */
	COPY_FOR_LESS_POWER = 16,  /* for a namespace of another user namespace */
};
/* Copies of the part of top's tree below `root`, in no namespace. -ENOMEM */
int mount_copy_tree(struct mount *top, struct dentry *root, unsigned how,
		    struct mount **out) must_check;
/* Give back a tree that is in no namespace: what it held goes to `gone`. */
void mount_discard_tree(struct mount *top, struct list *gone);
/* Put everything that left the tree, and so is nobody else's; mount_lock not held. */
void mount_release_gone(struct list *gone);
void mount_namespaces_init(void);

/* ---- peers (mount_peers.c) ---- */
u32 mount_new_group(void);
void mount_join_peer_locked(struct mount *mount, struct mount *peer)
	MUST_HOLD(&fs_tree_lock);
void mount_join_master_locked(struct mount *mount, struct mount *master)
	MUST_HOLD(&fs_tree_lock);
/* `type`: one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. */
void mount_change_type_locked(struct mount *mount, unsigned long type)
	MUST_HOLD(&fs_tree_lock);

/* ---- propagation (mount_propagate.c): mount_lock held ---- */
/* All that hear of changes in `origin`, itself first, linked by heard; nearer ones first. */
void mount_listeners(struct mount *origin, struct list *listeners);
void mount_listeners_end(struct list *listeners);
/* Copies of the tree `top` for each listener of at->mount; each has its place in `left`, without references. */
int mount_propagate_prepare(struct mount *top, const struct path *at,
			    struct list *copies) must_check;

/* ---- changes (mount_graft.c, unmount.c): mount_lock held ---- */
/*
 * Attach the tree `top`, whose references it takes, at a place, and copies of it where that is heard of. `moving`: it
 * is attached somewhere now. -ENOMEM, -ENOSPC: nothing has changed, and top is still the caller's.
 */
int mount_graft(struct mount *top, const struct path *at, bool moving,
		struct list *gone) must_check;
/* The tree of `top` leaves its namespace, if any; `propagate`: and what hears of it. Each mount is on its own then. */
void mount_remove_tree(struct mount *top, bool propagate, struct list *gone);
/* The same for one mount that nobody uses but the caller's reference and the attachment, or -EBUSY. */
int mount_remove_unused(struct mount *mount, struct list *gone) must_check;
/*
 * Take mount_lock with `at` moved to what is on top there, in the caller's namespace, and not removed while the
 * lock is held. -EINVAL, -ENOENT: not taken.
 */
int mount_lock_place(const struct walk_context *context,
		     struct path *at) must_check NO_THREAD_SAFETY;
void mount_unlock_place(const struct path *at) NO_THREAD_SAFETY;
bool mount_is_ours(const struct walk_context *context, const struct mount *mount);
/* What was unplaced but lives on: the references in `left` are to be put, before mount_lock is let go of. */
void mount_forget_place_locked(struct mount *mount, struct list *moved)
	MUST_HOLD(&fs_tree_lock);
void mount_put_places(struct list *moved);

/* ---- the file system behind (remount.c) ---- */
/* Has the caller CAP_SYS_ADMIN over its mounts? */
bool mount_permitted(const struct walk_context *context);
/* A mount just made, before it is attached. -EPERM: it would show what is covered in the caller's namespace (mount_reveal.c). */
int mount_check_revealing(const struct walk_context *context,
			  struct mount *mount) must_check;
int mount_remount(const struct walk_context *context, const struct path *path,
		  unsigned long flags, const char *data) must_check;
/* -EROFS: it cannot be written to; -EBUSY: it is being written to. */
int super_block_set_read_only(struct super_block *super_block, bool read_only) must_check;
