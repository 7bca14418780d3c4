// SPDX-License-Identifier: MIT
/*
 * Frames: per-CPU caches over the buddy allocator, reference counts, reserve and reclaim.
 *
 * Owns      each CPU's two stacks of free frames: of unknown content, and known to be all zero.
 * Locks     none for the stacks: they are used by their CPU with interrupts off. buddy.lock below.
 *
 * Invariants
 *   F1  A cached frame has references 0, FRAME_MANAGED alone in flags, and is in no list: link.next chains the stack.
 *   F2  A frame in the clean stack is all zero.
 *   F3  While the buddy lists hold no more than the reserve, only FRAME_ATOMIC refills a cache.
 */
#include "mm/frame.h"
#include "arch/irq.h"
#include "core/fault_injection.h"
#include "core/lock_check.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "core/preempt.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame_internal.h"
#include "mm/kernel_stack.h"

enum {
	CACHE_MAX = 96,
	CACHE_BATCH = 32,
	BATCH_ORDER = 5,
	CLEAN_MAX = 64,
	RECLAIM_TRIES = 4
};

struct stack {
	struct list *top; /* of frame.link */
	u32 count;
};

struct frame_cache {
	struct stack dirty, clean;
};

DEFINE_PER_CPU(struct frame_cache, frame_caches);

static u64 (*reclaim_hook)(u64 wanted);

void frame_set_reclaim(u64 (*reclaim)(u64 wanted))
{
	reclaim_hook = reclaim;
}

noreturn_ void frame_broken(const struct frame *frame, u32 references)
{
	panic("frame %#lx: reference count broken, it was %u",
	      (unsigned long)frame_physical(frame), references);
}

struct frame *frame_chunk(u64 page)
{
	u64 chunk = (page - frame_map.first) / FRAME_CHUNK;

	if (page - frame_map.first >= frame_map.count ||
	    frame_map.chunk_state[chunk] != CHUNK_READY) {
		return NULL;
	}
	return &frame_map.frames[chunk * FRAME_CHUNK];
}

static always_inline_ void push(struct stack *stack, struct frame *frame)
{
	frame->link.next = stack->top;
	stack->top = &frame->link;
	stack->count++;
}

static always_inline_ struct frame *pop(struct stack *stack)
{
	struct frame *frame = list_entry(stack->top, struct frame, link);

	stack->top = frame->link.next;
	stack->count--;
	return frame;
}

/* What only FRAME_ATOMIC may take; kernel memory leaves half of it to those who cannot wait. */
static u64 reserve(unsigned flags)
{
	u64 whole =
		MIN(atomic_load_explicit(&buddy.total, memory_order_relaxed) / 64, 512UL);

	return flags & FRAME_ATOMIC ? 0 : flags & FRAME_USER ? whole : whole / 2;
}

static bool above_reserve(unsigned flags)
{
	return atomic_load_explicit(&buddy.free_frames, memory_order_relaxed) >
	       reserve(flags);
}

/* Interrupts off. */
static bool refill(struct stack *stack, unsigned flags)
{
	if (!above_reserve(flags)) {
		return false;
	}
	u64 irq = spin_lock_irq(&buddy.lock);

	while (stack->count < CACHE_BATCH) {
		unsigned order;
		struct frame *block = buddy_take_some(BATCH_ORDER, &order);

		if (!block) {
			break;
		}
		for (unsigned i = 1U << order; i-- > 0;) {
			push(stack, &block[i]);
		}
	}
	spin_unlock_irq(&buddy.lock, irq);
	return stack->count > 0;
}

/* Interrupts off. */
static void drain(struct stack *stack, u32 keep)
{
	u64 irq = spin_lock_irq(&buddy.lock);

	while (stack->count > keep) {
		buddy_give(pop(stack), 0);
	}
	spin_unlock_irq(&buddy.lock, irq);
}

static noinline_ struct frame *take_slowly(unsigned flags)
{
	struct frame *frame = NULL;
	u64 irq = arch_irq_save();
	struct frame_cache *cache = this_cpu(frame_caches);

	/* Of unknown content first: the clean ones are for those who ask for zeros. */
	if (cache->dirty.count > 0 || refill(&cache->dirty, flags)) {
		frame = pop(&cache->dirty);
	} else if (cache->clean.count > 0) {
		frame = pop(&cache->clean);
	}
	arch_irq_restore(irq);
	return frame;
}

/* Memory is short: ask those who hold what they do not need. false: nothing came back. */
static bool reclaim(unsigned flags, u64 wanted)
{
	if (flags & FRAME_ATOMIC || !preempt_enabled() || !arch_irqs_enabled()) {
		return false;
	}
	u64 freed = kernel_stack_trim(0);

	if (reclaim_hook) {
		freed += reclaim_hook(wanted);
	}
	return freed > 0;
}

void frame_reclaim_all(void)
{
	while (reclaim(0, 1UL << 32)) {
	}
}

static noinline_ struct frame *take_or_reclaim(unsigned flags)
{
	struct frame *frame = take_slowly(flags);

	for (int i = 0; !frame && i < RECLAIM_TRIES && reclaim(flags, CACHE_BATCH); i++) {
		frame = take_slowly(flags);
	}
	return frame;
}

