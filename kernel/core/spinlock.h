// SPDX-License-Identifier: MIT
/*
 * Spinlocks. The holder cannot be preempted and must not sleep.
 *
 * A lock taken in interrupt context is taken everywhere with the _irq forms. Debug builds
 * check ranks, the owner, and that no lock is held when a thread sleeps.
 */
#pragma once

#include "core/lock_rank.h"
#include "lib/compiler.h"
#include "lib/types.h"
#include <stdatomic.h>

struct CAPABILITY("spinlock") spinlock {
	_Atomic bool held;
	u16 rank;         /* enum lock_rank */
	u16 owner_cpu;    /* CPU + 1, for debug builds */
	const char *name; /* the C path, as "run_queue.lock" */
};

#define SPINLOCK_INIT(lock_rank_, lock_name) {.rank = (lock_rank_), .name = (lock_name)}

static inline void spin_init(struct spinlock *lock, enum lock_rank rank, const char *name)
{
	atomic_init(&lock->held, false);
	lock->rank = (u16)rank;
	lock->owner_cpu = 0;
	lock->name = name;
}
void spin_lock(struct spinlock *lock) ACQUIRES(lock);
void spin_unlock(struct spinlock *lock) RELEASES(lock);
bool spin_try_lock(struct spinlock *lock) TRY_ACQUIRES(true, lock);
/* The same with this CPU's interrupts off; returns what spin_unlock_irq() restores. */
u64 spin_lock_irq(struct spinlock *lock) ACQUIRES(lock);
void spin_unlock_irq(struct spinlock *lock, u64 flags) RELEASES(lock);
/* A second lock of the same rank, ordered by the caller's own rule (named in a comment there). */
void spin_lock_nested(struct spinlock *lock) ACQUIRES(lock);
/* Two locks of one rank, ordered by address; a == b takes it once. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b) NO_THREAD_SAFETY;
void spin_unlock_pair(struct spinlock *a, struct spinlock *b) NO_THREAD_SAFETY;
/* Panics in debug builds if this CPU does not hold it. */
void spin_assert_held(struct spinlock *lock) ASSERTS_HELD(lock);
