// SPDX-License-Identifier: MIT
/* fs/'s part of the boot order, and the root tmpfs. */
#include "arch/boot.h"
#include "arch/mmu.h"
#include "fs/devfs/devfs.h"
#include "fs/device.h"
#include "fs/fs_internal.h"
#include "fs/initramfs/initramfs.h"
#include "fs/mount_internal.h"
#include "fs/notify/dnotify.h"
#include "fs/notify/fanotify.h"
#include "fs/notify/inotify.h"
#include "fs/path.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/frame.h"
#include "vm/vm_space.h"
#include <linux/stat.h>

void fs_init(void)
{
	mount_init();
	mount_namespaces_init();
	dentry_cache_init();
	anonymous_init();
	inotify_init();
	dnotify_init();
	fanotify_init();
	tmpfs_init();
	devfs_init();
	vm_set_file_operations(file_get, file_put);
}

/* What is there without an archive too: enough to open a console and to mount on. */
static int make_first_names(struct dentry *root)
{
	struct make_request directory = {.mode = S_IFDIR | 0755};
	struct make_request console = {.mode = S_IFCHR | 0600,
				       .device = device_number(5, 1)};
	struct dentry *dev;
	int result = directory_make(root, "dev", &directory, NULL, &dev);

	if (result < 0) {
		return result;
	}
	result = directory_make(dev, "console", &console, NULL, NULL);
	dentry_put(dev);
	directory.mode = S_IFDIR | 0700;
	return result < 0 ? result : directory_make(root, "root", &directory, NULL, NULL);
}

/* A damaged archive is reported and what came before the damage is used, as far as it goes. */
void fs_unpack_initramfs(const struct path *root, void (*told)(const char *name))
{
	paddr_t start = boot_info.initramfs_start, end = boot_info.initramfs_end;

	if (start >= end) {
		return;
	}
	cpio_tell_files(told);
	(void)initramfs_unpack(root, physical_to_virtual(start), end - start);
	boot_info.initramfs_start = boot_info.initramfs_end = 0;
	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (start < end) {
		frame_add_range(start, end);
	}
}

int fs_mount_root(struct path *root)
{
	struct mount *mount;
	int result = mount_create_type("tmpfs", "rootfs", 0, "mode=755", &mount);

	if (result < 0) {
		return result;
	}
	// The reference of mount_create() becomes the namespace's.
	spin_lock(&fs_tree_lock);
	first_mount_namespace.root = mount;
	mount_enter_locked(mount, &first_mount_namespace);
	spin_unlock(&fs_tree_lock);
	*root = (struct path){mount, mount->root};
	path_get(root);
	result = make_first_names(mount->root);
	if (result < 0) {
		path_put(root);
	}
	return result;
}
