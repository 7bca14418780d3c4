// SPDX-License-Identifier: MIT
/*
 * Changing directories by dentry: what the path calls of path.h, and stacked file systems, are made of.
 *
 * Each takes the directory's inode.lock itself, looks the name up, checks, calls the file system and keeps the dentries true.
 * `check`: whose permissions; NULL: none are checked (overlay on its upper layer).
 */
#pragma once

#include "cred/credentials.h"
#include "fs/inode.h"

struct make_request {
	u32 mode;           /* type and permissions, umask applied; S_IFREG: create */
	u64 device;         /* S_IFCHR, S_IFBLK: makedev encoding of user space */
	const char *target; /* S_IFLNK */
	struct inode *link; /* hard link to this one; mode is not looked at */
	const struct credentials *owner; /* fsuid, fsgid of what is made */
};

/* -EEXIST if it is there. *out (may be NULL) is the new dentry with a reference. */
int directory_make(struct dentry *parent, const char *name,
		   const struct make_request *request, const struct credentials *check,
		   struct dentry **out) must_check;
/* A regular file without a name (O_TMPFILE), which link(2) may give one; -EOPNOTSUPP. Its dentry is in no cache. */
int directory_make_unnamed(struct dentry *parent, u32 mode,
			   const struct credentials *owner,
			   struct dentry **out) must_check;
/*
 * `by`: whose permissions, and whose mounts on the victim are in the way (-EBUSY); those of other namespaces go with it.
 * NULL: no permissions are checked, and every mount is in the way.
 */
int directory_unlink(struct dentry *parent, const char *name,
		     const struct walk_context *by) must_check;
int directory_remove(struct dentry *parent, const char *name,
		     const struct walk_context *by) must_check;
/* Both in one super block. flags: RENAME_NOREPLACE, RENAME_EXCHANGE. */
int directory_rename(struct dentry *old_parent, const char *old_name,
		     struct dentry *new_parent, const char *new_name, unsigned flags,
		     const struct walk_context *by) must_check;

/* Attributes without permission checks: NULL get_attributes and set_attributes are the inode's own. */
int inode_get_attributes(struct inode *inode, struct inode_attributes *out) must_check;
int inode_set_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which) must_check;
/* What a NULL set_attributes does; inode.lock held exclusively. */
void inode_set_own_attributes(struct inode *inode,
			      const struct inode_attributes *attributes, unsigned which);
s64 inode_read_link(struct inode *inode, char *to, size_t size) must_check;
/* Owner, group and mode of an inode that is made in `directory`: set-gid directories pass their group on. */
void inode_init_owner(struct inode *inode, const struct inode *directory, u32 mode,
		      const struct credentials *owner);
/* Modified and changed (and accessed) are now; inode.lock held exclusively. */
void inode_touch(struct inode *inode, unsigned which /* ATTRIBUTE_ACCESSED | … */);
