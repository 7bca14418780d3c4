// SPDX-License-Identifier: MIT
/*
 * mremap: make a mapping smaller or larger, and move it with its pages.
 *
 * A move enters each page at its new place before the area changes; if a table cannot be had, the pages go back, which needs
 * no memory: the old tables are still there (V3).
 */
#include "vm/vm_internal.h"
#include <linux/mman.h>

struct move {
	vaddr_t old, new;
	u64 old_size, new_size;
	u32 flags;
};

/* Move the pages of [from, from + size) to `to`; `undo`: tables are there, it cannot fail. */
static int move_pages(struct vm_space *vm, vaddr_t from, vaddr_t to, u64 size, bool undo)
{
	struct arch_mapping pages[VM_BATCH] uninitialized_;
	vaddr_t addresses[VM_BATCH] uninitialized_;
	vaddr_t start = from, end = from + size;
	size_t count, done;

	while (start < end) {
		count = arch_vm_unmap(&vm->arch, &start, end, pages, addresses, VM_BATCH);
		if (!count) {
			continue;
		}
		arch_vm_flush(&vm->arch, addresses[0], addresses[count - 1] + PAGE_SIZE);
		for (size_t i = 0; i < count; i++) {
			addresses[i] += to - from;
		}
		done = arch_vm_map_absent(&vm->arch, addresses, pages, count);
		if (done == count) {
			continue;
		}
		ASSERT(!undo);
		for (size_t i = 0; i < count; i++) {
			addresses[i] -= to - from;
		}
		ASSERT(arch_vm_map_absent(&vm->arch, addresses + done, pages + done,
					  count - done) == count - done);
		(void)move_pages(vm, to, from, addresses[done] - from, true);
		return -ENOMEM;
	}
	return 0;
}

static int check_source(struct vm_space *vm, const struct move *move,
			struct vm_area **out)
{
	struct vm_area *area = area_find(vm, move->old);

	if (!area) {
		return -EFAULT;
	}
	if (area->flags & AREA_SEALED) {
		return -EPERM;
	}
	if (move->old_size == 0 && !(area->flags & AREA_SHARED)) {
		return -EINVAL;
	}
	if (area->end - move->old < move->old_size) {
		return -EFAULT;
	}
	if (move->flags & MREMAP_DONTUNMAP &&
	    (area->object || area->flags & AREA_SHARED)) {
		return -EINVAL;
	}
	*out = area;
	return 0;
}

static int check_growth(struct vm_space *vm, const struct vm_area *area,
			const struct move *move)
{
	u64 more = move->flags & MREMAP_DONTUNMAP ? move->new_size
						  : move->new_size - move->old_size;
	u64 offset = area->offset + (move->old - area->start);

	if (move->new_size <= move->old_size && !(move->flags & MREMAP_DONTUNMAP)) {
		return 0;
	}
	if (area->flags & AREA_FIXED_SIZE) {
		return move->flags & MREMAP_DONTUNMAP ? -EINVAL : -EFAULT;
	}
	if (area->object && offset + move->new_size < offset) {
		return -EINVAL;
	}
	return check_limits(vm, more >> PAGE_SHIFT, area->protect, area->flags);
}

/* Can the area grow where it is? */
static bool grow_in_place(struct vm_space *vm, struct vm_area *area,
			  const struct move *move) MUST_HOLD(&vm->lock)
{
	vaddr_t old_end = move->old + move->old_size;
	vaddr_t new_end = move->old + move->new_size;

	if (move->old_size == 0 || area->end != old_end || new_end < old_end ||
	    new_end > USER_END || !place_is_free(vm, old_end, new_end)) {
		return false;
	}
	area_resize(vm, area, area->start, new_end);
	area_merge_range(vm, area->start, new_end);
	return true;
}

static int choose_target(struct vm_space *vm, struct move *move) MUST_HOLD(&vm->lock)
{
	if (!(move->flags & MREMAP_FIXED)) {
		move->new = move->new ? ALIGN_DOWN(move->new, PAGE_SIZE) : 0;
		if (move->new < USER_LOWEST || move->new > USER_END - move->new_size ||
		    !place_is_free(vm, move->new, move->new + move->new_size)) {
			move->new = place_find(vm, move->new_size);
		}
		return move->new ? 0 : -ENOMEM;
	}
	if (range_is_sealed(vm, move->new, move->new + move->new_size)) {
		return -EPERM;
	}
	int error = area_split_range(vm, move->new, move->new + move->new_size);

	if (!error) {
		range_unmap(vm, move->new, move->new + move->new_size);
	}
	return error;
}

