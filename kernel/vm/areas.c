// SPDX-License-Identifier: MIT
/*
 * The areas of an address space: a tree by address, with cutting and joining.
 *
 * Owns      struct vm_area, vm_space.areas and the counts of pages.
 * Locks     vm_space.lock exclusively for changes, shared for lookups. start, end and offset of an area with an object
 *	     change under the object's mappings_lock too.
 *
 * Invariants
 *   A1  Areas do not overlap, are not empty, and begin and end at page borders.
 *   A2  Two neighbours that are alike are one area (but where joining was not worth a walk).
 *   A3  total_pages is the sum of all areas; data, stack and locked pages of those that count as such.
 */
#include "mm/heap.h"
#include "vm/vm_internal.h"

OBJECT_CACHE(areas, vm_area);
static u32 maximum = 65530; /* of areas of an address space; Linux's default */

struct vm_area *area_create(struct vm_space *vm)
{
	struct vm_area *area = object_allocate(&areas);

	if (area) {
		area->vm = vm;
		rbtree_node_init(&area->node);
		list_init(&area->object_link);
	}
	return area;
}

void area_destroy(struct vm_area *area)
{
	if (!area) {
		return;
	}
	if (area->object) {
		vm_object_put(area->object);
	}
	file_release(area->file);
	object_free(&areas, area);
}

/* A file's last reference may take locks that are outside vm.lock: it is dropped by vm_unlock_exclusive(). */
void area_bury(struct vm_space *vm, struct vm_area *area)
{
	if (area->object || area->file) {
		list_push_back(&vm->graves, &area->object_link);
	} else {
		object_free(&areas, area);
	}
}

void vm_unlock_exclusive(struct vm_space *vm)
{
	struct list graves = LIST_INIT(graves);
	struct vm_area *area, *following;

	list_splice_back(&graves, &vm->graves);
	rwlock_unlock(&vm->lock);
	list_for_each_safe(area, following, &graves, object_link) {
		area_destroy(area);
	}
}

struct vm_area *area_copy(struct vm_space *vm, const struct vm_area *area)
{
	struct vm_area *copy = area_create(vm);

	if (!copy) {
		return NULL;
	}
	copy->start = area->start;
	copy->end = area->end;
	copy->protect = area->protect;
	copy->maximum_protect = area->maximum_protect;
	copy->flags = area->flags;
	copy->object = area->object;
	copy->offset = area->offset;
	copy->file = area->file;
	copy->name = area->name;
	copy->touched = area->touched;
	if (copy->object) {
		vm_object_get(copy->object);
	}
	file_reference(copy->file);
	return copy;
}

/* --- counts (A3) --- */

static void count_area(struct vm_space *vm, const struct vm_area *area, s64 pages)
{
	bool private_writable =
		!(area->flags & AREA_SHARED) && area->protect & PROTECT_WRITE;

	vm->total_pages += (u64)pages;
	if (area->flags & AREA_STACK) {
		vm->stack_pages += (u64)pages;
	} else if (private_writable) {
		vm->data_pages += (u64)pages;
	}
	if (area->flags & AREA_LOCKED) {
		vm->locked_pages += (u64)pages;
	}
	if (vm->total_pages > vm->peak_pages) {
		vm->peak_pages = vm->total_pages;
	}
}

void area_set_flags(struct vm_space *vm, struct vm_area *area, u32 flags, u32 protect)
{
	count_area(vm, area, -(s64)area_pages(area));
	area->flags = flags;
	area->protect = protect;
	count_area(vm, area, (s64)area_pages(area));
}

/* --- the tree --- */

static bool area_less(const struct rbtree_node *a, const struct rbtree_node *b)
{
	return rbtree_entry(a, struct vm_area, node)->start <
	       rbtree_entry(b, struct vm_area, node)->start;
}

void area_insert(struct vm_space *vm, struct vm_area *area)
{
	ASSERT(area->start < area->end);
	rbtree_add(&vm->areas, &area->node, area_less);
	vm->area_count++;
	count_area(vm, area, (s64)area_pages(area));
	object_link_area(area);
}

void area_remove(struct vm_space *vm, struct vm_area *area)
{
	atomic_store_explicit(&vm->last_area, NULL, memory_order_relaxed);
	object_unlink_area(area);
	rbtree_remove(&vm->areas, &area->node);
	vm->area_count--;
	count_area(vm, area, -(s64)area_pages(area));
}

