// SPDX-License-Identifier: MIT
/*
 * remap_file_pages: other pages of the same object at the same place.
 *
 * There are no areas whose pages are in an order of their own: the range becomes an area with another offset, and each call may
 * make two areas more.
 */
#include "vm/vm_internal.h"
#include <linux/mman.h>

/* One that may be written through by whoever maps it: a shared mapping of a file that is open for reading alone is none. */
static bool is_shared(const struct vm_area *area)
{
	return area->object && area->flags & AREA_SHARED &&
	       !(area->flags & AREA_SEALED) && area->maximum_protect & PROTECT_WRITE;
}

static bool shows_the_same(const struct vm_area *a, const struct vm_area *b)
{
	return a->object == b->object && a->file == b->file && a->flags == b->flags &&
	       a->protect == b->protect && a->maximum_protect == b->maximum_protect;
}

/* The first area of a range that has no holes and is alike everywhere; NULL: it is not so. */
static struct vm_area *find_alike(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *first = area_find(vm, start), *area = first;

	if (!first || !is_shared(first)) {
		return NULL;
	}
	while (area->end < end) {
		struct vm_area *next = area_next(area);

		if (!next || next->start != area->end || !shows_the_same(first, next)) {
			return NULL;
		}
		area = next;
	}
	return first;
}

static int remap_locked(struct vm_space *vm, struct vm_map_request *request)
	MUST_HOLD(&vm->lock)
{
	vaddr_t start = request->address;
	struct vm_area *area = find_alike(vm, start, start + request->size);
	u64 size;
	int error;

	if (!area) {
		return -EINVAL;
	}
	request->protect = area->protect;
	request->maximum_protect = area->maximum_protect;
	request->object = area->object;
	request->file = area->file;
	request->name = area->name;
	request->area_flags = area->flags & AREA_FIXED_SIZE;
	request->map_flags |= area->flags & AREA_LOCKED ? MAP_LOCKED : 0;
	error = request_check(request, &size);
	return error ? error : request_map(vm, request, size, &start);
}

int vm_remap_pages(struct vm_space *vm, vaddr_t address, u64 size, u64 page,
		   u32 map_flags)
{
	struct vm_map_request request = {
		.address = address & PAGE_MASK,
		.size = size & PAGE_MASK,
		.offset = page << PAGE_SHIFT,
		.map_flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE |
			     (map_flags & MAP_NONBLOCK),
	};
	vaddr_t end = request.address + request.size;
	bool populate;
	int error;

	if (end <= request.address || page + (request.size >> PAGE_SHIFT) < page) {
		return -EINVAL;
	}
	if (page > (u64)INT64_MAX >> PAGE_SHIFT) {
		request.offset =
			(u64)INT64_MAX & PAGE_MASK; // too far; not around the end
	}
	rwlock_lock(&vm->lock);
	error = vm->dead ? -ESRCH : remap_locked(vm, &request);
	populate = request_populates(vm, &request);
	vm_unlock_exclusive(vm);
	if (!error && populate) {
		(void)range_populate(vm, request.address, end, false);
	}
	return error;
}
