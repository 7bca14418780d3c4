// SPDX-License-Identifier: MIT
/*
 * Extended attributes: the checks by name space (xattr(7)); storing them is the file systems' business.
 *
 * Locks     inode.lock, exclusively for changes, shared for reading.
 */
#include "cred/file_capability.h"
#include "fs/fs_internal.h"
#include "fs/notify/notify.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/stat.h>
#include <linux/xattr.h>

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int may_use(struct inode *inode, const char *name,
		   const struct credentials *credentials, int wanted)
{
	bool write = (wanted & ACCESS_WRITE) != 0;

	if (has_prefix(name, XATTR_TRUSTED_PREFIX)) {
		if (credentials_capable(credentials, CAP_SYS_ADMIN)) {
			return 0;
		}
		return write ? -EPERM : -ENODATA;
	}
	if (strcmp(name, XATTR_NAME_CAPS) == 0) {
		return write && !credentials_capable_over(
					credentials, inode->attributes.uid,
					inode->attributes.gid, CAP_SETFCAP)
			       ? -EPERM
			       : 0;
	}
	if (has_prefix(name, XATTR_SECURITY_PREFIX)) {
		return write && !credentials_capable(credentials, CAP_SYS_ADMIN) ? -EPERM
										 : 0;
	}
	if (has_prefix(name, XATTR_SYSTEM_PREFIX)) {
		return -EOPNOTSUPP;
	}
	if (!has_prefix(name, XATTR_USER_PREFIX)) {
		return -EOPNOTSUPP;
	}
	if (!inode_is(inode, S_IFREG) && !inode_is(inode, S_IFDIR)) {
		return write ? -EPERM : -ENODATA;
	}
	return fs_permission(inode, credentials, wanted);
}

static s64 read_attribute(struct inode *inode, const char *name, void *value, size_t size)
{
	s64 result;

	if (!inode->operations->get_xattr) {
		return -EOPNOTSUPP;
	}
	rwlock_lock_shared(&inode->lock);
	result = inode->operations->get_xattr(inode, name, value, size);
	rwlock_unlock_shared(&inode->lock);
	return result;
}

s64 fs_get_file_capability(const struct path *path, u8 value[FILE_CAPABILITY_SIZE_MAX])
{
	s64 result = read_attribute(dentry_inode(path->dentry), XATTR_NAME_CAPS, value,
				    FILE_CAPABILITY_SIZE_MAX);

	return result == -ERANGE ? -EINVAL : result;
}

/* The root uid in it as the reader writes it. */
static s64 show_file_capability(const struct path *path, void *value, size_t size,
				const struct credentials *credentials)
{
	u8 stored[FILE_CAPABILITY_SIZE_MAX];
	s64 result = fs_get_file_capability(path, stored);
	size_t shown = (size_t)result;

	if (result >= 0) {
		result = file_capability_export(credentials, stored, &shown);
	}
	if (result < 0 || size == 0) {
		return result < 0 ? result : (s64)shown;
	}
	if (size < shown) {
		return -ERANGE;
	}
	memcpy(value, stored, shown);
	return (s64)shown;
}

s64 fs_get_xattr(const struct path *path, const char *name, void *value, size_t size,
		 const struct credentials *credentials)
{
	struct inode *inode = dentry_inode(path->dentry);
	s64 result = may_use(inode, name, credentials, ACCESS_READ);

	if (result < 0) {
		return result;
	}
	return strcmp(name, XATTR_NAME_CAPS) == 0
		       ? show_file_capability(path, value, size, credentials)
		       : read_attribute(inode, name, value, size);
}

s64 fs_list_xattr(const struct path *path, char *list, size_t size)
{
	struct inode *inode = dentry_inode(path->dentry);
	s64 result;

	if (!inode->operations->list_xattr) {
		return 0;
	}
	rwlock_lock_shared(&inode->lock);
	result = inode->operations->list_xattr(inode, list, size);
	rwlock_unlock_shared(&inode->lock);
	return result;
}

int fs_set_xattr(const struct path *path, const char *name, const void *value,
		 size_t size, int flags, const struct credentials *credentials)
{
	struct inode *inode = dentry_inode(path->dentry);
	u8 capability[FILE_CAPABILITY_SIZE_MAX];
	int result = mount_writable(path->mount);

	if (result == 0 && value && size && strcmp(name, XATTR_NAME_CAPS) == 0) {
		if (size > sizeof(capability)) {
			return -EINVAL;
		}
		memcpy(capability, value, size);
		value = capability;
		result = file_capability_import(
			credentials, credentials_capable(credentials, CAP_SETFCAP),
			capability, &size);
	}
	if (result == 0) {
		result = may_use(inode, name, credentials, ACCESS_WRITE);
	}
	if (result < 0) {
		return result;
	}
	if (!inode->operations->set_xattr) {
		return -EOPNOTSUPP;
	}
	inode_lock(inode);
	result = inode->operations->set_xattr(inode, name, value, size, flags);
	if (result == 0) {
		inode_touch(inode, ATTRIBUTE_CHANGED);
	}
	inode_unlock(inode);
	if (result == 0) {
		notify_dentry(path->dentry, NOTIFY_ATTRIBUTES);
	}
	return result;
}
