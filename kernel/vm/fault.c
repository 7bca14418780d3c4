// SPDX-License-Identifier: MIT
/*
 * Page faults.
 *
 * Locks     vm.lock shared throughout one attempt; vm_object.lock while a page of an object is entered. Neither is held across I/O: an
 *	     attempt that must read ends with `load` set, the page is read with no lock held, and the fault starts again.
 *
 * Two threads may resolve the same fault. Entries are changed by arch_vm_replace(), which says when somebody else was
 * faster: then the fault starts again as well.
 *
 * Rights of the entries
 *   Private   writable only if the frame is the space's own: anonymous with one reference.
 *   Shared    writable at once if the object's pages are the only copy; else after the write that marks the page dirty.
 */
#include "arch/entry.h"
#include "lib/string.h"
#include "vm/vm_internal.h"
#include <asm/siginfo.h>

enum {
	FAULT_AGAIN = 1,
	FAULT_LOAD = 2, /* fault.load, fault.index: read it */
	FAULT_GROW = 3, /* a stack may grow down to the address */
	AROUND_PAGES = 16,
};

struct fault {
	struct vm_space *vm;
	vaddr_t address; /* of the page */
	unsigned access;
	struct vm_area *area;
	struct vm_object *load;
	struct file *load_file; /* keeps the object's owner while vm.lock is dropped */
	u64 index;
	bool major;
	bool look; /* something may be mapped there */
};

static bool is_write(const struct fault *fault)
{
	return fault->access & FAULT_WRITE;
}

/* Rights of a private page that may be written now. */
static u32 writable_rights(const struct fault *fault)
{
	u32 protect = area_read_rights(fault->area);

	return fault->area->protect & PROTECT_WRITE ? protect | PROTECT_WRITE : protect;
}

/* A frame to write to; takes over the reference. `expected`: what is mapped there now. */
static int enter_private(struct fault *fault, paddr_t expected, struct frame *frame)
{
	struct vm_space *vm = fault->vm;
	int error = arch_vm_replace(&vm->arch, fault->address, expected,
				    frame_physical(frame), writable_rights(fault));

	if (error) {
		frame_put(frame);
		return error == -EAGAIN ? FAULT_AGAIN : error;
	}
	atomic_fetch_add_explicit(&vm->resident_anonymous, 1, memory_order_relaxed);
	if (!fault->area->touched) {
		fault->area->touched = true;
	}
	return 0;
}

static int enter_fresh(struct fault *fault, paddr_t expected)
{
	struct frame *frame;
	int error = frame_allocate(FRAME_ZERO | FRAME_USER, &frame);

	if (error) {
		return error;
	}
	error = enter_private(fault, expected, frame);
	if (!error && expected) {
		arch_vm_flush(&fault->vm->arch, fault->address,
			      fault->address + PAGE_SIZE);
	}
	return error;
}

static int enter_zero(struct fault *fault)
{
	int error = arch_vm_replace(&fault->vm->arch, fault->address, 0,
				    frame_physical(zero_frame),
				    area_read_rights(fault->area));

	return error == -EAGAIN ? FAULT_AGAIN : error;
}

/* Thread blocks are written by the kernel too: never the zero frame, never copied on write. */
static int enter_blocks(struct fault *fault)
{
	struct frame *frame;
	int error = thread_blocks_frame(fault->vm, fault->area, &frame);

	return error ? error : enter_private(fault, 0, frame);
}

/* A private page of its own with the contents of `from`, which is referenced or mapped as `expected`. */
static int enter_copy(struct fault *fault, paddr_t expected, struct frame *from)
{
	struct arch_mapping old = {.physical = expected};
	struct frame *frame;
	int error = frame_allocate(FRAME_USER, &frame);

	if (error) {
		return error;
	}
	memcpy(frame_address(frame), frame_address(from), PAGE_SIZE);
	error = enter_private(fault, expected, frame);
	if (!error && expected) {
		arch_vm_flush(&fault->vm->arch, fault->address,
			      fault->address + PAGE_SIZE);
		release_pages(fault->vm, &old.physical, 1);
	}
	return error;
}

/* A write to a private page that is mapped without write rights. */
static int break_sharing(struct fault *fault, const struct arch_mapping *page)
{
	struct frame *frame = frame_from_physical(page->physical);
	int error;

	if (!frame) {
		return -EFAULT;
	}
	if (frame == zero_frame) {
		return enter_fresh(fault, page->physical);
	}
	if (!frame->object && frame_references(frame) == 1) {
		/* Nobody else has it: a reference more could only come through this space's lock held exclusively. */
		error = arch_vm_replace(&fault->vm->arch, fault->address, page->physical,
					page->physical, writable_rights(fault));
		return error == -EAGAIN ? FAULT_AGAIN : error;
	}
	/* No reference: should the frame go meanwhile, the entry has changed, and the copy is thrown away. */
	return enter_copy(fault, page->physical, frame);
}

/* --- pages of objects --- */

