// SPDX-License-Identifier: MIT
/*
 * proc(5): links to places and open files: exe, cwd, root, fd/, fdinfo/, mounts.
 *
 * Everything is a leaf taken under the thread's resource_lock (resources.md, I3): a zombie's are gone and read as ENOENT.
 */
#include "procfs/procfs_internal.h"

#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/namespace/namespace.h"
#include "process/resources.h"
#include <asm/fcntl.h>
#include <linux/stat.h>

enum { TYPE_LINK = 10, TYPE_FILE = 8, MOUNT_TEXT_MAX = 2048, FDINFO_MAX = 8192 };

struct file *proc_get_file(struct thread *thread, int fd)
{
	struct file_table *files = thread_lock_resources(thread)->files;
	struct file *file = files ? file_table_get(files, fd) : NULL;

	thread_unlock_resources(thread);
	return file;
}

int proc_file_mode(struct thread *thread, int fd)
{
	struct file_table *files = thread_lock_resources(thread)->files;
	int mode = files ? fd_get_mode(files, fd) : -EBADF;

	thread_unlock_resources(thread);
	return mode;
}

static struct file *next_file(struct thread *thread, int *fd)
{
	struct file_table *files = thread_lock_resources(thread)->files;
	bool close_on_exec;
	struct file *file = files ? file_table_next(files, fd, &close_on_exec) : NULL;

	thread_unlock_resources(thread);
	return file;
}

static int place_of(struct thread *thread, void (*get)(struct fs_info *, struct path *),
		    struct path *out)
{
	struct fs_info *fs = thread_lock_resources(thread)->fs;

	if (fs) {
		get(fs, out);
	}
	thread_unlock_resources(thread);
	return fs ? 0 : -ENOENT;
}

static int get_place(const struct proc_node *node,
		     void (*get)(struct fs_info *, struct path *), struct path *out)
{
	struct thread *thread = proc_thread(node);
	int error;

	if (!thread) {
		return -ENOENT;
	}
	error = thread_check_access(thread, ACCESS_VM_READ);
	if (!error) {
		error = place_of(thread, get, out);
	}
	thread_put(thread);
	return error == -EPERM ? -EACCES : error;
}

int proc_follow_cwd(const struct proc_node *node, struct path *out)
{
	return get_place(node, fs_info_get_cwd, out);
}

int proc_follow_root(const struct proc_node *node, struct path *out)
{
	return get_place(node, fs_info_get_root, out);
}

int proc_follow_exe(const struct proc_node *node, struct path *out)
{
	struct file *file = NULL;

	if (node->process && proc_check_access(node) == -EACCES) {
		return -EACCES;
	}
	if (node->process) {
		spin_lock(&node->process->resource_lock);
		file = node->process->executable;
		if (file) {
			file_get(file);
		}
		spin_unlock(&node->process->resource_lock);
	}
	if (!file) {
		return -ENOENT;
	}
	*out = file->path;
	path_get(out);
	file_put(file);
	return 0;
}

/* ---- fd ---- */

static int follow_fd(const struct proc_node *node, struct path *out)
{
	struct thread *thread = proc_thread(node);
	struct file *file;

	if (!thread) {
		return -ENOENT;
	}
	if (thread_check_access(thread, ACCESS_VM_READ)) {
		thread_put(thread);
		return -EACCES;
	}
	file = proc_get_file(thread, node->fd);
	thread_put(thread);
	if (!file) {
		return -ENOENT;
	}
	*out = file->path;
	path_get(out);
	file_put(file);
	return 0;
}

/*
 * Without its lock: the reader holds that of the fdinfo file, which may be this very file, and
 * whoever holds the lock may sleep for ever in a read. One word, so it is some moment's position.
 */
static u64 position_now(const struct file *file) NO_THREAD_SAFETY
{
	return READ_ONCE(file->position);
}

static int show_fdinfo(struct proc_text *text, const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	struct file *file = thread ? proc_get_file(thread, node->fd) : NULL;
	const void *table = NULL;
	bool close_on_exec = false;
	int error;

	if (thread) {
		struct file_table *files = thread_lock_resources(thread)->files;

		table = files;
		close_on_exec = files && fd_get_close_on_exec(files, node->fd) > 0;
		thread_unlock_resources(thread);
		thread_put(thread);
	}
	if (!file) {
		return -ENOENT;
	}
	proc_print(text, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
		   position_now(file),
		   (atomic_load(&file->flags) & ~(u32)O_CLOEXEC) |
			   (close_on_exec ? O_CLOEXEC : 0),
		   file->path.mount ? file->path.mount->id : 0,
		   file->inode->attributes.inode_number);
	error = proc_print_file_locks(text, file, table);
	if (file->operations && file->operations->fdinfo) {
		char *more = heap_allocate(FDINFO_MAX);
		int size = more ? file->operations->fdinfo(file, more, FDINFO_MAX) : 0;

		if (size > 0) {
			proc_append(text, more, (size_t)MIN(size, FDINFO_MAX - 1));
		}
		heap_free(more);
	}
	file_put(file);
	return error;
}