struct vm_area *area_at_or_after(struct vm_space *vm, vaddr_t address) NO_THREAD_SAFETY
{
	struct rbtree_node *node = vm->areas.root;
	struct vm_area *best = NULL;

	while (node) {
		struct vm_area *area = rbtree_entry(node, struct vm_area, node);

		if (area->end > address) {
			best = area;
			if (area->start <= address) {
				break;
			}
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct vm_area *area_find(struct vm_space *vm, vaddr_t address)
{
	struct vm_area *area = atomic_load_explicit(&vm->last_area, memory_order_relaxed);

	if (area && area->start <= address && address < area->end) {
		return area;
	}
	area = area_at_or_after(vm, address);
	if (!area || area->start > address) {
		return NULL;
	}
	atomic_store_explicit(&vm->last_area, area, memory_order_relaxed);
	return area;
}

struct vm_area *area_next(const struct vm_area *area)
{
	struct rbtree_node *node = rbtree_next(&area->node);

	return node ? rbtree_entry(node, struct vm_area, node) : NULL;
}

struct vm_area *area_previous(const struct vm_area *area)
{
	struct rbtree_node *node = rbtree_previous(&area->node);

	return node ? rbtree_entry(node, struct vm_area, node) : NULL;
}

/* --- cutting and joining --- */

static void set_borders(struct vm_area *area, vaddr_t start, vaddr_t end)
{
	if (area->object) {
		spin_lock(&area->object->mappings_lock);
		area->offset += start - area->start;
		area->start = start;
		area->end = end;
		spin_unlock(&area->object->mappings_lock);
		return;
	}
	area->start = start;
	area->end = end;
}

void area_resize(struct vm_space *vm, struct vm_area *area, vaddr_t start, vaddr_t end)
{
	count_area(vm, area, -(s64)area_pages(area));
	set_borders(area, start, end);
	count_area(vm, area, (s64)area_pages(area));
}

u32 vm_areas_maximum(void)
{
	return READ_ONCE(maximum);
}

void vm_set_areas_maximum(u32 areas)
{
	WRITE_ONCE(maximum, areas);
}

int area_split(struct vm_space *vm, struct vm_area *area, vaddr_t address)
{
	struct vm_area *upper;

	ASSERT(area->start < address && address < area->end);
	if (vm->area_count >= vm_areas_maximum()) {
		return -ENOMEM;
	}
	upper = area_copy(vm, area);
	if (!upper) {
		return -ENOMEM;
	}
	if (upper->object) {
		upper->offset += address - upper->start;
	}
	upper->start = address;
	/*
	 * The upper part is entered first: for a moment both show the same pages of the object, and none is missed by a
	 * truncation. The tree is ordered by start alone.
	 */
	area_insert(vm, upper);
	area_resize(vm, area, area->start, address);
	return 0;
}

int area_split_range(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);
	int error = 0;

	if (area && area->start < start) {
		error = area_split(vm, area, start);
	}
	if (error) {
		return error;
	}
	area = area_at_or_after(vm, end - 1);
	if (area && area->start < end && area->end > end) {
		error = area_split(vm, area, end);
	}
	return error;
}

static bool areas_alike(const struct vm_area *lower, const struct vm_area *upper)
{
	if (lower->end != upper->start || lower->protect != upper->protect ||
	    lower->maximum_protect != upper->maximum_protect ||
	    lower->flags != upper->flags || lower->object != upper->object ||
	    lower->file != upper->file || lower->name != upper->name ||
	    lower->flags & AREA_SEALED) {
		return false;
	}
	return !lower->object ||
	       (!lower->object->operations->mapped &&
		lower->offset + (lower->end - lower->start) == upper->offset);
}

void area_merge_range(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start ? start - 1 : 0);

	while (area && area->start <= end) {
		struct vm_area *next = area_next(area);

		if (!next || !areas_alike(area, next)) {
			area = next;
			continue;
		}
		if (next->touched) {
			area->touched = true;
		}
		vaddr_t joined_end = next->end;

		/* Enlarged first, for the same reason as in area_split(). */
		area_resize(vm, area, area->start, joined_end);
		area_remove(vm, next);
		area_bury(vm, next);
	}
}

/* --- questions about ranges --- */

bool range_is_mapped(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);

	while (area && area->start <= start) {
		if (area->end >= end) {
			return true;
		}
		start = area->end;
		area = area_next(area);
	}
	return false;
}

bool range_is_sealed(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);

	for (; area && area->start < end; area = area_next(area)) {
		if (area->flags & AREA_SEALED) {
			return true;
		}
	}
	return false;
}
