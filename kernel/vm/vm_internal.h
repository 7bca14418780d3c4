// SPDX-License-Identifier: MIT
/* What the files of vm/ know of each other. */
#pragma once

#include "core/panic.h"
#include "lib/errno.h"
#include "vm/vm_object.h"
#include "vm/vm_space.h"

enum {
	VM_BATCH = 24, /* pages in one step of a walk: what fits a kernel stack frame */
	STACK_GUARD_PAGES = 256 /* kept free below a growing stack */
};

/* frame.page_flags. Changed by atomic operations; BUSY is set and cleared under object.lock. */
enum {
	PAGE_BUSY = 1,    /* being read in: contents not valid, stays where it is */
	PAGE_DIRTY = 2,   /* newer than what it was read from */
	PAGE_ACCESSED = 4 /* used since reclaim last looked */
};

/* --- areas.c: the tree --- */
struct vm_area *
area_create(struct vm_space *vm) must_check; /* not in the tree; NULL: no memory */
void area_destroy(
	struct vm_area *area); /* not in the tree; drops object and file; may sleep */
/* The same for an area that was in the tree, vm.lock held. */
void area_bury(struct vm_space *vm, struct vm_area *area) MUST_HOLD(&vm->lock);
void vm_unlock_exclusive(struct vm_space *vm) RELEASES(&vm->lock);
/* A copy (references taken) covering the same place, not in the tree. NULL: no memory. */
struct vm_area *area_copy(struct vm_space *vm, const struct vm_area *area) must_check;
void area_insert(struct vm_space *vm, struct vm_area *area) MUST_HOLD(&vm->lock);
void area_remove(struct vm_space *vm, struct vm_area *area) MUST_HOLD(&vm->lock);
/* The first area that ends behind `address`; NULL: none. */
struct vm_area *area_at_or_after(struct vm_space *vm, vaddr_t address);
struct vm_area *area_find(struct vm_space *vm,
			  vaddr_t address); /* that holds it, or NULL */
struct vm_area *area_next(const struct vm_area *area);
struct vm_area *area_previous(const struct vm_area *area);
/* Cut `area` at `address`: it keeps the lower part. -ENOMEM. */
int area_split(struct vm_space *vm, struct vm_area *area, vaddr_t address) must_check
	MUST_HOLD(&vm->lock);
/* Make start and end borders of areas. -ENOMEM. */
int area_split_range(struct vm_space *vm, vaddr_t start, vaddr_t end) must_check
	MUST_HOLD(&vm->lock);
/* Join areas that became alike, from the one before `start` to the one behind `end`. */
void area_merge_range(struct vm_space *vm, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock);
/* Change where an area begins or ends (the page offset of an object follows), and the counts. */
void area_resize(struct vm_space *vm, struct vm_area *area, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock);
void area_set_flags(struct vm_space *vm, struct vm_area *area, u32 flags, u32 protect)
	MUST_HOLD(&vm->lock);
/* Is all of it mapped? */
bool range_is_mapped(struct vm_space *vm, vaddr_t start, vaddr_t end);
bool range_is_sealed(struct vm_space *vm, vaddr_t start, vaddr_t end);

static inline u64 area_pages(const struct vm_area *area)
{
	return (area->end - area->start) >> PAGE_SHIFT;
}

static inline u64 area_index(const struct vm_area *area, vaddr_t address)
{
	return (area->offset + (address - area->start)) >> PAGE_SHIFT;
}

/* Rights of a page table entry of this area, without write: that is given by faults. */
static inline u32 area_read_rights(const struct vm_area *area)
{
	u32 protect = area->protect & (PROTECT_EXECUTE | PROTECT_READ);

	return (area->protect ? PROTECT_READ : 0) | protect | PROTECT_USER;
}

/* --- placement.c --- */
/* The start of a free range of `size` bytes, highest first; 0: none. */
vaddr_t place_find(struct vm_space *vm, u64 size);
bool place_is_free(struct vm_space *vm, vaddr_t start, vaddr_t end);
/* [start, end) was freed. */
void place_freed(struct vm_space *vm, vaddr_t start, vaddr_t end);

