// SPDX-License-Identifier: MIT
/*
 * devpts: the directory of /dev/pts: one node for each live pseudoterminal, and ptmx.
 *
 * Owns      the file system type "devpts".
 */
#include "tty/pty.h"

#include "fs/inode.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/stat.h>

enum {
	ROOT_INODE = 1,
	PTMX_INODE = 2,
	FIRST_PTY_INODE = 3,
	DIRECTORY_TYPE = 4,
	CHARACTER_TYPE = 2
};
enum { BLOCK_SIZE = 1024 }; /* st_blksize */
enum { POSITION_DOT, POSITION_DOT_DOT, POSITION_PTMX, POSITION_FIRST };

static u64 device_number(unsigned major, unsigned minor)
{
	return (minor & 0xff) | ((u64)major << 8) | ((u64)(minor & ~0xffu) << 12);
}

/* A name that is a live number, or -1. */
static int parse_number(const char *name)
{
	u64 number;

	if (string_to_u64(name, &number) || number >= PTY_MAXIMUM ||
	    (name[0] == '0' && name[1])) {
		return -1;
	}
	return pty_next((unsigned)number) == (int)number ? (int)number : -1;
}

static int make_node(struct inode *directory, struct dentry *dentry, u64 number, u32 mode,
		     u64 device)
{
	struct inode *inode;
	int error = inode_create(directory->super_block, &inode);

	if (error) {
		return error;
	}
	inode->attributes.inode_number = number;
	inode->attributes.mode = mode;
	inode->attributes.block_size = BLOCK_SIZE;
	inode->attributes.special_device = device;
	if (number >= FIRST_PTY_INODE) {
		pty_owner((unsigned)(number - FIRST_PTY_INODE), &inode->attributes.uid,
			  &inode->attributes.gid);
	}
	dentry_set_inode(dentry, inode);
	return 0;
}

static int devpts_lookup(struct inode *directory, struct dentry *dentry)
{
	int number;

	if (strcmp(dentry->name, "ptmx") == 0) {
		return make_node(directory, dentry, PTMX_INODE, S_IFCHR | 0666,
				 device_number(PTMX_MAJOR, PTMX_MINOR));
	}
	number = parse_number(dentry->name);
	if (number < 0) {
		return 0;
	}
	return make_node(directory, dentry, FIRST_PTY_INODE + (u64)number, S_IFCHR | 0620,
			 device_number(PTY_SLAVE_MAJOR, (unsigned)number));
}

static bool devpts_revalidate(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);

	if (inode && inode->attributes.inode_number < FIRST_PTY_INODE) {
		return true;
	}
	return (parse_number(dentry->name) >= 0) == (inode != NULL);
}

static int devpts_iterate(struct file *file, struct directory_context *context)
{
	char name[16];
	int number;

	if (context->position == POSITION_DOT &&
	    !context->emit(context, ".", 1, ++context->position, ROOT_INODE,
			   DIRECTORY_TYPE)) {
		return context->position = POSITION_DOT, 0;
	}
	if (context->position == POSITION_DOT_DOT &&
	    !context->emit(context, "..", 2, ++context->position, ROOT_INODE,
			   DIRECTORY_TYPE)) {
		return context->position = POSITION_DOT_DOT, 0;
	}
	if (context->position == POSITION_PTMX &&
	    !context->emit(context, "ptmx", 4, ++context->position, PTMX_INODE,
			   CHARACTER_TYPE)) {
		return context->position = POSITION_PTMX, 0;
	}
	while ((number = pty_next((unsigned)(context->position - POSITION_FIRST))) >= 0) {
		int length = format_string(name, sizeof(name), "%d", number);

		context->position = (u64)number + POSITION_FIRST;
		if (!context->emit(context, name, (size_t)length, context->position + 1,
				   FIRST_PTY_INODE + (u64)number, CHARACTER_TYPE)) {
			return 0;
		}
		context->position++;
	}
	return 0;
}

static const struct inode_operations directory_operations = {
	.lookup = devpts_lookup,
	.revalidate = devpts_revalidate,
};

static const struct file_operations directory_file_operations = {.iterate =
									 devpts_iterate};
static int devpts_statfs(struct super_block *super_block, struct statfs *out)
{
	out->f_type = DEVPTS_SUPER_MAGIC;
	return 0;
}

static const struct super_block_operations super_operations = {.statfs = devpts_statfs};

static int devpts_mount(const struct file_system_type *type, const char *source,
			unsigned long flags, const char *data, struct super_block **out)
{
	struct super_block *super_block;
	struct inode *root;
	int error = super_block_create(type, &super_operations, &super_block);

	if (error) {
		return error;
	}
	error = inode_create(super_block, &root);
	if (!error) {
		root->attributes.inode_number = ROOT_INODE;
		root->attributes.mode = S_IFDIR | 0755;
		root->attributes.block_size = BLOCK_SIZE;
		root->attributes.link_count = 2;
		root->operations = &directory_operations;
		root->file_operations = &directory_file_operations;
		error = dentry_create_root(super_block, root, &super_block->root);
	}
	if (error) {
		super_block_put(super_block);
		return error;
	}
	*out = super_block;
	return 0;
}

static struct file_system_type devpts_type = {
	.name = "devpts",
	.mount = devpts_mount,
	.flags = FILE_SYSTEM_NODEV | FILE_SYSTEM_FOR_ALL | FILE_SYSTEM_DEVICES,
};

void devpts_init(void)
{
	file_system_register(&devpts_type);
}
