// SPDX-License-Identifier: MIT
/*
 * What exec does to credentials: finds the set-id bits and capabilities of the file; cred/capabilities.c has the rules.
 */
#include "process/exec/exec_internal.h"

#include "cred/credentials.h"
#include "cred/file_capability.h"
#include "cred/user_namespace.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "vm/vm_space.h"
#include <linux/mount.h>
#include <linux/stat.h>

/*
 * May the program give its caller anything? Only by what the caller's own administrator has put in place: not through a
 * descriptor from elsewhere (another mount namespace, a detached mount, no mount at all), and not on a file system that
 * a user namespace of less power has mounted.
 */
static bool mount_gives_privilege(const struct exec_image *image,
				  const struct user_namespace *own)
{
	const struct mount *mount = image->file->path.mount;
	const struct user_namespace *owner = mount ? mount->super_block->owner : NULL;

	return mount && !(atomic_load(&mount->flags) & MS_NOSUID) &&
	       mount_in_namespace(mount, image->context->mounts) &&
	       user_namespace_within(own, owner ? owner : &first_user_namespace);
}

static void apply_set_id(const struct exec_image *image, struct credentials *fresh)
{
	const struct inode_attributes *attributes = &image->file->inode->attributes;
	const struct user_namespace *own = fresh->user_namespace;

	if (fresh->no_new_privileges ||
	    id_from_kernel(own, ID_USER, attributes->uid) == ID_INVALID ||
	    id_from_kernel(own, ID_GROUP, attributes->gid) == ID_INVALID) {
		return;
	}
	if (attributes->mode & S_ISUID) {
		fresh->euid = attributes->uid;
	}
	// Without group execute permission the bit once meant mandatory locking.
	if ((attributes->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
		fresh->egid = attributes->gid;
	}
}

/* The security.capability attribute, if it is for the namespace the program will run in. */
static int read_file_capability(const struct exec_image *image,
				const struct credentials *fresh, struct exec_facts *facts)
{
	u8 value[FILE_CAPABILITY_SIZE_MAX];
	struct file_capability capability;
	s64 size = fs_get_file_capability(&image->file->path, value);
	int err;

	if (size == -ENODATA || size == -EOPNOTSUPP) {
		return 0;
	}
	if (size < 0) {
		return (int)size;
	}
	err = file_capability_read(value, (size_t)size, &capability);
	if (err || !user_namespace_is_root(fresh->user_namespace, capability.root_uid)) {
		return err;
	}
	facts->has_capabilities = true;
	facts->effective = capability.effective;
	facts->permitted = capability.permitted;
	facts->inheritable = capability.inheritable;
	return 0;
}

int exec_prepare_credentials(struct exec_image *image, const struct credentials *old)
{
	struct exec_facts facts = {.shared = image->refuse_set_id};
	struct credentials *fresh;
	int err = credentials_copy(old, &fresh);

	if (err) {
		return err;
	}
	if (mount_gives_privilege(image, fresh->user_namespace)) {
		apply_set_id(image, fresh);
		err = read_file_capability(image, fresh, &facts);
	}
	if (!err) {
		err = credentials_follow_exec(fresh, old, &facts, &image->secure);
	}
	if (err) {
		credentials_put(fresh);
		return err;
	}
	image->credentials = fresh;
	return 0;
}

void exec_note_readable(struct exec_image *image, const struct file *file,
			const struct credentials *credentials)
{
	if (fs_permission(file->inode, credentials, ACCESS_READ)) {
		image->unreadable = true;
	}
}

void exec_own_memory(const struct exec_image *image)
{
	const struct inode_attributes *attributes = &image->file->inode->attributes;
	struct user_namespace *owner = image->credentials->user_namespace;

	// What its namespace could not read, no tracer in there may see either.
	while (image->unreadable && owner != &first_user_namespace &&
	       (id_from_kernel(owner, ID_USER, attributes->uid) == ID_INVALID ||
		id_from_kernel(owner, ID_GROUP, attributes->gid) == ID_INVALID)) {
		owner = user_namespace_parent(owner);
	}
	image->vm->user_namespace = user_namespace_get(owner);
}
