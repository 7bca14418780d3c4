// SPDX-License-Identifier: MIT
/*
 * The buddy allocator under the per-CPU frame caches, and the frame array.
 *
 * Owns      the free blocks, the array of struct frame, the state of each chunk (2^FRAME_ORDER_MAX frames).
 * Locks     buddy.lock.
 *
 * Invariants
 *   B1  A free block's first frame has FLAG_FREE and its order in flags; no other frame has FLAG_FREE.
 *   B2  Two free buddies of one order below the largest do not exist: they are one block.
 *   B3  The struct frames of a chunk are initialised iff its state is CHUNK_READY. Chunks that are all
 *       free RAM are made ready when they are first needed: boot does not touch what nobody uses.
 */
#include "arch/boot.h"
#include "core/panic.h"
#include "lib/string.h"
#include "mm/frame_internal.h"

struct buddy buddy = {.lock = SPINLOCK_INIT(RANK_FRAMES, "buddy.lock")};
struct frame_map frame_map;

static u64 number_of(const struct frame *frame)
{
	return (u64)(frame - frame_map.frames);
}

static void push(struct frame *block, unsigned order) MUST_HOLD(&buddy.lock)
{
	block->flags = FRAME_MANAGED | FLAG_FREE | order << FLAG_ORDER_SHIFT;
	list_push_front(&buddy.free[order], &block->link);
	buddy.nonempty |= 1U << order;
}

static void unlink(struct frame *block, unsigned order) MUST_HOLD(&buddy.lock)
{
	list_remove(&block->link);
	block->flags = FRAME_MANAGED;
	if (list_empty(&buddy.free[order])) {
		buddy.nonempty &= ~(1U << order);
	}
}

static void clear_chunk(u64 chunk, u32 flags)
{
	struct frame *frames = &frame_map.frames[chunk * FRAME_CHUNK];

	memset(frames, 0, FRAME_CHUNK * sizeof(*frames));
	for (u64 i = 0; flags && i < FRAME_CHUNK; i++) {
		frames[i].flags = flags;
	}
	frame_map.chunk_state[chunk] = CHUNK_READY;
}

/* Make the next untouched chunk a block of the largest order (B3). */
static bool touch_chunk(void) MUST_HOLD(&buddy.lock)
{
	u64 chunks = frame_map.count / FRAME_CHUNK;

	while (buddy.next_untouched < chunks) {
		u64 chunk = buddy.next_untouched++;

		if (frame_map.chunk_state[chunk] == CHUNK_UNTOUCHED) {
			clear_chunk(chunk, FRAME_MANAGED);
			push(&frame_map.frames[chunk * FRAME_CHUNK], FRAME_ORDER_MAX);
			return true;
		}
	}
	return false;
}

/* Take the first block of `from` and give back all of it but its first 2^to frames. */
static struct frame *split(unsigned from, unsigned to) MUST_HOLD(&buddy.lock)
{
	struct frame *block = list_first(&buddy.free[from], struct frame, link);

	unlink(block, from);
	while (from > to) {
		from--;
		push(block + (1UL << from), from);
	}
	atomic_fetch_sub_explicit(&buddy.free_frames, 1UL << to, memory_order_relaxed);
	return block;
}

struct frame *buddy_take(unsigned order)
{
	u32 fitting = buddy.nonempty >> order << order;

	if (!fitting) {
		if (!touch_chunk()) {
			return NULL;
		}
		fitting = 1U << FRAME_ORDER_MAX;
	}
	return split((unsigned)__builtin_ctz(fitting), order);
}

struct frame *buddy_take_some(unsigned largest, unsigned *order)
{
	if (!buddy.nonempty && !touch_chunk()) {
		return NULL;
	}
	unsigned from = (unsigned)__builtin_ctz(buddy.nonempty);

	*order = MIN(from, largest);
	return split(from, *order);
}

void buddy_give(struct frame *block, unsigned order)
{
	u64 number = number_of(block);

	atomic_fetch_add_explicit(&buddy.free_frames, 1UL << order, memory_order_relaxed);
	while (order < FRAME_ORDER_MAX) {
		u64 other = number ^ 1UL << order;
		struct frame *frame = &frame_map.frames[other];
		u32 free = FRAME_MANAGED | FLAG_FREE | order << FLAG_ORDER_SHIFT;

		if (frame->flags != free) {
			break;
		}
		unlink(frame, order);
		number &= other;
		order++;
	}
	push(&frame_map.frames[number], order);
}

/* --- boot ----------------------------------------------------------------------------------- */

/* The reserved range that begins first at or behind `at` or contains it; false: none. */
static bool next_reserved(paddr_t at, struct boot_region *out)
{
	bool found = false;

	for (unsigned i = 0; i < boot_info.reserved_count; i++) {
		const struct boot_region *region = &boot_info.reserved[i];

		if (region->end > at && region->start < region->end &&
		    (!found || region->start < out->start)) {
			*out = *region;
			found = true;
		}
	}
	return found;
}

