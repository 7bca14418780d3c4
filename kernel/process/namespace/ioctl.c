// SPDX-License-Identifier: MIT
/*
 * ioctl(2) on a namespace's file: ioctl_nsfs(2).
 */
#include "fs/file_table.h"
#include "fs/nsfs.h"
#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/namespace/namespace.h"
#include <linux/nsfs.h>

/* A new descriptor for a namespace; takes over the reference. */
static s64 open_related(struct namespace *namespace)
{
	struct file *file;
	int err = nsfs_open(namespace, current_credentials(), &file);

	namespace_put(namespace);
	return err ? err : current_install_file(file, true);
}

static s64 get_parent(struct namespace *namespace)
{
	struct namespace *parent;

	if (!namespace->operations->parent) {
		return -EINVAL;
	}
	parent = namespace->operations->parent(namespace);
	return parent ? open_related(parent) : -EPERM;
}

/* The owner, unless it is around the caller's own user namespace: nobody looks outward. */
static s64 get_owner(struct namespace *namespace)
{
	struct namespace *owner = namespace_owner(namespace), *at;

	for (at = owner; at; at = namespace_owner(at)) {
		if (at == namespace_owner_of(current_credentials())) {
			namespace_get(owner);
			return open_related(owner);
		}
	}
	return -EPERM;
}

s64 namespace_ioctl(struct namespace *namespace, unsigned command, u64 argument)
{
	u32 uid;

	switch (command) {
	case NS_GET_USERNS:
		return get_owner(namespace);
	case NS_GET_PARENT:
		return get_parent(namespace);
	case NS_GET_NSTYPE:
		return (s64) namespace->operations->clone_flag;
	case NS_GET_OWNER_UID:
		if (!namespace_owner_uid(namespace, &uid)) {
			return -EINVAL;
		}
		return user_write(argument, &uid, sizeof(uid));
	}
	return -ENOTTY;
}
