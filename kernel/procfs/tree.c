// SPDX-License-Identifier: MIT
/*
 * proc(5): directories, inodes and links over tables of entries.
 *
 * Owns      struct proc_node.
 * Context   thread. A node holds a reference on the process or thread it is about, never on what they use.
 */
#include "procfs/procfs_internal.h"

#include "fs/page_file.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/namespace/pid_namespace.h"
#include "process/resources.h"
#include "procfs/text.h"
#include <asm/statfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>

enum {
	TYPE_DIRECTORY = 4,
	TYPE_LINK = 10,
	TYPE_FILE = 8,
	FIRST_POSITION = 2,
	DYNAMIC_POSITION = 256,
	PROC_BLOCK = 1024 /* st_blksize in /proc, as on Linux: programs read in these */
};

static const struct inode_operations directory_operations, other_operations,
	magic_operations;
static const struct file_operations directory_file_operations;

struct thread *proc_thread(const struct proc_node *node)
{
	struct thread *thread = node->thread;
	u64 flags;

	if (thread) {
		thread_get(thread);
		return thread;
	}
	if (!node->process) {
		return NULL;
	}
	flags = spin_lock_irq(&node->process->signal_lock);
	thread = node->process->leader;
	if (thread && !thread_try_get(thread)) {
		thread = NULL;
	}
	spin_unlock_irq(&node->process->signal_lock, flags);
	return thread;
}

int proc_check_access(const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	int error;

	if (!thread) {
		return -ESRCH;
	}
	error = thread_check_access(thread, ACCESS_VM_READ);
	thread_put(thread);
	return error ? -EACCES : 0;
}

int proc_vm(const struct proc_node *node, struct vm_space **out)
{
	return node->process ? process_get_vm(node->process, ACCESS_VM_READ, out)
			     : -ESRCH;
}

static void own(struct inode *inode, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	u32 uid, gid;

	if (thread) {
		struct credentials *credentials = thread_get_credentials(thread);

		inode->attributes.uid = credentials->euid;
		inode->attributes.gid = credentials->egid;
		// The directory itself tells who runs the process; what is in it may be secret.
		if (inode->attributes.mode != (S_IFDIR | 0555) &&
		    process_dump_owner(node->process, &uid, &gid)) {
			inode->attributes.uid = uid;
			inode->attributes.gid = gid;
		}
		credentials_put(credentials);
		thread_put(thread);
	}
}

static int create_inode(struct super_block *super_block, const struct proc_node *like,
			struct inode **out)
{
	struct proc_node *node = heap_duplicate(like, sizeof(*like));
	struct inode *inode;
	int error;

	if (!node) {
		return -ENOMEM;
	}
	error = inode_create(super_block, &inode);
	if (error) {
		heap_free(node);
		return error;
	}
	if (node->process) {
		process_get(node->process);
	}
	if (node->thread) {
		thread_get(node->thread);
	}
	inode->data = node;
	inode->attributes.mode = like->entry->mode;
	inode->attributes.block_size =
		super_block->type == &proc_type ? PROC_BLOCK : PAGE_SIZE;
	inode->attributes.link_count = (like->entry->mode & S_IFMT) == S_IFDIR ? 2 : 1;
	own(inode, node);
	if ((like->entry->mode & S_IFMT) == S_IFDIR) {
		inode->operations = &directory_operations;
		inode->file_operations = &directory_file_operations;
	} else {
		inode->operations =
			like->entry->follow ? &magic_operations : &other_operations;
		inode->file_operations = like->entry->file_operations
						 ? like->entry->file_operations
						 : &proc_text_operations;
	}
	*out = inode;
	return 0;
}

int proc_instantiate(struct inode *directory, struct dentry *dentry,
		     const struct proc_node *like)
{
	struct inode *inode;
	int error = create_inode(directory->super_block, like, &inode);

	if (!error) {
		dentry_set_inode(dentry, inode);
	}
	return error;
}

static bool is_there(const struct proc_entry *entry)
{
	return !entry->is_there || entry->is_there();
}

static const struct proc_entry *find_child(const struct proc_entry *entry,
					   const char *name)
{
	for (const struct proc_entry *child = entry->children; child && child->name;
	     child++) {
		if (strcmp(child->name, name) == 0 && is_there(child)) {
			return child;
		}
	}
	return NULL;
}

