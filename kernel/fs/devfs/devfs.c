// SPDX-License-Identifier: MIT
/*
 * devfs (mounted as "devtmpfs"): one tmpfs that every mount shares; devices put their nodes into it.
 *
 * Owns      the shared super block.
 */
#include "fs/devfs/devfs.h"

#include "core/panic.h"
#include "fs/device.h"
#include "fs/directory.h"
#include "fs/mount.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <linux/stat.h>

static struct super_block *devices;
static struct mount *keeper; /* so that the last umount of a user leaves the nodes */

static int devfs_mount(const struct file_system_type *type, const char *source,
		       unsigned long flags, const char *data, struct super_block **out)
{
	*out = devices;
	return 0;
}

static struct file_system_type devtmpfs_type = {
	.name = "devtmpfs", .mount = devfs_mount, .flags = FILE_SYSTEM_NODEV};
static struct file_system_type devfs_type = {
	.name = "devfs", .mount = devfs_mount, .flags = FILE_SYSTEM_NODEV};

/* The directory of `name` (made if missing), with a reference; *last is the last component. */
static int find_parent(const char *name, struct dentry **out, const char **last)
{
	struct make_request request = {.mode = S_IFDIR | 0755};
	struct dentry *directory = devices->root, *child;
	const char *slash;
	char part[64];

	dentry_get(directory);
	while ((slash = strchr(name, '/'))) {
		size_t length = (size_t)(slash - name);
		int result;

		if (length == 0 || length >= sizeof(part)) {
			dentry_put(directory);
			return -EINVAL;
		}
		memcpy(part, name, length);
		part[length] = '\0';
		result = directory_make(directory, part, &request, NULL, NULL);
		if (result == 0 || result == -EEXIST) {
			result = dentry_lookup(directory, part, length, &child);
		}
		dentry_put(directory);
		if (result < 0) {
			return result;
		}
		directory = child;
		name = slash + 1;
	}
	*out = directory;
	*last = name;
	return 0;
}

static int add(const char *name, const struct make_request *request)
{
	struct dentry *directory;
	const char *last;
	int result = find_parent(name, &directory, &last);

	if (result < 0) {
		return result;
	}
	result = directory_make(directory, last, request, NULL, NULL);
	dentry_put(directory);
	return result;
}

int devfs_add(const char *name, u32 mode, unsigned major, unsigned minor)
{
	struct make_request request = {.mode = mode,
				       .device = device_number(major, minor)};

	return add(name, &request);
}

int devfs_add_link(const char *name, const char *target)
{
	struct make_request request = {.mode = S_IFLNK | 0777, .target = target};

	return add(name, &request);
}

int devfs_add_directory(const char *name, u32 mode)
{
	struct make_request request = {.mode = S_IFDIR | (mode & 07777)};

	return add(name, &request);
}

void devfs_remove(const char *name)
{
	struct dentry *directory;
	const char *last;

	if (find_parent(name, &directory, &last) == 0) {
		(void)!directory_unlink(directory, last, NULL);
		dentry_put(directory);
	}
}

void devfs_init(void)
{
	static const char *const links[][2] = {
		{"fd", "/proc/self/fd"},
		{"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"},
	};
	int result = tmpfs_create_super_block(&devtmpfs_type, NULL, "mode=755", &devices);

	ASSERT(result == 0);
	result = mount_create(devices->root, "devtmpfs", 0, &keeper);
	ASSERT(result == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(links) && result == 0; i++) {
		result = devfs_add_link(links[i][0], links[i][1]);
	}
	if (result == 0) {
		result = devfs_add_directory("pts", 0755);
	}
	if (result == 0) {
		result = devfs_add_directory("shm", 01777);
	}
	ASSERT(result == 0);
	file_system_register(&devtmpfs_type);
	file_system_register(&devfs_type);
	memory_devices_init();
}
