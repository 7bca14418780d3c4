// SPDX-License-Identifier: MIT
/*
 * Looking into an address space from outside: other programs' memory, futex keys, statistics.
 *
 * Locks     vm.lock shared while a page is copied. A page that may be written stays writable meanwhile (only fork, which takes the
 *	     lock exclusively, takes that right from private pages); pages of an object are referenced under mappings_lock.
 */
#include "arch/entry.h"
#include "lib/string.h"
#include "vm/vm_internal.h"

/* May the page be read (written) as it is mapped now? */
static bool usable(const struct arch_mapping *page, bool write, bool force)
{
	struct frame *frame = frame_from_physical(page->physical);

	if (!frame) {
		return false;
	}
	if (!write) {
		return force || page->protect & PROTECT_READ;
	}
	return page->protect & PROTECT_WRITE ||
	       (force && !frame->object && frame != zero_frame &&
		frame_references(frame) == 1);
}

/* Copy out of the page; false: it changed meanwhile. */
static bool read_part(struct vm_space *vm, vaddr_t address, void *to, size_t size,
		      const struct arch_mapping *page)
{
	const u8 *from = frame_address(frame_from_physical(page->physical));
	struct arch_mapping after;

	memcpy(to, from + (address & ~PAGE_MASK), size);
	return arch_vm_lookup(&vm->arch, address & PAGE_MASK, &after) &&
	       after.physical == page->physical;
}

/* Write into the page, if it is still mapped: it cannot be freed while mappings_lock is held. */
static bool write_part(struct vm_space *vm, struct vm_area *area, vaddr_t address,
		       const void *from, size_t size,
		       const struct arch_mapping *page) NO_THREAD_SAFETY
{
	struct frame *frame = frame_from_physical(page->physical);
	struct arch_mapping now;
	bool there;

	if (area->object) {
		spin_lock(&area->object->mappings_lock);
	}
	there = arch_vm_lookup(&vm->arch, address & PAGE_MASK, &now) &&
		now.physical == page->physical;
	if (there) {
		frame_get(frame);
	}
	if (area->object) {
		spin_unlock(&area->object->mappings_lock);
	}
	if (there) {
		u8 *to = (u8 *)frame_address(frame) + (address & ~PAGE_MASK);

		memcpy(to, from, size);
		arch_sync_instruction_cache((vaddr_t)to, (vaddr_t)to + size);
		frame_put(frame);
	}
	return there;
}

static bool access_allowed(const struct vm_area *area, bool write, bool force)
{
	if (force) {
		return !write || !(area->flags & AREA_SHARED) ||
		       area->protect & PROTECT_WRITE;
	}
	return write ? area->protect & PROTECT_WRITE : area->protect != 0;
}

enum { ACCESS_DONE, ACCESS_FAULT, ACCESS_RETRY };

static int access_part(struct vm_space *vm, vaddr_t address, void *buffer, size_t size,
		       bool write, bool force)
{
	struct vm_area *area = area_find(vm, address);
	struct arch_mapping page;
	bool done;

	if (!area || !access_allowed(area, write, force)) {
		return area ? -EFAULT : ACCESS_FAULT;
	}
	if (!arch_vm_lookup(&vm->arch, address & PAGE_MASK, &page) ||
	    !usable(&page, write, force)) {
		return ACCESS_FAULT;
	}
	done = write ? write_part(vm, area, address, buffer, size, &page)
		     : read_part(vm, address, buffer, size, &page);
	return done ? ACCESS_DONE : ACCESS_RETRY;
}

static int access_page(struct vm_space *vm, vaddr_t address, void *buffer, size_t size,
		       bool write, bool force)
{
	unsigned access = FAULT_PRESENT | (write ? FAULT_WRITE : FAULT_READ) |
			  (force ? FAULT_FORCE : 0);
	int code;

	for (;;) {
		int result = vm_lock_shared(vm);

		if (result) {
			return result;
		}
		result = access_part(vm, address, buffer, size, write, force);
		vm_unlock_shared(vm);
		if (result <= ACCESS_DONE) {
			return result;
		}
		if (result == ACCESS_FAULT) {
			result = vm_fault(vm, address, access, &code);
			if (result) {
				return result;
			}
		}
	}
}

