// SPDX-License-Identifier: MIT
/* What page_table.c and page_table_share.c have in common: how much of a table is used, and the ways to leaf tables. */
#pragma once

#include "arch/common/page_table.h"
#include "lib/compiler.h"
#include "mm/frame.h"

static inline struct frame *table_frame(const pte_t *table)
{
	return frame_from_physical(virtual_to_physical((const void *)table));
}

struct usage {
	u16 count, first, last;
};

static inline struct usage usage_of(const struct frame *frame)
{
	return (struct usage){(u16)frame->index, (u16)(frame->index >> 16),
			      (u16)(frame->index >> 32)};
}

static inline void set_usage(struct frame *frame, struct usage usage)
{
	frame->index = usage.count | (u64)usage.first << 16 | (u64)usage.last << 32;
}

/* `count` entries that were not, from `first` to `last`. */
static inline void entries_used(struct frame *frame, size_t first, size_t last,
				size_t count)
{
	struct usage usage = usage_of(frame);

	if (usage.count == 0) {
		usage.first = usage.last = (u16)first;
	}
	usage.first = (u16)MIN((size_t)usage.first, first);
	usage.last = (u16)MAX((size_t)usage.last, last);
	usage.count += (u16)count;
	set_usage(frame, usage);
}

static inline void entry_used(struct frame *frame, size_t index)
{
	entries_used(frame, index, index, 1);
}

static inline void entries_freed(struct frame *frame, size_t count)
{
	frame->index = (u16)frame->index == count ? 0 : frame->index - count;
}

/* The entries of a leaf table that are worth looking at, for addresses from `start` up to `end`. */
struct span {
	vaddr_t base; /* of entry 0 */
	size_t index, stop;
};

static inline struct span used_span(const struct frame *frame, vaddr_t start, vaddr_t end)
{
	struct usage usage = usage_of(frame);
	struct span span;

	span.base = start & ~((1UL << level_shift(2)) - 1);
	span.index = MAX(table_index(start, 1), (size_t)usage.first);
	span.stop = MIN((size_t)(end - span.base) >> PAGE_SHIFT, (size_t)usage.last + 1);
	if (usage.count == 0) {
		span.stop = 0;
	}
	return span;
}

/*
 * The first leaf table that holds something at or after *address and below `end`; *address moves up to its part. NULL: none, *address is `end`.
 */
pte_t *next_leaf_table(struct arch_vm *vm, vaddr_t *address, vaddr_t end)
	MUST_HOLD(&vm->lock);
/* Take the lock and return the leaf table of `address`, built if need be. NULL: no memory, the lock is not held. */
pte_t *lock_leaf_table(struct arch_vm *vm, vaddr_t address) NO_THREAD_SAFETY;
