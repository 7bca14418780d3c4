// SPDX-License-Identifier: MIT
/*
 * tmpfs: files in memory. Contents are the pages of each inode's vm_object and nowhere else.
 *
 * Owns      struct tmpfs (super_block->data), struct tmpfs_node (inode->data).
 * Locks     inode.lock for nodes. Page counts are brought up to date after each operation that may
 *           change them; pages made by a fault are noticed at the next one.
 *
 * Options   size=N[kmg%], nr_blocks=N, nr_inodes=N, mode=OCTAL, uid=N, gid=N. size is half the
 *           memory if it is not given.
 */
#include "fs/tmpfs/tmpfs.h"

#include "fs/page_file.h"
#include "fs/path.h"
#include "fs/tmpfs/tmpfs_internal.h"
#include "fs/write_check.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "vm/vm_object.h"
#include "vm/vm_space.h"
#include <asm/statfs.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/stat.h>

OBJECT_CACHE(node_cache, tmpfs_node);

static const struct vm_object_operations object_operations = {
	.size = page_file_object_size, .written = page_file_object_written};

static int make_object(struct inode *inode)
{
	inode->operations = &tmpfs_file_inode_operations;
	inode->file_operations = &tmpfs_file_operations;
	tmpfs_node(inode)->seals = F_SEAL_SEAL;
	return vm_object_create(&object_operations, inode, &inode->object);
}

static int set_up(struct inode *inode, u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return make_object(inode);
	case S_IFDIR:
		inode->operations = &tmpfs_directory_operations;
		inode->file_operations = &tmpfs_directory_file_operations;
		inode->attributes.link_count = 2;
		return 0;
	case S_IFLNK:
		inode->operations = &tmpfs_link_operations;
		return 0;
	default:
		inode->operations = &tmpfs_special_operations;
		return 0;
	}
}

int tmpfs_make_inode(struct super_block *super_block, const struct inode *directory,
		     u32 mode, const struct credentials *owner, struct inode **out)
{
	struct tmpfs *tmpfs = tmpfs_of(super_block);
	struct tmpfs_node *node;
	struct inode *inode;
	int result;

	if (tmpfs->inode_limit &&
	    (u64)atomic_load(&tmpfs->inodes) >= tmpfs->inode_limit) {
		return -ENOSPC;
	}
	node = object_allocate(&node_cache);
	if (!node) {
		return -ENOMEM;
	}
	list_init(&node->xattrs);
	node->next_cookie = 2;
	result = inode_create(super_block, &inode);
	if (result < 0) {
		object_free(&node_cache, node);
		return result;
	}
	atomic_fetch_add(&tmpfs->inodes, 1);
	inode->data = node;
	inode->operations = &tmpfs_special_operations;
	inode->attributes.mode = mode;
	if ((mode & S_IFMT) == S_IFDIR) {
		inode->attributes.size = tmpfs_directory_size(0);
	}
	if (directory) {
		inode_init_owner(inode, directory, mode, owner);
	}
	result = set_up(inode, mode);
	if (result < 0) {
		inode_put(inode);
		return result;
	}
	*out = inode;
	return 0;
}

static void tmpfs_destroy_inode(struct inode *inode)
{
	struct tmpfs *tmpfs = tmpfs_of(inode->super_block);
	struct tmpfs_node *node = tmpfs_node(inode);

	tmpfs_destroy_entries(inode);
	tmpfs_destroy_xattrs(node);
	atomic_fetch_sub(&tmpfs->pages, node->accounted_pages);
	atomic_fetch_sub(&tmpfs->inodes, 1);
	heap_free(node->target);
	object_free(&node_cache, node);
}

void tmpfs_account(struct inode *inode)
{
	struct tmpfs_node *node = tmpfs_node(inode);
	s64 pages = (s64)vm_object_page_count(inode->object), change;

	spin_lock(&inode->state_lock);
	change = pages - node->accounted_pages;
	node->accounted_pages = pages;
	spin_unlock(&inode->state_lock);
	atomic_fetch_add(&tmpfs_of(inode->super_block)->pages, change);
}

