// SPDX-License-Identifier: MIT
/*
 * madvise, msync and mincore: walks over the areas of a range.
 *
 * Each walk takes vm.lock for one step, and drops it where it reads, writes or waits.
 */
#include "arch/entry.h"
#include "lib/string.h"
#include "vm/vm_internal.h"
#include <linux/mman.h>

#ifndef MADV_POPULATE_READ
#	define MADV_POPULATE_READ  22
#	define MADV_POPULATE_WRITE 23
#endif

struct advice {
	struct vm_space *vm;
	vaddr_t start, end;
	int kind;
};

static int set_flag(struct vm_space *vm, struct vm_area *area, u32 flag, bool on)
	MUST_HOLD(&vm->lock)
{
	u32 flags = area->flags & ~flag;

	area_set_flags(vm, area, on ? flags | flag : flags, area->protect);
	return 0;
}

static int change_flags(struct vm_space *vm, struct vm_area *area, int kind)
	MUST_HOLD(&vm->lock)
{
	bool anonymous = !area->object && !(area->flags & AREA_SHARED);

	switch (kind) {
	case MADV_DONTFORK:
	case MADV_DOFORK:
		return set_flag(vm, area, AREA_NO_FORK, kind == MADV_DONTFORK);
	case MADV_WIPEONFORK:
		return anonymous ? set_flag(vm, area, AREA_WIPE_ON_FORK, true) : -EINVAL;
	case MADV_KEEPONFORK:
		return set_flag(vm, area, AREA_WIPE_ON_FORK, false);
	default:
		return set_flag(vm, area, AREA_NO_DUMP, kind == MADV_DONTDUMP);
	}
}

/* Advice that changes areas: the lock is held exclusively, the borders are cut. */
static int advise_areas(const struct advice *advice)
{
	struct vm_space *vm = advice->vm;
	struct vm_area *area;
	vaddr_t at = advice->start;
	int error;

	rwlock_lock(&vm->lock);
	error = range_is_sealed(vm, advice->start, advice->end)
			? -EPERM
			: area_split_range(vm, advice->start, advice->end);
	for (area = area_at_or_after(vm, at); !error && area && area->start < advice->end;
	     area = area_next(area)) {
		error = change_flags(vm, area, advice->kind);
	}
	if (!error && !range_is_mapped(vm, advice->start, advice->end)) {
		error = -ENOMEM;
	}
	area_merge_range(vm, advice->start, advice->end);
	vm_unlock_exclusive(vm);
	return error;
}

/* MADV_DONTNEED and MADV_FREE of one area's part; pages may be faulted in again at once. */
static int drop_part(const struct advice *advice, struct vm_area *area, vaddr_t start,
		     vaddr_t end)
{
	if (area->flags & AREA_SEALED) {
		return -EPERM;
	}
	if (area->flags & AREA_LOCKED ||
	    (advice->kind == MADV_FREE && (area->object || area->flags & AREA_SHARED))) {
		return -EINVAL;
	}
	pages_unmap(advice->vm, start, end);
	return 0;
}

/* Read what is not there of an object, for MADV_WILLNEED: at most 4 MiB. */
static void read_ahead(struct vm_object *object, u64 first, u64 last)
{
	struct frame *frame;

	last = MIN(last, first + 1024);
	for (u64 index = first; index < last; index++) {
		if (index >= (object_size(object) + PAGE_SIZE - 1) >> PAGE_SHIFT ||
		    vm_object_page(object, index, &frame)) {
			return;
		}
		frame_put(frame);
	}
}

static int remove_allowed(const struct vm_area *area)
{
	if (!area->object || !(area->flags & AREA_SHARED) ||
	    object_is_cache(area->object) || area->flags & AREA_LOCKED) {
		return -EINVAL;
	}
	if (area->object->operations->kernel_pages) {
		return -EOPNOTSUPP; // no file that holes can be made in
	}
	return area->maximum_protect & PROTECT_WRITE ? 0 : -EACCES;
}

