// SPDX-License-Identifier: MIT
/*
 * Files without a name in any tree: pipes, sockets, and eventfds and their kind live in pseudo file
 * systems of their own, as programs see by fstatfs(2) and st_dev; their place has no mount.
 *
 * Owns      the three super blocks.
 */
#include "core/panic.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/stat.h>

/* Who may reach one through /proc/PID/fd is settled there; the inode has no owner to speak of. */
static int anonymous_permission(struct inode *inode,
				const struct credentials *credentials, int wanted)
{
	return 0;
}

static const struct inode_operations anonymous_inode_operations = {
	.permission = anonymous_permission,
};

enum { PIPES, SOCKETS, OTHERS, KINDS };
static struct file_system_type types[KINDS] = {
	[PIPES] = {.name = "pipefs", .flags = FILE_SYSTEM_NODEV},
	[SOCKETS] = {.name = "sockfs", .flags = FILE_SYSTEM_NODEV},
	[OTHERS] = {.name = "anon_inodefs", .flags = FILE_SYSTEM_NODEV},
};
static const u32 magic[KINDS] = {PIPEFS_MAGIC, SOCKFS_MAGIC, ANON_INODE_FS_MAGIC};
static struct super_block *super_blocks[KINDS]; /* I after anonymous_init() */

static int anonymous_statfs(struct super_block *super_block, struct statfs *out)
{
	out->f_type = (long)magic[super_block->type - types];
	return 0;
}

static const struct super_block_operations anonymous_operations = {
	.statfs = anonymous_statfs};

void anonymous_init(void)
{
	for (int kind = 0; kind < KINDS; kind++) {
		int result = super_block_create(&types[kind], &anonymous_operations,
						&super_blocks[kind]);

		ASSERT(result == 0);
	}
}

static struct super_block *super_block_of(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return super_blocks[PIPES];
	case S_IFSOCK:
		return super_blocks[SOCKETS];
	default:
		return super_blocks[OTHERS];
	}
}

static int anonymous_dentry(const char *name, u32 mode, struct dentry **out)
{
	struct inode *inode;
	char text[64];
	struct super_block *super_block = super_block_of(mode);
	int length, result = inode_create(super_block, &inode);

	if (result < 0) {
		return result;
	}
	inode->operations = &anonymous_inode_operations;
	inode->attributes.mode = mode;
	if (mode & S_IFMT) {
		length =
			format_string(text, sizeof(text), "%s:[%llu]", name,
				      (unsigned long long)inode->attributes.inode_number);
	} else {
		length = format_string(text, sizeof(text), "anon_inode:%s", name);
	}
	length = MIN(length, (int)sizeof(text) - 1);
	result = dentry_create_detached(NULL, text, (size_t)length, super_block, out);
	if (result < 0) {
		inode_put(inode);
		return result;
	}
	dentry_set_inode(*out, inode);
	return 0;
}

int file_create_anonymous(const char *name, u32 mode,
			  const struct file_operations *operations, u32 flags, void *data,
			  struct file **out)
{
	struct path path = {0};
	int result = anonymous_dentry(name, mode, &path.dentry);

	if (result < 0) {
		return result;
	}
	result = file_create(&path, operations, flags, NULL, out);
	if (result == 0) {
		(*out)->data = data;
	}
	path_put(&path);
	return result;
}
