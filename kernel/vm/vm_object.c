// SPDX-License-Identifier: MIT
/*
 * Objects and their pages.
 *
 * Owns      struct vm_object, the pages in it, frame.object, frame.index and frame.page_flags of those.
 * Locks     vm_object.lock: the tree of pages. Held while a page is entered into a page table, so that a
 *	     page once taken out (truncate) is not mapped again; never held across I/O or a copy from or to a user.
 *
 * Invariants
 *   O1  A frame in `pages` has object and index set and one reference for being there.
 *   O2  A busy frame stays in `pages` until the one who set it busy clears it; everybody else waits
 *	 with a reference of their own.
 *   O3  frame.object is cleared only after the page is unmapped everywhere.
 */
#include "mm/heap.h"
#include "vm/vm_internal.h"

enum { READ_AHEAD_MAX = 32, READ_AHEAD_FIRST = 8 };

OBJECT_CACHE(objects, vm_object);

int vm_object_create(const struct vm_object_operations *operations, void *owner,
		     struct vm_object **out)
{
	struct vm_object *object = object_allocate(&objects);

	if (!object) {
		return -ENOMEM;
	}
	refcount_init(&object->references, 1);
	object->operations = operations;
	object->owner = owner;
	mutex_init(&object->lock, RANK_VM_OBJECT, "vm_object.lock");
	wait_queue_init(&object->page_ready);
	spin_init(&object->mappings_lock, RANK_OBJECT_MAPPINGS,
		  "vm_object.mappings_lock");
	list_init(&object->mappings);
	list_init(&object->reclaim_link);
	*out = object;
	return 0;
}

static u64 anonymous_size(struct vm_object *object)
{
	return (u64)object->owner;
}

static const struct vm_object_operations anonymous_operations = {
	.size = anonymous_size,
};

int vm_object_create_anonymous(u64 size, struct vm_object **out)
{
	return vm_object_create(&anonymous_operations, (void *)size, out);
}

void vm_object_get(struct vm_object *object)
{
	refcount_get(&object->references);
}

static void drop_all_pages(struct vm_object *object) NO_THREAD_SAFETY
{
	struct frame *frame;
	u64 index = 0;

	while ((frame = radix_next(&object->pages, &index)) != NULL) {
		DEBUG_ASSERT(!page_has(frame, PAGE_BUSY));
		frame->object = NULL;
		frame_put(frame);
		index++;
	}
	count_pages(object, -(s64)object->page_count);
	radix_destroy(&object->pages);
	object->page_count = 0;
}

void vm_object_put(struct vm_object *object)
{
	if (!object || !refcount_put(&object->references)) {
		return;
	}
	if (object_is_cache(object)) {
		reclaim_remove(object);
	}
	ASSERT(list_empty(&object->mappings));
	drop_all_pages(object);
	if (object->operations->destroy) {
		object->operations->destroy(object);
	}
	object_free(&objects, object);
}

/* --- pages, object.lock held --- */

struct frame *object_peek(struct vm_object *object, u64 index)
{
	struct frame *frame = radix_get(&object->pages, index);

	if (!frame || page_has(frame, PAGE_BUSY)) {
		return NULL;
	}
	page_mark(frame, PAGE_ACCESSED);
	return frame;
}

/* Takes over the caller's reference if it succeeds. */
int object_put_page(struct vm_object *object, u64 index, struct frame *frame)
{
	int error = radix_insert(&object->pages, index, frame);

	if (error) {
		return error;
	}
	frame->object = object;
	frame->index = index;
	object->page_count++;
	count_pages(object, 1);
	if (object_is_cache(object) && object->page_count == 1) {
		reclaim_add(object);
	}
	return 0;
}

/* The tree's reference becomes the caller's; frame.object stays (O3). */
void object_take_page(struct vm_object *object, u64 index, struct frame *frame)
{
	struct frame *taken = radix_remove(&object->pages, index);

	ASSERT(taken == frame);
	object->page_count--;
	count_pages(object, -1);
	if (object_is_cache(object) && object->page_count == 0) {
		reclaim_drop(object);
	}
}

int object_make_zero(struct vm_object *object, u64 index, struct frame **out)
{
	struct frame *frame;
	int error = frame_allocate(FRAME_ZERO | FRAME_USER, &frame);

	if (error) {
		return error;
	}
	atomic_store_explicit(&frame->page_flags, PAGE_ACCESSED, memory_order_relaxed);
	error = object_put_page(object, index, frame);
	if (error) {
		frame_put(frame);
		return error;
	}
	*out = frame;
	return 0;
}

int vm_object_insert(struct vm_object *object, u64 index, struct frame *frame)
{
	int error;

	frame_get(frame);
	atomic_store_explicit(&frame->page_flags, 0, memory_order_relaxed);
	mutex_lock(&object->lock);
	error = object_put_page(object, index, frame);
	mutex_unlock(&object->lock);
	if (error) {
		frame_put(frame);
	}
	return error;
}

/* --- reading in --- */

