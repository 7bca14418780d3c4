// SPDX-License-Identifier: MIT
/*
 * Spinlocks: one word, test and set. Not fair on purpose: a virtual CPU that waits may be off its
 * real CPU when its turn comes, and with tickets all behind it would wait for it to come back.
 *
 * Ordering: the release store in give() is what the acquiring exchange in try_take() sees. Neither is a full fence: what is
 * done before a lock is taken may be seen after what is done under it, and what is done under it after what comes behind.
 * Model: tests/model/mutex_model.c.
 */
#include "core/spinlock.h"
#include "arch/irq.h"
#include "core/lock_check.h"
#include "core/panic.h"
#include "core/preempt.h"

#if HEDDLE_DEBUG
static void note_taken(struct spinlock *lock)
{
	lock->owner_cpu = (u16)(arch_cpu_number() + 1);
}

static void note_released(struct spinlock *lock)
{
	if (lock->owner_cpu != arch_cpu_number() + 1 && !panic_in_progress()) {
		panic("lock %s released by CPU %u, held by %d", lock->name,
		      arch_cpu_number(), lock->owner_cpu - 1);
	}
	lock->owner_cpu = 0;
}
#else
static inline void note_taken(struct spinlock *lock)
{
}

static inline void note_released(struct spinlock *lock)
{
}
#endif

static inline bool try_take(struct spinlock *lock)
{
	/* order.spinlock: pairs with give() */
	return !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

/* Looks without writing until the lock seems free. */
static noinline_ void wait_and_take(struct spinlock *lock)
{
	do {
		while (atomic_load_explicit(&lock->held, memory_order_relaxed)) {
			arch_cpu_relax();
			if (unlikely(panic_in_progress())) {
				return; /* its holder may have been stopped; only the report goes on */
			}
		}
	} while (!try_take(lock));
}

static inline void take(struct spinlock *lock)
{
	if (unlikely(!try_take(lock))) {
		wait_and_take(lock);
	}
	note_taken(lock);
}

static inline void give(struct spinlock *lock)
{
	lock_check_release(lock_check_cpu(), lock);
	note_released(lock);
	/* order.spinlock: pairs with try_take() */
	atomic_store_explicit(&lock->held, false, memory_order_release);
}

NO_THREAD_SAFETY void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	lock_check_acquire(lock_check_cpu(), lock, lock->rank, lock->name, false);
	take(lock);
}

NO_THREAD_SAFETY void spin_lock_nested(struct spinlock *lock)
{
	preempt_disable();
	lock_check_acquire(lock_check_cpu(), lock, lock->rank, lock->name, true);
	take(lock);
}

NO_THREAD_SAFETY void spin_unlock(struct spinlock *lock)
{
	give(lock);
	preempt_enable();
}

NO_THREAD_SAFETY bool spin_try_lock(struct spinlock *lock)
{
	preempt_disable();
	if (atomic_load_explicit(&lock->held, memory_order_relaxed) || !try_take(lock)) {
		preempt_enable();
		return false;
	}
	/* One that is tried cannot deadlock: the order does not matter, so it counts as nested. */
	lock_check_acquire(lock_check_cpu(), lock, RANK_NONE, lock->name, true);
	note_taken(lock);
	return true;
}

/* So that spin_lock_irq() has nothing to keep over a call. */
static noinline_ u64 wait_and_take_irq(struct spinlock *lock, u64 flags)
{
	wait_and_take(lock);
	note_taken(lock);
	return flags;
}

NO_THREAD_SAFETY u64 spin_lock_irq(struct spinlock *lock)
{
	u64 flags = arch_irq_save();

	preempt_disable();
	lock_check_acquire(lock_check_cpu(), lock, lock->rank, lock->name, false);
	if (unlikely(!try_take(lock))) {
		return wait_and_take_irq(lock, flags);
	}
	note_taken(lock);
	return flags;
}

NO_THREAD_SAFETY void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	give(lock);
	preempt_enable_no_reschedule();
	arch_irq_restore(flags);
	if (unlikely(arch_need_reschedule()) && arch_preempt_count() == 0) {
		preempt_reschedule();
	}
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a == b) {
		spin_lock(a);
	} else if ((uintptr_t)a < (uintptr_t)b) {
		spin_lock(a);
		spin_lock_nested(b);
	} else {
		spin_lock(b);
		spin_lock_nested(a);
	}
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a != b) {
		spin_unlock(b);
	}
	spin_unlock(a);
}

NO_THREAD_SAFETY void spin_assert_held(struct spinlock *lock)
{
	DEBUG_ASSERT(lock_check_holds(lock_check_cpu(), lock));
}
