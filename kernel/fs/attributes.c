// SPDX-License-Identifier: MIT
/*
 * Permissions and attributes of inodes: who may do what, stat, chmod, chown, utimes, truncate.
 *
 * Locks     inode.lock exclusively for every change of attributes.
 */
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "fs/write_check.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "time/clock.h"
#include "vm/vm_object.h"
#include <asm/statfs.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <linux/xattr.h>

static int (*size_limit)(u64 position, u64 *count);

void fs_set_size_limit(int (*check)(u64 position, u64 *count))
{
	size_limit = check;
}

static const struct credentials *(*writer)(void);

void fs_set_writer(const struct credentials *(*get)(void))
{
	writer = get;
}

int fs_check_size_limit(u64 position, u64 *count)
{
	return size_limit ? size_limit(position, count) : 0;
}

int fs_check_new_size(struct inode *inode, u64 size)
{
	u64 one = 1;

	return size > inode_size(inode) ? fs_check_size_limit(size - 1, &one) : 0;
}

int fs_permission(struct inode *inode, const struct credentials *credentials, int wanted)
{
	const struct inode_attributes *attributes = &inode->attributes;

	if ((wanted & ACCESS_WRITE) && inode->super_block->read_only &&
	    (inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR) ||
	     inode_is(inode, S_IFLNK))) {
		return -EROFS;
	}
	if (inode->operations->permission) {
		return inode->operations->permission(inode, credentials, wanted);
	}
	return credentials_may_access(credentials, attributes->mode, attributes->uid,
				      attributes->gid, wanted);
}

int inode_get_attributes(struct inode *inode, struct inode_attributes *out)
{
	int result = 0;

	*out = inode->attributes;
	if (inode->operations->get_attributes) {
		result = inode->operations->get_attributes(inode, out);
	}
	if (!out->device_id) {
		out->device_id = inode->super_block->device_id;
	}
	return result;
}

int fs_get_attributes(const struct path *path, struct inode_attributes *out)
{
	return inode_get_attributes(dentry_inode(path->dentry), out);
}

void inode_set_own_attributes(struct inode *inode, const struct inode_attributes *from,
			      unsigned which)
{
	struct inode_attributes *to = &inode->attributes;

	if (which & ATTRIBUTE_MODE) {
		to->mode = (to->mode & S_IFMT) | (from->mode & 07777);
	}
	if (which & ATTRIBUTE_UID) {
		to->uid = from->uid;
	}
	if (which & ATTRIBUTE_GID) {
		to->gid = from->gid;
	}
	if (which & ATTRIBUTE_SIZE) {
		u64 old = to->size;

		WRITE_ONCE(to->size, from->size);
		if (from->size < old && inode->object) {
			vm_object_truncate(inode->object, from->size);
		}
	}
	to->accessed = which & ATTRIBUTE_ACCESSED ? from->accessed : to->accessed;
	to->modified = which & ATTRIBUTE_MODIFIED ? from->modified : to->modified;
	to->changed = which & ATTRIBUTE_CHANGED ? from->changed : to->changed;
}

int inode_set_attributes_locked(struct inode *inode,
				const struct inode_attributes *attributes, unsigned which)
{
	if (inode->operations->set_attributes) {
		return inode->operations->set_attributes(inode, attributes, which);
	}
	inode_set_own_attributes(inode, attributes, which);
	return 0;
}

int inode_set_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which)
{
	int result;

	inode_lock(inode);
	result = inode_set_attributes_locked(inode, attributes, which);
	inode_unlock(inode);
	return result;
}

void inode_touch(struct inode *inode, unsigned which)
{
	nsec_t now = clock_realtime();

	if (which & ATTRIBUTE_ACCESSED) {
		inode->attributes.accessed = now;
	}
	if (which & ATTRIBUTE_MODIFIED) {
		inode->attributes.modified = now;
	}
	if (which & ATTRIBUTE_CHANGED) {
		inode->attributes.changed = now;
	}
}

/* Writing to it as an ordinary user takes set-uid away, and set-gid where it means execution. */
u32 mode_without_privilege(u32 mode)
{
	mode &= ~(u32)S_ISUID;
	return (mode & S_IXGRP) ? mode & ~(u32)S_ISGID : mode;
}

void inode_drop_capability(struct inode *inode)
{
	if (inode->operations->set_xattr && !inode_is(inode, S_IFLNK)) {
		(void)inode->operations->set_xattr(inode, XATTR_NAME_CAPS, NULL, 0, 0);
	}
}

u32 inode_mode_after_write(const struct inode *inode,
			   const struct credentials *credentials)
{
	u32 mode = inode->attributes.mode, gid = inode->attributes.gid;

	if (!(mode & (S_ISUID | S_ISGID)) || !credentials ||
	    credentials_capable(credentials, CAP_FSETID)) {
		return mode;
	}
	// Without group execute permission only those keep the bit who could set it.
	if (!credentials_in_group(credentials, gid) &&
	    !credentials_capable_over(credentials, inode->attributes.uid, gid,
				      CAP_FSETID)) {
		mode &= ~(u32)S_ISGID;
	}
	return mode_without_privilege(mode);
}

void inode_drop_privilege(struct inode *inode)
{
	inode_drop_capability(inode);
	inode->attributes.mode = inode_mode_after_write(inode, writer ? writer() : NULL);
}

static int may_change_mode(struct inode *inode, struct inode_attributes *attributes,
			   const struct credentials *credentials)
{
	if (!credentials_owns(credentials, inode->attributes.uid)) {
		return -EPERM;
	}
	if (!credentials_in_group(credentials, inode->attributes.gid) &&
	    !credentials_capable_over(credentials, inode->attributes.uid,
				      inode->attributes.gid, CAP_FSETID)) {
		attributes->mode &= ~(u32)S_ISGID;
	}
	return 0;
}

