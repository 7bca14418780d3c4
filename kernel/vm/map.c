// SPDX-License-Identifier: MIT
/*
 * mmap: choose the place, check the limits, enter the area.
 *
 * Everything that can fail is done before what was there is unmapped (V3).
 */
#include "vm/vm_internal.h"
#include <linux/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#	define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { PROTECT_ALL = PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE };

static bool (*lock_privilege)(void);

void vm_set_lock_privilege(bool (*privileged)(void))
{
	lock_privilege = privileged;
}

bool beyond_locked_limit(struct vm_space *vm, u64 more)
{
	u64 limit = vm->limit_locked;

	return limit != UINT64_MAX && vm->locked_pages + more > limit >> PAGE_SHIFT &&
	       !(lock_privilege && lock_privilege());
}

bool locking_forbidden(struct vm_space *vm)
{
	return vm->limit_locked == 0 && !(lock_privilege && lock_privilege());
}

int check_limits(struct vm_space *vm, u64 pages, u32 protect, u32 area_flags)
{
	bool data = protect & PROTECT_WRITE && !(area_flags & (AREA_SHARED | AREA_STACK));

	if (pages > (USER_END >> PAGE_SHIFT) ||
	    vm->total_pages + pages > vm->limit_address_space >> PAGE_SHIFT) {
		return -ENOMEM;
	}
	if (data && vm->data_pages + pages > vm->limit_data >> PAGE_SHIFT) {
		return -ENOMEM;
	}
	return area_flags & AREA_LOCKED && beyond_locked_limit(vm, pages) ? -EAGAIN : 0;
}

int request_check(const struct vm_map_request *request, u64 *size)
{
	bool fixed = request->map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (request->size == 0) {
		return -EINVAL;
	}
	if (request->size > USER_END) {
		return -ENOMEM;
	}
	*size = ALIGN_UP(request->size, PAGE_SIZE);
	if (request->offset & ~PAGE_MASK) {
		return -EINVAL;
	}
	if (request->object && request->offset > (u64)INT64_MAX - *size) {
		return -EOVERFLOW; // a file has no such place
	}
	if (!fixed) {
		return 0;
	}
	if (request->address & ~PAGE_MASK) {
		return -EINVAL;
	}
	if (request->address > USER_END - *size) {
		return -ENOMEM;
	}
	return request->address < USER_LOWEST ? -EPERM : 0;
}

static vaddr_t choose_place(struct vm_space *vm, const struct vm_map_request *request,
			    u64 size)
{
	vaddr_t hint = ALIGN_DOWN(request->address, PAGE_SIZE);

	if (hint >= USER_LOWEST && hint <= USER_END - size &&
	    place_is_free(vm, hint, hint + size)) {
		return hint;
	}
	return place_find(vm, size);
}

static u64 mapped_pages(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);
	u64 pages = 0;

	for (; area && area->start < end; area = area_next(area)) {
		pages += (MIN(area->end, end) - MAX(area->start, start)) >> PAGE_SHIFT;
	}
	return pages;
}

static u32 area_flags_of(const struct vm_space *vm, const struct vm_map_request *request)
{
	u32 flags = request->area_flags | vm->default_area_flags;

	flags |= request->map_flags & MAP_SHARED ? AREA_SHARED
						 : 0; /* MAP_SHARED_VALIDATE too */
	flags |= request->map_flags & MAP_GROWSDOWN ? AREA_STACK : 0;
	flags |= request->map_flags & MAP_NORESERVE ? AREA_NO_RESERVE : 0;
	if (request->map_flags & MAP_LOCKED) {
		flags = (flags & ~AREA_LOCK_FLAGS) | AREA_LOCKED;
	}
	return flags;
}

static struct vm_area *area_for(struct vm_space *vm, const struct vm_map_request *request,
				vaddr_t place, u64 size)
{
	struct vm_area *area = area_create(vm);

	if (!area) {
		return NULL;
	}
	area->start = place;
	area->end = place + size;
	area->protect = request->protect;
	area->maximum_protect =
		request->maximum_protect ? request->maximum_protect : PROTECT_ALL;
	area->flags = area_flags_of(vm, request);
	area->object = request->object;
	area->offset = request->object ? request->offset : 0;
	area->file = request->file;
	area->name = request->name;
	if (area->object) {
		vm_object_get(area->object);
	}
	file_reference(area->file);
	return area;
}

