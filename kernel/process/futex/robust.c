// SPDX-License-Identifier: MIT
/*
 * Robust lists (F2, R8): locks a dead thread held are marked, and somebody who waits is told.
 *
 * The list lives in user memory and is not to be trusted: at most ROBUST_LIST_LIMIT entries are looked at, and any bad
 * address ends it. The entry of the operation under way is kept for last, whether or not it is in the list, as the ABI has it.
 */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include <linux/futex.h>

/* A list entry as stored: the lowest bit says "priority inheritance". */
struct entry {
	vaddr_t address;
	bool inherits_priority;
};

static int fetch_entry(struct entry *entry, vaddr_t from)
{
	u64 value;
	int err = user_read(&value, from, sizeof(value));

	if (!err) {
		entry->address = value & ~1UL;
		entry->inherits_priority = value & 1;
	}
	return err;
}

/* The word is ours: take our number out, leave FUTEX_OWNER_DIED. *old: what it was. -EAGAIN: it changed meanwhile. */
static int mark_dead(vaddr_t word, u32 value, u32 *old)
{
	u32 dead = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
	int err = arch_user_cmpxchg_u32_nofault((u32 __user *)word, value, dead, old);

	if (err) {
		err = futex_fault_in_writable(word);
		return err ? err : -EAGAIN;
	}
	return *old == value ? 0 : -EAGAIN;
}

static int owner_died(vaddr_t word, bool inherits_priority, bool pending)
{
	pid_nr number = thread_number(current_thread());
	u32 value, old;
	int err;

	if (!IS_ALIGNED(word, sizeof(u32))) {
		return -EINVAL;
	}
	do {
		err = user_read(&value, word, sizeof(value));
		if (err) {
			return err;
		}
		if (pending && !inherits_priority && value == 0) {
			// We died between unlocking and waking.
			(void)futex_wake(word, true, 1, FUTEX_BITSET_MATCH_ANY);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != (u32)number) {
			return 0;
		}
		err = mark_dead(word, value, &old);
	} while (err == -EAGAIN);
	if (!err && !inherits_priority && (value & FUTEX_WAITERS)) {
		(void)futex_wake(word, true, 1, FUTEX_BITSET_MATCH_ANY);
	}
	return err;
}

static void walk(vaddr_t head)
{
	struct entry entry, next, pending;
	s64 offset;

	if (fetch_entry(&entry, head + offsetof(struct robust_list_head, list.next)) ||
	    user_read(&offset, head + offsetof(struct robust_list_head, futex_offset),
		      sizeof(offset)) ||
	    fetch_entry(&pending,
			head + offsetof(struct robust_list_head, list_op_pending))) {
		return;
	}
	for (unsigned left = ROBUST_LIST_LIMIT; left && entry.address != head; left--) {
		// The next one first: waking may free this one.
		int err = fetch_entry(&next, entry.address);

		if (entry.address != pending.address &&
		    owner_died(entry.address + (u64)offset, entry.inherits_priority,
			       false)) {
			return;
		}
		if (err) {
			return;
		}
		entry = next;
	}
	if (pending.address) {
		(void)owner_died(pending.address + (u64)offset, pending.inherits_priority,
				 true);
	}
}

void futex_walk_robust_list(void)
{
	vaddr_t head = atomic_exchange(&current_thread()->robust_list, 0);

	if (head) {
		walk(head);
	}
}