/* Move (or double) the area that is exactly [old, old + old_size), or holds it when old_size is 0. */
static int move_area(struct vm_space *vm, struct vm_area *area, const struct move *move)
	MUST_HOLD(&vm->lock)
{
	u64 moved = MIN(move->old_size, move->new_size);
	struct vm_area *copy = area_copy(vm, area);
	int error;

	if (!copy) {
		return -ENOMEM;
	}
	if (copy->object) {
		copy->offset += move->old - area->start;
	}
	copy->start = move->new;
	copy->end = move->new + move->new_size;
	area_insert(vm, copy);
	error = move_pages(vm, move->old, move->new, moved, false);
	if (error) {
		area_remove(vm, copy);
		area_bury(vm, copy);
		return error;
	}
	if (move->old_size && !(move->flags & MREMAP_DONTUNMAP)) {
		range_unmap(vm, move->old, move->old + move->old_size);
	} else if (move->old_size) {
		area_set_flags(vm, area, area->flags & ~AREA_LOCK_FLAGS, area->protect);
	}
	area_merge_range(vm, move->new, move->new + move->new_size);
	return 0;
}

static int relocate(struct vm_space *vm, struct move *move) MUST_HOLD(&vm->lock)
{
	struct vm_area *area;
	int error;

	if (vm->area_count + 3 >= vm_areas_maximum()) {
		return -ENOMEM;
	}
	error = choose_target(vm, move);
	if (error) {
		return error;
	}
	if (move->old_size) {
		error = area_split_range(vm, move->old, move->old + move->old_size);
	}
	if (error) {
		return error;
	}
	area = area_find(vm, move->old);
	return area ? move_area(vm, area, move) : -EFAULT;
}

static int remap_locked(struct vm_space *vm, struct move *move, vaddr_t *out)
	MUST_HOLD(&vm->lock)
{
	bool stay = !(move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP));
	struct vm_area *area;
	int error;

	*out = move->old;
	if (stay && move->old_size > move->new_size) {
		vaddr_t start = move->old + move->new_size,
			end = move->old + move->old_size;

		if (range_is_sealed(vm, move->old, end)) {
			return -EPERM;
		}
		if (!area_find(vm, move->old)) {
			return -EFAULT;
		}
		error = area_split_range(vm, start, end);
		if (!error) {
			range_unmap(vm, start, end);
		}
		return error;
	}
	error = check_source(vm, move, &area);
	if (error || (stay && move->old_size == move->new_size)) {
		return error;
	}
	error = check_growth(vm, area, move);
	if (error) {
		return error;
	}
	if (stay && grow_in_place(vm, area, move)) {
		return 0;
	}
	if (!(move->flags & MREMAP_MAYMOVE)) {
		return -ENOMEM;
	}
	error = relocate(vm, move);
	*out = move->new;
	return error;
}

static int check_arguments(struct move *move)
{
	u32 known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (move->flags & ~known || move->old & ~PAGE_MASK || move->new_size == 0 ||
	    move->new_size > USER_END || move->old_size > USER_END ||
	    (move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) &&
	     !(move->flags & MREMAP_MAYMOVE))) {
		return -EINVAL;
	}
	move->old_size = ALIGN_UP(move->old_size, PAGE_SIZE);
	move->new_size = ALIGN_UP(move->new_size, PAGE_SIZE);
	if (move->flags & MREMAP_DONTUNMAP && move->old_size != move->new_size) {
		return -EINVAL;
	}
	if (move->old > USER_END - move->old_size) {
		return -EFAULT;
	}
	if (move->flags & MREMAP_FIXED &&
	    (move->new & ~PAGE_MASK || move->new > USER_END - move->new_size ||
	     move->new < USER_LOWEST ||
	     (move->new < move->old + move->old_size &&
	      move->old < move->new + move->new_size))) {
		return -EINVAL;
	}
	return 0;
}

int vm_remap(struct vm_space *vm, vaddr_t address, u64 old_size, u64 new_size, u32 flags,
	     vaddr_t new_address, vaddr_t *out)
{
	struct move move = {address, new_address, old_size, new_size, flags};
	struct vm_area *area;
	bool locked = false;
	int error = check_arguments(&move);

	if (error) {
		return error;
	}
	rwlock_lock(&vm->lock);
	error = vm->dead ? -ESRCH : remap_locked(vm, &move, out);
	if (!error) {
		area = area_find(vm, *out);
		locked = area && (area->flags & AREA_LOCK_FLAGS) == AREA_LOCKED;
	}
	vm_unlock_exclusive(vm);
	if (locked && move.new_size > move.old_size) {
		(void)range_populate(vm, *out + move.old_size, *out + move.new_size,
				     false);
	}
	return error;
}