/* Wait until `frame`, of which the caller has a reference, is no longer busy. */
void object_wait_page(struct frame *frame, struct vm_object *object)
{
	(void)wait_until(&object->page_ready, !page_has(frame, PAGE_BUSY),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
}

/* How many pages to read from `index` on: more each time a reader goes on where it was. */
static unsigned read_ahead_window(struct vm_object *object, u64 index)
	MUST_HOLD(&object->lock)
{
	u64 pages = (object_size(object) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u32 wanted = READ_AHEAD_FIRST;

	if (!object->operations->read_pages || index >= pages) {
		return 1;
	}
	if (index == object->read_ahead_next && object->read_ahead_size) {
		wanted = MIN(object->read_ahead_size * 2, (u32)READ_AHEAD_MAX);
	}
	return (unsigned)MIN((u64)wanted, pages - index);
}

/* Enter busy frames for `index` and the absent pages behind it. At least one, or an errno. */
static int enter_busy(struct vm_object *object, u64 index, unsigned window,
		      struct frame **frames) MUST_HOLD(&object->lock)
{
	unsigned flags = window == 1 ? FRAME_ZERO | FRAME_USER : FRAME_USER;
	unsigned count = 0;
	int error = 0;

	while (count < window && !radix_get(&object->pages, index + count)) {
		error = frame_allocate(flags, &frames[count]);
		if (error) {
			break;
		}
		atomic_store_explicit(&frames[count]->page_flags, PAGE_BUSY,
				      memory_order_relaxed);
		error = object_put_page(object, index + count, frames[count]);
		if (error) {
			frame_put(frames[count]);
			break;
		}
		frame_get(frames[count]);
		count++;
	}
	return count ? (int)count : error;
}

/* Reading ended: the first `good` pages are valid, the others go. */
static void leave_busy(struct vm_object *object, u64 index, unsigned count, unsigned good,
		       struct frame **frames)
{
	mutex_lock(&object->lock);
	for (unsigned i = 0; i < count; i++) {
		if (i >= good) {
			object_take_page(object, index + i, frames[i]);
			frames[i]->object = NULL;
			frame_put(frames[i]);
		}
		atomic_fetch_and(&frames[i]->page_flags, ~(u32)PAGE_BUSY);
	}
	if (good) {
		object->read_ahead_next = index + good;
		object->read_ahead_size = MAX(good, (unsigned)READ_AHEAD_FIRST);
	}
	mutex_unlock(&object->lock);
	wake_all(&object->page_ready, 0);
}

static int read_frames(struct vm_object *object, u64 index, unsigned count, bool many,
		       struct frame **frames)
{
	int result;

	if (many) {
		result = object->operations->read_pages(object, index, frames, count);
		return result == 0 ? -EIO : result;
	}
	result = object->operations->read_page(object, index, frames[0]);
	return result < 0 ? result : 1;
}

/* Read page `index`, absent a moment ago; the lock is dropped. *out: with a reference. */
static int read_in(struct vm_object *object, u64 index, struct frame **out)
	RELEASES(&object->lock)
{
	struct frame *frames[READ_AHEAD_MAX] uninitialized_;
	unsigned window = read_ahead_window(object, index);
	int count = enter_busy(object, index, window, frames);
	int good;

	mutex_unlock(&object->lock);
	if (count < 0) {
		return count;
	}
	good = read_frames(object, index, (unsigned)count, window > 1, frames);
	leave_busy(object, index, (unsigned)count, good > 0 ? (unsigned)good : 0, frames);
	for (int i = good > 0 ? 1 : 0; i < count; i++) {
		frame_put(frames[i]);
	}
	if (good < 0) {
		return good;
	}
	*out = frames[0];
	return 0;
}

int vm_object_page(struct vm_object *object, u64 index, struct frame **out)
{
	struct frame *frame;
	int error = 0;

	for (;;) {
		mutex_lock(&object->lock);
		frame = radix_get(&object->pages, index);
		if (!frame) {
			break;
		}
		frame_get(frame);
		page_mark(frame, PAGE_ACCESSED);
		mutex_unlock(&object->lock);
		if (!page_has(frame, PAGE_BUSY)) {
			*out = frame;
			return 0;
		}
		object_wait_page(frame, object);
		frame_put(frame);
	}
	if (object_is_cache(object)) {
		return read_in(object, index, out);
	}
	error = object_make_zero(object, index, out);
	if (!error) {
		frame_get(*out);
	}
	mutex_unlock(&object->lock);
	return error;
}

struct frame *vm_object_find(struct vm_object *object, u64 index)
{
	struct frame *frame;

	mutex_lock(&object->lock);
	frame = object_peek(object, index);
	if (frame) {
		frame_get(frame);
	}
	mutex_unlock(&object->lock);
	return frame;
}

u64 vm_object_page_count(struct vm_object *object)
{
	u64 count;

	mutex_lock(&object->lock);
	count = object->page_count;
	mutex_unlock(&object->lock);
	return count;
}

bool vm_object_next_page(struct vm_object *object, u64 *index, u64 end)
{
	struct frame *frame;

	mutex_lock(&object->lock);
	frame = radix_next(&object->pages, index);
	mutex_unlock(&object->lock);
	return frame && *index < end;
}
