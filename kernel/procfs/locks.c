// SPDX-License-Identifier: MIT
/*
 * proc(5): locks, and the lock lines of fdinfo.
 *
 * Context   thread. Locks are copied out under their lock, as many as there are, and printed without it.
 */
#include "procfs/procfs_internal.h"

#include "fs/file_lock.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "process/pid.h"

enum { VIEWS_FIRST = 32 };

static void print_lock(struct proc_text *text, const struct file_lock_view *lock,
		       unsigned number)
{
	static const char *const kinds[] = {[FILE_LOCK_FLOCK] = "FLOCK ",
					    [FILE_LOCK_POSIX] = "POSIX ",
					    [FILE_LOCK_OFD] = "OFDLCK"};

	proc_print(text, "%u: %s%s ADVISORY  %s %d %02x:%02x:%lu %lu ", number,
		   lock->waits ? "-> " : "", kinds[lock->kind],
		   lock->exclusive ? "WRITE" : "READ",
		   lock->pid < 0 ? lock->pid : pid_number_from_global(lock->pid),
		   (unsigned)(lock->device >> 8 & 0xfff), (unsigned)(lock->device & 0xff),
		   lock->inode_number, lock->start);
	if (lock->end == INT64_MAX) {
		proc_print(text, "EOF\n");
	} else {
		proc_print(text, "%lu\n", lock->end);
	}
}

static size_t list_locks(const struct file *file, const void *table,
			 struct file_lock_view *views, size_t capacity)
{
	return file ? file_locks_of(file, table, views, capacity)
		    : file_locks_list(views, capacity);
}

static int print_locks(struct proc_text *text, const struct file *file, const void *table,
		       const char *prefix)
{
	size_t capacity = VIEWS_FIRST, count;
	struct file_lock_view *views;
	unsigned number = 0;

	for (;;) {
		views = heap_allocate_array(capacity, sizeof(*views));
		if (!views) {
			return -ENOMEM;
		}
		count = list_locks(file, table, views, capacity);
		if (count <= capacity) {
			break;
		}
		heap_free(views);
		capacity = count * 2;
	}
	for (size_t i = 0; i < count; i++) {
		number += views[i].waits ? 0 : 1;
		proc_print(text, "%s", prefix);
		print_lock(text, &views[i], number);
	}
	heap_free(views);
	return 0;
}

int proc_show_locks(struct proc_text *text, const struct proc_node *node)
{
	return print_locks(text, NULL, NULL, "");
}

int proc_print_file_locks(struct proc_text *text, const struct file *file,
			  const void *table)
{
	return print_locks(text, file, table, "lock:\t");
}
