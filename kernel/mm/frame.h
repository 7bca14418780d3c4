// SPDX-License-Identifier: MIT
/*
 * Physical memory in frames of 4 KiB: one struct frame each, per-CPU caches over a buddy allocator.
 *
 * A frame's reference count: 1 for whoever allocated it, one more for each page table entry, cache slot or I/O that uses it.
 * Private anonymous frames are shared copy-on-write after fork: a write fault may reuse the frame in place iff refcount is 1.
 */
#pragma once

#include "core/refcount.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

enum {
	FRAME_ZERO = 1,	  /* cleared (a frame known to be clean is not cleared twice) */
	FRAME_ATOMIC = 2, /* may not sleep; may use the reserve */
	FRAME_USER = 4,	  /* for user memory: fails while the reserve is what is left */
};

struct vm_object;

struct frame {
	_Atomic u32 references;
	u32 flags;	       /* frame allocator's own */
	struct list link;      /* free list, or the owner's */
	struct vm_object *object; /* page cache: whose, and which page; under object.lock. NULL: anonymous */
	u64 index;
	_Atomic u32 page_flags;	  /* vm/'s marks of a page in an object (vm/vm_object.c) */
};

/* One frame with one reference. 0 or -ENOMEM. Context: any unless it must reclaim (no FRAME_ATOMIC: may sleep). */
int frame_allocate(unsigned flags, struct frame **out) must_check;
/* 2^order contiguous frames (DMA, tables); each has its own count, the first is returned. */
int frame_allocate_contiguous(unsigned order, unsigned flags, struct frame **out) must_check;
void frame_free_contiguous(struct frame *first, unsigned order);
void frame_get(struct frame *frame);
void frame_put(struct frame *frame); /* the last put frees; any context */
u32 frame_references(const struct frame *frame);
paddr_t frame_physical(const struct frame *frame);
void *frame_address(const struct frame *frame); /* in the physical map */
struct frame *frame_from_physical(paddr_t physical); /* NULL: not RAM we manage */

struct frame_statistics {
	u64 total, free, cached_clean;
};
void frame_statistics(struct frame_statistics *out);
/* Called when memory is short, outside locks, before giving up: frees what it can, returns how many. Installed by vm/ (page cache). */
void frame_set_reclaim(u64 (*reclaim)(u64 wanted));
/* Boot: take over boot_info's RAM minus what is reserved. */
void frame_init(void);
/* Give a range back after boot (the initramfs, .init). */
void frame_add_range(paddr_t start, paddr_t end);
