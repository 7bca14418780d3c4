// SPDX-License-Identifier: MIT
/* The ledger: gathers what the allocators count. Owns nothing. */
#include "mm/ledger.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kernel_stack.h"

enum {
	LINE_FRAMES,
	LINE_FREE_FRAMES,
	LINE_HEAP_FRAMES,
	LINE_TABLE_FRAMES,
	LINE_HEAP,
	LINE_STACKS,
	LINE_CACHES
};

static s64 frames_free(void)
{
	struct frame_statistics statistics;

	frame_statistics(&statistics);
	return (s64)statistics.free;
}

/* By anything but the heap and the tables of stacks: how full slabs are is chance, and those tables only grow. */
static s64 frames_in_use(void)
{
	struct frame_statistics statistics;

	frame_statistics(&statistics);
	return (s64)(statistics.total - statistics.free) - (s64)heap_frames() -
	       (s64)kernel_stack_table_frames();
}

static bool cache_line(unsigned index, struct ledger_line *out)
{
	const struct object_cache *cache = object_cache_first();

	while (cache && index > 0) {
		cache = cache->next;
		index--;
	}
	if (!cache) {
		return false;
	}
	*out = (struct ledger_line){
		cache->name, atomic_load_explicit(&cache->live, memory_order_relaxed)};
	return true;
}

bool ledger_line(unsigned index, struct ledger_line *out)
{
	switch (index) {
	case LINE_FRAMES:
		*out = (struct ledger_line){"frames", frames_in_use()};
		return true;
	case LINE_FREE_FRAMES:
		*out = (struct ledger_line){"free_frames", frames_free()};
		return true;
	case LINE_HEAP_FRAMES:
		*out = (struct ledger_line){"heap_frames", (s64)heap_frames()};
		return true;
	case LINE_TABLE_FRAMES:
		*out = (struct ledger_line){"stack_table_frames",
					    (s64)kernel_stack_table_frames()};
		return true;
	case LINE_HEAP:
		*out = (struct ledger_line){"heap_bytes", (s64)heap_bytes_in_use()};
		return true;
	case LINE_STACKS:
		*out = (struct ledger_line){"kernel_stacks", (s64)kernel_stack_count()};
		return true;
	default:
		return cache_line(index - LINE_CACHES, out);
	}
}
