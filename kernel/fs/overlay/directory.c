// SPDX-License-Identifier: MIT
/*
 * Overlay: making and removing names, all in the upper layer; whiteouts hide what lower layers have.
 *
 * Context   fs/ holds the overlay directory's inode.lock exclusively, and has checked permissions.
 */
#include "fs/overlay/overlay_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

/* Remove a whiteout of this name from the upper directory; 1: there was one. */
static int remove_whiteout(struct dentry *upper, const char *name)
{
	struct dentry *dentry;
	bool whiteout;
	int error = dentry_lookup(upper, name, strlen(name), &dentry);

	if (error) {
		return error;
	}
	whiteout = dentry_inode(dentry) && overlay_is_whiteout(dentry_inode(dentry));
	dentry_put(dentry);
	if (!whiteout) {
		return 0;
	}
	error = directory_unlink(upper, name, NULL);
	return error ? error : 1;
}

static int make_whiteout(struct inode *directory, const char *name)
{
	struct make_request request = {.mode = S_IFCHR,
				       .owner = overlay_of(directory)->credentials};

	return directory_make(overlay_upper(directory), name, &request, NULL, NULL);
}

static int set_opaque(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	int error;

	if (!inode->operations->set_xattr) {
		return -EOPNOTSUPP;
	}
	inode_lock(inode);
	error = inode->operations->set_xattr(inode, OVERLAY_OPAQUE, "y", 1, 0);
	inode_unlock(inode);
	return error;
}

static void refresh_directory(struct inode *directory)
{
	overlay_refresh(directory);
}

/* What was made gets the owner and mode that fs/ would have given it in the overlay's directory. */
static int own(struct inode *directory, struct dentry *made, u32 mode,
	       const struct credentials *owner)
{
	struct inode_attributes attributes = {
		.uid = owner->fsuid, .gid = owner->fsgid, .mode = mode};

	if (directory->attributes.mode & S_ISGID) {
		attributes.gid = directory->attributes.gid;
		attributes.mode |= (mode & S_IFMT) == S_IFDIR ? S_ISGID : 0;
	}
	return inode_set_attributes(
		dentry_inode(made), &attributes,
		ATTRIBUTE_UID | ATTRIBUTE_GID |
			((mode & S_IFMT) == S_IFLNK ? 0 : ATTRIBUTE_MODE));
}

/* The overlay's side of an entry that now exists in the upper layer; takes over `made`. */
static int adopt(struct inode *directory, struct dentry *dentry, struct dentry *made)
{
	struct inode *inode;
	int error = overlay_make_inode(directory->super_block, made, NULL, 0, directory,
				       dentry->name, &inode);

	if (!error) {
		dentry_set_inode(dentry, inode);
		refresh_directory(directory);
	}
	return error;
}

/* A hard link: the new name has the inode of the old one, with its locks. Takes over `made`. */
static void share(struct inode *directory, struct dentry *dentry, struct dentry *made,
		  struct inode *inode)
{
	dentry_put(made);
	inode_get(inode);
	dentry_set_inode(dentry, inode);
	refresh_directory(directory);
}

/* `linked`: the overlay's inode that gets another name; NULL: a new one is made. */
static int make_or_link(struct inode *directory, struct dentry *dentry,
			struct make_request *request, struct inode *linked)
{
	const struct credentials *owner = request->owner;
	bool is_directory = (request->mode & S_IFMT) == S_IFDIR && !request->link;
	struct dentry *made;
	int hidden, error = overlay_copy_up(directory);

	if (error) {
		return error;
	}
	hidden = remove_whiteout(overlay_upper(directory), dentry->name);
	if (hidden < 0) {
		return hidden;
	}
	error = directory_make(overlay_upper(directory), dentry->name, request, NULL,
			       &made);
	if (!error && is_directory && hidden) {
		error = set_opaque(made);
	}
	if (!error && !request->link) {
		error = own(directory, made, request->mode, owner);
	}
	if (!error && linked) {
		share(directory, dentry, made, linked);
		return 0;
	}
	return error ? error : adopt(directory, dentry, made);
}

