// SPDX-License-Identifier: MIT
/*
 * Kernel stacks and device mappings: who has which part of the kernel's mapping range.
 *
 *	KERNEL_MAP_BASE	slot 0, slot 1, …: a guard page, never mapped, and a stack above it
 *	the middle	device registers, handed out upwards, for good
 *
 * Locks     stacks.lock. A CPU's cache is used with its interrupts off.
 *
 * Invariants
 *   K1  A slot is in use, or mapped and in a CPU's cache or stacks.mapped, or unmapped and in stacks.unmapped,
 *       or not below stacks.slots_made.
 *   K2  A mapped stack that waits is chained through its highest word. Otherwise it holds zeros, and it is handed out so:
 *       the high-water mark is the lowest word that is not 0, and that of one user alone (S3).
 */
#include "mm/kernel_stack.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "core/fault_injection.h"
#include "core/panic.h"
#include "core/percpu.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

#define SLOT_SIZE  (KERNEL_STACK_SIZE + PAGE_SIZE)
#define MAP_MIDDLE (KERNEL_MAP_BASE + (KERNEL_MAP_END - KERNEL_MAP_BASE) / 2)

enum {
	STACK_PAGES = KERNEL_STACK_SIZE / PAGE_SIZE,
	CACHE_MAX = 16,
	CACHE_BATCH = 8,
	MAPPED_KEPT = 64, /* more than these are unmapped when somebody may sleep, */
	TRIM_BATCH = 16,  /* so many with one flush of all CPUs */
	SLOTS_A_FRAME = PAGE_SIZE / sizeof(u32),
	SLOT_FRAMES = 2048, /* two million slots */
	NO_SLOT = 0xffffffff,
};

struct stack_cache {
	vaddr_t first; /* top of a stack; 0: none */
	u32 count;
};

DEFINE_PER_CPU(struct stack_cache, stack_caches);

static struct {
	struct spinlock lock;
	vaddr_t mapped GUARDED_BY(lock); /* tops, chained as in K2 */
	_Atomic u32 mapped_count;        /* written under lock */
	u32 unmapped GUARDED_BY(lock);   /* slot numbers, chained in next_slot */
	u32 slots_made GUARDED_BY(lock);
	u64 device_bytes GUARDED_BY(lock); /* handed out, from MAP_MIDDLE on */
} stacks = {
	.lock = SPINLOCK_INIT(RANK_KERNEL_MAP, "stacks.lock"),
	.unmapped = NO_SLOT,
};
static u32 *next_slot[SLOT_FRAMES] GUARDED_BY(stacks.lock);

static _Atomic u64 live;

static vaddr_t *chain_word(vaddr_t top)
{
	return (vaddr_t *)(top - sizeof(vaddr_t));
}

static vaddr_t top_of_slot(u32 slot)
{
	return KERNEL_MAP_BASE + (slot + 1UL) * SLOT_SIZE;
}

static u32 slot_of_top(vaddr_t top)
{
	return (u32)((top - KERNEL_MAP_BASE) / SLOT_SIZE - 1);
}

static bool is_top(vaddr_t top)
{
	return top > KERNEL_MAP_BASE && top < MAP_MIDDLE &&
	       (top - KERNEL_MAP_BASE) % SLOT_SIZE == 0;
}

/* Interrupts off. */
static vaddr_t cache_pop(struct stack_cache *cache)
{
	vaddr_t top = cache->first;

	if (top) {
		cache->first = *chain_word(top);
		*chain_word(top) = 0;
		cache->count--;
	}
	return top;
}

static void cache_push(struct stack_cache *cache, vaddr_t top)
{
	*chain_word(top) = cache->first;
	cache->first = top;
	cache->count++;
}

/* One of this CPU's, or of everybody's; 0: none is mapped and free. */
static vaddr_t take_mapped(void)
{
	u64 irq = arch_irq_save();
	vaddr_t top = cache_pop(this_cpu(stack_caches));

	if (!top &&
	    atomic_load_explicit(&stacks.mapped_count, memory_order_relaxed) > 0) {
		spin_lock(&stacks.lock);
		top = stacks.mapped;
		if (top) {
			stacks.mapped = *chain_word(top);
			stacks.mapped_count--;
			*chain_word(top) = 0;
		}
		spin_unlock(&stacks.lock);
	}
	arch_irq_restore(irq);
	return top;
}

static u32 *next_of(u32 slot) MUST_HOLD(&stacks.lock)
{
	return &next_slot[slot / SLOTS_A_FRAME][slot % SLOTS_A_FRAME];
}

/* The next number that was never used. *need_frame: its part of next_slot is missing. */
static u32 make_slot(bool *need_frame) MUST_HOLD(&stacks.lock)
{
	u32 slot = stacks.slots_made;

	*need_frame = false;
	if (slot / SLOTS_A_FRAME >= SLOT_FRAMES || top_of_slot(slot) >= MAP_MIDDLE) {
		return NO_SLOT;
	}
	if (!next_slot[slot / SLOTS_A_FRAME]) {
		*need_frame = true;
		return NO_SLOT;
	}
	stacks.slots_made++;
	return slot;
}

