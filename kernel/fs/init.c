// SPDX-License-Identifier: MIT
/* fs/'s part of the boot order, and the root tmpfs. */
#include "fs/devfs/devfs.h"
#include "fs/fs_internal.h"
#include "fs/mount_internal.h"
#include "fs/path.h"
#include "fs/tmpfs/tmpfs.h"
#include "vm/vm_space.h"

void fs_init(void)
{
	mutex_init(&mount_lock, RANK_MOUNT, "mount_lock");
	dentry_cache_init();
	anonymous_init();
	tmpfs_init();
	devfs_init();
	vm_set_file_operations(file_get, file_put);
}

int fs_mount_root(struct path *root)
{
	struct mount *mount;
	int result = mount_create_type("tmpfs", "rootfs", 0, "mode=755", &mount);

	if (result < 0) {
		return result;
	}
	spin_lock(&fs_tree_lock);
	mount_link_locked(mount, NULL);
	spin_unlock(&fs_tree_lock);
	// The reference of mount_create() becomes the path's.
	*root = (struct path){mount, mount->root};
	dentry_get(mount->root);
	return 0;
}
