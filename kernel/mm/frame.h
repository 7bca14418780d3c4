// SPDX-License-Identifier: MIT
/*
 * Physical memory in frames of 4 KiB: one struct frame each, per-CPU caches over a buddy allocator.
 *
 * A frame's reference count: 1 for whoever allocated it, one more for each page table entry, cache slot or I/O that uses it.
 * Private anonymous frames are shared copy-on-write after fork: a write fault may reuse the frame in place iff refcount is 1.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include <stdatomic.h>

enum {
	FRAME_ZERO = 1,   /* cleared (a frame known to be clean is not cleared twice) */
	FRAME_ATOMIC = 2, /* may not sleep; may use the reserve */
	FRAME_USER = 4,   /* for user memory: fails while the reserve is what is left */
};

enum { FRAME_ORDER_MAX = 10, FRAME_CHUNK = 1 << FRAME_ORDER_MAX /* frames */ };

struct vm_object;

struct frame {
	_Atomic u32 references;
	u32 flags;        /* mm's own, see frame_internal.h */
	struct list link; /* free list, or the owner's */
	union {
		struct vm_object *
			object; /* page cache: whose, and which page; under object.lock. NULL: anonymous */
		struct frame *slab; /* heap: the slab's first frame */
	};
	u64 index;              /* the owner's; 0 when fresh */
	_Atomic u32 page_flags; /* vm/'s marks of a page in an object (vm/vm_object.c) */
};
STATIC_ASSERT(sizeof(struct frame) <= 48);

/* One frame with one reference. 0 or -ENOMEM. Context: any unless it must reclaim (no FRAME_ATOMIC: may sleep). */
int frame_allocate(unsigned flags, struct frame **out) must_check;
/* 2^order contiguous frames (DMA, tables), order <= FRAME_ORDER_MAX; each has its own count, the first is returned. */
int frame_allocate_contiguous(unsigned order, unsigned flags,
			      struct frame **out) must_check;
void frame_free_contiguous(struct frame *first, unsigned order);
static inline void frame_put(struct frame *frame); /* the last put frees; any context */
/* frame_put() of a frame whose bytes are all 0 if this is the last reference (emptied page tables): saves clearing it again. */
void frame_put_clean(struct frame *frame);
noreturn_ void frame_broken(const struct frame *frame, u32 references);

/* Where the frames are: written by frame_init() only. */
struct frame_map {
	struct frame *frames; /* of physical page `first` on */
	u64 first, count;     /* physical pages, chunk aligned */
	u8 *chunk_state;      /* enum frame_chunk_state, one a chunk */
};
extern struct frame_map frame_map;
enum frame_chunk_state {
	CHUNK_NONE,      /* no RAM: its struct frames are not initialised */
	CHUNK_UNTOUCHED, /* all free RAM, its struct frames not yet initialised */
	CHUNK_READY,
};
enum { FRAME_MANAGED = 1 << 0 /* in frame.flags: RAM of ours, not a hole or reserved */ };

static inline void frame_get(struct frame *frame)
{
	u32 old = atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);

	if (unlikely((s32)old <= 0)) {
		frame_broken(frame, old);
	}
}

/*
 * true: that was the last reference, and it is gone. order.reference: pairs with frame_drop() of others, its decrement; order.page_idle: pairs
 * with page_is_idle()
 */
static always_inline_ bool frame_drop(struct frame *frame)
{
	/* Who holds the only reference need not fight for it. */
	if (atomic_load_explicit(&frame->references, memory_order_acquire) == 1) {
		atomic_store_explicit(&frame->references, 0, memory_order_relaxed);
		return true;
	}
	u32 old = atomic_fetch_sub_explicit(&frame->references, 1, memory_order_release);

	if (unlikely(old - 1 >= 0x7fffffff)) {
		frame_broken(frame, old);
	}
	if (old != 1) {
		return false;
	}
	(void)atomic_load_explicit(&frame->references, memory_order_acquire);
	return true;
}

/* Of one that has no reference any more. */
void frame_release(struct frame *frame, bool clean);

static inline void frame_put(struct frame *frame)
{
	if (frame_drop(frame)) {
		frame_release(frame, false);
	}
}

/* Acquire: who finds 1 sees what those who left wrote. */
static inline u32 frame_references(const struct frame *frame)
{
	return atomic_load_explicit(&frame->references, memory_order_acquire);
}

static inline paddr_t frame_physical(const struct frame *frame)
{
	return (frame_map.first + (u64)(frame - frame_map.frames)) << PAGE_SHIFT;
}

/* in the physical map */
static inline void *frame_address(const struct frame *frame)
{
	return physical_to_virtual(frame_physical(frame));
}

/* NULL: not RAM we manage (devices, the kernel image) */
static inline struct frame *frame_from_physical(paddr_t physical)
{
	u64 page = (physical >> PAGE_SHIFT) - frame_map.first;

	if (page >= frame_map.count ||
	    frame_map.chunk_state[page / FRAME_CHUNK] != CHUNK_READY) {
		return NULL;
	}
	struct frame *frame = &frame_map.frames[page];

	assume(frame != NULL);
	return frame->flags & FRAME_MANAGED ? frame : NULL;
}

/* For who looks up many pages, mostly neighbours: the chunk of the last one. Begins as FRAME_WINDOW_NONE. */
struct frame_window {
	struct frame *frames;
	u64 first;
};
#define FRAME_WINDOW_NONE ((struct frame_window){.first = 1UL << 63})

/* The frames of the chunk around physical page `page`; NULL: there are none. */
struct frame *frame_chunk(u64 page);

/* frame_from_physical(). */
static always_inline_ struct frame *frame_through(struct frame_window *window,
						  paddr_t physical)
{
	u64 page = physical >> PAGE_SHIFT;

	if (unlikely(page - window->first >= FRAME_CHUNK)) {
		struct frame *frames = frame_chunk(page);

		if (frames == NULL) {
			return NULL;
		}
		window->frames = frames;
		window->first = ALIGN_DOWN(page, FRAME_CHUNK);
	}
	struct frame *frame = &window->frames[page - window->first];

	assume(frame != NULL);
	return frame->flags & FRAME_MANAGED ? frame : NULL;
}

struct frame_statistics {
	u64 total, free;
};
void frame_statistics(struct frame_statistics *out);
/* Called when memory is short, outside locks, before giving up: frees what it can, returns how many. Installed by vm/ (page cache). */
void frame_set_reclaim(u64 (*reclaim)(u64 wanted));
/* As if memory were short: give back all that need not be kept. Thread context, outside locks. */
void frame_reclaim_all(void);
/* For an idle CPU: clear one frame ahead of need. false: there is nothing to do. Interrupts may be on or off. */
bool frame_clear_ahead(void);
/* Boot: take over boot_info's RAM minus what is reserved. */
void frame_init(void);
/* Give a range back after boot (the initramfs, .init). */
void frame_add_range(paddr_t start, paddr_t end);