int tmpfs_get_attributes(struct inode *inode, struct inode_attributes *out)
{
	if (inode->object) {
		out->blocks = vm_object_page_count(inode->object) * (PAGE_SIZE / 512);
	}
	return 0;
}

int tmpfs_set_attributes(struct inode *inode, const struct inode_attributes *attributes,
			 unsigned which)
{
	u32 seals = tmpfs_node(inode)->seals;

	if ((which & ATTRIBUTE_SIZE) &&
	    (((seals & F_SEAL_SHRINK) && attributes->size < inode_size(inode)) ||
	     ((seals & F_SEAL_GROW) && attributes->size > inode_size(inode)))) {
		return -EPERM;
	}
	inode_set_own_attributes(inode, attributes, which);
	if ((which & ATTRIBUTE_SIZE) && inode->object) {
		tmpfs_account(inode);
	}
	return 0;
}

static int tmpfs_read_link(struct inode *inode, char *to, size_t size)
{
	size_t length = MIN(strlen(tmpfs_node(inode)->target), size);

	memcpy(to, tmpfs_node(inode)->target, length);
	return (int)length;
}

/* How many of `wanted` bytes at `position` there is room for: bytes, or -ENOSPC, -EPERM (seals). */
static s64 room_for(struct inode *inode, u64 position, u64 wanted)
{
	struct tmpfs *tmpfs = tmpfs_of(inode->super_block);
	u32 seals = tmpfs_node(inode)->seals;
	s64 left;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
		return -EPERM;
	}
	if ((seals & F_SEAL_GROW) && position + wanted > inode_size(inode)) {
		if (position >= inode_size(inode)) {
			return -EPERM;
		}
		wanted = inode_size(inode) - position;
	}
	if (!tmpfs->page_limit || position + wanted <= inode_size(inode)) {
		return (s64)wanted;
	}
	left = (s64)tmpfs->page_limit - atomic_load(&tmpfs->pages);
	if (left <= 0) {
		// What is left of the last page costs nothing.
		u64 slack = position < inode_size(inode) || position % PAGE_SIZE
				    ? PAGE_SIZE - position % PAGE_SIZE
				    : 0;

		return slack ? (s64)MIN(slack, wanted) : -ENOSPC;
	}
	return (s64)MIN(wanted, (u64)left * PAGE_SIZE);
}

static s64 tmpfs_write(struct file *file, struct io_buffer *io, u64 *position)
{
	u64 at = (atomic_load(&file->flags) & O_APPEND) ? inode_size(file->inode)
							: *position;
	s64 room = room_for(file->inode, at, io->remaining), moved;
	u64 hidden;

	if (room < 0) {
		return room;
	}
	hidden = io->remaining - (u64)room;
	io->remaining = (u64)room;
	moved = page_file_write(file, io, position);
	io->remaining += hidden;
	tmpfs_account(file->inode);
	return moved;
}

static int tmpfs_map(struct file *file, struct vm_map_request *request)
{
	u32 seals = tmpfs_node(file->inode)->seals;
	bool shared = (request->map_flags & MAP_TYPE) != MAP_PRIVATE;
	bool sealed = shared && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	int result;

	if (sealed && (request->protect & PROTECT_WRITE)) {
		return -EPERM;
	}
	result = page_file_map(file, request);
	if (result == 0 && sealed) {
		request->maximum_protect &= ~(u32)PROTECT_WRITE;
	}
	return result;
}

