// SPDX-License-Identifier: MIT
/*
 * The pages of an address space for a copy of it: table by table, each entry written for the child when the parent's is looked at.
 *
 * Locks     the child's arch_vm.lock > the parent's: nobody else knows the child. A page's reference is taken under the parent's, since a file
 *	     that is made shorter unmaps with nothing but that.
 */
#include "arch/common/page_table_internal.h"
#include "core/panic.h"
#include "lib/errno.h"

/* The entry, which was `value` and may not be written by any more; the CPU may be setting bits meanwhile. */
static always_inline_ u64 forbid_write(pte_t *entry, u64 value)
{
	while (pte_without_write(value) != value) {
		if (atomic_compare_exchange_weak(entry, &value,
						 pte_without_write(value))) {
			value = pte_without_write(value);
		}
	}
	return value;
}

/* What `from` holds of [start, end) goes into `to`, a table of the child's that has nothing there. Returns where `from` ends. */
static noinline_ vaddr_t share_table(struct arch_vm *child, pte_t *from, pte_t *to,
				     vaddr_t start, vaddr_t end,
				     const struct frame *uncounted,
				     struct arch_shared *pages)
{
	struct span span = used_span(table_frame(from), start, end);
	u64 kind = 0,
	    rights =
		    0; // neighbours mostly have the same: what they are in the child is found once
	struct frame_window window = FRAME_WINDOW_NONE;
	s64 others = 0, files = 0;
	u32 protect = 0;
	size_t count = 0;

	for (size_t i = span.index; i < span.stop; i++) {
		u64 value = atomic_load_explicit(&from[i], memory_order_relaxed);

		if (value != 0) {
			value = forbid_write(&from[i], value);

			const paddr_t physical = pte_physical(value);
			struct frame *frame;

			if ((value & ~PTE_KEPT) != kind) {
				kind = value & ~PTE_KEPT;
				protect = pte_protect(value);
				rights = pte_rights(protect) | PTE_ACCESSED;
			}
			frame = frame_through(&window, physical);
			if (likely(frame && frame != uncounted)) {
				frame_get(frame);
				files += frame->object != NULL;
			} else {
				others++;
			}
			pte_prepare(child, physical, protect);
			DEBUG_ASSERT(to[i] == 0);
			atomic_store_explicit(&to[i], pte_of(physical) | rights,
					      memory_order_release);
			count++;
		}
	}
	pages->file += files;
	pages->anonymous += (s64)count - others - files;
	if (count > 0) {
		entries_used(table_frame(to), span.index, span.stop - 1, count);
	}
	pte_publish();
	return span.base + (1UL << level_shift(2));
}

int arch_vm_share(struct arch_vm *parent, struct arch_vm *child, vaddr_t start,
		  vaddr_t end, const struct frame *uncounted,
		  struct arch_shared *pages) NO_THREAD_SAFETY
{
	pte_t *from, *to;

	ASSERT(end <= USER_END);
	for (;;) {
		spin_lock(&parent->lock);
		from = next_leaf_table(parent, &start, end);
		spin_unlock(&parent->lock);
		if (from == NULL) {
			return 0;
		}
		to = lock_leaf_table(child, start);
		if (to == NULL) {
			return -ENOMEM;
		}
		/* Nobody else knows the child's. The table is still there: who takes tables out needs what our caller holds. */
		spin_lock_nested(&parent->lock);
		start = share_table(child, from, to, start, end, uncounted, pages);
		spin_unlock(&parent->lock);
		spin_unlock(&child->lock);
	}
}