static _Atomic u64 slot_frames;

u64 kernel_stack_table_frames(void)
{
	return atomic_load_explicit(&slot_frames, memory_order_relaxed) +
	       arch_kernel_table_frames();
}

static int add_slot_frame(void)
{
	struct frame *frame;
	int err = frame_allocate(FRAME_ZERO, &frame);

	if (err) {
		return err;
	}
	u64 irq = spin_lock_irq(&stacks.lock);
	u32 **place =
		&next_slot[MIN(stacks.slots_made / SLOTS_A_FRAME, SLOT_FRAMES - 1U)];
	bool used = !*place;

	if (used) {
		*place = frame_address(frame);
	}
	spin_unlock_irq(&stacks.lock, irq);
	if (used) {
		atomic_fetch_add_explicit(&slot_frames, 1, memory_order_relaxed);
	} else {
		frame_put(frame); /* somebody was quicker */
	}
	return 0;
}

static int take_slot(u32 *out)
{
	for (;;) {
		bool need_frame = false;
		u64 irq = spin_lock_irq(&stacks.lock);
		u32 slot = stacks.unmapped;

		if (slot != NO_SLOT) {
			stacks.unmapped = *next_of(slot);
		} else {
			slot = make_slot(&need_frame);
		}
		spin_unlock_irq(&stacks.lock, irq);
		if (slot != NO_SLOT) {
			*out = slot;
			return 0;
		}
		int err = need_frame ? add_slot_frame() : -ENOMEM;

		if (err) {
			return err;
		}
	}
}

static void give_slot(u32 slot)
{
	u64 irq = spin_lock_irq(&stacks.lock);

	*next_of(slot) = stacks.unmapped;
	stacks.unmapped = slot;
	spin_unlock_irq(&stacks.lock, irq);
}

/* Unmap the `pages` highest pages of a stack, flush, then free the frames. */
static void unmap(vaddr_t top, unsigned pages)
{
	struct frame *frames[STACK_PAGES];

	for (unsigned i = 0; i < pages; i++) {
		frames[i] =
			frame_from_physical(arch_kernel_unmap(top - (i + 1) * PAGE_SIZE));
	}
	arch_kernel_flush(top - pages * PAGE_SIZE, top);
	for (unsigned i = 0; i < pages; i++) {
		frame_put(frames[i]);
	}
}

static int map_page(vaddr_t address)
{
	struct frame *frame;
	int err = frame_allocate(FRAME_ZERO, &frame);

	if (err) {
		return err;
	}
	err = arch_kernel_map(address, frame_physical(frame),
			      PROTECT_READ | PROTECT_WRITE);
	if (err) {
		frame_put(frame);
	}
	return err;
}

static int make_stack(vaddr_t *out)
{
	u32 slot;
	int err = take_slot(&slot);

	if (err) {
		return err;
	}
	vaddr_t top = top_of_slot(slot);

	for (unsigned i = 0; i < STACK_PAGES; i++) {
		err = map_page(top - (i + 1) * PAGE_SIZE);
		if (err) {
			if (i > 0) {
				unmap(top, i);
			}
			give_slot(slot);
			return err;
		}
	}
	*out = top;
	return 0;
}

/* Up to TRIM_BATCH stacks out of stacks.mapped, while there are more than `keep`. */
static unsigned take_excess(u64 keep, vaddr_t tops[TRIM_BATCH])
{
	unsigned count = 0;
	u64 irq = spin_lock_irq(&stacks.lock);

	while (count < TRIM_BATCH && stacks.mapped_count > keep && stacks.mapped) {
		tops[count++] = stacks.mapped;
		stacks.mapped = *chain_word(stacks.mapped);
		stacks.mapped_count--;
	}
	spin_unlock_irq(&stacks.lock, irq);
	return count;
}