static int proc_lookup(struct inode *directory, struct dentry *dentry)
{
	const struct proc_node *node = proc_node(directory);
	const struct proc_entry *child = find_child(node->entry, dentry->name);

	if (child) {
		struct proc_node like = *node;

		like.entry = child;
		like.setting = like.setting || child->children == proc_sys_entries;
		return proc_instantiate(directory, dentry, &like);
	}
	return node->entry->lookup ? node->entry->lookup(directory, dentry) : 0;
}

/* Names below a process are true while it is; names that are not there may come. */
static bool proc_revalidate(struct dentry *dentry)
{
	struct inode *inode = dentry_inode(dentry);
	const struct proc_node *node;
	struct thread *thread;
	bool alive;

	if (!inode) {
		return false;
	}
	node = proc_node(inode);
	if (node->process && READ_ONCE(node->process->state) == PROCESS_DEAD) {
		return false;
	}
	if (node->thread && READ_ONCE(node->thread->finished) &&
	    node->thread != node->process->leader) {
		return false;
	}
	own(inode, node);
	if (node->area_end) {
		return proc_map_file_there(node);
	}
	if (node->fd < 0 || !node->process) {
		return true;
	}
	thread = proc_thread(node);
	if (!thread) {
		return false;
	}
	alive = proc_file_mode(thread, node->fd) >= 0;
	thread_put(thread);
	return alive;
}

bool proc_emit(struct directory_context *context, const char *name, u64 at, u64 number,
	       unsigned type)
{
	if (!context->emit(context, name, strlen(name), at + 1, number, type)) {
		return false;
	}
	context->position = at + 1;
	return true;
}

static unsigned directory_type(u32 mode)
{
	return (mode & S_IFMT) == S_IFDIR   ? TYPE_DIRECTORY
	       : (mode & S_IFMT) == S_IFLNK ? TYPE_LINK
					    : TYPE_FILE;
}

static int proc_iterate(struct file *file, struct directory_context *context)
{
	const struct proc_entry *entry = proc_node(file->inode)->entry;
	u64 number = file->inode->attributes.inode_number, position = FIRST_POSITION;

	if (context->position == 0 &&
	    !proc_emit(context, ".", 0, number, TYPE_DIRECTORY)) {
		return 0;
	}
	if (context->position == 1 &&
	    !proc_emit(context, "..", 1, number, TYPE_DIRECTORY)) {
		return 0;
	}
	for (const struct proc_entry *child = entry->children; child && child->name;
	     child++, position++) {
		if (position >= context->position && is_there(child) &&
		    !proc_emit(context, child->name, position, number + position,
			       directory_type(child->mode))) {
			return 0;
		}
	}
	if (!entry->iterate) {
		return 0;
	}
	context->position = MAX(context->position, (u64)DYNAMIC_POSITION);
	return entry->iterate(file, context, DYNAMIC_POSITION);
}

static int proc_read_link(struct inode *inode, char *to, size_t size)
{
	const struct proc_node *node = proc_node(inode);
	struct path path, root;
	char *start;
	int length;

	if (node->entry->link) {
		return node->entry->link(node, to, size);
	}
	if (!node->entry->follow) {
		return -EINVAL;
	}
	length = node->entry->follow(node, &path);
	if (length) {
		return length;
	}
	fs_info_get_root(current_fs(), &root);
	length = path_to_name(&path, &root, to, size, NAME_FOR_READER, &start);
	if (length >= 0) {
		memmove(to, start, (size_t)length);
	}
	path_put(&root);
	path_put(&path);
	return length;
}

static int proc_follow_link(struct inode *inode, const struct credentials *credentials,
			    struct path *out)
{
	const struct proc_node *node = proc_node(inode);
	int error;

	if (!node->entry->follow) {
		return -EINVAL;
	}
	error = node->entry->may_follow ? node->entry->may_follow() : 0;
	return error ? error : node->entry->follow(node, out);
}

static int directory_permission(struct inode *inode,
				const struct credentials *credentials, int wanted)
{
	const struct inode_attributes *attributes = &inode->attributes;
	const struct proc_node *node = proc_node(inode);
	int error = node->entry->guarded ? proc_check_access(node) : 0;

	if (!error) {
		error = credentials_may_access(credentials, attributes->mode,
					       attributes->uid, attributes->gid, wanted);
	}
	return node->entry->open_to_self && node->process == current_process() ? 0
									       : error;
}

static bool changes_owner(const struct inode *inode,
			  const struct inode_attributes *attributes, unsigned which)
{
	return ((which & ATTRIBUTE_UID) && attributes->uid != inode->attributes.uid) ||
	       ((which & ATTRIBUTE_GID) && attributes->gid != inode->attributes.gid);
}

