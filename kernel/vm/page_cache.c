// SPDX-License-Identifier: MIT
/*
 * Reading, writing, cutting and saving what an object holds.
 *
 * Locks     vm_object.lock only to find, enter or take out a page. User memory is copied with a reference on the page and no lock: the copy
 *	     may fault, and the fault may want the same object. Callers order writers and truncation (inode.lock).
 */
#include "lib/string.h"
#include "vm/vm_internal.h"

static size_t read_page_part(struct vm_object *object, u64 offset, size_t size,
			     struct io_buffer *io, int *error)
{
	struct frame *frame;
	size_t moved;

	if (object_is_cache(object)) {
		*error = vm_object_page(object, offset >> PAGE_SHIFT, &frame);
		if (*error) {
			return 0;
		}
	} else {
		frame = vm_object_find(object, offset >> PAGE_SHIFT);
		if (!frame) {
			return io_fill_zero(io, size);
		}
	}
	moved = io_copy_to(io, (u8 *)frame_address(frame) + (offset & ~PAGE_MASK), size);
	frame_put(frame);
	return moved;
}

s64 vm_object_read(struct vm_object *object, u64 offset, struct io_buffer *io)
{
	u64 done = 0;
	int error = 0;

	while (io->remaining) {
		u64 size = object_size(object);
		size_t part, moved;

		if (offset >= size) {
			break;
		}
		part = MIN(PAGE_SIZE - (offset & ~PAGE_MASK),
			   MIN(io->remaining, size - offset));
		moved = read_page_part(object, offset, part, io, &error);
		done += moved;
		offset += moved;
		if (moved < part) {
			error = error ? error : -EFAULT;
			break;
		}
	}
	return done ? (s64)done : error;
}

/*
 * Enter a page that was filled by the caller. If there is one meanwhile, what the caller wrote is copied into it.
 * Takes over the reference.
 */
static int enter_filled(struct vm_object *object, u64 index, struct frame *frame,
			size_t start, size_t size)
{
	struct frame *present;
	int error;

	for (;;) {
		mutex_lock(&object->lock);
		present = radix_get(&object->pages, index);
		if (!present || !page_has(present, PAGE_BUSY)) {
			break;
		}
		frame_get(present);
		mutex_unlock(&object->lock);
		object_wait_page(present, object);
		frame_put(present);
	}
	if (present) {
		memcpy((u8 *)frame_address(present) + start,
		       (u8 *)frame_address(frame) + start, size);
		if (object->operations->write_page) {
			page_mark(present, PAGE_DIRTY);
		}
		mutex_unlock(&object->lock);
		frame_put(frame);
		return 0;
	}
	atomic_store_explicit(&frame->page_flags,
			      object->operations->write_page ? PAGE_DIRTY : PAGE_ACCESSED,
			      memory_order_relaxed);
	error = object_put_page(object, index, frame);
	mutex_unlock(&object->lock);
	if (error) {
		frame_put(frame);
	}
	return error;
}

/* Write part of a page that is not there, without reading it. */
static s64 write_absent(struct vm_object *object, u64 offset, size_t size,
			struct io_buffer *io)
{
	size_t start = offset & ~PAGE_MASK;
	struct frame *frame;
	size_t moved;
	int error = frame_allocate(
		size == PAGE_SIZE ? FRAME_USER : FRAME_ZERO | FRAME_USER, &frame);

	if (error) {
		return error;
	}
	moved = io_copy_from(io, (u8 *)frame_address(frame) + start, size);
	if (moved < size && object_is_cache(object)) {
		/* The rest of the page is not known: nothing was written. */
		io_rewind(io, moved);
		frame_put(frame);
		return -EFAULT;
	}
	if (moved == 0) {
		frame_put(frame);
		return -EFAULT;
	}
	memset((u8 *)frame_address(frame) + start + moved, 0, size - moved);
	error = enter_filled(object, offset >> PAGE_SHIFT, frame, start, moved);
	if (error) {
		io_rewind(io, moved);
	}
	return error ? error : (s64)moved;
}

static s64 write_page_part(struct vm_object *object, u64 offset, size_t size,
			   struct io_buffer *io)
{
	struct frame *frame = vm_object_find(object, offset >> PAGE_SHIFT);
	size_t moved;
	int error;

	if (!frame) {
		if (size == PAGE_SIZE || !object_is_cache(object)) {
			return write_absent(object, offset, size, io);
		}
		error = vm_object_page(object, offset >> PAGE_SHIFT, &frame);
		if (error) {
			return error;
		}
	}
	moved = io_copy_from(io, (u8 *)frame_address(frame) + (offset & ~PAGE_MASK),
			     size);
	if (object->operations->write_page) {
		page_mark(frame, PAGE_DIRTY);
	}
	frame_put(frame);
	return moved ? (s64)moved : -EFAULT;
}