static int allocate_pages(struct inode *inode, u64 start, u64 end)
{
	struct tmpfs *tmpfs = tmpfs_of(inode->super_block);

	for (u64 index = start / PAGE_SIZE; index * PAGE_SIZE < end; index++) {
		struct frame *frame;
		int result;

		if (tmpfs->page_limit &&
		    atomic_load(&tmpfs->pages) >= (s64)tmpfs->page_limit) {
			return -ENOSPC;
		}
		result = vm_object_page(inode->object, index, &frame);
		if (result < 0) {
			return result == -ENOMEM ? -ENOSPC : result;
		}
		frame_put(frame);
		tmpfs_account(inode);
	}
	return 0;
}

static int punch(struct inode *inode, u64 start, u64 end)
{
	static const char zeros[256];
	u64 first = ALIGN_UP(start, PAGE_SIZE), last = ALIGN_DOWN(end, PAGE_SIZE);

	if (tmpfs_node(inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
		return -EPERM;
	}
	if (first < last) {
		vm_object_punch(inode->object, first, last);
	}
	end = MIN(end, inode_size(inode));
	while (start < end) {
		struct io_buffer io;
		u64 size;

		if (start == first && first < last) {
			start = last;
			continue;
		}
		size = MIN(end - start, PAGE_SIZE - start % PAGE_SIZE);
		size = MIN(size, (u64)sizeof(zeros));
		io_buffer_init_kernel(&io, (void *)(uintptr_t)zeros, size);
		if (vm_object_write(inode->object, start, &io) < 0) {
			return -ENOMEM;
		}
		start += size;
	}
	return 0;
}

static int make_room(struct inode *inode, u64 start, u64 end)
{
	int result = fs_check_new_size(inode, end);

	if (result == 0 && (tmpfs_node(inode)->seals & F_SEAL_GROW) &&
	    end > inode_size(inode)) {
		result = -EPERM;
	}
	return result ? result : allocate_pages(inode, start, end);
}

static int tmpfs_allocate(struct file *file, int mode, u64 offset, u64 length)
{
	struct inode *inode = file->inode;
	bool keep = (mode & FALLOC_FL_KEEP_SIZE) != 0;
	int result;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		return -EOPNOTSUPP;
	}
	inode_lock(inode);
	inode_drop_privilege(inode);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		result = punch(inode, offset, offset + length);
	} else {
		result = make_room(inode, offset, offset + length);
	}
	if (result == 0 && !keep && !(mode & FALLOC_FL_PUNCH_HOLE) &&
	    offset + length > inode_size(inode)) {
		WRITE_ONCE(inode->attributes.size, offset + length);
	}
	inode_touch(inode, ATTRIBUTE_MODIFIED | ATTRIBUTE_CHANGED);
	tmpfs_account(inode);
	inode_unlock(inode);
	return result;
}

static int tmpfs_sync(struct file *file, bool data_only)
{
	return 0; // memory is all there is
}

const struct inode_operations tmpfs_file_inode_operations = {
	.get_attributes = tmpfs_get_attributes,
	.set_attributes = tmpfs_set_attributes,
	.get_xattr = tmpfs_get_xattr,
	.list_xattr = tmpfs_list_xattr,
	.set_xattr = tmpfs_set_xattr,
};

const struct inode_operations tmpfs_link_operations = {
	.read_link = tmpfs_read_link,
	.get_xattr = tmpfs_get_xattr,
	.list_xattr = tmpfs_list_xattr,
	.set_xattr = tmpfs_set_xattr,
};

const struct inode_operations tmpfs_special_operations = {
	.get_xattr = tmpfs_get_xattr,
	.list_xattr = tmpfs_list_xattr,
	.set_xattr = tmpfs_set_xattr,
};

const struct file_operations tmpfs_file_operations = {
	.read = page_file_read,
	.write = tmpfs_write,
	.seek = page_file_seek,
	.map = tmpfs_map,
	.sync = tmpfs_sync,
	.allocate = tmpfs_allocate,
};

