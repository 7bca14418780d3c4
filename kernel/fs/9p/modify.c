// SPDX-License-Identifier: MIT
/*
 * Changes on writable shares: each goes to the server before the call returns; nothing is guessed, what is made is looked up afterwards.
 *
 * Context   inode.lock of the directories held exclusively.
 */
#include "fs/9p/p9_internal.h"
#include "lib/errno.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

static struct p9_channel *channel_of(const struct inode *inode)
{
	return p9_mount_of(inode)->channel;
}

static u32 fid_of(const struct inode *inode)
{
	return p9_node_of(inode)->fid;
}

/* The group of what is made in `directory`. */
static u32 group_for(const struct inode *directory, const struct credentials *credentials)
{
	return directory->attributes.mode & S_ISGID ? directory->attributes.gid
						    : credentials->fsgid;
}

static u32 valid_fields(unsigned which)
{
	u32 valid = 0;

	valid |= which & ATTRIBUTE_MODE ? P9_SET_MODE : 0;
	valid |= which & ATTRIBUTE_UID ? P9_SET_UID : 0;
	valid |= which & ATTRIBUTE_GID ? P9_SET_GID : 0;
	valid |= which & ATTRIBUTE_SIZE ? P9_SET_SIZE : 0;
	valid |= which & ATTRIBUTE_ACCESSED ? P9_SET_ATIME | P9_SET_ATIME_VALUE : 0;
	valid |= which & ATTRIBUTE_MODIFIED ? P9_SET_MTIME | P9_SET_MTIME_VALUE : 0;
	return valid;
}

int p9_change_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which)
{
	u32 valid = valid_fields(which);
	struct inode_attributes now;
	u64 old_size = inode_size(inode);
	int error = 0;

	if (which & ATTRIBUTE_SIZE && inode->object) {
		error = vm_object_sync(inode->object, 0, old_size);
	}
	if (!error && valid) {
		error = p9_set_attributes(channel_of(inode), fid_of(inode), attributes,
					  valid);
	}
	if (error) {
		return error;
	}
	if (which & ATTRIBUTE_SIZE && inode->object) {
		WRITE_ONCE(inode->attributes.size, attributes->size);
		if (attributes->size < old_size) {
			vm_object_truncate(inode->object, attributes->size);
		}
	}
	return p9_get_attributes_cached(inode, &now);
}

/* Look at what was made under the name. */
static int look_again(struct inode *directory, struct dentry *dentry)
{
	int error = p9_lookup(directory, dentry);

	return error ? error : dentry_inode(dentry) ? 0 : -ENOENT;
}

int p9_create_file(struct inode *directory, struct dentry *dentry, u32 mode,
		   const struct credentials *credentials)
{
	struct p9_channel *channel = channel_of(directory);
	u32 fid;
	int error = p9_walk(channel, fid_of(directory), NULL, 0, &fid, NULL);

	if (error) {
		return error;
	}
	error = p9_create(channel, fid, dentry->name, dentry->name_length,
			  O_RDWR | O_CREAT | O_EXCL | O_LARGEFILE, mode & 07777,
			  group_for(directory, credentials));
	if (!error) {
		error = look_again(directory, dentry);
	}
	if (error) {
		p9_clunk(channel, fid);
		return error;
	}
	/* Open already: a file made without write permission is written through this. */
	return p9_open_adopt(p9_node_of(dentry_inode(dentry)), fid);
}

int p9_create_directory(struct inode *directory, struct dentry *dentry, u32 mode,
			const struct credentials *credentials)
{
	int error = p9_make_directory(channel_of(directory), fid_of(directory),
				      dentry->name, dentry->name_length, mode & 07777,
				      group_for(directory, credentials));

	return error ? error : look_again(directory, dentry);
}

int p9_create_node(struct inode *directory, struct dentry *dentry, u32 mode, u64 device,
		   const struct credentials *credentials)
{
	int error = p9_make_node(channel_of(directory), fid_of(directory), dentry->name,
				 dentry->name_length, mode, device,
				 group_for(directory, credentials));

	return error ? error : look_again(directory, dentry);
}

int p9_create_link(struct inode *directory, struct dentry *dentry, const char *target,
		   const struct credentials *credentials)
{
	int error = p9_make_link(channel_of(directory), fid_of(directory), dentry->name,
				 dentry->name_length, target,
				 group_for(directory, credentials));

	return error ? error : look_again(directory, dentry);
}

int p9_add_link(struct inode *directory, struct dentry *dentry, struct inode *target)
{
	int error = p9_link(channel_of(directory), fid_of(directory), fid_of(target),
			    dentry->name, dentry->name_length);

	return error ? error : look_again(directory, dentry);
}

static void lost_name(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);

	if (inode && p9_node_of(inode)->spare_count) {
		p9_node_lost_name(inode);
	}
}

int p9_remove_name(struct inode *directory, struct dentry *dentry)
{
	int error = p9_unlink(channel_of(directory), fid_of(directory), dentry->name,
			      dentry->name_length, false);

	if (!error) {
		lost_name(dentry);
	}
	return error;
}

int p9_remove_directory(struct inode *directory, struct dentry *dentry)
{
	return p9_unlink(channel_of(directory), fid_of(directory), dentry->name,
			 dentry->name_length, true);
}

int p9_move_name(struct inode *old_directory, struct dentry *old_dentry,
		 struct inode *new_directory, struct dentry *new_dentry, unsigned flags)
{
	if (flags & RENAME_EXCHANGE) {
		return -EINVAL;
	}
	return p9_rename(channel_of(old_directory), fid_of(old_directory),
			 old_dentry->name, old_dentry->name_length, fid_of(new_directory),
			 new_dentry->name, new_dentry->name_length);
}
