// SPDX-License-Identifier: MIT
/*
 * May a file system about the whole machine (proc, sysfs) be mounted once more in a namespace of less power?
 *
 * Only if one of its type is there whole: what covers parts of it came from a namespace of more power, and a new mount
 * would show what is below. The new one is at most as free as that one is.
 *
 * Locks     mount_lock for the look. What changes before the new mount is attached was the caller's to change.
 */
#include "cred/user_namespace.h"
#include "fs/mount_internal.h"
#include "fs/path.h"
#include "lib/errno.h"
#include <linux/mount.h>

enum { ATIME_FLAGS = MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME };

/* Its own covers an owner can take away: they hide nothing from him. mount_lock held. */
static bool seen_whole(const struct mount *mount)
{
	struct mount *child;

	if (mount->root != mount->super_block->root) {
		return false;
	}
	list_for_each(child, &mount->children, child_link) {
		if (child->locked) {
			return false;
		}
	}
	return true;
}

static bool as_free(const struct mount *mount, const struct mount *there)
{
	u32 flags = atomic_load(&mount->flags), its_flags = atomic_load(&there->flags);
	bool read_only =
		(there->locked_flags & MS_RDONLY) || there->super_block->read_only;

	return (!read_only || (flags & MS_RDONLY)) &&
	       (!(there->locked_flags & MS_NOATIME) ||
		!((flags ^ its_flags) & ATIME_FLAGS));
}

int mount_check_revealing(const struct walk_context *context, struct mount *mount)
{
	const struct file_system_type *type = mount->super_block->type;
	struct mount_namespace *mounts = context->mounts;
	struct mount *there;
	int result = -EPERM;

	if (!mounts || !(type->flags & FILE_SYSTEM_REVEALS) ||
	    user_namespace_of(mounts->base.owner) == &first_user_namespace) {
		return 0;
	}
	mutex_lock(&mount_lock);
	list_for_each(there, &mounts->mounts, link) {
		if (there->super_block->type == type && seen_whole(there) &&
		    as_free(mount, there)) {
			mount->locked_flags =
				there->locked_flags & (MS_RDONLY | MS_NOATIME);
			result = 0;
			break;
		}
	}
	mutex_unlock(&mount_lock);
	return result;
}