/* Call `visit` for each stretch of RAM that is not reserved until it returns true. */
static bool for_each_free(bool (*visit)(paddr_t start, paddr_t end, void *context),
			  void *context)
{
	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		paddr_t at = boot_info.ram[i].start, end = boot_info.ram[i].end;
		struct boot_region reserved = {0};

		while (at < end) {
			paddr_t stop = end, next = end;

			if (next_reserved(at, &reserved) && reserved.start < end) {
				stop = MAX(at, ALIGN_DOWN(reserved.start, PAGE_SIZE));
				next = ALIGN_UP(reserved.end, PAGE_SIZE);
			}
			if (stop > at && visit(at, stop, context)) {
				return true;
			}
			at = next;
		}
	}
	return false;
}

struct wanted {
	u64 size;
	paddr_t found;
};

static bool find_room(paddr_t start, paddr_t end, void *context)
{
	struct wanted *wanted = context;

	/* Not the first page of all: 0 stays "nowhere". */
	start = MAX(start, PAGE_SIZE);
	if (end <= start || end - start < wanted->size) {
		return false;
	}
	wanted->found = start;
	return true;
}

static bool add_free(paddr_t start, paddr_t end, void *context)
{
	frame_add_range(start, end);
	return false;
}

/* The chunks from the first page of RAM to the last. */
static void find_extent(void)
{
	paddr_t low = ~0UL, high = 0;

	for (unsigned i = 0; i < boot_info.ram_count; i++) {
		low = MIN(low, boot_info.ram[i].start);
		high = MAX(high, boot_info.ram[i].end);
	}
	ASSERT(low < high);
	frame_map.first = ALIGN_DOWN(low >> PAGE_SHIFT, FRAME_CHUNK);
	frame_map.count = ALIGN_UP(high >> PAGE_SHIFT, FRAME_CHUNK) - frame_map.first;
}

static void place_map(void)
{
	u64 chunks = frame_map.count / FRAME_CHUNK;
	struct wanted wanted = {
		.size = ALIGN_UP(frame_map.count * sizeof(struct frame) + chunks,
				 PAGE_SIZE)};

	if (!for_each_free(find_room, &wanted)) {
		panic("no room for the frame table: %lu KiB",
		      (unsigned long)wanted.size / 1024);
	}
	if (boot_info.reserved_count >= BOOT_REGIONS_MAX) {
		panic("too many reserved regions");
	}
	boot_info.reserved[boot_info.reserved_count++] =
		(struct boot_region){wanted.found, wanted.found + wanted.size};
	frame_map.frames = physical_to_virtual(wanted.found);
	frame_map.chunk_state = (u8 *)(frame_map.frames + frame_map.count);
	memset(frame_map.chunk_state, CHUNK_NONE, chunks);
}

void frame_init(void)
{
	u64 flags = spin_lock_irq(&buddy.lock);

	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
		list_init(&buddy.free[order]);
	}
	spin_unlock_irq(&buddy.lock, flags);
	find_extent();
	place_map();
	(void)for_each_free(add_free, NULL);
}

/* Part of one chunk. */
static void add_pages(u64 from, u64 to) MUST_HOLD(&buddy.lock)
{
	u64 chunk = from / FRAME_CHUNK;

	if (frame_map.chunk_state[chunk] == CHUNK_NONE) {
		if (to - from == FRAME_CHUNK) {
			frame_map.chunk_state[chunk] = CHUNK_UNTOUCHED;
			buddy.next_untouched = MIN(buddy.next_untouched, chunk);
			atomic_fetch_add_explicit(&buddy.free_frames, FRAME_CHUNK,
						  memory_order_relaxed);
			return;
		}
		clear_chunk(chunk, 0);
	}
	ASSERT(frame_map.chunk_state[chunk] == CHUNK_READY);
	while (from < to) {
		unsigned order = from ? (unsigned)__builtin_ctzl(from) : FRAME_ORDER_MAX;

		order = MIN(order, (unsigned)FRAME_ORDER_MAX);
		while (from + (1UL << order) > to) {
			order--;
		}
		for (u64 i = 0; i < 1UL << order; i++) {
			ASSERT(!(frame_map.frames[from + i].flags & FRAME_MANAGED));
			frame_map.frames[from + i].flags = FRAME_MANAGED;
		}
		buddy_give(&frame_map.frames[from], order);
		from += 1UL << order;
	}
}

void frame_add_range(paddr_t start, paddr_t end)
{
	u64 from = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT, to = end >> PAGE_SHIFT;

	ASSERT(from >= frame_map.first && to <= frame_map.first + frame_map.count);
	from -= frame_map.first;
	to -= frame_map.first;
	while (from < to) {
		u64 stop = MIN(to, ALIGN_DOWN(from, FRAME_CHUNK) + FRAME_CHUNK);
		u64 flags = spin_lock_irq(&buddy.lock);

		add_pages(from, stop);
		buddy.total += stop - from;
		spin_unlock_irq(&buddy.lock, flags);
		from = stop;
	}
}
