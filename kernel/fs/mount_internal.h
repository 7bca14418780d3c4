// SPDX-License-Identifier: MIT
/* The tree of mounts, for the files of fs/ that change it. */
#pragma once

#include "fs/fs_internal.h"
#include "fs/mount.h"
#include "lib/list.h"
#include "sync/mutex.h"

extern struct mutex mount_lock;
extern struct list mounts; /* fs_tree_lock: attached mounts, oldest first */

/* Put into the tree at `at` (NULL: as the root), with a reference for being attached. Tree lock held. */
void mount_link_locked(struct mount *mount, const struct path *at)
	MUST_HOLD(&fs_tree_lock);
/* Take out; the caller gets the references on *was, and the one for being attached. Tree lock held. */
void mount_unlink_locked(struct mount *mount, struct path *was) MUST_HOLD(&fs_tree_lock);