/* One step: the part of the range in one area. *at moves on. */
static int advise_step(const struct advice *advice, vaddr_t *at, bool *hole)
{
	struct vm_object *object = NULL;
	struct file *file = NULL; /* keeps the object's owner */
	struct vm_area *area;
	u64 first = 0, last = 0;
	vaddr_t end = advice->end;
	int error = vm_lock_shared(advice->vm);

	if (error) {
		return error;
	}
	area = area_at_or_after(advice->vm, *at);
	if (!area || area->start >= advice->end) {
		*hole = true;
	} else {
		*hole = *hole || area->start > *at;
		*at = MAX(*at, area->start);
		end = MIN(area->end, advice->end);
		if (advice->kind == MADV_DONTNEED || advice->kind == MADV_FREE) {
			error = drop_part(advice, area, *at, end);
		} else if (advice->kind == MADV_REMOVE) {
			error = remove_allowed(area);
		}
		object = !error && area->object && advice->kind != MADV_DONTNEED
				 ? area->object
				 : NULL;
		if (object) {
			first = area_index(area, *at);
			last = area_index(area, end - 1) + 1;
			vm_object_get(object);
			file = area->file;
			file_reference(file);
		}
	}
	vm_unlock_shared(advice->vm);
	if (object && advice->kind == MADV_REMOVE) {
		vm_object_punch(object, first << PAGE_SHIFT, last << PAGE_SHIFT);
	} else if (object && advice->kind == MADV_WILLNEED) {
		read_ahead(object, first, last);
	}
	vm_object_put(object);
	file_release(file);
	*at = end;
	return error;
}

static int advise_pages(const struct advice *advice)
{
	vaddr_t at = advice->start;
	bool hole = false;
	int error = 0;

	while (at < advice->end && !error) {
		error = advise_step(advice, &at, &hole);
	}
	return error ? error : hole ? -ENOMEM : 0;
}

/* May all of it be brought in? What comes first in the range says why not. */
static int check_populate(const struct advice *advice)
{
	u32 wanted = advice->kind == MADV_POPULATE_WRITE ? PROTECT_WRITE : ~0u;
	vaddr_t at = advice->start;
	struct vm_area *area;

	area = area_at_or_after(advice->vm, at);
	for (; area && area->start <= at && at < advice->end; area = area_next(area)) {
		if (!(area->protect & wanted)) {
			return -EINVAL;
		}
		at = area->end;
	}
	return at < advice->end ? -ENOMEM : 0;
}

static int advise_populate(const struct advice *advice)
{
	struct vm_space *vm = advice->vm;
	int error = vm_lock_shared(vm);

	if (error) {
		return error;
	}
	error = check_populate(advice);
	vm_unlock_shared(vm);
	if (error) {
		return error;
	}
	error = range_populate(vm, advice->start, advice->end,
			       advice->kind == MADV_POPULATE_WRITE);
	return error == -EIO ? -EFAULT : error == -EFAULT ? -EINVAL : error;
}

/* What changes nothing here, and promises nothing; but pages that are locked cannot be told to go. */
static int advise_hint(const struct advice *advice)
{
	bool leave = advice->kind == MADV_COLD || advice->kind == MADV_PAGEOUT;
	struct vm_area *area;
	int error = vm_lock_shared(advice->vm);

	if (error) {
		return error;
	}
	area = area_at_or_after(advice->vm, advice->start);
	for (; leave && area && area->start < advice->end; area = area_next(area)) {
		error = area->flags & AREA_LOCKED ? -EINVAL : error;
	}
	if (!error && !range_is_mapped(advice->vm, advice->start, advice->end)) {
		error = -ENOMEM;
	}
	vm_unlock_shared(advice->vm);
	return error;
}

