// SPDX-License-Identifier: MIT
/*
 * Reclaim: when frames are short, clean pages that can be read again are given back.
 *
 * Owns      the list of objects that have pages they can read again, and the numbers of such pages and of those that are memory.
 * Locks     reclaim_lock (spin): the list. An object's own lock is only tried: whoever asks for a frame may hold it,
 *	     or another object's.
 *
 * Pages used since the last look are spared once. A page that is mapped, or in use by I/O, has more
 * than the object's reference and stays.
 */
#include "vm/vm_internal.h"

enum { RECLAIM_MIN = 256 };

static struct spinlock reclaim_lock =
	SPINLOCK_INIT(RANK_OBJECT_MAPPINGS, "vm.reclaim_lock");
static struct list reclaimable = LIST_INIT(reclaimable);
static u64 reclaimable_count;
static _Atomic s64 cached_pages, shared_pages;
static struct wait_queue reclaim_done;

void count_pages(const struct vm_object *object, s64 change)
{
	if (object_is_cache(object)) {
		atomic_fetch_add_explicit(&cached_pages, change, memory_order_relaxed);
	} else if (!object->operations->kernel_pages) {
		atomic_fetch_add_explicit(&shared_pages, change, memory_order_relaxed);
	}
}

/* Others count while it is read: it may be below 0 for a moment. */
static u64 read_count(_Atomic s64 *count)
{
	s64 pages = atomic_load_explicit(count, memory_order_relaxed);

	return pages > 0 ? (u64)pages : 0;
}

u64 vm_object_cached_pages(void)
{
	return read_count(&cached_pages);
}

u64 vm_object_shared_pages(void)
{
	return read_count(&shared_pages);
}

void reclaim_add(struct vm_object *object)
{
	spin_lock(&reclaim_lock);
	if (list_empty(&object->reclaim_link)) {
		list_push_back(&reclaimable, &object->reclaim_link);
		reclaimable_count++;
	}
	spin_unlock(&reclaim_lock);
}

void reclaim_drop(struct vm_object *object)
{
	spin_lock(&reclaim_lock);
	if (!list_empty(&object->reclaim_link)) {
		list_remove(&object->reclaim_link);
		reclaimable_count--;
	}
	spin_unlock(&reclaim_lock);
}

void reclaim_remove(struct vm_object *object)
{
	reclaim_drop(object);
	(void)wait_until(&reclaim_done, !atomic_load(&object->reclaiming),
			 THREAD_UNINTERRUPTIBLE, NSEC_NEVER);
}

/* The next object that nobody else reclaims from, marked so; NULL: none. */
static struct vm_object *next_object(void)
{
	struct vm_object *object = NULL;

	spin_lock(&reclaim_lock);
	if (!list_empty(&reclaimable)) {
		object = list_first(&reclaimable, struct vm_object, reclaim_link);
		list_remove(&object->reclaim_link);
		list_push_back(&reclaimable, &object->reclaim_link);
		if (atomic_exchange(&object->reclaiming, true)) {
			object = NULL;
		}
	}
	spin_unlock(&reclaim_lock);
	return object;
}

/*
 * The object is locked: nobody gets a reference anew. Whoever had one has marked the page before it went, so the references are looked
 * at first. order.page_idle: pairs with frame_drop()
 */
static bool page_is_idle(struct frame *frame)
{
	u32 flags;

	if (frame_references(frame) != 1) {
		return false;
	}
	flags = atomic_load_explicit(&frame->page_flags, memory_order_relaxed);
	if (flags & (PAGE_BUSY | PAGE_DIRTY)) {
		return false;
	}
	if (flags & PAGE_ACCESSED) {
		atomic_fetch_and(&frame->page_flags, ~(u32)PAGE_ACCESSED);
		return false;
	}
	return true;
}

static u64 reclaim_object(struct vm_object *object, u64 wanted) NO_THREAD_SAFETY
{
	struct frame *frame;
	u64 freed = 0;
	u64 index = 0;

	if (!mutex_try_lock(&object->lock)) {
		return 0;
	}
	while (freed < wanted && (frame = radix_next(&object->pages, &index)) != NULL) {
		if (page_is_idle(frame)) {
			object_take_page(object, index, frame);
			frame->object = NULL;
			frame_put(frame);
			freed++;
		}
		index++;
	}
	mutex_unlock(&object->lock);
	return freed;
}

/*
 * Two rounds over all objects: the second takes what was used before the first. More is freed than was asked for: the next ones
 * are saved the search, and neighbours come together to larger blocks.
 */
static u64 reclaim(u64 wanted)
{
	u64 rounds = READ_ONCE(reclaimable_count) * 2;
	u64 freed = 0;

	wanted = MAX(wanted * 8, (u64)RECLAIM_MIN);
	for (u64 i = 0; i < rounds && freed < wanted; i++) {
		struct vm_object *object = next_object();

		if (!object) {
			continue;
		}
		freed += reclaim_object(object, wanted - freed);
		atomic_store(&object->reclaiming, false);
		wake_all(&reclaim_done, 0);
	}
	return freed;
}

void reclaim_init(void)
{
	wait_queue_init(&reclaim_done);
	frame_set_reclaim(reclaim);
}