s64 vm_object_write(struct vm_object *object, u64 offset, struct io_buffer *io)
{
	u64 done = 0;

	while (io->remaining) {
		size_t part = MIN(PAGE_SIZE - (offset & ~PAGE_MASK), io->remaining);
		s64 moved = write_page_part(object, offset, part, io);

		if (moved < 0) {
			return done ? (s64)done : moved;
		}
		done += (u64)moved;
		offset += (u64)moved;
		if ((size_t)moved < part) {
			break;
		}
	}
	return (s64)done;
}

/* --- dropping pages --- */

/* Take up to VM_BATCH pages of [*first, last) out; waits for busy ones. They are still mapped. */
static size_t take_pages(struct vm_object *object, u64 *first, u64 last,
			 struct frame **frames)
{
	struct frame *frame;
	size_t count = 0;

	mutex_lock(&object->lock);
	while (count < VM_BATCH && (frame = radix_next(&object->pages, first)) != NULL &&
	       *first < last) {
		if (page_has(frame, PAGE_BUSY)) {
			frame_get(frame);
			mutex_unlock(&object->lock);
			object_wait_page(frame, object);
			frame_put(frame);
			mutex_lock(&object->lock);
			continue;
		}
		object_take_page(object, *first, frame);
		frames[count++] = frame;
		++*first;
	}
	mutex_unlock(&object->lock);
	return count;
}

static void drop_pages(struct vm_object *object, u64 first, u64 last, bool private_copies)
{
	struct frame *frames[VM_BATCH] uninitialized_;
	u64 next = first;
	size_t count;

	while ((count = take_pages(object, &next, last, frames)) > 0) {
		object_unmap(object, frames[0]->index, frames[count - 1]->index + 1,
			     private_copies);
		for (size_t i = 0; i < count; i++) {
			frames[i]->object = NULL;
			frame_put(frames[i]);
		}
	}
	if (private_copies) {
		object_unmap(object, first, last, true);
	}
}

void vm_object_truncate(struct vm_object *object, u64 size)
{
	u64 first = (size >> PAGE_SHIFT) + ((size & ~PAGE_MASK) != 0);
	struct frame *frame;

	drop_pages(object, first, UINT64_MAX >> PAGE_SHIFT, true);
	if (!(size & ~PAGE_MASK)) {
		return;
	}
	frame = vm_object_find(object, size >> PAGE_SHIFT);
	if (frame) {
		size_t from = size & ~PAGE_MASK;

		memset((u8 *)frame_address(frame) + from, 0, PAGE_SIZE - from);
		frame_put(frame);
	}
}

void vm_object_punch(struct vm_object *object, u64 start, u64 end)
{
	u64 first = (start >> PAGE_SHIFT) + ((start & ~PAGE_MASK) != 0);
	u64 last = end >> PAGE_SHIFT;

	if (first < last) {
		drop_pages(object, first, last, false);
	}
}

/* --- writing back --- */

/* The next dirty page at or after *index, below `last`, clean from now on and with a reference; NULL: none. */
static struct frame *next_dirty(struct vm_object *object, u64 *index, u64 last)
{
	struct frame *frame;

	mutex_lock(&object->lock);
	while ((frame = radix_next(&object->pages, index)) != NULL && *index < last) {
		if (page_has(frame, PAGE_DIRTY) && !page_has(frame, PAGE_BUSY)) {
			frame_get(frame);
			atomic_fetch_and(&frame->page_flags, ~(u32)PAGE_DIRTY);
			object_write_protect(object, *index);
			mutex_unlock(&object->lock);
			return frame;
		}
		++*index;
	}
	mutex_unlock(&object->lock);
	return NULL;
}

int vm_object_sync(struct vm_object *object, u64 start, u64 end)
{
	u64 last = (end >> PAGE_SHIFT) + ((end & ~PAGE_MASK) != 0);
	u64 index = start >> PAGE_SHIFT;
	struct frame *frame;
	int result = 0;

	if (!object->operations->write_page) {
		return 0;
	}
	while ((frame = next_dirty(object, &index, last)) != NULL) {
		u64 size = object_size(object);
		u64 at = index << PAGE_SHIFT;
		int error = 0;

		if (at < size) {
			error = object->operations->write_page(object, index, frame,
							       MIN(PAGE_SIZE, size - at));
		}
		if (error) {
			page_mark(frame, PAGE_DIRTY);
			result = result ? result : error;
		}
		frame_put(frame);
		index++;
	}
	return result;
}