static s64 access_memory(struct vm_space *vm, vaddr_t address, void *buffer, size_t size,
			 bool write, bool force)
{
	size_t done = 0;

	while (done < size) {
		vaddr_t at = address + done;
		size_t part = MIN(PAGE_SIZE - (at & ~PAGE_MASK), size - done);
		int error;

		if (at < address || at >= USER_END) {
			return done ? (s64)done : -EFAULT;
		}
		error = access_page(vm, at, (u8 *)buffer + done, part, write, force);
		if (error) {
			return done ? (s64)done : error;
		}
		done += part;
	}
	return (s64)done;
}

s64 vm_read(struct vm_space *vm, vaddr_t address, void *to, size_t size, bool force)
{
	return access_memory(vm, address, to, size, false, force);
}

s64 vm_write(struct vm_space *vm, vaddr_t address, const void *from, size_t size,
	     bool force)
{
	return access_memory(vm, address, (void *)from, size, true, force);
}

/* --- futex keys --- */

int vm_futex_key_get(struct vm_space *vm, vaddr_t address, bool shared,
		     struct vm_futex_key *out)
{
	struct vm_area *area;
	int error = 0;

	if (address & 3) {
		return -EINVAL;
	}
	if (address >= USER_END) {
		return -EFAULT;
	}
	*out = (struct vm_futex_key){.object = vm, .offset = address};
	if (!shared) {
		return 0;
	}
	error = vm_lock_shared(vm);
	if (error) {
		return error;
	}
	area = area_find(vm, address);
	if (!area || !area->protect) {
		error = -EFAULT;
	} else if (!area->object && !(area->protect & PROTECT_WRITE)) {
		error = -EFAULT; // nobody can come to change the word
	} else if (area->flags & AREA_SHARED && area->object) {
		vm_object_get(area->object);
		out->object = area->object;
		out->offset = area->offset + (address - area->start);
		out->shared = true;
	}
	vm_unlock_shared(vm);
	return error;
}

void vm_futex_key_put(struct vm_futex_key *key)
{
	if (key->shared) {
		vm_object_put(key->object);
		key->shared = false;
	}
}

/* --- for /proc --- */

struct vm_area *vm_next_area(struct vm_space *vm, vaddr_t address)
{
	return area_at_or_after(vm, address);
}

static void count_page(const struct frame *frame, struct vm_area_statistics *out)
{
	u32 mapped = frame_references(frame) - (frame->object ? 1 : 0);
	bool dirty = frame->object ? page_has(frame, PAGE_DIRTY) : true;

	out->resident++;
	out->anonymous += !frame->object;
	if (mapped > 1) {
		*(dirty ? &out->shared_dirty : &out->shared_clean) += 1;
	} else {
		*(dirty ? &out->private_dirty : &out->private_clean) += 1;
	}
	out->proportional_bytes += PAGE_SIZE / MAX(mapped, 1u);
}

void vm_area_statistics(struct vm_area *area, struct vm_area_statistics *out)
{
	struct arch_mapping pages[VM_BATCH] uninitialized_;
	vaddr_t addresses[VM_BATCH] uninitialized_;
	vaddr_t start = area->start;

	while (start < area->end) {
		size_t count = arch_vm_walk(&area->vm->arch, &start, area->end, pages,
					    addresses, VM_BATCH);

		for (size_t i = 0; i < count; i++) {
			struct frame *frame = frame_from_physical(pages[i].physical);

			if (frame && frame != zero_frame) {
				count_page(frame, out);
				out->referenced += pages[i].accessed;
			}
		}
	}
}

static bool is_one_of(const struct vm_area *area, enum vm_pages which)
{
	return which == VM_PAGES_ALL ||
	       (which == VM_PAGES_MAPPED) == (area->object != NULL);
}

void vm_forget_referenced(struct vm_space *vm, enum vm_pages which)
{
	struct vm_area *area;
	vaddr_t at = 0;

	do {
		if (vm_lock_shared(vm)) {
			return;
		}
		area = area_at_or_after(vm, at);
		if (area && is_one_of(area, which)) {
			arch_vm_forget_accessed(&vm->arch, area->start, area->end);
			arch_vm_flush(&vm->arch, area->start, area->end);
		}
		at = area ? area->end : at;
		vm_unlock_shared(vm);
	} while (area);
}

bool vm_page_present(struct vm_space *vm, vaddr_t address, bool *of_object)
{
	struct arch_mapping page;
	struct frame *frame;

	if (!area_find(vm, address) || !arch_vm_lookup(&vm->arch, address, &page)) {
		return false;
	}
	frame = frame_from_physical(page.physical);
	*of_object = frame && frame->object;
	return true;
}