/* Give back the frames of up to TRIM_BATCH stacks, with one flush. Returns how many. */
static unsigned trim_batch(u64 keep)
{
	vaddr_t tops[TRIM_BATCH], start = KERNEL_MAP_END, end = 0;
	struct frame *frames[TRIM_BATCH * STACK_PAGES];
	unsigned count = take_excess(keep, tops), pages = 0;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned page = 1; page <= STACK_PAGES; page++) {
			frames[pages++] = frame_from_physical(
				arch_kernel_unmap(tops[i] - page * PAGE_SIZE));
		}
		start = MIN(start, tops[i] - KERNEL_STACK_SIZE);
		end = MAX(end, tops[i]);
	}
	if (count > 0) {
		arch_kernel_flush(start, end);
	}
	for (unsigned i = 0; i < pages; i++) {
		frame_put(frames[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		give_slot(slot_of_top(tops[i]));
	}
	return count;
}

int kernel_stack_allocate(vaddr_t *top)
{
	if (unlikely(fault_injection_should_fail())) {
		return -ENOMEM;
	}
	*top = take_mapped();
	if (!*top) {
		int err = make_stack(top);

		if (err) {
			return err;
		}
	} else if (unlikely(atomic_load_explicit(&stacks.mapped_count,
						 memory_order_relaxed) >
			    2 * MAPPED_KEPT)) {
		(void)trim_batch(
			MAPPED_KEPT); // a few: the other ones are for who comes next
	}
	atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	return 0;
}

/* Interrupts off. Move `count` stacks of this CPU's to everybody's. */
static void share_cached(struct stack_cache *cache, u32 count)
{
	spin_lock(&stacks.lock);
	for (; count > 0; count--) {
		vaddr_t top = cache_pop(cache);

		*chain_word(top) = stacks.mapped;
		stacks.mapped = top;
		stacks.mapped_count++;
	}
	spin_unlock(&stacks.lock);
}

/* Zeros again, as far as it was used (K2). */
static size_t repaint(vaddr_t top)
{
	size_t used = kernel_stack_high_water(top);

	memset((void *)(top - used), 0, used);
	return used;
}

size_t kernel_stack_free(vaddr_t top)
{
	ASSERT(is_top(top));
	size_t used = repaint(top);
	u64 irq = arch_irq_save();
	struct stack_cache *cache = this_cpu(stack_caches);

	cache_push(cache, top);
	if (cache->count > CACHE_MAX) {
		share_cached(cache, CACHE_BATCH);
	}
	arch_irq_restore(irq);
	atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
	return used;
}

static void share_all_cached(void)
{
	u64 irq = arch_irq_save();
	struct stack_cache *cache = this_cpu(stack_caches);

	share_cached(cache, cache->count);
	arch_irq_restore(irq);
}

u64 kernel_stack_trim(u64 keep)
{
	u64 freed = 0;
	unsigned count;

	if (keep == 0) {
		share_all_cached();
	}
	do {
		count = trim_batch(keep);
		freed += count * STACK_PAGES;
	} while (count == TRIM_BATCH);
	return freed;
}

bool kernel_stack_is_guard(vaddr_t address, vaddr_t *top)
{
	if (address < KERNEL_MAP_BASE || address >= MAP_MIDDLE) {
		return false;
	}
	u64 slot = (address - KERNEL_MAP_BASE) / SLOT_SIZE;

	if ((address - KERNEL_MAP_BASE) % SLOT_SIZE >= PAGE_SIZE) {
		return false;
	}
	*top = top_of_slot((u32)slot);
	return true;
}

/* The lowest page that was ever written to; most stacks are used in the highest alone. */
static vaddr_t first_written_page(vaddr_t top)
{
	vaddr_t page = top - KERNEL_STACK_SIZE;

	while (page < top - PAGE_SIZE && !arch_kernel_written(page)) {
		page += PAGE_SIZE;
	}
	return page;
}

/*
 * Every frame has a return address beside the caller's frame pointer, and neither is 0: one word in two tells. The thread may be running:
 * it is as deep as it is at some moment of the look.
 */
size_t kernel_stack_high_water(vaddr_t top)
{
	const u64 *first = (const u64 *)first_written_page(top), *word = first;

	while ((vaddr_t)word < top && (word[0] | word[2] | word[4] | word[6] | word[8] |
				       word[10] | word[12] | word[14]) == 0) {
		word += 16;
	}
	while ((vaddr_t)word < top && *word == 0) {
		word++;
	}
	word -= word > first && word[-1]; // the other one of two, in the turn before
	return top - (vaddr_t)word;
}

u64 kernel_stack_count(void)
{
	return atomic_load_explicit(&live, memory_order_relaxed);
}

volatile void *kernel_map_device(paddr_t physical, size_t size)
{
	paddr_t first = ALIGN_DOWN(physical, PAGE_SIZE);
	u64 length = ALIGN_UP(physical + size, PAGE_SIZE) - first;
	u64 irq = spin_lock_irq(&stacks.lock);
	vaddr_t at = MAP_MIDDLE + stacks.device_bytes;
	bool fits = size > 0 && length <= KERNEL_MAP_END - at;

	if (fits) {
		stacks.device_bytes += length;
	}
	spin_unlock_irq(&stacks.lock, irq);
	for (u64 done = 0; fits && done < length; done += PAGE_SIZE) {
		if (arch_kernel_map(at + done, first + done,
				    PROTECT_READ | PROTECT_WRITE | PROTECT_DEVICE)) {
			return NULL; /* what is mapped stays: devices are mapped at boot, once */
		}
	}
	return fits ? (volatile void *)(at + (physical - first)) : NULL;
}
