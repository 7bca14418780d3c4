// SPDX-License-Identifier: MIT
/*
 * What exec does to credentials: set-uid and set-gid files, and the capability rules of capabilities(7).
 */
#include "process/exec/exec_internal.h"

#include "cred/credentials.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "lib/errno.h"
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/stat.h>

static void apply_set_id(struct exec_image *image, struct credentials *fresh)
{
	const struct inode_attributes *attributes = &image->file->inode->attributes;

	const struct mount *mount = image->file->path.mount;

	if ((mount && (atomic_load(&mount->flags) & MS_NOSUID)) ||
	    fresh->no_new_privileges || image->refuse_set_id) {
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

static void apply_capabilities(struct credentials *fresh, bool changed_id)
{
	bool root_is_special = !(fresh->securebits & (1 << SECURE_NOROOT));

	if (changed_id) {
		fresh->capability_ambient = 0;
	}
	if (root_is_special && (fresh->uid == 0 || fresh->euid == 0)) {
		fresh->capability_permitted =
			fresh->capability_inheritable | fresh->capability_bounding;
		fresh->capability_effective =
			fresh->euid == 0 ? fresh->capability_permitted : 0;
	} else {
		fresh->capability_permitted = fresh->capability_ambient;
		fresh->capability_effective = fresh->capability_ambient;
	}
	fresh->securebits &= ~(1u << SECURE_KEEP_CAPS);
}

int exec_prepare_credentials(struct exec_image *image, const struct credentials *old)
{
	struct credentials *fresh;
	bool changed;
	int err = credentials_copy(old, &fresh);

	if (err) {
		return err;
	}
	apply_set_id(image, fresh);
	changed = fresh->euid != old->euid || fresh->egid != old->egid;
	fresh->suid = fresh->fsuid = fresh->euid;
	fresh->sgid = fresh->fsgid = fresh->egid;
	apply_capabilities(fresh, changed);
	image->secure = fresh->uid != fresh->euid || fresh->gid != fresh->egid;
	image->credentials = fresh;
	return 0;
}
