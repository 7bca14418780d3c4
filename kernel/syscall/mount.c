// SPDX-License-Identifier: MIT
/* mount(2), umount2(2), pivot_root(2). */
#include "syscall/file_support.h"

#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/namespace/pid_namespace.h"
#include "process/pid.h"
#include "process/process.h"
#include "process/resources.h"
#include <linux/limits.h>

/* The strings of mount(2); absent ones are empty. */
struct mount_strings {
	char source[PATH_MAX], target[PATH_MAX], type[PATH_MAX], data[PAGE_SIZE];
};

static int read_optional(char *to, vaddr_t from, size_t size)
{
	s64 length = from ? user_read_string(to, from, size) : 0;

	return length == -ENAMETOOLONG ? -EINVAL : (int)MIN(length, (s64)0);
}

static int read_strings(struct mount_strings *strings, const struct syscall_arguments *a)
{
	int result = read_optional(strings->source, a->arg[0], sizeof(strings->source));

	if (result == 0) {
		result = (int)MIN(user_read_string(strings->target, a->arg[1],
						   sizeof(strings->target)),
				  (s64)0);
	}
	if (result == 0) {
		result = read_optional(strings->type, a->arg[2], sizeof(strings->type));
	}
	if (result == 0) {
		// The data page need not be text, nor end in NUL: take what is there.
		size_t left =
			a->arg[4] ? arch_copy_from_user(strings->data,
							(const void __user *)a->arg[4],
							sizeof(strings->data) - 1)
				  : 0;

		result = left == sizeof(strings->data) - 1 ? -EFAULT : 0;
	}
	return result;
}

long sys_mount(const struct syscall_arguments *a)
{
	struct walk_context context = current_walk();
	struct mount_strings *strings;
	long result;

	strings = heap_allocate(sizeof(*strings));
	if (!strings) {
		return -ENOMEM;
	}
	result = read_strings(strings, a);
	if (result == 0) {
		result = fs_mount(&context, strings->source, strings->target,
				  a->arg[2] ? strings->type : NULL, a->arg[3],
				  strings->data);
	}
	heap_free(strings);
	return result;
}

long sys_umount2(const struct syscall_arguments *a)
{
	struct walk_context context = current_walk();
	int flags = (int)a->arg[1];
	struct user_name name;
	long result;

	if (flags & ~UNMOUNT_FLAGS) {
		return -EINVAL; // whatever the name is
	}
	result = user_name_read(&name, a->arg[0]);
	if (result == 0) {
		result = fs_unmount(&context, name.text, flags);
		user_name_release(&name);
	}
	return result;
}

static void move_thread(struct thread *thread, const struct path *from,
			const struct path *to)
{
	struct path old[2];
	unsigned count = 0;

	thread_lock_resources(thread);
	if (thread->fs) {
		count = fs_info_replace(thread->fs, from, to, old);
	}
	thread_unlock_resources(thread);
	while (count > 0) {
		path_put(&old[--count]);
	}
}

/* Every thread that stood at the old root, or had it as its root, goes to the new one. */
static void move_everyone(const struct path *from, const struct path *to)
{
	struct pid *pid = pid_next_in(&first_pid_namespace, 1), *next;

	while (pid) {
		struct thread *thread = pid_get_thread(pid);

		if (thread) {
			move_thread(thread, from, to);
			thread_put(thread);
		}
		next = pid_next_in(&first_pid_namespace, pid_number_global(pid) + 1);
		pid_put(pid);
		pid = next;
	}
}

static int find_folder(const struct walk_context *context, vaddr_t from, struct path *out)
{
	struct user_name name;
	int result = user_name_read(&name, from);

	if (result == 0) {
		result = path_walk(context, name.text, WALK_FOLLOW | WALK_DIRECTORY, out);
		user_name_release(&name);
	}
	return result;
}

static int pivot(const struct walk_context *context, const struct path *root,
		 vaddr_t put_old)
{
	struct path old, old_root;
	int result = find_folder(context, put_old, &old);

	if (result < 0) {
		return result;
	}
	result = fs_pivot_root(context, root, &old, &old_root);
	path_put(&old);
	if (result == 0) {
		move_everyone(&old_root, root);
		path_put(&old_root);
	}
	return result;
}

/* The right first, then the names, one after the other: each is read and found before the next is looked at. */
long sys_pivot_root(const struct syscall_arguments *a)
{
	struct walk_context context = current_walk();
	struct path root;
	int result = fs_pivot_check_right(&context);

	if (result == 0) {
		result = find_folder(&context, a->arg[0], &root);
	}
	if (result == 0) {
		result = pivot(&context, &root, a->arg[1]);
		path_put(&root);
	}
	return result;
}