/* --- map.c: the steps of vm_map() --- */
/* mmap(2)'s errors of what is asked for alone; *size: in whole pages. */
int request_check(const struct vm_map_request *request, u64 *size) must_check;
int request_map(struct vm_space *vm, const struct vm_map_request *request, u64 size,
		vaddr_t *out) must_check MUST_HOLD(&vm->lock);
/* Are the pages to be there before the call returns? */
bool request_populates(const struct vm_space *vm, const struct vm_map_request *request);

/* --- vm_space.c --- */
/* Unmap the pages of [start, end); areas stay. Frames are freed after the flush. */
void pages_unmap(struct vm_space *vm, vaddr_t start, vaddr_t end);
/* Unmap all of [start, end): pages, areas (cut at the borders already), tables. */
void range_unmap(struct vm_space *vm, vaddr_t start, vaddr_t end) MUST_HOLD(&vm->lock);
int check_limits(struct vm_space *vm, u64 pages, u32 protect, u32 area_flags) must_check;
/* Are `more` locked pages too many for who runs? */
bool beyond_locked_limit(struct vm_space *vm, u64 more);
/* May who runs lock nothing at all? */
bool locking_forbidden(struct vm_space *vm);
/* Fault all of [start, end) in, as far as it goes; the first errno. No lock held. */
int range_populate(struct vm_space *vm, vaddr_t start, vaddr_t end, bool write);
void count_frame(struct vm_space *vm, const struct frame *frame, s64 change);
/* Count and drop what was unmapped and flushed. */
void release_pages(struct vm_space *vm, const paddr_t *pages, size_t count);

extern struct frame *
	zero_frame; /* mapped for reads of anonymous memory; its mappings are not counted */
void file_reference(struct file *file);
void file_release(struct file *file);
void reclaim_init(void);

/* --- fault.c --- */
enum { FAULT_FORCE = 1u << 16 }; /* also where the area forbids it: a debugger writes */

/* --- mappings.c: an object's pages in all address spaces --- */
void object_link_area(struct vm_area *area);
void object_unlink_area(struct vm_area *area);
/* Unmap pages [first, last) of the object; `private_copies`: also the copies made by writes. */
void object_unmap(struct vm_object *object, u64 first, u64 last, bool private_copies);
/* Take write rights of page `index` away everywhere: the next write is noticed. */
void object_write_protect(struct vm_object *object, u64 index);

/* --- vm_object.c --- */
/* A page that is there and valid, with no reference taken; NULL: read it. */
struct frame *object_peek(struct vm_object *object, u64 index) MUST_HOLD(&object->lock);
/* A zeroed page at an index that is empty, in an object whose absent pages are zeros. */
int object_make_zero(struct vm_object *object, u64 index, struct frame **out) must_check
	MUST_HOLD(&object->lock);
int object_put_page(struct vm_object *object, u64 index, struct frame *frame) must_check
	MUST_HOLD(&object->lock);
void object_take_page(struct vm_object *object, u64 index, struct frame *frame)
	MUST_HOLD(&object->lock);
void object_wait_page(struct frame *frame, struct vm_object *object);

static inline void page_mark(struct frame *frame, u32 mark)
{
	if (!(atomic_load_explicit(&frame->page_flags, memory_order_relaxed) & mark)) {
		atomic_fetch_or(&frame->page_flags, mark);
	}
}

static inline bool page_has(const struct frame *frame, u32 mark)
{
	return (atomic_load_explicit(&frame->page_flags, memory_order_acquire) & mark) !=
	       0;
}

static inline u64 object_size(struct vm_object *object)
{
	return object->operations->size(object);
}

static inline bool object_is_cache(const struct vm_object *object)
{
	return object->operations->read_page != NULL;
}

/* --- reclaim.c --- */
void reclaim_add(struct vm_object *object);  /* it has pages */
void reclaim_drop(struct vm_object *object); /* it has none */
void reclaim_remove(
	struct vm_object
		*object); /* after return reclaim does not look at it; may sleep */
void count_pages(const struct vm_object *object, s64 change);
