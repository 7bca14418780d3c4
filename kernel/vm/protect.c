// SPDX-License-Identifier: MIT
/*
 * Changing what areas allow, and whether they are locked in memory.
 *
 * Entries of pages never get write rights here: the next write fault gives them where that is right (fault.c).
 */
#include "vm/vm_internal.h"
#include <linux/mman.h>

static int check_range(vaddr_t address, u64 *size)
{
	if (address & ~PAGE_MASK) {
		return -EINVAL;
	}
	if (*size > USER_END || address > USER_END - ALIGN_UP(*size, PAGE_SIZE)) {
		return -ENOMEM;
	}
	*size = ALIGN_UP(*size, PAGE_SIZE);
	return 0;
}

static int check_protect(struct vm_space *vm, vaddr_t start, vaddr_t end, u32 protect)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *area = area_at_or_after(vm, start);
	u64 data_pages = 0;

	if (!range_is_mapped(vm, start, end)) {
		return -ENOMEM;
	}
	for (; area && area->start < end; area = area_next(area)) {
		if (area->flags & AREA_SEALED) {
			return -EPERM;
		}
		if (protect & ~area->maximum_protect) {
			return -EACCES;
		}
		if (!(area->protect & PROTECT_WRITE) && !(area->flags & AREA_SHARED)) {
			data_pages += (MIN(area->end, end) - MAX(area->start, start)) >>
				      PAGE_SHIFT;
		}
	}
	if (protect & PROTECT_WRITE &&
	    vm->data_pages + data_pages > vm->limit_data >> PAGE_SHIFT) {
		return -ENOMEM;
	}
	return area_split_range(vm, start, end);
}

static void change_rights(struct vm_space *vm, vaddr_t start, vaddr_t end, u32 protect)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *area = area_at_or_after(vm, start);
	bool flush = false;

	for (; area && area->start < end; area = area_next(area)) {
		u32 old = area->protect;

		if (old == protect) {
			continue;
		}
		area_set_flags(vm, area, area->flags, protect);
		arch_vm_protect(&vm->arch, area->start, area->end,
				area_read_rights(area));
		flush = flush || old;
	}
	if (flush) {
		arch_vm_flush(&vm->arch, start, end);
	}
	area_merge_range(vm, start, end);
}

int vm_protect(struct vm_space *vm, vaddr_t address, u64 size, u32 protect)
{
	int error = check_range(address, &size);

	if (error || !size) {
		return error;
	}
	rwlock_lock(&vm->lock);
	error = vm->dead ? -ESRCH : check_protect(vm, address, address + size, protect);
	if (!error) {
		change_rights(vm, address, address + size, protect);
	}
	vm_unlock_exclusive(vm);
	return error;
}

/* --- locking in memory --- */

/* `lock`: AREA_LOCK_FLAGS or none. What the kernel put there is never locked. */
static void set_locked(struct vm_space *vm, vaddr_t start, vaddr_t end, u32 lock)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *area = area_at_or_after(vm, start);

	for (; area && area->start < end; area = area_next(area)) {
		if (!(area->flags & AREA_SEALED)) {
			area_set_flags(vm, area, (area->flags & ~AREA_LOCK_FLAGS) | lock,
				       area->protect);
		}
	}
	area_merge_range(vm, start, end);
}

static u64 locked_pages_in(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);
	u64 pages = 0;

	for (; area && area->start < end; area = area_next(area)) {
		if (area->flags & AREA_LOCKED) {
			pages += (MIN(area->end, end) - MAX(area->start, start)) >>
				 PAGE_SHIFT;
		}
	}
	return pages;
}

/* Where the first hole of [start, end) begins, or `end`. */
static vaddr_t first_hole(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);

	for (; area && area->start <= start && start < end; area = area_next(area)) {
		start = MIN(area->end, end);
	}
	return start;
}

/* What lies before the first hole changes; the hole itself is -ENOMEM, and counts for the limit. */
static int lock_range(struct vm_space *vm, vaddr_t start, vaddr_t end, u32 lock)
	MUST_HOLD(&vm->lock)
{
	vaddr_t hole;
	u64 more;
	int error;

	if (vm->dead) {
		return -ESRCH;
	}
	if (lock && locking_forbidden(vm)) {
		return -EPERM;
	}
	more = ((end - start) >> PAGE_SHIFT) - locked_pages_in(vm, start, end);
	if (lock && beyond_locked_limit(vm, more)) {
		return -ENOMEM;
	}
	hole = first_hole(vm, start, end);
	error = start < hole ? area_split_range(vm, start, hole) : 0;
	if (error) {
		return error;
	}
	set_locked(vm, start, hole, lock);
	return hole < end ? -ENOMEM : 0;
}

/* Fault in what the areas of [start, end) allow; -EFAULT where one allows nothing. */
static int populate_areas(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	int error = 0;

	while (start < end && !error) {
		struct vm_area *area;
		vaddr_t part_end = end;
		bool write = false, skip = true, denied = false;

		if (vm_lock_shared(vm)) {
			return 0;
		}
		area = area_at_or_after(vm, start);
		if (area && area->start < end) {
			start = MAX(start, area->start);
			part_end = MIN(end, area->end);
			write = area->protect & PROTECT_WRITE &&
				!(area->flags & AREA_SHARED);
			skip = !(area->flags & AREA_LOCKED);
			denied = !area->protect;
		}
		vm_unlock_shared(vm);
		if (!skip) {
			error = denied ? -EFAULT
				       : range_populate(vm, start, part_end, write);
		}
		start = part_end;
	}
	return error;
}

int vm_lock_memory(struct vm_space *vm, vaddr_t address, u64 size, bool lock,
		   bool on_fault)
{
	vaddr_t start = ALIGN_DOWN(address, PAGE_SIZE);
	vaddr_t end = start + ALIGN_UP(size + (address - start), PAGE_SIZE);
	u32 flags = lock ? AREA_LOCKED | (on_fault ? AREA_LOCK_ON_FAULT : 0) : 0;
	int error;

	if (end < start) {
		return -EINVAL;
	}
	rwlock_lock(&vm->lock);
	error = lock_range(vm, start, end, flags);
	vm_unlock_exclusive(vm);
	if (error || !lock || on_fault) {
		return error;
	}
	error = populate_areas(vm, start, end);
	return error == -ENOMEM                    ? -EAGAIN
	       : error == -EFAULT || error == -EIO ? -ENOMEM
						   : error;
}

int vm_lock_all(struct vm_space *vm, int flags)
{
	u32 lock = AREA_LOCKED | (flags & MCL_ONFAULT ? AREA_LOCK_ON_FAULT : 0);
	u64 pages;
	int error = 0;

	rwlock_lock(&vm->lock);
	pages = vm->total_pages - MIN(vm->total_pages, vm->locked_pages);
	if (flags && locking_forbidden(vm)) {
		error = -EPERM;
	} else if (flags & MCL_CURRENT && beyond_locked_limit(vm, pages)) {
		error = -ENOMEM;
	}
	if (!error) {
		vm->default_area_flags = flags & MCL_FUTURE ? lock : 0;
		if (flags & MCL_CURRENT || !flags) {
			set_locked(vm, 0, USER_END, flags ? lock : 0);
		}
	}
	vm_unlock_exclusive(vm);
	if (!error && flags & MCL_CURRENT && !(flags & MCL_ONFAULT)) {
		(void)populate_areas(vm, 0, USER_END);
	}
	return error;
}