/* The usual case: this CPU has one. */
static always_inline_ struct frame *take(unsigned flags, bool *clean)
{
	struct frame *frame = NULL;
	u64 irq = arch_irq_save();
	struct frame_cache *cache = this_cpu(frame_caches);

	if ((flags & FRAME_ZERO) && cache->clean.count > 0) {
		frame = pop(&cache->clean);
		*clean = true;
	} else if (cache->dirty.count > 0) {
		frame = pop(&cache->dirty);
	}
	arch_irq_restore(irq);
	return frame;
}

static always_inline_ void hand_out(struct frame *frame)
{
	frame->object = NULL;
	frame->index = 0;
	atomic_store_explicit(&frame->page_flags, 0, memory_order_relaxed);
	list_init(&frame->link);
	DEBUG_ASSERT(frame_references(frame) == 0 && frame->flags == FRAME_MANAGED);
	atomic_store_explicit(&frame->references, 1, memory_order_relaxed);
}

int frame_allocate(unsigned flags, struct frame **out)
{
	bool clean = false;

	if (unlikely(fault_injection_should_fail())) {
		return -ENOMEM;
	}
	struct frame *frame = take(flags, &clean);

	if (unlikely(!frame)) {
		frame = take_or_reclaim(flags);
		if (!frame) {
			return -ENOMEM;
		}
	}
	hand_out(frame);
	if ((flags & FRAME_ZERO) && !clean) {
		memset(frame_address(frame), 0, PAGE_SIZE);
	}
	*out = frame;
	return 0;
}

void frame_release(struct frame *frame, bool clean)
{
	u64 irq = arch_irq_save();
	struct frame_cache *cache = this_cpu(frame_caches);

	frame->flags = FRAME_MANAGED;
	if (clean && cache->clean.count < CLEAN_MAX) {
		push(&cache->clean, frame);
	} else {
		push(&cache->dirty, frame);
		if (unlikely(cache->dirty.count > CACHE_MAX)) {
			drain(&cache->dirty, CACHE_MAX - CACHE_BATCH);
		}
	}
	arch_irq_restore(irq);
}

void frame_put_clean(struct frame *frame)
{
	if (frame_drop(frame)) {
		DEBUG_ASSERT(frame_is_clean(frame));
		frame_release(frame, true);
	}
}

static struct frame *take_block(unsigned order, unsigned flags)
{
	struct frame *block = NULL;

	if (above_reserve(flags)) {
		u64 irq = spin_lock_irq(&buddy.lock);

		block = buddy_take(order);
		spin_unlock_irq(&buddy.lock, irq);
	}
	return block;
}

int frame_allocate_contiguous(unsigned order, unsigned flags, struct frame **out)
{
	ASSERT(order <= FRAME_ORDER_MAX);
	if (unlikely(fault_injection_should_fail())) {
		return -ENOMEM;
	}
	struct frame *block = take_block(order, flags);

	for (int i = 0; !block && i < RECLAIM_TRIES && reclaim(flags, 1UL << order);
	     i++) {
		block = take_block(order, flags);
	}
	if (!block) {
		return -ENOMEM;
	}
	for (u64 i = 0; i < 1UL << order; i++) {
		hand_out(&block[i]);
	}
	if (flags & FRAME_ZERO) {
		memset(frame_address(block), 0, PAGE_SIZE << order);
	}
	*out = block;
	return 0;
}

void frame_free_contiguous(struct frame *first, unsigned order)
{
	u64 count = 1UL << order;
	bool whole = true;

	for (u64 i = 0; i < count; i++) {
		whole = whole && frame_references(&first[i]) == 1;
	}
	if (!whole) { /* somebody still uses a part: that part goes with its last reference */
		for (u64 i = 0; i < count; i++) {
			frame_put(&first[i]);
		}
		return;
	}
	for (u64 i = 0; i < count; i++) {
		atomic_store_explicit(&first[i].references, 0, memory_order_relaxed);
		first[i].flags = FRAME_MANAGED;
	}
	u64 irq = spin_lock_irq(&buddy.lock);

	buddy_give(first, order);
	spin_unlock_irq(&buddy.lock, irq);
}

bool frame_clear_ahead(void)
{
	u64 irq = arch_irq_save();
	struct frame_cache *cache = this_cpu(frame_caches);
	struct frame *frame = NULL;

	if (cache->clean.count < CLEAN_MAX &&
	    (cache->dirty.count > 0 || refill(&cache->dirty, FRAME_USER))) {
		frame = pop(&cache->dirty);
	}
	arch_irq_restore(irq);
	if (!frame) {
		return false;
	}
	memset(frame_address(frame), 0, PAGE_SIZE);
	frame_release(frame, true);
	return true;
}

void frame_statistics(struct frame_statistics *out)
{
	u64 cached = 0;

	/* Other CPUs' counts may be a moment old. */
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		cached += READ_ONCE(per_cpu(frame_caches, cpu)->dirty.count);
		cached += READ_ONCE(per_cpu(frame_caches, cpu)->clean.count);
	}
	out->total = atomic_load_explicit(&buddy.total, memory_order_relaxed);
	out->free =
		atomic_load_explicit(&buddy.free_frames, memory_order_relaxed) + cached;
}