static int make(struct inode *directory, struct dentry *dentry,
		struct make_request *request)
{
	return make_or_link(directory, dentry, request, NULL);
}

static int overlay_create(struct inode *directory, struct dentry *dentry, u32 mode,
			  const struct credentials *credentials)
{
	struct make_request request = {.mode = S_IFREG | (mode & 07777),
				       .owner = credentials};

	return make(directory, dentry, &request);
}

static int overlay_make_directory(struct inode *directory, struct dentry *dentry,
				  u32 mode, const struct credentials *credentials)
{
	struct make_request request = {.mode = S_IFDIR | (mode & 07777),
				       .owner = credentials};

	return make(directory, dentry, &request);
}

static int overlay_make_node(struct inode *directory, struct dentry *dentry, u32 mode,
			     u64 device, const struct credentials *credentials)
{
	struct make_request request = {
		.mode = mode, .device = device, .owner = credentials};

	if ((mode & S_IFMT) == S_IFCHR && device == 0) {
		return -EPERM; /* would read as a whiteout */
	}
	return make(directory, dentry, &request);
}

static int overlay_symbolic_link(struct inode *directory, struct dentry *dentry,
				 const char *target,
				 const struct credentials *credentials)
{
	struct make_request request = {
		.mode = S_IFLNK | 0777, .target = target, .owner = credentials};

	return make(directory, dentry, &request);
}

static int overlay_link(struct inode *directory, struct dentry *dentry,
			struct inode *target)
{
	struct make_request request = {.owner = overlay_of(directory)->credentials};
	int error = overlay_copy_up(target);

	if (error) {
		return error;
	}
	request.link = dentry_inode(overlay_upper(target));
	error = make_or_link(directory, dentry, &request, target);
	overlay_refresh(target);
	return error;
}

static int overlay_create_unnamed(struct inode *directory, u32 mode,
				  const struct credentials *credentials,
				  struct inode **out)
{
	struct dentry *made;
	int error = overlay_copy_up(directory);

	if (!error) {
		error = directory_make_unnamed(overlay_upper(directory), mode,
					       credentials, &made);
	}
	if (error) {
		return error;
	}
	error = own(directory, made, mode, credentials);
	if (error) {
		dentry_put(made);
		return error;
	}
	return overlay_make_inode(directory->super_block, made, NULL, 0, directory,
				  made->name, out);
}

/* Take the upper entry away, if there is one, and hide lower ones. */
static int remove_name(struct inode *directory, struct dentry *dentry, bool is_directory)
{
	struct inode *inode = dentry_inode(dentry);
	bool in_upper = overlay_upper(inode) != NULL;
	int below = overlay_lower_has(directory, dentry->name), error;

	if (below < 0) {
		return below;
	}
	error = overlay_copy_up(directory);
	if (error) {
		return error;
	}
	if (in_upper) {
		error = is_directory ? directory_remove(overlay_upper(directory),
							dentry->name, NULL)
				     : directory_unlink(overlay_upper(directory),
							dentry->name, NULL);
	}
	if (!error && below) {
		error = make_whiteout(directory, dentry->name);
	}
	if (!error) {
		if (is_directory) {
			inode->attributes.link_count = 0;
		} else if (in_upper) {
			overlay_refresh(inode);
		} else {
			inode->attributes.link_count--;
		}
		refresh_directory(directory);
	}
	return error;
}

static int overlay_unlink(struct inode *directory, struct dentry *dentry)
{
	return remove_name(directory, dentry, false);
}

static int overlay_remove_directory(struct inode *directory, struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	int error = overlay_check_empty(inode);

	if (!error && overlay_upper(inode)) {
		error = overlay_remove_whiteouts(inode);
	}
	return error ? error : remove_name(directory, dentry, true);
}