static int tmpfs_statfs(struct super_block *super_block, struct statfs *out)
{
	struct tmpfs *tmpfs = tmpfs_of(super_block);
	u64 used = (u64)MAX(atomic_load(&tmpfs->pages), (s64)0);
	u64 inodes = (u64)atomic_load(&tmpfs->inodes);

	out->f_type = TMPFS_MAGIC;
	out->f_blocks = (long)tmpfs->page_limit;
	out->f_bfree = out->f_bavail =
		(long)(tmpfs->page_limit - MIN(used, tmpfs->page_limit));
	out->f_files = (long)tmpfs->inode_limit;
	out->f_ffree = (long)(tmpfs->inode_limit - MIN(inodes, tmpfs->inode_limit));
	return 0;
}

static int tmpfs_show_options(struct super_block *super_block, char *to, size_t size)
{
	struct tmpfs *tmpfs = tmpfs_of(super_block);

	int length = format_string(to, size, ",size=%lluk,mode=%o",
				   (unsigned long long)tmpfs->page_limit * 4,
				   tmpfs->root_mode);

	// As the first namespace writes them, whoever reads.
	if (tmpfs->root_uid && length < (int)size) {
		length += format_string(to + length, size - (size_t)length, ",uid=%u",
					tmpfs->root_uid);
	}
	if (tmpfs->root_gid && length < (int)size) {
		length += format_string(to + length, size - (size_t)length, ",gid=%u",
					tmpfs->root_gid);
	}
	return length;
}

static void tmpfs_unmount(struct super_block *super_block)
{
	heap_free(super_block->data);
}

const struct super_block_operations tmpfs_super_block_operations = {
	.destroy_inode = tmpfs_destroy_inode,
	.unmount = tmpfs_unmount,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
};

int tmpfs_create_super_block(const struct file_system_type *type,
			     const struct credentials *credentials, const char *options,
			     struct super_block **out)
{
	struct tmpfs *tmpfs = heap_allocate(sizeof(*tmpfs));
	struct super_block *super_block;
	struct inode *root;
	int result;

	if (!tmpfs) {
		return -ENOMEM;
	}
	result = tmpfs_parse_options(tmpfs, credentials, options);
	if (result == 0) {
		result = super_block_create(type, &tmpfs_super_block_operations,
					    &super_block);
	}
	if (result < 0) {
		heap_free(tmpfs);
		return result;
	}
	super_block->data = tmpfs;
	result = tmpfs_make_inode(super_block, NULL, S_IFDIR | tmpfs->root_mode, NULL,
				  &root);
	if (result == 0) {
		root->attributes.uid = tmpfs->root_uid;
		root->attributes.gid = tmpfs->root_gid;
		result = dentry_create_root(super_block, root, &super_block->root);
	}
	if (result < 0) {
		super_block_put(super_block);
		return result;
	}
	*out = super_block;
	return 0;
}

static int tmpfs_mount(const struct file_system_type *type, const char *source,
		       unsigned long flags, const char *data, struct super_block **out)
{
	return tmpfs_create_super_block(type, NULL, data, out);
}

static int tmpfs_mount_at(const struct file_system_type *type,
			  const struct walk_context *context, const char *source,
			  unsigned long flags, const char *data, struct super_block **out)
{
	return tmpfs_create_super_block(type, context->credentials, data, out);
}

static struct file_system_type tmpfs_type = {.name = "tmpfs",
					     .mount = tmpfs_mount,
					     .mount_at = tmpfs_mount_at,
					     .flags = FILE_SYSTEM_NODEV |
						      FILE_SYSTEM_FOR_ALL};
static struct file_system_type ramfs_type = {.name = "ramfs",
					     .mount = tmpfs_mount,
					     .mount_at = tmpfs_mount_at,
					     .flags = FILE_SYSTEM_NODEV |
						      FILE_SYSTEM_FOR_ALL};

void tmpfs_init(void)
{
	file_system_register(&tmpfs_type);
	file_system_register(&ramfs_type);
	memfd_init();
}
