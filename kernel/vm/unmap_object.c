// SPDX-License-Identifier: MIT
/*
 * Unmapping by what is mapped: all that is left of one attachment of an object, however it was cut since.
 */
#include "vm/vm_internal.h"

/* Does `area` show the object as a mapping of all of it from `address` on would? */
static bool belongs(const struct vm_area *area, vaddr_t address,
		    const struct vm_object_operations *operations)
{
	return area->object && area->object->operations == operations &&
	       area->start - address == area->offset;
}

static int unmap_locked(struct vm_space *vm, vaddr_t address,
			const struct vm_object_operations *operations)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *area = area_at_or_after(vm, address), *next;
	struct vm_object *object;
	vaddr_t end;

	while (area && (area->start < address || !belongs(area, address, operations))) {
		area = area_next(area);
	}
	if (!area) {
		return -EINVAL;
	}
	object = area->object; // the grave keeps its reference until the lock is dropped
	end = address + ALIGN_UP(object_size(object), PAGE_SIZE);
	for (; area && area->end <= end; area = next) {
		next = area_next(area);
		if (area->object == object && belongs(area, address, operations)) {
			range_unmap(vm, area->start, area->end);
		}
	}
	return 0;
}

int vm_unmap_object(struct vm_space *vm, vaddr_t address,
		    const struct vm_object_operations *operations)
{
	int error;

	rwlock_lock(&vm->lock);
	error = vm->dead ? -ESRCH : unmap_locked(vm, address, operations);
	vm_unlock_exclusive(vm);
	return error;
}