/* What stands in the way at the new name goes: rename(2) replaces it. */
static int clear_target(struct inode *directory, struct dentry *target, int *below)
{
	struct inode *inode = dentry_inode(target);
	int error;

	*below = overlay_lower_has(directory, target->name);
	if (*below < 0) {
		return *below;
	}
	if (!inode) {
		error = remove_whiteout(overlay_upper(directory), target->name);
		return error < 0 ? error : 0;
	}
	if ((inode->attributes.mode & S_IFMT) == S_IFDIR) {
		error = overlay_check_empty(inode);
		if (!error && overlay_upper(inode)) {
			error = overlay_remove_whiteouts(inode);
		}
		return error;
	}
	return 0;
}

/* A directory with something in lower layers stays where it is: its contents would not follow. */
static bool may_move(const struct inode *inode)
{
	return (inode->attributes.mode & S_IFMT) != S_IFDIR ||
	       overlay_node(inode)->lower_count == 0;
}

static int overlay_rename(struct inode *old_directory, struct dentry *old_dentry,
			  struct inode *new_directory, struct dentry *new_dentry,
			  unsigned flags)
{
	struct inode *moved = dentry_inode(old_dentry);
	bool is_directory = (moved->attributes.mode & S_IFMT) == S_IFDIR;
	int below_old, below_new, error;

	if (flags & RENAME_EXCHANGE) {
		return -EINVAL;
	}
	if (!may_move(moved)) {
		return -EXDEV;
	}
	error = overlay_copy_up(moved);
	if (!error) {
		error = overlay_copy_up(new_directory);
	}
	if (error) {
		return error;
	}
	below_old = overlay_lower_has(old_directory, old_dentry->name);
	if (below_old < 0) {
		return below_old;
	}
	error = clear_target(new_directory, new_dentry, &below_new);
	if (!error && is_directory && below_new) {
		error = set_opaque(overlay_upper(moved));
	}
	if (!error) {
		error = directory_rename(overlay_upper(old_directory), old_dentry->name,
					 overlay_upper(new_directory), new_dentry->name,
					 0, NULL);
	}
	if (!error && below_old) {
		error = make_whiteout(old_directory, old_dentry->name);
	}
	if (!error) {
		if (dentry_inode(new_dentry)) {
			dentry_inode(new_dentry)->attributes.link_count--;
		}
		refresh_directory(old_directory);
		refresh_directory(new_directory);
	}
	return error;
}

/* ---- attributes, links, extended attributes: of the real inode ---- */

static int overlay_set_attributes(struct inode *inode,
				  const struct inode_attributes *attributes,
				  unsigned which)
{
	int error = overlay_copy_up(inode);

	if (!error) {
		error = inode_set_attributes(dentry_inode(overlay_upper(inode)),
					     attributes, which);
	}
	if (!error) {
		overlay_refresh(inode);
	}
	return error;
}

static int overlay_read_link(struct inode *inode, char *to, size_t size)
{
	return (int)inode_read_link(overlay_real_inode(inode), to, size);
}

const struct inode_operations overlay_directory_operations = {
	.lookup = overlay_lookup,
	.create = overlay_create,
	.create_unnamed = overlay_create_unnamed,
	.make_directory = overlay_make_directory,
	.make_node = overlay_make_node,
	.symbolic_link = overlay_symbolic_link,
	.link = overlay_link,
	.unlink = overlay_unlink,
	.remove_directory = overlay_remove_directory,
	.rename = overlay_rename,
	.get_attributes = overlay_get_attributes,
	.set_attributes = overlay_set_attributes,
	.get_xattr = overlay_get_xattr,
	.list_xattr = overlay_list_xattr,
	.set_xattr = overlay_set_xattr,
};

const struct inode_operations overlay_other_operations = {
	.read_link = overlay_read_link,
	.get_attributes = overlay_get_attributes,
	.set_attributes = overlay_set_attributes,
	.get_xattr = overlay_get_xattr,
	.list_xattr = overlay_list_xattr,
	.set_xattr = overlay_set_xattr,
};