/* What tells of a process has the mode it has, and its owner is asked anew by each walk. Nothing here has a size. */
static int proc_set_attributes(struct inode *inode,
			       const struct inode_attributes *attributes, unsigned which)
{
	const struct proc_node *node = proc_node(inode);
	bool owned = node->setting || node->entry->children == proc_process_entries;
	bool chown = which & (ATTRIBUTE_UID | ATTRIBUTE_GID);

	if ((which & ATTRIBUTE_MODE) && !chown && (node->process || node->setting)) {
		return -EPERM;
	}
	if (owned && changes_owner(inode, attributes, which)) {
		return -EPERM;
	}
	inode_set_own_attributes(inode, attributes, which & ~(unsigned)ATTRIBUTE_SIZE);
	return 0;
}

static const struct inode_operations directory_operations = {
	.set_attributes = proc_set_attributes,
	.permission = directory_permission,
	.lookup = proc_lookup,
	.revalidate = proc_revalidate,
};

static const struct inode_operations other_operations = {
	.set_attributes = proc_set_attributes,
	.read_link = proc_read_link,
	.revalidate = proc_revalidate,
};

static const struct inode_operations magic_operations = {
	.set_attributes = proc_set_attributes,
	.read_link = proc_read_link,
	.follow_link = proc_follow_link,
	.revalidate = proc_revalidate,
};

static const struct file_operations directory_file_operations = {
	.iterate = proc_iterate,
	.seek = generic_seek,
};

static void proc_destroy_inode(struct inode *inode)
{
	struct proc_node *node = proc_node(inode);

	if (node) {
		if (node->thread) {
			thread_put(node->thread);
		}
		if (node->process) {
			process_put(node->process);
		}
		heap_free(node);
	}
}

/* super_block.data */
struct proc_super {
	u64 magic;
	struct pid_namespace *namespace; /* a reference; NULL: sysfs */
};

static int proc_statfs(struct super_block *super_block, struct statfs *out)
{
	const struct proc_super *super = super_block->data;

	out->f_type = (long)super->magic;
	return 0;
}

static void proc_unmount(struct super_block *super_block)
{
	struct proc_super *super = super_block->data;

	if (super && super->namespace) {
		namespace_put(&super->namespace->base);
	}
	heap_free(super);
}

static const struct super_block_operations proc_super_operations = {
	.destroy_inode = proc_destroy_inode,
	.unmount = proc_unmount,
	.statfs = proc_statfs,
};

static const struct proc_entry root_entry = {
	.name = "",
	.mode = S_IFDIR | 0555,
	.children = proc_root_entries,
	.lookup = proc_lookup_process,
	.iterate = proc_iterate_processes,
};

static int create_super(struct super_block *super_block, u64 magic,
			struct pid_namespace *namespace)
{
	struct proc_super *super = heap_allocate(sizeof(*super));

	if (!super) {
		return -ENOMEM;
	}
	super->magic = magic;
	super->namespace = namespace;
	if (namespace) {
		namespace_get(&namespace->base);
	}
	super_block->data = super;
	super_block->forgets_names = true; /* else a name would keep a dead process */
	return 0;
}

int proc_mount_tree(const struct file_system_type *type, const struct proc_entry *entry,
		    u64 magic, struct pid_namespace *namespace, struct super_block **out)
{
	struct proc_node like = {.entry = entry, .fd = -1, .namespace = namespace};
	struct super_block *super_block;
	struct inode *root;
	int error = super_block_create(type, &proc_super_operations, &super_block);

	if (error) {
		return error;
	}
	error = create_super(super_block, magic, namespace);
	if (!error) {
		error = create_inode(super_block, &like, &root);
	}
	if (!error) {
		error = dentry_create_root(super_block, root, &super_block->root);
	}
	if (error) {
		super_block_put(super_block);
		return error;
	}
	*out = super_block;
	return 0;
}

/* Numbers are shown as the pid namespace of who mounts it has them. */
static int proc_mount(const struct file_system_type *type, const char *source,
		      unsigned long flags, const char *data, struct super_block **out)
{
	return proc_mount_tree(type, &root_entry, PROC_SUPER_MAGIC,
			       current_pid_namespace(), out);
}

static struct namespace *numbers_shown(void)
{
	return &current_pid_namespace()->base;
}

struct file_system_type proc_type = {
	.name = "proc",
	.mount = proc_mount,
	.shown_namespace = numbers_shown,
	.flags = FILE_SYSTEM_NODEV | FILE_SYSTEM_FOR_ALL | FILE_SYSTEM_REVEALS,
};