/* Pages around the fault that are there already, for reads: programs touch neighbours next. */
static void map_around(struct fault *fault, struct vm_object *object, u32 rights)
	MUST_HOLD(&object->lock)
{
	struct arch_mapping pages[AROUND_PAGES] uninitialized_;
	vaddr_t addresses[AROUND_PAGES] uninitialized_;
	struct vm_area *area = fault->area;
	u64 span = AROUND_PAGES * PAGE_SIZE;
	vaddr_t start = MAX(ALIGN_DOWN(fault->address, span), area->start);
	vaddr_t end = MIN(ALIGN_DOWN(fault->address, span) + span, area->end);
	u64 index = area_index(area, start);
	u64 last = MIN(area_index(area, end - 1) + 1,
		       (object_size(object) + PAGE_SIZE - 1) >> PAGE_SHIFT);
	u64 first = index;
	size_t count = 0, done;
	s64 mapped = 0;
	struct frame *frame;

	for (; (frame = radix_next(&object->pages, &index)) != NULL && index < last;
	     index++) {
		if (page_has(frame, PAGE_BUSY)) {
			continue;
		}
		addresses[count] = start + ((index - first) << PAGE_SHIFT);
		pages[count].physical = frame_physical(frame);
		pages[count].protect = rights;
		pages[count].present = false;
		frame_get(frame);
		count++;
	}
	done = count ? arch_vm_map_absent(&fault->vm->arch, addresses, pages, count) : 0;
	for (size_t i = 0; i < count; i++) {
		if (i < done && pages[i].present) {
			mapped++;
		} else {
			frame_put(frame_from_physical(pages[i].physical));
		}
	}
	atomic_fetch_add_explicit(&fault->vm->resident_file, mapped,
				  memory_order_relaxed);
}

/* A write through a shared mapping: the page is dirty, and who owns the object is told. */
static void note_write(struct vm_object *object, struct frame *frame)
	MUST_HOLD(&object->lock)
{
	if (object->operations->write_page) {
		page_mark(frame, PAGE_DIRTY);
	}
	if (object->operations->written) {
		object->operations->written(object);
	}
}

static int enter_object_page(struct fault *fault, struct vm_object *object,
			     struct frame *frame) MUST_HOLD(&object->lock)
{
	struct vm_area *area = fault->area;
	u32 rights = area_read_rights(area);
	bool shared = area->flags & AREA_SHARED;
	int error;

	if (shared && area->protect & PROTECT_WRITE) {
		if (is_write(fault)) {
			note_write(object, frame);
		}
		if (is_write(fault) || !object->operations->write_page) {
			rights |= PROTECT_WRITE;
		}
	}
	frame_get(frame);
	error = arch_vm_replace(&fault->vm->arch, fault->address, 0,
				frame_physical(frame), rights);
	if (error) {
		frame_put(frame);
		return error == -EAGAIN ? FAULT_AGAIN : error;
	}
	atomic_fetch_add_explicit(&fault->vm->resident_file, 1, memory_order_relaxed);
	if (!is_write(fault)) {
		map_around(fault, object, rights);
	}
	return 0;
}

/* The page of the object, lock held: 0, FAULT_LOAD, or an errno. */
static int object_page_locked(struct fault *fault, struct vm_object *object,
			      struct frame **out) MUST_HOLD(&object->lock)
{
	u64 size = object_size(object);

	fault->index = area_index(fault->area, fault->address);
	if (fault->index >= (size + PAGE_SIZE - 1) >> PAGE_SHIFT) {
		return -EIO;
	}
	*out = object_peek(object, fault->index);
	if (*out) {
		return 0;
	}
	if (object_is_cache(object)) {
		vm_object_get(object);
		fault->load = object;
		fault->load_file = fault->area->file;
		file_reference(fault->load_file);
		return FAULT_LOAD;
	}
	return object_make_zero(object, fault->index, out);
}

static int fault_object(struct fault *fault)
{
	struct vm_object *object = fault->area->object;
	bool copy = is_write(fault) && !(fault->area->flags & AREA_SHARED);
	struct frame *frame;
	int error;

	mutex_lock(&object->lock);
	error = object_page_locked(fault, object, &frame);
	if (error) {
		mutex_unlock(&object->lock);
		return error;
	}
	if (!copy) {
		error = enter_object_page(fault, object, frame);
		mutex_unlock(&object->lock);
		return error;
	}
	frame_get(frame);
	mutex_unlock(&object->lock);
	error = enter_copy(fault, 0, frame);
	frame_put(frame);
	return error;
}

/* A write to a page of a shared mapping that is mapped without write rights: from now on it is dirty. */
static int fault_make_dirty(struct fault *fault, const struct arch_mapping *page)
{
	struct vm_object *object = fault->area->object;
	struct frame *frame = frame_from_physical(page->physical);
	int error;

	if (!object || !frame) {
		return -EFAULT;
	}
	mutex_lock(&object->lock);
	if (frame->object == object) {
		note_write(object, frame);
	}
	error = arch_vm_replace(&fault->vm->arch, fault->address, page->physical,
				page->physical,
				area_read_rights(fault->area) | PROTECT_WRITE);
	mutex_unlock(&object->lock);
	return error == -EAGAIN ? FAULT_AGAIN : error;
}