static int may_change_owner(struct inode *inode, struct inode_attributes *attributes,
			    unsigned *which, const struct credentials *credentials)
{
	const struct inode_attributes *old = &inode->attributes;
	bool chown_capable =
		credentials_capable_over(credentials, old->uid, old->gid, CAP_CHOWN);
	bool owner = credentials->fsuid == old->uid;

	if ((*which & ATTRIBUTE_UID) && !chown_capable &&
	    !(owner && attributes->uid == old->uid)) {
		return -EPERM;
	}
	if ((*which & ATTRIBUTE_GID) && !chown_capable &&
	    !(owner && (attributes->gid == old->gid ||
			credentials_in_group(credentials, attributes->gid)))) {
		return -EPERM;
	}
	if (!inode_is(inode, S_IFDIR) && !(*which & ATTRIBUTE_MODE)) {
		attributes->mode = mode_without_privilege(old->mode);
		*which |= ATTRIBUTE_MODE;
		inode_drop_capability(inode);
	}
	return 0;
}

/* What changed, as inotify(7) tells it: a time that is set alone looks like what would set it. */
static u32 news_of(unsigned which)
{
	unsigned times = which & (ATTRIBUTE_ACCESSED | ATTRIBUTE_MODIFIED);
	u32 what = 0;

	if (times == (ATTRIBUTE_ACCESSED | ATTRIBUTE_MODIFIED) ||
	    (which & (ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_MODE))) {
		what |= NOTIFY_ATTRIBUTES;
	}
	if (times == ATTRIBUTE_ACCESSED) {
		what |= NOTIFY_ACCESS;
	}
	if (times == ATTRIBUTE_MODIFIED || (which & ATTRIBUTE_SIZE)) {
		what |= NOTIFY_MODIFY;
	}
	return what;
}

int fs_set_attributes(const struct path *path, struct inode_attributes *attributes,
		      unsigned which, const struct credentials *credentials)
{
	struct inode *inode = dentry_inode(path->dentry);
	int result = mount_writable(path->mount);

	if (result < 0 || !which) {
		return result;
	}
	inode_lock(inode);
	if (which & ATTRIBUTE_MODE) {
		result = may_change_mode(inode, attributes, credentials);
	}
	if (result == 0 && (which & (ATTRIBUTE_UID | ATTRIBUTE_GID))) {
		result = may_change_owner(inode, attributes, &which, credentials);
	}
	if (result == 0) {
		attributes->changed = clock_realtime();
		result = inode_set_attributes_locked(inode, attributes,
						     which | ATTRIBUTE_CHANGED);
	}
	inode_unlock(inode);
	if (result == 0) {
		notify_dentry(path->dentry, news_of(which));
	}
	return result;
}

int fs_truncate(const struct path *path, u64 size, const struct credentials *credentials)
{
	struct inode *inode = dentry_inode(path->dentry);
	struct inode_attributes attributes = {.size = size};
	unsigned which = ATTRIBUTE_SIZE | ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED;
	int result = fs_check_new_size(inode, size);

	if (result < 0) {
		return result;
	}
	attributes.modified = attributes.changed = clock_realtime();
	inode_lock(inode);
	attributes.mode = inode_mode_after_write(inode, credentials);
	if (attributes.mode != inode->attributes.mode) {
		which |= ATTRIBUTE_MODE;
	}
	inode_drop_capability(inode);
	result = inode_set_attributes_locked(inode, &attributes, which);
	inode_unlock(inode);
	if (result == 0) {
		notify_dentry(path->dentry, news_of(which));
	}
	return result;
}

/* relatime: when it is older than the last change, or a day old. */
void path_accessed(const struct path *path)
{
	struct inode *inode = dentry_inode(path->dentry);
	const struct inode_attributes *attributes = &inode->attributes;
	u32 flags = path->mount ? path->mount->flags : MS_NOATIME;
	nsec_t now;

	if ((flags & (MS_NOATIME | MS_RDONLY)) || inode->super_block->read_only ||
	    ((flags & MS_NODIRATIME) && inode_is(inode, S_IFDIR))) {
		return;
	}
	now = clock_realtime();
	if ((flags & MS_STRICTATIME) || attributes->accessed <= attributes->modified ||
	    attributes->accessed <= attributes->changed ||
	    now - attributes->accessed > 86400 * NSEC_PER_SEC) {
		WRITE_ONCE(inode->attributes.accessed, now);
	}
}

s64 inode_read_link(struct inode *inode, char *to, size_t size)
{
	if (!inode->operations->read_link || !inode_is(inode, S_IFLNK)) {
		return -EINVAL;
	}
	return inode->operations->read_link(inode, to, size);
}

s64 fs_read_link(const struct path *path, char *to, size_t size)
{
	s64 length = inode_read_link(dentry_inode(path->dentry), to, size);

	if (length >= 0) {
		path_accessed(path);
	}
	return length;
}

int fs_statfs(const struct path *path, struct statfs *out)
{
	struct super_block *super_block = path->dentry->super_block;
	u32 flags = path->mount ? path->mount->flags : 0;

	*out = (struct statfs){
		.f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = NAME_MAX};
	out->f_fsid.val[0] = (int)super_block->device_id;
	// ST_VALID, and the ST_… bits, whose low four are those of MS_….
	out->f_flags =
		0x20 | (long)(flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
	out->f_flags |= (flags & MS_NOATIME) ? 0x400 : 0x1000;
	if (super_block->read_only) {
		out->f_flags |= MS_RDONLY;
	}
	if (super_block->operations && super_block->operations->statfs) {
		return super_block->operations->statfs(super_block, out);
	}
	return 0;
}
