// SPDX-License-Identifier: MIT
/*
 * Changing what is mounted: the flags of one mount, and whether a file system is read-only.
 *
 * Locks     mount_lock for the change. Who opens a file for writing counts first and looks at the flag
 *           then; here the flag is set first and the count read then (mount_begin_write()).
 */
#include "cred/user_namespace.h"
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "lib/errno.h"
#include <linux/mount.h>

enum { ATIME_FLAGS = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME };

bool mount_permitted(const struct walk_context *context)
{
	const struct mount_namespace *mounts = context->mounts;

	return !mounts || credentials_capable_in(context->credentials,
						 user_namespace_of(mounts->base.owner),
						 CAP_SYS_ADMIN);
}

int super_block_set_read_only(struct super_block *super_block, bool read_only)
{
	if (!read_only) {
		if (super_block->only_readable) {
			return -EROFS;
		}
		super_block->read_only = false;
		return 0;
	}
	if (super_block->read_only) {
		return 0;
	}
	WRITE_ONCE(super_block->read_only, true);
	atomic_thread_fence(memory_order_seq_cst);
	/* order.writers: pairs with mount_begin_write() */
	if (atomic_load(&super_block->writers) > 0) {
		super_block->read_only = false;
		return -EBUSY;
	}
	return 0;
}

/* What stays as it is when not asked for, and what may not be undone. */
static int wanted_flags(const struct mount *mount, unsigned long flags, u32 *out)
{
	u32 now = atomic_load(&mount->flags), wanted = (u32)flags & MOUNT_FLAGS;

	if (!(flags & ATIME_FLAGS)) {
		wanted |= now & ATIME_FLAGS;
	}
	if (mount->locked_flags & ~ATIME_FLAGS & ~wanted) {
		return -EPERM;
	}
	// MS_RELATIME says what none of the others says too.
	if ((mount->locked_flags & MS_NOATIME) &&
	    ((wanted ^ now) & ATIME_FLAGS & ~MS_RELATIME)) {
		return -EPERM;
	}
	*out = wanted;
	return 0;
}

static int set_flags(struct mount *mount, u32 wanted)
{
	u32 before = atomic_exchange(&mount->flags, wanted);

	if ((wanted & ~before & MS_RDONLY) && atomic_load(&mount->writers) > 0) {
		atomic_store(&mount->flags, before);
		return -EBUSY;
	}
	return 0;
}

/* The file system itself is its first mounter's to change. */
static bool may_change(const struct walk_context *context,
		       const struct super_block *super_block)
{
	const struct user_namespace *owner =
		super_block->owner ? super_block->owner : &first_user_namespace;

	return !context->mounts ||
	       credentials_capable_in(context->credentials, owner, CAP_SYS_ADMIN);
}

static int remount_locked(const struct walk_context *context, struct mount *mount,
			  unsigned long flags, const char *data)
{
	struct super_block *super_block = mount->super_block;
	u32 wanted = 0;
	int result = wanted_flags(mount, flags, &wanted);

	if (result < 0 || (flags & MS_BIND)) {
		return result < 0 ? result : set_flags(mount, wanted);
	}
	if (!may_change(context, super_block)) {
		return -EPERM;
	}
	if (*data && super_block->operations && super_block->operations->remount) {
		result = super_block->operations->remount(super_block, data);
	}
	if (result == 0) {
		result = super_block_set_read_only(super_block, (flags & MS_RDONLY) != 0);
	}
	if (result == 0) {
		atomic_store(&mount->flags, wanted); // nobody writes if it is read-only
	}
	return result;
}

int mount_remount(const struct walk_context *context, const struct path *path,
		  unsigned long flags, const char *data)
{
	struct mount *mount = path->mount;
	int result;

	if (path->dentry != mount->root) {
		return -EINVAL;
	}
	mutex_lock(&mount_lock);
	result = mount_is_ours(context, mount)
			 ? remount_locked(context, mount, flags, data)
			 : -EINVAL;
	mutex_unlock(&mount_lock);
	return result;
}
