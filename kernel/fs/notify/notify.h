// SPDX-License-Identifier: MIT
/*
 * Notification of changes of files: what the rest of fs/ and the system calls say when something happened.
 *
 * inotify(7), dnotify (F_NOTIFY of fcntl(2)) and fanotify(7) are fronts of it: each has groups, whose marks are on inodes, mounts and
 * super blocks. Where nothing in a file system is marked, saying so costs one test of a word of its super block.
 *
 * Context   thread; may sleep and allocate. No spinlock is held; an inode.lock may be.
 */
#pragma once

#include "fs/file.h"
#include "fs/inode.h"
#include "lib/compiler.h"

/* What happened: numbers that inotify(7) and fanotify(7) share. */
enum {
	NOTIFY_ACCESS = 0x1,
	NOTIFY_MODIFY = 0x2,
	NOTIFY_ATTRIBUTES = 0x4,
	NOTIFY_CLOSE_WRITE = 0x8,
	NOTIFY_CLOSE_NOWRITE = 0x10,
	NOTIFY_OPEN = 0x20,
	NOTIFY_MOVED_FROM = 0x40,
	NOTIFY_MOVED_TO = 0x80,
	NOTIFY_CREATE = 0x100,
	NOTIFY_DELETE = 0x200,
	NOTIFY_DELETE_SELF = 0x400,
	NOTIFY_MOVE_SELF = 0x800,
	NOTIFY_OPEN_EXECUTABLE = 0x1000,
	NOTIFY_UNMOUNT = 0x2000,
	NOTIFY_OVERFLOW = 0x4000,
	NOTIFY_IGNORED = 0x8000,
	NOTIFY_RENAMED_WITHIN = 0x10000000, /* old and new name are in one directory */
	NOTIFY_DIRECTORY = 0x40000000,      /* it happened to one */
	NOTIFY_HAPPENINGS = 0x10003fff,     /* what a mark may ask for */
};

/* open(2)'s flags, inside the kernel only: nobody is told of what is done with this file. */
#define OPEN_UNNOTIFIED (1u << 26)

void notify_tell_file(struct file *file, u32 what);
void notify_tell_dentry(struct dentry *dentry, u32 what);
void notify_tell_inode(struct inode *inode, u32 what);
void notify_tell_name(struct inode *directory, const char *name, struct inode *inode,
		      u32 what);

static inline bool super_block_watched(const struct super_block *super_block)
{
	return unlikely(READ_ONCE(super_block->watched) != NULL);
}

/* Through an open file: it and the directory of its name are told. */
static inline void notify_file(struct file *file, u32 what)
{
	if (super_block_watched(file->inode->super_block)) {
		notify_tell_file(file, what);
	}
}

/* To the file of a name: it and the directory are told. */
static inline void notify_dentry(struct dentry *dentry, u32 what)
{
	if (super_block_watched(dentry->super_block)) {
		notify_tell_dentry(dentry, what);
	}
}

/* To a file by whatever name: it alone is told. */
static inline void notify_inode(struct inode *inode, u32 what)
{
	if (super_block_watched(inode->super_block)) {
		notify_tell_inode(inode, what);
	}
}

/* To a directory: `name`, which was or is `inode`, came or went. Its inode.lock is held. */
static inline void notify_name(struct inode *directory, const char *name,
			       struct inode *inode, u32 what)
{
	if (super_block_watched(directory->super_block)) {
		notify_tell_name(directory, name, inode, what);
	}
}

/* rename(2): `moved` has left one name for another; `replaced` (or NULL) had that before. Both directories' inode.lock are held. */
struct notify_rename {
	struct inode *old_directory, *new_directory;
	const char *old_name, *new_name;
	struct inode *moved, *replaced;
};
void notify_rename(const struct notify_rename *rename);

/*
 * A dentry of the inode lost its name, or its last user after that: if the inode has no name left its marks are told and taken away.
 * The caller has a reference on the inode.
 */
void notify_name_lost(struct inode *inode);
static inline bool inode_marked(const struct inode *inode)
{
	return unlikely(READ_ONCE(inode->notify.marks) != NULL);
}

/* The last mount of it goes, or this mount: its marks go first. No lock is held. */
void notify_super_block_gone(struct super_block *super_block);
void notify_mount_gone(struct mount *mount);
