// SPDX-License-Identifier: MIT
/*
 * nsfs: namespaces as files.
 *
 * Owns      the super block of nsfs and its one mount, which is attached nowhere.
 */
#include "fs/nsfs.h"

#include "core/namespace.h"
#include "core/panic.h"
#include "fs/fs_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include <asm/fcntl.h>
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/stat.h>

static struct mount *nsfs_mount;

static s64 (*answer_ioctl)(struct namespace *namespace, unsigned command, u64 argument);

static s64 nsfs_ioctl(struct file *file, unsigned command, u64 argument)
{
	return answer_ioctl(file->inode->data, command, argument);
}

static const struct file_operations nsfs_file_operations = {.ioctl = nsfs_ioctl};

/* As if immutable: not even root writes to it. */
static int nsfs_permission(struct inode *inode, const struct credentials *credentials,
			   int wanted)
{
	return (wanted & ACCESS_WRITE) ? -EPERM : 0;
}

static int nsfs_set_attributes(struct inode *inode,
			       const struct inode_attributes *attributes, unsigned which)
{
	return -EPERM;
}

static const struct inode_operations nsfs_inode_operations = {
	.permission = nsfs_permission,
	.set_attributes = nsfs_set_attributes,
};

static void nsfs_destroy_inode(struct inode *inode)
{
	namespace_put(inode->data);
}

static int nsfs_statfs(struct super_block *super_block, struct statfs *out)
{
	out->f_type = NSFS_MAGIC;
	return 0;
}

/* Not registered: nobody mounts it by name. */
static const struct file_system_type nsfs_type = {.name = "nsfs",
						  .flags = FILE_SYSTEM_NODEV};
static const struct super_block_operations nsfs_operations = {
	.destroy_inode = nsfs_destroy_inode,
	.statfs = nsfs_statfs,
};

void nsfs_init(void)
{
	struct super_block *super_block;
	struct inode *root;
	int err = super_block_create(&nsfs_type, &nsfs_operations, &super_block);

	if (!err) {
		super_block->treeless = true;
		err = inode_create(super_block, &root);
	}
	if (!err) {
		root->attributes.mode = S_IFDIR | 0500;
		err = dentry_create_root(super_block, root, &super_block->root);
	}
	if (!err) {
		err = mount_create(super_block->root, "nsfs", 0, &nsfs_mount);
	}
	if (err) {
		panic("no memory for nsfs");
	}
}

void nsfs_set_ioctl(s64 (*ioctl)(struct namespace *namespace, unsigned command,
				 u64 argument))
{
	answer_ioctl = ioctl;
}

int nsfs_path(struct namespace *namespace, struct path *out)
{
	struct super_block *super_block = nsfs_mount->super_block;
	struct inode *inode;
	char name[48];
	int length, err = inode_create(super_block, &inode);

	if (err) {
		return err;
	}
	namespace_get(namespace);
	inode->data = namespace;
	inode->operations = &nsfs_inode_operations;
	inode->file_operations = &nsfs_file_operations;
	inode->attributes.mode = S_IFREG | 0444;
	inode->attributes.inode_number = namespace->number;
	length = format_string(name, sizeof(name), "%s:[%lu]",
			       namespace->operations->name, namespace->number);
	err = dentry_create_detached(NULL, name, (size_t)length, super_block,
				     &out->dentry);
	if (err) {
		inode_put(inode);
		return err;
	}
	dentry_set_inode(out->dentry, inode);
	mount_get(nsfs_mount);
	out->mount = nsfs_mount;
	return 0;
}

struct namespace *nsfs_namespace(const struct file *file)
{
	return file->operations == &nsfs_file_operations ? file->inode->data : NULL;
}

struct namespace *nsfs_namespace_at(const struct dentry *dentry)
{
	const struct inode *inode = dentry_inode(dentry);

	return inode && inode->operations == &nsfs_inode_operations ? inode->data : NULL;
}

int nsfs_open(struct namespace *namespace, const struct credentials *credentials,
	      struct file **out)
{
	struct path path;
	int err = nsfs_path(namespace, &path);

	if (err) {
		return err;
	}
	err = file_create(&path, &nsfs_file_operations, O_RDONLY | O_LARGEFILE,
			  credentials, out);
	path_put(&path);
	return err;
}