static int make_room(struct vm_space *vm, const struct vm_map_request *request,
		     vaddr_t place, u64 size) MUST_HOLD(&vm->lock)
{
	u64 replaced = 0;
	int error;

	if (vm->area_count >= vm_areas_maximum()) {
		return -ENOMEM;
	}
	if (request->map_flags & MAP_LOCKED && locking_forbidden(vm)) {
		return -EPERM;
	}
	if (request->map_flags & MAP_FIXED) {
		if (range_is_sealed(vm, place, place + size)) {
			return -EPERM;
		}
		replaced = mapped_pages(vm, place, place + size);
	}
	error = check_limits(vm, (size >> PAGE_SHIFT) - replaced, request->protect,
			     area_flags_of(vm, request));
	vm->over_limit |= error == -ENOMEM;
	if (error || !replaced) {
		return error;
	}
	return area_split_range(vm, place, place + size);
}

static bool continues(const struct vm_area *area, const struct vm_map_request *request,
		      u32 flags)
{
	u32 maximum = request->maximum_protect ? request->maximum_protect : PROTECT_ALL;

	return !area->object && !area->file && area->flags == flags &&
	       area->protect == request->protect && area->maximum_protect == maximum &&
	       area->name == request->name;
}

/* The usual case of anonymous memory: a neighbour that is alike gets larger. */
static bool extend_neighbour(struct vm_space *vm, const struct vm_map_request *request,
			     vaddr_t place, u64 size) MUST_HOLD(&vm->lock)
{
	u32 flags = area_flags_of(vm, request);
	struct vm_area *area;

	if (request->object || request->file || flags & (AREA_STACK | AREA_SEALED)) {
		return false;
	}
	area = area_at_or_after(vm, place - 1);
	if (!area) {
		return false;
	}
	if (area->end == place) {
		if (continues(area, request, flags)) {
			area_resize(vm, area, area->start, place + size);
			area_merge_range(vm, place, place + size);
			return true;
		}
		area = area_next(area);
	}
	if (!area || area->start != place + size || !continues(area, request, flags)) {
		return false;
	}
	area_resize(vm, area, place, area->end);
	return true;
}

int request_map(struct vm_space *vm, const struct vm_map_request *request, u64 size,
		vaddr_t *out)
{
	bool fixed = request->map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	vaddr_t place = fixed ? request->address : choose_place(vm, request, size);
	struct vm_area *area;
	int error;

	if (vm->dead) {
		return -ESRCH;
	}
	if (!place) {
		return -ENOMEM;
	}
	if (request->map_flags & MAP_FIXED_NOREPLACE &&
	    mapped_pages(vm, place, place + size)) {
		return -EEXIST;
	}
	error = make_room(vm, request, place, size);
	if (error) {
		return error;
	}
	*out = place;
	if (!(request->map_flags & MAP_FIXED) &&
	    extend_neighbour(vm, request, place, size)) {
		return 0;
	}
	area = area_for(vm, request, place, size);
	if (!area) {
		return -ENOMEM;
	}
	if (request->map_flags & MAP_FIXED) {
		range_unmap(vm, place, place + size);
	}
	area_insert(vm, area);
	area_merge_range(vm, place, place + size);
	return 0;
}

int vm_check_size(struct vm_space *vm, u64 size, u32 protect)
{
	int error;

	rwlock_lock(&vm->lock);
	error = check_limits(vm, ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT, protect, 0);
	vm->over_limit |= error == -ENOMEM;
	rwlock_unlock(&vm->lock);
	return error;
}

bool request_populates(const struct vm_space *vm, const struct vm_map_request *request)
{
	u32 ahead = request->map_flags & (MAP_POPULATE | MAP_NONBLOCK);

	return request->protect &&
	       (request->map_flags & MAP_LOCKED || ahead == MAP_POPULATE ||
		(vm->default_area_flags & AREA_LOCK_FLAGS) == AREA_LOCKED);
}

int vm_map(struct vm_space *vm, const struct vm_map_request *request, vaddr_t *out)
{
	bool populate;
	u64 size;
	int error = request_check(request, &size);

	if (error) {
		return error;
	}
	rwlock_lock(&vm->lock);
	error = request_map(vm, request, size, out);
	populate = request_populates(vm, request);
	vm_unlock_exclusive(vm);
	if (!error && populate) {
		bool write = request->protect & PROTECT_WRITE &&
			     !(request->map_flags & MAP_SHARED);

		(void)range_populate(vm, *out, *out + size, write);
	}
	return error;
}
