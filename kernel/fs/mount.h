// SPDX-License-Identifier: MIT
/*
 * Mounts: where the tree of a super block is attached to the tree of names.
 *
 * Locks   mount_lock (mutex): every change. fs_tree_lock (spin): the links; walks read under it.
 */
#pragma once

#include "core/refcount.h"
#include "fs/inode.h"
#include "lib/list.h"

struct walk_context;

struct mount {
	struct refcount
		references; /* paths that point here, child mounts, and one while attached */
	struct mount *parent; /* tree lock; NULL: the root, or detached. A reference */
	struct dentry *mountpoint;       /* tree lock; in parent; a reference */
	struct dentry *root;             /* I; a reference */
	struct super_block *super_block; /* I */
	_Atomic u32 flags; /* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, … */
	bool attached;     /* tree lock */
	u32 id;
	char *source;
	struct list link; /* tree lock: all attached mounts, oldest first */
};

void mount_get(struct mount *mount);
void mount_put(struct mount *mount); /* may sleep */
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
int mount_attach(struct mount *mount, const struct path *at) must_check;

/* 0, or -EROFS if the mount or its file system is read-only. */
int mount_writable(const struct mount *mount) must_check;

/* For /proc: the n-th attached mount visible below `root` as text of /proc/mounts (mountinfo: with ids). Length, 0: no more. */
enum mount_text { MOUNT_TEXT_MOUNTS, MOUNT_TEXT_MOUNTINFO, MOUNT_TEXT_MOUNTSTATS };
int mount_describe(unsigned n, const struct path *root, enum mount_text form, char *to,
		   size_t size);
/* The n-th registered type for /proc/filesystems, or NULL. */
const struct file_system_type *file_system_nth(unsigned n);
