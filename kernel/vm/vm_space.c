// SPDX-License-Identifier: MIT
/*
 * Address spaces: their life, and mapping and unmapping.
 *
 * Owns      struct vm_space.
 * Locks     vm_space.lock > vm_object.lock > vm_object.mappings_lock > arch_vm.lock.
 *
 * Invariants
 *   V1  The last user unmaps, in its own context; once `dead` there are no areas, pages or tables.
 *   V2  A frame leaves a page table before it is freed, and the TLBs between the two.
 *   V3  An operation that fails has changed no mapping (areas may have been cut, which nobody sees).
 */
#include "arch/entry.h"
#include "cred/user_namespace.h"
#include "mm/heap.h"
#include "vm/vm_internal.h"

OBJECT_CACHE(spaces, vm_space);

struct frame *zero_frame;
static void (*file_get_hook)(struct file *);
static void (*file_put_hook)(struct file *);
static void (*futex_hook)(struct futex_table *);
static void (*aio_hook)(struct vm_space *);

void vm_set_file_operations(void (*get)(struct file *), void (*put)(struct file *))
{
	file_get_hook = get;
	file_put_hook = put;
}

void vm_set_futex_hook(void (*destroy)(struct futex_table *futexes))
{
	futex_hook = destroy;
}

void vm_set_aio_hook(void (*leave)(struct vm_space *))
{
	aio_hook = leave;
}

void file_reference(struct file *file)
{
	if (file) {
		file_get_hook(file);
	}
}

void file_release(struct file *file)
{
	if (file) {
		file_put_hook(file);
	}
}

void vm_init(void)
{
	if (frame_allocate(FRAME_ZERO, &zero_frame)) {
		panic("no memory for the zero page");
	}
	reclaim_init();
}

/* --- life --- */

int vm_create(struct vm_space **out)
{
	struct vm_space *vm = object_allocate(&spaces);
	int error;

	if (!vm) {
		return -ENOMEM;
	}
	error = arch_vm_init(&vm->arch);
	if (error) {
		object_free(&spaces, vm);
		return error;
	}
	atomic_store(&vm->users, 1);
	refcount_init(&vm->references, 1);
	list_init(&vm->graves);
	list_init(&vm->aio_contexts);
	rwlock_init(&vm->lock, RANK_VM, "vm_space.lock");
	thread_blocks_init(vm);
	atomic_init(&vm->dumpable, true);
	atomic_init(&vm->dump_filter, DUMP_FILTER_DEFAULT);
	vm->mmap_top = USER_END - (128UL << 20);
	vm->limit_address_space = vm->limit_data = vm->limit_stack = UINT64_MAX;
	vm->limit_locked = UINT64_MAX;
	*out = vm;
	return 0;
}

void vm_share(struct vm_space *vm)
{
	ASSERT(atomic_fetch_add(&vm->users, 1) > 0);
}

static void unmap_everything(struct vm_space *vm) MUST_HOLD(&vm->lock)
{
	struct rbtree_node *node;

	pages_unmap(vm, 0, USER_END);
	while ((node = rbtree_first(&vm->areas)) != NULL) {
		struct vm_area *area = rbtree_entry(node, struct vm_area, node);

		area_remove(vm, area);
		area_bury(vm, area);
	}
}

void vm_leave(struct vm_space *vm)
{
	/* order.alone: pairs with is_alone(), and with those who left before */
	if (atomic_fetch_sub(&vm->users, 1) != 1) {
		return;
	}
	if (!list_empty(&vm->aio_contexts)) {
		aio_hook(vm);
	}
	rwlock_lock(&vm->lock);
	vm->dead = true;
	unmap_everything(vm);
	arch_vm_fini(&vm->arch);
	vm_unlock_exclusive(vm);
	thread_blocks_fini(vm);
	vm_put(vm);
}

void vm_get(struct vm_space *vm)
{
	refcount_get(&vm->references);
}

void vm_put(struct vm_space *vm)
{
	if (vm && refcount_put(&vm->references)) {
		user_namespace_put(vm->user_namespace);
		if (futex_hook) {
			futex_hook(atomic_load(&vm->futexes));
		}
		object_free(&spaces, vm);
	}
}

int vm_lock_shared(struct vm_space *vm) NO_THREAD_SAFETY
{
	rwlock_lock_shared(&vm->lock);
	if (vm->dead) {
		rwlock_unlock_shared(&vm->lock);
		return -ESRCH;
	}
	return 0;
}

void vm_unlock_shared(struct vm_space *vm) NO_THREAD_SAFETY
{
	rwlock_unlock_shared(&vm->lock);
}

/* --- pages --- */

