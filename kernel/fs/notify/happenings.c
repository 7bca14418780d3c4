// SPDX-License-Identifier: MIT
/*
 * What happened, put into the words of notification: to which inode, as which name of which directory.
 *
 * Locks     fs_tree_lock for a name and the directory it is in; nothing is held when somebody is told, but an inode.lock of the caller's.
 */
#include "fs/fs_internal.h"
#include "fs/notify/notify_internal.h"
#include "lib/string.h"
#include <linux/limits.h>
#include <linux/stat.h>

static u32 kind_of(const struct inode *inode)
{
	return inode_is_directory(inode) ? NOTIFY_DIRECTORY : 0;
}

/* The directory of the name, with a reference, if anybody there asks for it, and the name now. NULL: nobody does. */
static struct inode *watching_directory(struct dentry *dentry, u32 what,
					char name[NAME_MAX + 1])
{
	struct inode *directory = NULL;
	struct dentry *parent;

	spin_lock(&fs_tree_lock);
	parent = dentry->parent;
	if (parent != dentry && dentry->name_length <= NAME_MAX) {
		directory = dentry_inode(parent);
		if (READ_ONCE(directory->notify.wanted) & what) {
			inode_get(directory);
			memcpy(name, dentry->name, dentry->name_length);
			name[dentry->name_length] = '\0';
		} else {
			directory = NULL;
		}
	}
	spin_unlock(&fs_tree_lock);
	return directory;
}

/*
 * Reading and writing pipes and devices leaves no trace on the file system, so who may only read the directory is not to learn of it:
 * as Linux since 6.15.
 */
static bool concerns_directory(const struct inode *inode, const struct path *path,
			       u32 what)
{
	return !path || !(what & (NOTIFY_ACCESS | NOTIFY_MODIFY)) ||
	       inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR) ||
	       inode_is(inode, S_IFLNK);
}

static void tell_of_entry(struct dentry *dentry, struct inode *inode,
			  const struct path *path, u32 what)
{
	char name[NAME_MAX + 1];
	struct notify_event event = {.what = what | kind_of(inode),
				     .inode = inode,
				     .path = path,
				     .name = name};

	if (concerns_directory(inode, path, what)) {
		event.directory = watching_directory(dentry, what, name);
	}
	notify_dispatch(&event);
	inode_put(event.directory);
}

void notify_tell_file(struct file *file, u32 what)
{
	if (!(file->mode & (FILE_PATH_ONLY | FILE_UNNOTIFIED))) {
		tell_of_entry(file->path.dentry, file->inode, &file->path, what);
	}
}

void notify_tell_dentry(struct dentry *dentry, u32 what)
{
	tell_of_entry(dentry, dentry_inode(dentry), NULL, what);
}

void notify_tell_inode(struct inode *inode, u32 what)
{
	struct notify_event event = {.what = what | kind_of(inode), .inode = inode};

	notify_dispatch(&event);
}

static void tell_of_name(struct inode *directory, const char *name, struct inode *inode,
			 u32 what, u32 cookie)
{
	struct notify_event event = {.what = what | kind_of(inode),
				     .cookie = cookie,
				     .inode = inode,
				     .directory = directory,
				     .name = name,
				     .names_only = true};

	notify_dispatch(&event);
}

void notify_tell_name(struct inode *directory, const char *name, struct inode *inode,
		      u32 what)
{
	tell_of_name(directory, name, inode, what, 0);
}

void notify_rename(const struct notify_rename *rename)
{
	static _Atomic u32 last_cookie;
	u32 cookie;

	if (!super_block_watched(rename->old_directory->super_block)) {
		return;
	}
	if (rename->old_directory == rename->new_directory) {
		notify_tell_name(rename->old_directory, rename->old_name, rename->moved,
				 NOTIFY_RENAMED_WITHIN);
	}
	cookie = atomic_fetch_add(&last_cookie, 1) + 1;
	tell_of_name(rename->old_directory, rename->old_name, rename->moved,
		     NOTIFY_MOVED_FROM, cookie);
	tell_of_name(rename->new_directory, rename->new_name, rename->moved,
		     NOTIFY_MOVED_TO, cookie);
	if (rename->replaced) {
		notify_tell_inode(rename->replaced, NOTIFY_ATTRIBUTES);
	}
	notify_tell_inode(rename->moved, NOTIFY_MOVE_SELF);
}