/* --- one attempt --- */

static bool allowed(const struct vm_area *area, unsigned access)
{
	if (access & FAULT_FORCE) {
		return !(access & FAULT_WRITE) || !(area->flags & AREA_SHARED);
	}
	if (access & FAULT_WRITE) {
		return area->protect & PROTECT_WRITE;
	}
	if (access & FAULT_EXECUTE) {
		return area->protect & PROTECT_EXECUTE;
	}
	return area->protect != 0;
}

/* Something is mapped there. */
static int fault_present(struct fault *fault, const struct arch_mapping *page)
{
	u32 needed = fault->access & FAULT_EXECUTE ? PROTECT_EXECUTE : 0;

	needed |= is_write(fault)               ? PROTECT_WRITE
		  : fault->access & FAULT_FORCE ? 0
						: PROTECT_READ;
	if ((page->protect & needed) == needed) {
		return 0; /* another thread was faster */
	}
	if (is_write(fault)) {
		return fault->area->flags & AREA_SHARED ? fault_make_dirty(fault, page)
							: break_sharing(fault, page);
	}
	/* Rights came back since: mprotect leaves no entry with less than it should have, so this was a race. */
	arch_vm_protect(&fault->vm->arch, fault->address, fault->address + PAGE_SIZE,
			area_read_rights(fault->area));
	return 0;
}

static int fault_attempt(struct fault *fault, int *code)
{
	struct vm_area *area = area_at_or_after(fault->vm, fault->address);
	struct arch_mapping page;

	if (!area || area->start > fault->address) {
		*code = SEGV_MAPERR;
		return area && area->flags & AREA_STACK ? FAULT_GROW : -EFAULT;
	}
	fault->area = area;
	if (!allowed(area, fault->access)) {
		*code = SEGV_ACCERR;
		return -EFAULT;
	}
	/* What the CPU found absent is taken for absent, until entering a page shows otherwise. */
	if (fault->look && arch_vm_lookup(&fault->vm->arch, fault->address, &page)) {
		return fault_present(fault, &page);
	}
	if (area->object) {
		return fault_object(fault);
	}
	if (area->flags & AREA_THREAD_BLOCKS) {
		return enter_blocks(fault);
	}
	return is_write(fault) ? enter_fresh(fault, 0) : enter_zero(fault);
}

/* Extend the stack above `address` down to it. */
static int grow_stack(struct vm_space *vm, vaddr_t address)
{
	struct vm_area *area, *below;
	u64 guard = STACK_GUARD_PAGES * PAGE_SIZE;
	int error = -EFAULT;

	rwlock_lock(&vm->lock);
	area = vm->dead ? NULL : area_at_or_after(vm, address);
	if (area && area->start <= address) {
		error = 0; /* another thread was faster */
	} else if (area && area->flags & AREA_STACK && address >= USER_LOWEST) {
		below = area_previous(area);
		if (area->end - address <= vm->limit_stack &&
		    !(below && below->protect && address - below->end < guard) &&
		    !check_limits(vm, (area->start - address) >> PAGE_SHIFT,
				  area->protect, area->flags)) {
			area_resize(vm, area, address, area->end);
			error = 0;
		}
	}
	vm_unlock_exclusive(vm);
	return error;
}

static int load_page(struct fault *fault)
{
	struct frame *frame;
	int error = vm_object_page(fault->load, fault->index, &frame);

	vm_object_put(fault->load);
	file_release(fault->load_file);
	fault->load = NULL;
	if (error) {
		return error == -ENOMEM ? -ENOMEM : -EIO;
	}
	frame_put(frame);
	fault->major = true;
	return 0;
}

int vm_fault(struct vm_space *vm, vaddr_t address, unsigned access, int *code)
{
	struct fault fault = {.vm = vm, .address = address & PAGE_MASK, .access = access};
	int result;

	if (address >= USER_END) {
		*code = SEGV_MAPERR;
		return -EFAULT;
	}
	fault.look = access & FAULT_PRESENT;
	do {
		if (vm_lock_shared(vm)) {
			*code = SEGV_MAPERR;
			return -EFAULT;
		}
		result = fault_attempt(&fault, code);
		vm_unlock_shared(vm);
		if (result == FAULT_LOAD) {
			result = load_page(&fault);
			result = result ? result : FAULT_AGAIN;
		} else if (result == FAULT_AGAIN) {
			fault.look = true;
		} else if (result == FAULT_GROW) {
			result = grow_stack(vm, fault.address);
			result = result ? result : FAULT_AGAIN;
		}
	} while (result > 0);
	if (!result) {
		atomic_fetch_add_explicit(fault.major ? &vm->major_faults
						      : &vm->minor_faults,
					  1, memory_order_relaxed);
	}
	return result;
}