int vm_advise(struct vm_space *vm, vaddr_t address, u64 size, int kind)
{
	struct advice advice = {vm, address, 0, kind};

	if (address & ~PAGE_MASK || size > UINT64_MAX - PAGE_SIZE) {
		return -EINVAL;
	}
	size = ALIGN_UP(size, PAGE_SIZE);
	if (address + size < address) {
		return -EINVAL;
	}
	advice.end = MIN(address + size, USER_END);
	switch (kind) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_NOHUGEPAGE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return advice.start < advice.end ? advise_hint(&advice) : 0;
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_WILLNEED:
	case MADV_REMOVE:
		return advise_pages(&advice);
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return advice.start < advice.end ? advise_areas(&advice) : 0;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return advice.start < advice.end ? advise_populate(&advice) : 0;
	default:
		return -EINVAL;
	}
}

/* --- msync --- */

int vm_sync(struct vm_space *vm, vaddr_t address, u64 size, int flags)
{
	vaddr_t end;
	bool hole = false;
	int error = 0;

	if (address & ~PAGE_MASK || flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & MS_ASYNC && flags & MS_SYNC)) {
		return -EINVAL;
	}
	if (size > USER_END || address > USER_END - ALIGN_UP(size, PAGE_SIZE)) {
		return -ENOMEM;
	}
	end = address + ALIGN_UP(size, PAGE_SIZE);
	while (address < end && !error) {
		struct vm_object *object = NULL;
		struct file *file = NULL;
		struct vm_area *area;
		vaddr_t next = end;
		u64 first = 0, last = 0;

		error = vm_lock_shared(vm);
		if (error) {
			return error;
		}
		area = area_at_or_after(vm, address);
		if (!area || area->start >= end) {
			hole = true;
		} else {
			hole = hole || area->start > address;
			address = MAX(address, area->start);
			next = MIN(area->end, end);
			if (flags & MS_INVALIDATE && area->flags & AREA_LOCKED) {
				error = -EBUSY;
			} else if (area->flags & AREA_SHARED && area->object) {
				object = area->object;
				first = area_index(area, address) << PAGE_SHIFT;
				last = first + (next - address);
				vm_object_get(object);
				file = area->file;
				file_reference(file);
			}
		}
		vm_unlock_shared(vm);
		if (object && flags & MS_SYNC) {
			error = vm_object_sync(object, first, last);
		}
		vm_object_put(object);
		file_release(file);
		address = next;
	}
	return error ? error : hole ? -ENOMEM : 0;
}

/* --- mincore --- */

static void note_resident(struct vm_space *vm, const struct vm_area *area,
			  vaddr_t address, vaddr_t end, u8 *out)
{
	struct arch_mapping page;

	for (; address < end; address += PAGE_SIZE, out++) {
		struct frame *frame;

		*out = arch_vm_lookup(&vm->arch, address, &page);
		if (*out || !area->object) {
			continue;
		}
		frame = vm_object_find(area->object, area_index(area, address));
		if (frame) {
			*out = 1;
			frame_put(frame);
		}
	}
}

/* One area's part of [*at, end); its file, with a reference. */
static int mincore_step(struct vm_space *vm, vaddr_t *at, vaddr_t end, u8 *out,
			struct file **file)
{
	struct vm_area *area;
	int error = vm_lock_shared(vm);

	if (error) {
		return error;
	}
	area = area_find(vm, *at);
	if (!area) {
		error = -ENOMEM;
	} else {
		end = MIN(area->end, end);
		note_resident(vm, area, *at, end, out);
		*at = end;
		*file = area->object ? area->file : NULL;
		file_reference(*file);
	}
	vm_unlock_shared(vm);
	return error;
}

int vm_mincore(struct vm_space *vm, vaddr_t address, u64 size, u8 *out,
	       bool (*may_know)(struct file *file))
{
	vaddr_t end = address + ALIGN_UP(size, PAGE_SIZE);
	int error = 0;

	while (address < end && !error) {
		struct file *file = NULL;
		vaddr_t from = address;
		u64 pages;

		error = mincore_step(vm, &address, end, out, &file);
		pages = (address - from) >> PAGE_SHIFT;
		if (file && !may_know(file)) {
			memset(out, 1, pages);
		}
		file_release(file);
		out += pages;
	}
	return error;
}