void count_frame(struct vm_space *vm, const struct frame *frame, s64 change)
{
	_Atomic s64 *counter =
		frame->object ? &vm->resident_file : &vm->resident_anonymous;

	atomic_fetch_add_explicit(counter, change, memory_order_relaxed);
}

static u64 resident_now(const struct vm_space *vm)
{
	s64 pages = atomic_load_explicit(&vm->resident_anonymous, memory_order_relaxed) +
		    atomic_load_explicit(&vm->resident_file, memory_order_relaxed);

	return (u64)MAX(pages, (s64)0);
}

u64 vm_peak_resident(const struct vm_space *vm)
{
	return MAX(atomic_load_explicit(&vm->peak_resident, memory_order_relaxed),
		   resident_now(vm));
}

void vm_reset_peak_resident(struct vm_space *vm)
{
	atomic_store_explicit(&vm->peak_resident, resident_now(vm), memory_order_relaxed);
}

/* The counts only grow until frames go: so a peak lies just before that. */
static void note_peak(struct vm_space *vm)
{
	u64 now = resident_now(vm);
	u64 peak = atomic_load_explicit(&vm->peak_resident, memory_order_relaxed);

	while (now > peak && !atomic_compare_exchange_weak_explicit(
				     &vm->peak_resident, &peak, now, memory_order_relaxed,
				     memory_order_relaxed)) {
	}
}

/* Count and drop what was unmapped and flushed. */
void release_pages(struct vm_space *vm, const paddr_t *pages, size_t count)
{
	const struct frame *const uncounted = zero_frame;
	struct frame_window window = FRAME_WINDOW_NONE;
	s64 files = 0, anonymous = 0;

	for (size_t i = 0; i < count; i++) {
		struct frame *frame = frame_through(&window, pages[i]);

		if (frame && frame != uncounted) {
			files += frame->object != NULL;
			anonymous++;
			frame_put(frame);
		}
	}
	anonymous -= files;
	if (files || anonymous) {
		note_peak(vm);
	}
	if (files) {
		atomic_fetch_sub_explicit(&vm->resident_file, files,
					  memory_order_relaxed);
	}
	if (anonymous) {
		atomic_fetch_sub_explicit(&vm->resident_anonymous, anonymous,
					  memory_order_relaxed);
	}
}

enum { PAGES_A_FRAME = PAGE_SIZE / sizeof(paddr_t), PAGES_AT_HAND = 64 };

static void flush_and_release(struct vm_space *vm, struct arch_taken *taken)
{
	if (taken->count) {
		arch_vm_flush(&vm->arch, taken->first, taken->last + PAGE_SIZE);
		release_pages(vm, taken->pages, taken->count);
	}
	taken->count = 0;
	taken->first = ~0UL;
}

/* As many pages are gathered for a flush as a borrowed frame holds; without it, fewer. Any context. */
void pages_unmap(struct vm_space *vm, vaddr_t start, vaddr_t end) NO_THREAD_SAFETY
{
	paddr_t pages[PAGES_AT_HAND] uninitialized_;
	struct arch_taken taken = {.pages = pages, .max = PAGES_AT_HAND, .first = ~0UL};
	struct frame *frame = NULL;

	if (end - start > PAGES_AT_HAND * PAGE_SIZE && resident_now(vm) > PAGES_A_FRAME &&
	    !frame_allocate(FRAME_ATOMIC, &frame)) {
		taken.pages = frame_address(frame);
		taken.max = PAGES_A_FRAME;
	}
	while (start < end) {
		arch_vm_take(&vm->arch, &start, end, &taken);
		flush_and_release(vm, &taken);
	}
	if (frame) {
		frame_put(frame);
	}
}

/* Give back tables of [start, end), which is unmapped. */
static void trim_tables(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	u64 span =
		2UL
		<< 20; /* a table is empty if the range covers its part, or all around it is free */

	if (end - start >= span ||
	    place_is_free(vm, ALIGN_DOWN(start, span), ALIGN_UP(end, span))) {
		arch_vm_trim(&vm->arch, start, end);
	}
}

void range_unmap(struct vm_space *vm, vaddr_t start, vaddr_t end)
{
	struct vm_area *area = area_at_or_after(vm, start);
	bool any = false;

	while (area && area->start < end) {
		struct vm_area *next = area_next(area);

		if (!any) {
			pages_unmap(vm, MAX(start, area->start), end);
		}
		any = true;
		area_remove(vm, area);
		area_bury(vm, area);
		area = next;
	}
	if (!any) {
		return;
	}
	place_freed(vm, start, end);
	trim_tables(vm, start, end);
}

