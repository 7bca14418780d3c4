// SPDX-License-Identifier: MIT
/*
 * proc(5): what of an address space is in memory: the details of smaps, smaps_rollup, pagemap.
 *
 * Context   thread. As in process_memory.c: one area a hold of the lock, and only while the space is alive.
 */
#include "procfs/procfs_internal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/resources.h"
#include "vm/vm_space.h"

enum { K_PAGE = PAGE_SIZE / 1024, ENTRY_SIZE = 8, ENTRIES_MAX = 512 };
#define ENTRY_PRESENT (1UL << 63)
#define ENTRY_OF_FILE (1UL << 61)

static void print_size(struct proc_text *text, const char *name, u64 kilobytes)
{
	proc_print(text, "%-15s %8lu kB\n", name, kilobytes);
}

static void print_statistics(struct proc_text *text, const struct vm_area_statistics *s,
			     u64 locked_bytes)
{
	static const char *const never[] = {"KSM:",
					    "LazyFree:",
					    "AnonHugePages:",
					    "ShmemPmdMapped:",
					    "FilePmdMapped:",
					    "Shared_Hugetlb:",
					    "Private_Hugetlb:",
					    "Swap:",
					    "SwapPss:"};

	print_size(text, "Shared_Clean:", s->shared_clean * K_PAGE);
	print_size(text, "Shared_Dirty:", s->shared_dirty * K_PAGE);
	print_size(text, "Private_Clean:", s->private_clean * K_PAGE);
	print_size(text, "Private_Dirty:", s->private_dirty * K_PAGE);
	print_size(text, "Referenced:", s->referenced * K_PAGE);
	print_size(text, "Anonymous:", s->anonymous * K_PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		print_size(text, never[i], 0);
	}
	print_size(text, "Locked:", locked_bytes / 1024);
}

/* Two letters for each thing that is so. */
static void print_flags(struct proc_text *text, const struct vm_area *area)
{
	proc_print(text, "VmFlags: %s%s%s%s%s%s%s%s%s%s%s\n",
		   area->protect & PROTECT_READ ? "rd " : "",
		   area->protect & PROTECT_WRITE ? "wr " : "",
		   area->protect & PROTECT_EXECUTE ? "ex " : "",
		   area->flags & AREA_SHARED ? "sh " : "",
		   area->maximum_protect & PROTECT_READ ? "mr " : "",
		   area->maximum_protect & PROTECT_WRITE ? "mw " : "",
		   area->maximum_protect & PROTECT_EXECUTE ? "me " : "",
		   area->flags & AREA_STACK ? "gd " : "",
		   area->flags & AREA_LOCKED ? "lo " : "",
		   area->flags & AREA_NO_FORK ? "dc " : "",
		   area->flags & AREA_WIPE_ON_FORK ? "wf " : "");
}

void proc_print_area_statistics(struct proc_text *text, struct vm_area *area)
{
	struct vm_area_statistics s = {0};

	vm_area_statistics(area, &s);
	print_size(text, "Size:", (area->end - area->start) / 1024);
	print_size(text, "KernelPageSize:", K_PAGE);
	print_size(text, "MMUPageSize:", K_PAGE);
	print_size(text, "Rss:", s.resident * K_PAGE);
	print_size(text, "Pss:", s.proportional_bytes / 1024);
	print_statistics(text, &s, area->flags & AREA_LOCKED ? s.proportional_bytes : 0);
	proc_print(text, "THPeligible:           0\n");
	print_flags(text, area);
}

/* All areas' statistics together, and where they begin and end. */
static void add_up(struct vm_space *vm, struct vm_area_statistics *sum, u64 *locked,
		   vaddr_t *first, vaddr_t *last)
{
	struct vm_area *area;

	do {
		if (vm_lock_shared(vm)) {
			return;
		}
		area = vm_next_area(vm, *last);
		if (area) {
			u64 before = sum->proportional_bytes;

			vm_area_statistics(area, sum);
			if (area->flags & AREA_LOCKED) {
				*locked += sum->proportional_bytes - before;
			}
			*first = MIN(*first, area->start);
			*last = area->end;
		}
		vm_unlock_shared(vm);
	} while (area);
}

int proc_show_smaps_rollup(struct proc_text *text, const struct proc_node *node)
{
	struct vm_area_statistics sum = {0};
	vaddr_t first = USER_END, last = 0;
	struct vm_space *vm;
	u64 locked = 0;
	int error = proc_vm(node, &vm);

	if (error) {
		return error;
	}
	add_up(vm, &sum, &locked, &first, &last);
	vm_put(vm);
	proc_print(text, "%08lx-%08lx ---p 00000000 00:00 0 %26s[rollup]\n",
		   MIN(first, last), last, "");
	print_size(text, "Rss:", sum.resident * K_PAGE);
	print_size(text, "Pss:", sum.proportional_bytes / 1024);
	print_statistics(text, &sum, locked);
	return 0;
}

/* ---- pagemap: eight bytes a page; where it lies in memory is nobody's business ---- */

static int pagemap_open(struct inode *inode, struct file *file)
{
	struct vm_space *vm = NULL;
	int error = proc_vm(proc_node(inode), &vm);

	file->data = vm; /* pins the struct, not the memory */
	return error == -ESRCH ? 0 : error == -EPERM ? -EACCES : error;
}

static int fill_entries(struct vm_space *vm, u64 first, u64 *entries, size_t count)
{
	int error = vm_lock_shared(vm);

	if (error) {
		return error;
	}
	for (size_t i = 0; i < count; i++) {
		bool of_object = false;

		entries[i] = 0;
		if (vm_page_present(vm, (first + i) << PAGE_SHIFT, &of_object)) {
			entries[i] = ENTRY_PRESENT | (of_object ? ENTRY_OF_FILE : 0);
		}
	}
	vm_unlock_shared(vm);
	return 0;
}

static s64 pagemap_read(struct file *file, struct io_buffer *io, u64 *position)
{
	u64 first = *position / ENTRY_SIZE, *entries;
	size_t count = MIN(io->remaining / ENTRY_SIZE, (u64)ENTRIES_MAX), moved;

	if (*position % ENTRY_SIZE || io->remaining % ENTRY_SIZE) {
		return -EINVAL;
	}
	if (!file->data || first >= USER_END >> PAGE_SHIFT || !count) {
		return 0;
	}
	count = MIN(count, (USER_END >> PAGE_SHIFT) - first);
	entries = heap_allocate_array(count, sizeof(*entries));
	if (!entries) {
		return -ENOMEM;
	}
	if (fill_entries(file->data, first, entries, count)) {
		heap_free(entries);
		return 0; // it is gone
	}
	moved = io_copy_to(io, entries, count * ENTRY_SIZE);
	heap_free(entries);
	*position += moved;
	return moved ? (s64)moved : -EFAULT;
}

static s64 pagemap_seek(struct file *file, s64 offset, int whence)
{
	u64 position = (u64)offset;

	if (whence != 0 && whence != 1) {
		return -EINVAL;
	}
	mutex_lock(&file->position_lock);
	position += whence == 1 ? file->position : 0;
	file->position = position;
	mutex_unlock(&file->position_lock);
	return (s64)position;
}

static void pagemap_release(struct file *file)
{
	vm_put(file->data);
}

const struct file_operations proc_pagemap_operations = {
	.open = pagemap_open,
	.read = pagemap_read,
	.seek = pagemap_seek,
	.release = pagemap_release,
};
