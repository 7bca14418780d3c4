// SPDX-License-Identifier: MIT
/*
 * proc(5): /proc/PID/map_files: a link START-END to the file of each area that maps one.
 *
 * Context   thread. As in process_memory.c: the space is looked at under vm_lock_shared(); a name is emitted without it.
 */
#include "procfs/procfs_internal.h"

#include "fs/path.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "process/resources.h"
#include "vm/vm_space.h"
#include <linux/capability.h>
#include <linux/stat.h>

enum { TYPE_LINK = 10, NAME_SIZE = 40 };

static void area_name(char name[NAME_SIZE], vaddr_t start, vaddr_t end)
{
	format_string(name, NAME_SIZE, "%lx-%lx", start, end);
}

static bool may_read(const struct proc_node *node)
{
	struct thread *thread = proc_thread(node);
	bool may = thread && !thread_check_access(thread, ACCESS_VM_READ);

	thread_put(thread);
	return may;
}

/*
 * The space, locked shared, with a reference. -EACCES; -ENOENT: there is none any more. A lookup holds the directory's lock, within
 * which exec_lock cannot be had: so the space must be the process's before and after the question who may read it.
 */
static int lock_space(const struct proc_node *node, struct vm_space **out)
{
	struct vm_space *vm = proc_any_vm(node);
	int error = !vm ? -ENOENT : !may_read(node) ? -EACCES : 0;

	if (!error && (READ_ONCE(node->process->vm) != vm || vm_lock_shared(vm))) {
		error = -ENOENT;
	}
	if (error) {
		vm_put(vm);
	}
	*out = vm;
	return error;
}

static void unlock_space(struct vm_space *vm)
{
	vm_unlock_shared(vm);
	vm_put(vm);
}

/* The area of just this range, if it maps a file. The space is locked. */
static struct vm_area *find_area(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = vm_next_area(vm, start);

	return area && area->start == start && area->end == end && area->file ? area
									      : NULL;
}

static int follow_area(const struct proc_node *node, struct path *out)
{
	struct vm_space *vm;
	struct vm_area *area;
	int error = lock_space(node, &vm);

	if (error) {
		return error;
	}
	area = find_area(vm, node->area_start, node->area_end);
	if (area) {
		*out = area->file->path;
		path_get(out);
	}
	unlock_space(vm);
	return area ? 0 : -ENOENT;
}

/* What is mapped may lie where its mapper's descriptors, long closed, could reach but the reader's walks cannot. */
static int may_follow(void)
{
	return current_capable(CAP_SYS_ADMIN) || current_capable(CAP_CHECKPOINT_RESTORE)
		       ? 0
		       : -EPERM;
}

static const struct proc_entry link_entry = {.name = "",
					     .mode = S_IFLNK | 0700,
					     .follow = follow_area,
					     .may_follow = may_follow};

bool proc_map_file_there(const struct proc_node *node)
{
	struct vm_space *vm;
	bool there;

	if (lock_space(node, &vm)) {
		return false;
	}
	there = find_area(vm, node->area_start, node->area_end) != NULL;
	unlock_space(vm);
	return there;
}

static const char *parse_hex(const char *from, vaddr_t *out)
{
	const char *at = from;

	*out = 0;
	for (;; at++) {
		int digit = *at >= '0' && *at <= '9'   ? *at - '0'
			    : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
						       : -1;

		if (digit < 0 || *out >> 60) {
			return at;
		}
		*out = *out << 4 | (vaddr_t)digit;
	}
}

/* Only the very spelling that a listing has. */
static bool parse_name(const char *name, vaddr_t *start, vaddr_t *end)
{
	char written[NAME_SIZE];
	const char *at = parse_hex(name, start);

	if (*at != '-') {
		return false;
	}
	(void)parse_hex(at + 1, end);
	area_name(written, *start, *end);
	return strcmp(name, written) == 0;
}

int proc_lookup_map_files(struct inode *directory, struct dentry *dentry)
{
	struct proc_node like = *proc_node(directory);
	struct vm_space *vm;
	struct vm_area *area;
	u32 mode = 0;
	int error;

	if (!parse_name(dentry->name, &like.area_start, &like.area_end)) {
		return 0;
	}
	error = lock_space(&like, &vm);
	if (error) {
		return error == -ENOENT ? 0 : error;
	}
	area = find_area(vm, like.area_start, like.area_end);
	if (area) {
		mode = S_IFLNK | (area->file->mode & FILE_READ ? 0400 : 0) |
		       (area->file->mode & FILE_WRITE ? 0200 : 0);
	}
	unlock_space(vm);
	if (!area) {
		return 0;
	}
	like.entry = &link_entry;
	error = proc_instantiate(directory, dentry, &like);
	if (!error) {
		dentry_inode(dentry)->attributes.mode = mode;
		dentry_inode(dentry)->attributes.size = 64;
	}
	return error;
}

/* The first area at or behind *at that maps a file: its name, and where it begins. 1, 0: none, or an errno. */
static int next_name(const struct proc_node *node, vaddr_t *at, char name[NAME_SIZE])
{
	struct vm_space *vm;
	struct vm_area *area;
	int error = lock_space(node, &vm);

	if (error) {
		return error == -ENOENT ? 0 : error;
	}
	area = vm_next_area(vm, *at);
	while (area && !(area->file && area->start >= *at)) {
		area = vm_next_area(vm, area->end);
	}
	if (area) {
		*at = area->start;
		area_name(name, area->start, area->end);
	}
	unlock_space(vm);
	return area != NULL;
}

int proc_iterate_map_files(struct file *file, struct directory_context *context,
			   u64 first)
{
	const struct proc_node *node = proc_node(file->inode);
	char name[NAME_SIZE];
	int found;

	for (;;) {
		vaddr_t at = (context->position - first) << PAGE_SHIFT;

		found = next_name(node, &at, name);
		if (found <= 0) {
			return found;
		}
		at = first + (at >> PAGE_SHIFT); /* its position */
		if (!proc_emit(context, name, at, at, TYPE_LINK)) {
			return 0;
		}
	}
}