static const struct proc_entry fd_entry = {
	.name = "", .mode = S_IFLNK | 0700, .follow = follow_fd};
static const struct proc_entry fdinfo_entry = {
	.name = "", .mode = S_IFREG | 0444, .show = show_fdinfo};

/* The link's permissions tell how the descriptor is open: lsof and fuser read them. */
static void show_access(struct inode *inode, u32 file_mode)
{
	inode->attributes.mode = S_IFLNK | (file_mode & FILE_READ ? 0500 : 0) |
				 (file_mode & FILE_WRITE ? 0300 : 0);
	inode->attributes.size = 64;
}

static int lookup_descriptor(struct inode *directory, struct dentry *dentry,
			     const struct proc_entry *entry)
{
	struct proc_node like = *proc_node(directory);
	struct thread *thread;
	u64 number;
	int mode, error;

	if (string_to_u64(dentry->name, &number) || number > INT32_MAX ||
	    (dentry->name[0] == '0' && dentry->name[1])) {
		return 0;
	}
	thread = proc_thread(&like);
	if (!thread) {
		return 0;
	}
	mode = thread_check_access(thread, ACCESS_VM_READ)
		       ? -EACCES
		       : proc_file_mode(thread, (int)number);
	thread_put(thread);
	if (mode < 0) {
		return 0;
	}
	like.entry = entry;
	like.fd = (int)number;
	error = proc_instantiate(directory, dentry, &like);
	if (!error && entry == &fd_entry) {
		show_access(dentry_inode(dentry), (u32)mode);
	}
	return error;
}

int proc_lookup_fd(struct inode *directory, struct dentry *dentry)
{
	return lookup_descriptor(directory, dentry, &fd_entry);
}

int proc_lookup_fdinfo(struct inode *directory, struct dentry *dentry)
{
	return lookup_descriptor(directory, dentry, &fdinfo_entry);
}

int proc_iterate_fd(struct file *file, struct directory_context *context, u64 first)
{
	const struct proc_node *node = proc_node(file->inode);
	struct thread *thread = proc_thread(node);
	struct file *found;
	int fd;

	if (!thread) {
		return -ENOENT;
	}
	if (thread_check_access(thread, ACCESS_VM_READ)) {
		thread_put(thread);
		return -EACCES;
	}
	fd = (int)(context->position - first);
	while ((found = next_file(thread, &fd))) {
		char name[16];

		file_put(found);
		format_string(name, sizeof(name), "%d", fd);
		if (!proc_emit(context, name, first + (u64)fd, first + (u64)fd,
			       TYPE_LINK)) {
			break;
		}
		fd++;
	}
	thread_put(thread);
	return 0;
}

/* ---- mounts ---- */

static int show_mounts_of(struct proc_text *text, struct mount_namespace *mounts,
			  const struct path *root, enum mount_text form)
{
	char *line = heap_allocate(MOUNT_TEXT_MAX + MOUNT_TEXT_SCRATCH);
	int length;

	if (!line) {
		return -ENOMEM;
	}
	for (unsigned n = 0;
	     (length = mount_describe(mounts, n, root, form, line, MOUNT_TEXT_MAX,
				      line + MOUNT_TEXT_MAX)) != 0;
	     n++) {
		if (length > 0) { /* else: it cannot be seen from this root */
			proc_append(text, line, (size_t)MIN(length, MOUNT_TEXT_MAX - 1));
		}
	}
	heap_free(line);
	return 0;
}

/* Those of the process's own namespace, as far as its root shows them; who reads the file need not be allowed to look into it. */
static int show_mount_text(struct proc_text *text, const struct proc_node *node,
			   enum mount_text form)
{
	struct thread *thread = proc_thread(node);
	struct namespace *mounts;
	struct path root;
	int error;

	if (!thread) {
		return -ESRCH;
	}
	mounts = thread_get_namespace(thread, NAMESPACE_SLOT_MOUNTS);
	error = mounts ? place_of(thread, fs_info_get_root, &root) : -EINVAL;
	thread_put(thread);
	if (!error) {
		error = show_mounts_of(text, mount_namespace_of(mounts), &root, form);
		path_put(&root);
	}
	namespace_put(mounts);
	return error;
}

int proc_show_mounts(struct proc_text *text, const struct proc_node *node)
{
	return show_mount_text(text, node, MOUNT_TEXT_MOUNTS);
}

int proc_show_mountstats(struct proc_text *text, const struct proc_node *node)
{
	return show_mount_text(text, node, MOUNT_TEXT_MOUNTSTATS);
}

int proc_show_mountinfo(struct proc_text *text, const struct proc_node *node)
{
	return show_mount_text(text, node, MOUNT_TEXT_MOUNTINFO);
}
