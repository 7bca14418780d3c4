// SPDX-License-Identifier: MIT
/*
 * The overlay file system, inside its folder: an upper layer that takes every write over read-only lower layers.
 *
 * An overlay inode is backed by a dentry of the upper layer, of lower layers, or (directories) of several, merged. Its node never
 * loses a backing; copying up adds the upper one, once.
 */
#pragma once

#include "cred/credentials.h"
#include "fs/directory.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "sync/mutex.h"

enum { OVERLAY_LAYERS_MAX = 500 /* Linux's */ };

struct overlay {
	struct path upper;  /* empty: read-only */
	struct path *lower; /* topmost first */
	unsigned lower_count;
	struct credentials
		*credentials;   /* the mounter's: the layers are worked on with them */
	struct mutex copy_lock; /* RANK_OVERLAY_COPY_1 or _2: one copy-up at a time */
	char options[256];      /* for /proc/mounts */
};

/* What a lower layer has for an inode. */
struct overlay_backing {
	struct dentry *dentry; /* a reference */
	unsigned layer;        /* which of overlay.lower it is of */
};

struct overlay_node {
	struct dentry *upper; /* copy_lock to set, once; read with overlay_upper() */
	struct overlay_backing *lower; /* I: topmost first */
	unsigned lower_count;          /* I */
	struct inode *
		parent; /* I: the overlay directory it was found in; a reference; NULL: the root */
	char *name; /* I: and under which name */
};

extern const struct inode_operations overlay_directory_operations,
	overlay_other_operations;
extern const struct file_operations overlay_directory_file_operations,
	overlay_file_operations;

static inline struct overlay_node *overlay_node(const struct inode *inode)
{
	return inode->data;
}

static inline struct overlay *overlay_of(const struct inode *inode)
{
	return inode->super_block->data;
}

/* NULL: not copied up. */
static inline struct dentry *overlay_upper(const struct inode *inode)
{
	/* order.once: pairs with copy_one() */
	return __atomic_load_n(&overlay_node(inode)->upper, __ATOMIC_ACQUIRE);
}

/* The dentry whose contents and attributes the inode has now. Borrowed: a node keeps its backings. */
struct dentry *overlay_real(const struct inode *inode);
struct inode *overlay_real_inode(const struct inode *inode);
/* The place of that dentry, borrowed. */
void overlay_real_path(const struct inode *inode, struct path *out);

/* lookup.c. Takes over the references of `upper` and lower[], not the array; on failure they are dropped. */
int overlay_make_inode(struct super_block *super_block, struct dentry *upper,
		       const struct overlay_backing *lower, unsigned lower_count,
		       struct inode *parent, const char *name,
		       struct inode **out) must_check;
int overlay_lookup(struct inode *directory, struct dentry *dentry);
/* Is there a name in the layers below the directory's upper one (so that removing it needs a whiteout)? Negative errno, 0, 1. */
int overlay_lower_has(struct inode *directory, const char *name) must_check;
bool overlay_is_whiteout(const struct inode *inode);
/* Attributes as the overlay shows them: the real ones, with the overlay's own numbers. */
int overlay_get_attributes(struct inode *inode, struct inode_attributes *out);
/* Bring inode->attributes up to what the real inode says. */
void overlay_refresh(struct inode *inode);
void overlay_destroy_inode(struct inode *inode);

/* copy_up.c: give the inode (and the directories above it) an upper backing. 0, -EROFS, -ENOSPC, … No lock of a layer held. */
int overlay_copy_up(struct inode *inode) must_check;

/* readdir.c: no names but "." and ".." left? 0 or -ENOTEMPTY. */
int overlay_check_empty(struct inode *directory) must_check;
/* Remove the whiteouts that fill the upper directory of one that overlay_check_empty() said is empty. */
int overlay_remove_whiteouts(struct inode *directory) must_check;

#define OVERLAY_OPAQUE "trusted.overlay.opaque"

/* xattr.c; inode_operations. Names through the overlay, but for the last: in a layer. */
s64 overlay_get_xattr(struct inode *inode, const char *name, void *value, size_t size);
s64 overlay_list_xattr(struct inode *inode, char *list, size_t size);
int overlay_set_xattr(struct inode *inode, const char *name, const void *value,
		      size_t size, int flags);
bool overlay_xattr_is_own(const char *name);
