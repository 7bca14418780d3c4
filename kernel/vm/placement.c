// SPDX-License-Identifier: MIT
/*
 * Where a mapping goes when its place is not given: the highest gap below mmap_top that is big enough.
 *
 * Owns      vm_space.search_from and skipped_gap. Locks: vm_space.lock exclusively.
 *
 * A search goes down the areas. So that a program with very many of them does not pay for their number each time, it is remembered that all
 * gaps in [search_from, mmap_top) are at most skipped_gap bytes: a bigger request starts below.
 */
#include "vm/vm_internal.h"

/* Below a stack that grows nothing is placed. */
static vaddr_t area_floor(const struct vm_area *area)
{
	u64 guard = STACK_GUARD_PAGES * PAGE_SIZE;

	if (area->flags & AREA_STACK) {
		return area->start > guard ? area->start - guard : 0;
	}
	return area->start;
}

static struct vm_area *area_below(struct vm_space *vm, vaddr_t address) NO_THREAD_SAFETY
{
	struct vm_area *area = area_at_or_after(vm, address);

	if (area) {
		if (area->start < address) {
			return area;
		}
		return area_previous(area);
	}
	if (!vm->areas.root) {
		return NULL;
	}
	return rbtree_entry(rbtree_last(&vm->areas), struct vm_area, node);
}

static void forget(struct vm_space *vm)
{
	vm->search_from = vm->mmap_top;
	vm->skipped_gap = 0;
}

/* Search below `top`. 0: nothing. */
static vaddr_t search_down(struct vm_space *vm, vaddr_t top, u64 size)
{
	struct vm_area *above = area_at_or_after(vm, top);
	struct vm_area *area;

	if (above) {
		top = MIN(top, area_floor(above));
	}
	for (area = area_below(vm, top);; area = area_previous(area)) {
		vaddr_t bottom = area ? MAX(area->end, USER_LOWEST) : USER_LOWEST;

		if (top > bottom && top - bottom >= size) {
			vm->search_from = top - size;
			return top - size;
		}
		if (top > bottom) {
			vm->skipped_gap = MAX(vm->skipped_gap, top - bottom);
		}
		if (!area) {
			return 0;
		}
		top = area_floor(area);
	}
}

vaddr_t place_find(struct vm_space *vm, u64 size)
{
	vaddr_t place;

	if (vm->search_from == 0 || vm->search_from > vm->mmap_top ||
	    size <= vm->skipped_gap) {
		forget(vm);
	}
	place = search_down(vm, vm->search_from, size);
	if (place || vm->search_from == vm->mmap_top) {
		return place;
	}
	/* Nothing below: look everywhere, above mmap_top as well. */
	forget(vm);
	place = search_down(vm, vm->mmap_top, size);
	if (!place) {
		place = search_down(vm, USER_END, size);
		forget(vm);
	}
	return place;
}

bool place_is_free(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);

	return !area || area_floor(area) >= end;
}

void place_freed(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *above = area_at_or_after(vm, start);
	struct vm_area *below = area_below(vm, start);
	vaddr_t top = above ? above->start : USER_END;
	vaddr_t bottom = below ? below->end : USER_LOWEST;

	if (top <= vm->search_from || top < bottom) {
		return;
	}
	vm->skipped_gap = MAX(vm->skipped_gap, top - bottom);
}
