// SPDX-License-Identifier: MIT
/*
 * The areas that map an object, and changing the object's pages in all of them.
 *
 * Locks     vm_object.mappings_lock (spin): the list, and start, end and offset of the areas in it
 *	     (those change under vm.lock as well). Page tables are changed and flushed under it.
 */
#include "vm/vm_internal.h"

void object_link_area(struct vm_area *area)
{
	struct vm_object *object = area->object;

	if (!object) {
		return;
	}
	spin_lock(&object->mappings_lock);
	list_push_back(&object->mappings, &area->object_link);
	if (area->flags & AREA_SHARED && area->maximum_protect & PROTECT_WRITE) {
		atomic_fetch_add(&object->writable_mappings, 1);
	}
	spin_unlock(&object->mappings_lock);
	if (object->operations->mapped) {
		object->operations->mapped(object);
	}
}

void object_unlink_area(struct vm_area *area)
{
	struct vm_object *object = area->object;

	if (!object) {
		return;
	}
	spin_lock(&object->mappings_lock);
	list_remove(&area->object_link);
	if (area->flags & AREA_SHARED && area->maximum_protect & PROTECT_WRITE) {
		atomic_fetch_sub(&object->writable_mappings, 1);
	}
	spin_unlock(&object->mappings_lock);
	if (object->operations->unmapped) {
		object->operations->unmapped(object);
	}
}

/* The part of `area` that shows pages [first, last); false: none. */
static bool area_part(const struct vm_area *area, u64 first, u64 last, vaddr_t *start,
		      vaddr_t *end)
{
	u64 from = area->offset >> PAGE_SHIFT;
	u64 to = from + area_pages(area);

	first = MAX(first, from);
	last = MIN(last, to);
	if (first >= last) {
		return false;
	}
	*start = area->start + ((first - from) << PAGE_SHIFT);
	*end = area->start + ((last - from) << PAGE_SHIFT);
	return true;
}

/* A write may have put a private copy there since we looked: that one stays. */
static void put_back_or_release(struct vm_area *area, vaddr_t address,
				const struct arch_mapping *page)
{
	struct frame *frame = frame_from_physical(page->physical);

	if (frame && frame->object != area->object &&
	    !arch_vm_replace(&area->vm->arch, address, 0, page->physical,
			     page->protect)) {
		return;
	}
	arch_vm_flush(&area->vm->arch, address, address + PAGE_SIZE);
	release_pages(area->vm, &page->physical, 1);
}

/* Unmap the pages of [start, end) that are the object's own, not private copies. */
static void unmap_own(struct vm_area *area, vaddr_t start, vaddr_t end)
{
	struct arch_mapping page;
	vaddr_t address;

	for (; start < end; start += PAGE_SIZE) {
		vaddr_t at = start;
		struct frame *frame;

		if (!arch_vm_lookup(&area->vm->arch, start, &page)) {
			continue;
		}
		frame = frame_from_physical(page.physical);
		if (!frame || frame->object != area->object) {
			continue;
		}
		if (arch_vm_unmap(&area->vm->arch, &at, start + PAGE_SIZE, &page,
				  &address, 1)) {
			put_back_or_release(area, start, &page);
		}
	}
}

void object_unmap(struct vm_object *object, u64 first, u64 last, bool private_copies)
{
	struct vm_area *area;
	vaddr_t start, end;

	spin_lock(&object->mappings_lock);
	list_for_each(area, &object->mappings, object_link) {
		if (!area_part(area, first, last, &start, &end)) {
			continue;
		}
		if (private_copies || area->flags & AREA_SHARED) {
			pages_unmap(area->vm, start, end);
		} else {
			unmap_own(area, start, end);
		}
	}
	spin_unlock(&object->mappings_lock);
}

void object_write_protect(struct vm_object *object, u64 index)
{
	struct vm_area *area;
	vaddr_t start, end;

	spin_lock(&object->mappings_lock);
	list_for_each(area, &object->mappings, object_link) {
		if (area->flags & AREA_SHARED &&
		    area_part(area, index, index + 1, &start, &end)) {
			arch_vm_write_protect(&area->vm->arch, start, end);
			arch_vm_flush(&area->vm->arch, start, end);
		}
	}
	spin_unlock(&object->mappings_lock);
}