int range_populate(struct vm_space *vm, vaddr_t start, vaddr_t end, bool write)
{
	int error = 0;
	int code;

	for (; start < end && !error; start += PAGE_SIZE) {
		struct arch_mapping page;

		if (arch_vm_lookup(&vm->arch, start, &page) &&
		    (!write || page.protect & PROTECT_WRITE)) {
			continue;
		}
		error = vm_fault(vm, start,
				 FAULT_PRESENT | (write ? FAULT_WRITE : FAULT_READ),
				 &code);
		if (sched_break_pending(THREAD_KILLABLE)) {
			return -EINTR;
		}
	}
	return error;
}

/* --- unmap --- */

static int check_range(vaddr_t address, u64 *size)
{
	if (address & ~PAGE_MASK || *size == 0 || *size > USER_END) {
		return -EINVAL;
	}
	*size = ALIGN_UP(*size, PAGE_SIZE);
	return address > USER_END - *size ? -EINVAL : 0;
}

/* The usual case: the range is one end of one area, which gets smaller. */
static bool shorten_area(struct vm_space *vm, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *area = area_find(vm, start);

	if (!area || area->flags & AREA_SEALED || end > area->end ||
	    (start == area->start) == (end == area->end)) {
		return false;
	}
	pages_unmap(vm, start, end);
	if (start == area->start) {
		area_resize(vm, area, end, area->end);
	} else {
		area_resize(vm, area, area->start, start);
	}
	place_freed(vm, start, end);
	trim_tables(vm, start, end);
	return true;
}

static int unmap_areas(struct vm_space *vm, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock)
{
	int error;

	if (range_is_sealed(vm, start, end)) {
		return -EPERM;
	}
	error = area_split_range(vm, start, end);
	if (!error) {
		range_unmap(vm, start, end);
	}
	return error;
}

int vm_unmap(struct vm_space *vm, vaddr_t address, u64 size)
{
	int error = check_range(address, &size);

	if (error) {
		return error;
	}
	rwlock_lock(&vm->lock);
	if (vm->dead) {
		error = -ESRCH;
	} else if (!shorten_area(vm, address, address + size)) {
		error = unmap_areas(vm, address, address + size);
	}
	vm_unlock_exclusive(vm);
	return error;
}

/* --- break --- */

static bool break_grow(struct vm_space *vm, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock)
{
	struct vm_area *heap;
	u64 data = end - vm->break_start + (vm->data_end - vm->data_start);

	if (!place_is_free(vm, start, end) || data > vm->limit_data ||
	    check_limits(vm, (end - start) >> PAGE_SHIFT, PROTECT_READ | PROTECT_WRITE,
			 vm->default_area_flags)) {
		return false;
	}
	heap = start > vm->break_start ? area_find(vm, start - 1) : NULL;
	if (heap && heap->flags & AREA_HEAP && heap->end == start && !heap->object &&
	    (heap->flags & AREA_LOCK_FLAGS) == vm->default_area_flags) {
		area_resize(vm, heap, heap->start, end);
		return true;
	}
	heap = vm->area_count < vm_areas_maximum() ? area_create(vm) : NULL;
	if (!heap) {
		return false;
	}
	heap->start = start;
	heap->end = end;
	heap->protect = PROTECT_READ | PROTECT_WRITE;
	heap->maximum_protect = PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE;
	heap->flags = AREA_HEAP | vm->default_area_flags;
	heap->name = "[heap]";
	area_insert(vm, heap);
	return true;
}

static bool break_shrink(struct vm_space *vm, vaddr_t start, vaddr_t end)
	MUST_HOLD(&vm->lock)
{
	if (range_is_sealed(vm, start, end) || area_split_range(vm, start, end)) {
		return false;
	}
	range_unmap(vm, start, end);
	return true;
}

vaddr_t vm_set_break(struct vm_space *vm, vaddr_t wanted)
{
	vaddr_t result, old_end, new_end;
	bool done = true;
	bool populate = false;

	rwlock_lock(&vm->lock);
	old_end = ALIGN_UP(vm->break_now, PAGE_SIZE);
	if (wanted < vm->break_start || wanted >= USER_END || vm->dead) {
		done = false;
		new_end = old_end;
	} else {
		new_end = ALIGN_UP(wanted, PAGE_SIZE);
	}
	if (done && new_end > old_end) {
		done = break_grow(vm, old_end, new_end);
		populate =
			done && (vm->default_area_flags & AREA_LOCK_FLAGS) == AREA_LOCKED;
	} else if (done && new_end < old_end) {
		done = break_shrink(vm, new_end, old_end);
	}
	if (done) {
		vm->break_now = wanted;
	}
	result = vm->break_now;
	vm_unlock_exclusive(vm);
	if (populate) {
		(void)range_populate(vm, old_end, new_end, true);
	}
	return result;
}
