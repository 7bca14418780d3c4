// SPDX-License-Identifier: MIT
/* What the files of fs/ share with each other and with nobody else. */
#pragma once

#include "core/spinlock.h"
#include "fs/directory.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"

/*
 * The tree of names and the tree of mounts: dentry.parent, name, hash, children, LRU links; mount.parent, mountpoint, link.
 * One lock, so that a name can be followed upward through both without letting go.
 */
extern struct spinlock fs_tree_lock;

void dentry_cache_init(void);
/* Drop every cached name of a super block that nobody uses; NULL: of all. */
void dentry_shrink(struct super_block *super_block);
/* Drop the cached names below a directory that nobody uses. */
void dentry_prune_children(struct dentry *directory);
/* After the file system renamed: `dentry` takes name and parent of `target`, which is unhashed (or, exchanged, takes its). */
void dentry_move(struct dentry *dentry, struct dentry *target, bool exchange);
/* A dentry on its own, not in the cache (anonymous files, O_TMPFILE). `parent` NULL: itself. */
int dentry_create_detached(struct dentry *parent, const char *name, size_t length,
			   struct super_block *super_block,
			   struct dentry **out) must_check;

/* Replace a place by what is mounted there, and a mount's root by what it covers. Both keep the references right. */
void path_cross_mounts(struct path *path);
bool path_leave_mount(struct path *path);
/* Is something mounted on this name where `by` sees it (NULL: anywhere)? Stable while the inode.lock is held. */
bool mount_in_the_way(struct dentry *dentry, const struct walk_context *by);
/* The name is gone: what others have mounted on it goes too. No lock held. */
void mounts_forget(struct dentry *dentry);

void mount_init(void);
struct file_system_type *file_system_find(const char *name);
void super_block_mounted(struct super_block *super_block);
void super_block_unmounted(struct super_block *super_block);

void file_system_types_init(void);
void anonymous_init(void);

/* Operations that open(2) uses for devices, FIFOs and sockets, by the inode's mode. NULL: the inode's own. -ENXIO. */
int special_file_operations(struct inode *inode,
			    const struct file_operations **out) must_check;

/* Where a walk stands. Begun, moved and ended by walk.c; open and the like look at `current` and `last` in between. */
enum walk_last {
	WALK_LAST_NAME,   /* last[] is an ordinary name in the directory `current` */
	WALK_LAST_DOT,    /* "." */
	WALK_LAST_DOTDOT, /* ".." */
	WALK_LAST_NONE, /* nothing: "/" or a magic link; `current` is the place itself */
};

struct walk {
	const struct walk_context *context;
	unsigned flags;
	unsigned links;
	struct path root;    /* reference */
	struct path current; /* reference */
	const char *rest;
	char *buffer; /* what rest points into, once a link was followed */
	enum walk_last last_kind;
	bool trailing_slash;    /* behind the component cut off last */
	bool must_be_directory; /* the name ended in a slash */
	bool jumped;            /* the end is a place given by a magic link */
	char last[256];
};

int walk_begin(struct walk *walk, const struct walk_context *context, const char *name,
	       unsigned flags) must_check;
int walk_to_end(struct walk *walk) must_check;
int walk_to_parent(struct walk *walk) must_check;
/* Go on from `current` by the symbolic link `link`; then walk_to_parent() or walk_to_end() again. */
int walk_follow(struct walk *walk, struct dentry *link) must_check;
void walk_end(struct walk *walk);

static inline bool inode_is(const struct inode *inode, u32 type)
{
	return (inode->attributes.mode & 0170000) == type;
}
