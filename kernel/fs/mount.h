// SPDX-License-Identifier: MIT
/*
 * Mounts: where the tree of a super block is attached to the tree of names.
 *
 * Locks   mount_lock (mutex): every change. fs_tree_lock (spin): the links; walks read under it.
 *
 * Where the rules are: mount.c life and links; mount_copy.c copies of trees, namespaces; mount_peers.c who is peer and
 * slave of whom; mount_propagate.c what they hear; mount_graft.c, unmount.c one change with all it brings along.
 */
#pragma once

#include "core/namespace.h"
#include "core/refcount.h"
#include "fs/inode.h"
#include "lib/list.h"

struct fs_info;
struct walk_context;

/*
 * The mounts that some processes see: a tree. Made by clone and unshare, but for the first. The last holder to let go
 * takes the mounts down, so its put may sleep (R2).
 */
struct mount_namespace {
	struct namespace base; /* first */
	struct mount *root;    /* tree lock; NULL: not there yet, or gone. A reference */
	struct list mounts;    /* tree lock; the attached ones, oldest first */
	u32 count, pending;    /* mount_lock */
	struct list link;      /* tree lock; of all namespaces */
};

extern struct mount_namespace first_mount_namespace;

/*
 * One attachment of a file system's tree, or of a part of it. What stands for "tree" below changes with mount_lock
 * and fs_tree_lock held and is read with either; scratch belongs to who holds mount_lock.
 */
struct mount {
	struct refcount
		references; /* paths that point here, child mounts, and one while attached */
	struct mount *parent;      /* tree; NULL: the root, or detached. A reference */
	struct dentry *mountpoint; /* tree; in parent; a reference */
	struct dentry *root;       /* I; a reference */
	struct super_block *super_block;   /* I */
	struct mount_namespace *namespace; /* tree; NULL: not attached */
	_Atomic u32 flags; /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, … */
	_Atomic u32 writers;   /* files open for writing */
	_Atomic bool expiring; /* MNT_EXPIRE was here, and nobody since */
	u32 id, copied_from;   /* I; copied_from: 0 or the id of the original */
	char *source;          /* I */

	/* tree */
	struct list children, child_link;
	struct list link;       /* namespace->mounts */
	struct list point_link; /* those attached at dentries of one hash */

	/* tree; who hears of what happens here (mount_peers.c) */
	struct list peers; /* a ring without a head */
	struct mount *master;
	struct list slaves, slave_link;
	u32 group; /* number of the ring; 0: none */
	bool shared, unbindable;

	/* mount_lock; it came from a namespace of more power (user_namespaces(7)) */
	bool locked;      /* not to be taken away from what it covers */
	u32 locked_flags; /* not to be changed */

	struct notify_target notify;

	/* scratch */
	struct list work, heard;
	struct mount *copy; /* of this one, in the tree being made */
	struct mount *template;
	bool template_is_peer, marked, leaving;
	struct path left; /* where it was attached: references to be put */
};

void mount_get(struct mount *mount);
void mount_put(struct mount *mount); /* may sleep; NULL is nothing */
/* A mount of `dentry`'s tree (its own references), not attached anywhere. */
int mount_create(struct dentry *root, const char *source, unsigned flags,
		 struct mount **out) must_check;
/* Mount a type by name without attaching it (overlay's layers, kernel-internal mounts). */
int mount_create_type(const char *type, const char *source, unsigned long flags,
		      const char *data, struct mount **out) must_check;
/* The same for a caller whose options may name places; context NULL: none (overlay: -EINVAL). */
int mount_create_at(const struct walk_context *context, const char *type,
		    const char *source, unsigned long flags, const char *data,
		    struct mount **out) must_check;

/* 0, or -EROFS if the mount or its file system is read-only. */
int mount_writable(const struct mount *mount) must_check;
/* The same for a file that is open for writing until mount_end_write(): nobody makes it read-only meanwhile. */
int mount_begin_write(struct mount *mount) must_check;
void mount_end_write(struct mount *mount);

static inline struct mount_namespace *mount_namespace_of(struct namespace *namespace)
{
	return container_of(namespace, struct mount_namespace, base);
}
/* After a copy: root and cwd of `fs`, which nobody else uses yet, go to the copies of the mounts where they are. */
void mount_namespace_move_places(struct mount_namespace *namespace, struct fs_info *fs);
/* Its root directory as one sees it, with references. -ENOENT: it has none. */
int mount_namespace_root(struct mount_namespace *namespace, struct path *out) must_check;

/* Is it one of those that processes in `namespace` (NULL: in one at all) see? A detached one is nobody's. Context: thread, no spinlock held; does not sleep. */
bool mount_in_namespace(const struct mount *mount,
			const struct mount_namespace *namespace);

/* For /proc: the n-th mount of a namespace, if visible below `root`, as text of /proc/mounts (mountinfo: with ids). Length, 0: no more. */
enum mount_text { MOUNT_TEXT_MOUNTS, MOUNT_TEXT_MOUNTINFO, MOUNT_TEXT_MOUNTSTATS };
enum { MOUNT_TEXT_SCRATCH = 5 * 4096 /* bytes of the caller's, for names */ };
int mount_describe(struct mount_namespace *namespace, unsigned n, const struct path *root,
		   enum mount_text form, char *to, size_t size, void *scratch);
/* The n-th registered type for /proc/filesystems, or NULL. */
const struct file_system_type *file_system_nth(unsigned n);
