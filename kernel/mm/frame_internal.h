// SPDX-License-Identifier: MIT
/*
 * Inside the frame allocator.
 *
 * frame.flags: bit 0 FRAME_MANAGED, bit 1 FLAG_FREE (first frame of a free block in the buddy lists), bits 4-7 the
 * block's order; heap.c uses bits 8-31 of frames it owns.
 */
#pragma once

#include "core/spinlock.h"
#include "mm/frame.h"

enum {
	FLAG_FREE = 1 << 1,
	FLAG_ORDER_SHIFT = 4,
	FLAG_ORDER_MASK = 15 << FLAG_ORDER_SHIFT
};

/* buddy.c: blocks of 2^order frames, all under buddy.lock. */
struct buddy {
	struct spinlock lock; /* irq-safe, RANK_FRAMES */
	struct list free[FRAME_ORDER_MAX + 1] GUARDED_BY(lock);
	u32 nonempty GUARDED_BY(lock);       /* a bit for each order with a block */
	u64 next_untouched GUARDED_BY(lock); /* no chunk below is CHUNK_UNTOUCHED */
	_Atomic u64
		free_frames; /* in the lists and untouched chunks; written under lock */
	_Atomic u64 total;   /* likewise */
};
extern struct buddy buddy;

/* A block of exactly `order`, or NULL. Its frames' references are 0. */
struct frame *buddy_take(unsigned order) MUST_HOLD(&buddy.lock);
/* Some block of at most `largest`: the smallest order there is; *order tells. */
struct frame *buddy_take_some(unsigned largest, unsigned *order) MUST_HOLD(&buddy.lock);
void buddy_give(struct frame *block, unsigned order) MUST_HOLD(&buddy.lock);

/* All its bytes are 0. */
static inline bool frame_is_clean(const struct frame *frame)
{
	const u64 *words = frame_address(frame);
	size_t i = 0;

	while (i < PAGE_SIZE / sizeof(*words) && words[i] == 0) {
		i++;
	}
	return i == PAGE_SIZE / sizeof(*words);
}
