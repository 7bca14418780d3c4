// SPDX-License-Identifier: MIT
/*
 * memfd_create(2): files of a tmpfs that is mounted nowhere, and the seals on them.
 *
 * Owns      the internal super block.
 * Locks     inode.lock exclusively for adding seals.
 */
#include "core/panic.h"
#include "fs/fs_internal.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/tmpfs/tmpfs_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "vm/vm_object.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum {
	ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		    F_SEAL_FUTURE_WRITE | F_SEAL_EXEC
};

static struct file_system_type memfd_type = {.name = "memfd", .flags = FILE_SYSTEM_NODEV};
static struct super_block *memfd_files;

void memfd_init(void)
{
	int result = tmpfs_create_super_block(&memfd_type, NULL, "", &memfd_files);

	ASSERT(result == 0);
}

int memfd_create_file(const char *name, u32 seals, u32 mode,
		      const struct credentials *credentials, struct file **out)
{
	char text[280];
	struct path path = {0};
	struct inode *inode;
	int length, result;

	result = tmpfs_make_inode(memfd_files, dentry_inode(memfd_files->root),
				  S_IFREG | (mode & 07777), credentials, &inode);
	if (result < 0) {
		return result;
	}
	inode->attributes.link_count = 0;
	tmpfs_node(inode)->seals = seals;
	length = format_string(text, sizeof(text), "/memfd:%s (deleted)", name);
	length = MIN(length, (int)sizeof(text) - 1);
	result = dentry_create_detached(NULL, text, (size_t)length, memfd_files,
					&path.dentry);
	if (result < 0) {
		inode_put(inode);
		return result;
	}
	dentry_set_inode(path.dentry, inode);
	result = file_create(&path, inode->file_operations, O_RDWR | O_LARGEFILE,
			     credentials, out);
	path_put(&path);
	return result;
}

static bool has_seals(const struct file *file)
{
	return file->operations == &tmpfs_file_operations;
}

int file_get_seals(struct file *file)
{
	return has_seals(file) ? (int)tmpfs_node(file->inode)->seals : -EINVAL;
}

int file_add_seals(struct file *file, u32 seals)
{
	struct tmpfs_node *node;
	int result = 0;

	if (seals & ~(u32)ALL_SEALS) {
		return -EINVAL;
	}
	if (!(file->mode & FILE_WRITE)) {
		return -EPERM;
	}
	if (!has_seals(file)) {
		return -EINVAL;
	}
	node = tmpfs_node(file->inode);
	inode_lock(file->inode);
	if (node->seals & F_SEAL_SEAL) {
		result = -EPERM;
	} else if ((seals & F_SEAL_WRITE) && !(node->seals & F_SEAL_WRITE) &&
		   atomic_load(&file->inode->object->writable_mappings) > 0) {
		result = -EBUSY;
	} else {
		node->seals |= seals;
	}
	inode_unlock(file->inode);
	return result;
}
