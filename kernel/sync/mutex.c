// SPDX-License-Identifier: MIT
/*
 * Mutexes: see mutex.h.
 *
 * The word `owner` is the owning thread's entity (aligned), with two flags in its low
 * bits:
 *	MUTEX_WAITERS	somebody may wait: unlock must look, under waiters.lock
 *	MUTEX_HANDED	unlock has given it to that thread, which does not know yet
 * Without waiters, lock and unlock are one compare-and-set each. With waiters, the
 * word changes only under waiters.lock, except that a newcomer may take a free mutex
 * by a compare-and-set that keeps MUTEX_WAITERS. The first waiter, woken in vain
 * once, marks its entry as starved: the next unlock hands the mutex to it, and no
 * newcomer comes between (bounded starvation).
 *
 * No wake-up is lost: a waiter sets MUTEX_WAITERS and its wait state under
 * waiters.lock after it has seen an owner; that owner's unlock then fails its fast
 * compare-and-set and takes the lock. Checked on the simulated machine: mutex_test.c.
 */
#include "sync/mutex.h"
#include "core/lock_check.h"
#include "core/panic.h"

#define MUTEX_WAITERS ((uintptr_t)1)
#define MUTEX_HANDED  ((uintptr_t)2)
#define MUTEX_FLAGS   (MUTEX_WAITERS | MUTEX_HANDED)

struct mutex_waiter {
	struct list link; /* waiters.lock */
	struct sched_entity *thread;
	bool starved;
};

void mutex_init(struct mutex *mutex, enum lock_rank rank, const char *name)
{
	atomic_init(&mutex->owner, 0);
	wait_queue_init(&mutex->waiters);
	mutex->rank = rank;
	mutex->name = name;
}

static uintptr_t self_word(void)
{
	return (uintptr_t)sched_current();
}

static void note_taken(struct mutex *mutex, bool nested)
{
	if (HEDDLE_DEBUG) {
		lock_check_acquire(&sched_current()->held, mutex, mutex->rank,
				   mutex->name, nested);
	}
}

static bool try_take(struct mutex *mutex)
{
	uintptr_t seen = 0;

	/* order.mutex: pairs with mutex_unlock() and unlock_slowly() */
	if (atomic_compare_exchange_strong_explicit(&mutex->owner, &seen, self_word(),
						    memory_order_acquire,
						    memory_order_relaxed)) {
		return true;
	}
	while (!(seen & ~MUTEX_WAITERS)) {
		if (atomic_compare_exchange_weak_explicit(
			    &mutex->owner, &seen, self_word() | seen,
			    memory_order_acquire, memory_order_relaxed)) {
			return true;
		}
	}
	return false;
}

/* waiters.lock held. Is it ours now? If not, its owner knows that somebody waits. order.mutex: pairs with mutex_unlock() and unlock_slowly() */
static bool take_or_announce(struct mutex *mutex)
{
	uintptr_t seen = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

	for (;;) {
		if ((seen & ~MUTEX_FLAGS) == self_word()) {
			ASSERT(seen & MUTEX_HANDED); /* or we are locking it twice */
			atomic_fetch_and_explicit(&mutex->owner, ~MUTEX_HANDED,
						  memory_order_acquire);
			return true;
		}
		if (!(seen & ~MUTEX_WAITERS)) {
			if (atomic_compare_exchange_weak_explicit(
				    &mutex->owner, &seen, self_word() | MUTEX_WAITERS,
				    memory_order_acquire, memory_order_relaxed)) {
				return true;
			}
		} else if (seen & MUTEX_WAITERS ||
			   atomic_compare_exchange_weak_explicit(
				   &mutex->owner, &seen, seen | MUTEX_WAITERS,
				   memory_order_relaxed, memory_order_relaxed)) {
			return false;
		}
	}
}

NO_THREAD_SAFETY static int wait_for(struct mutex *mutex, enum thread_state state)
{
	struct mutex_waiter waiter = {.thread = sched_current()};
	u64 flags = spin_lock_irq(&mutex->waiters.lock);
	bool first_time = true;
	int err = 0;

	list_push_back(&mutex->waiters.entries, &waiter.link);
	for (;;) {
		if (take_or_announce(mutex)) {
			list_remove(&waiter.link);
			break;
		}
		waiter.starved = !first_time;
		first_time = false;
		sched_prepare_wait(state);
		if (sched_break_pending(state)) {
			/* The mutex has an owner, whose unlock finds the others: nothing is lost with us. */
			sched_finish_wait();
			list_remove(&waiter.link);
			err = -ERESTART;
			break;
		}
		spin_unlock_irq(&mutex->waiters.lock, flags);
		sched_block(NSEC_NEVER);
		sched_finish_wait();
		flags = spin_lock_irq(&mutex->waiters.lock);
	}
	spin_unlock_irq(&mutex->waiters.lock, flags);
	return err;
}

static int lock_in_state(struct mutex *mutex, enum thread_state state, bool nested)
{
	int err = 0;

	lock_check_may_sleep("mutex_lock");
	if (!try_take(mutex)) {
		err = wait_for(mutex, state);
	}
	if (!err) {
		note_taken(mutex, nested);
	}
	return err;
}

NO_THREAD_SAFETY void mutex_lock(struct mutex *mutex)
{
	lock_in_state(mutex, THREAD_UNINTERRUPTIBLE, false);
}

NO_THREAD_SAFETY void mutex_lock_nested(struct mutex *mutex)
{
	lock_in_state(mutex, THREAD_UNINTERRUPTIBLE, true);
}

NO_THREAD_SAFETY int mutex_lock_interruptible(struct mutex *mutex)
{
	return lock_in_state(mutex, THREAD_INTERRUPTIBLE, false);
}

NO_THREAD_SAFETY int mutex_lock_killable(struct mutex *mutex)
{
	return lock_in_state(mutex, THREAD_KILLABLE, false);
}

NO_THREAD_SAFETY bool mutex_try_lock(struct mutex *mutex)
{
	bool taken = try_take(mutex);

	if (taken) {
		note_taken(mutex, true); /* cannot wait, so no order to break */
	}
	return taken;
}

NO_THREAD_SAFETY static void unlock_slowly(struct mutex *mutex)
{
	struct list *waiters = &mutex->waiters.entries;
	u64 flags = spin_lock_irq(&mutex->waiters.lock);
	struct mutex_waiter *first;

	/* order.mutex: pairs with try_take() and take_or_announce() */
	if (list_empty(waiters)) {
		atomic_store_explicit(&mutex->owner, 0, memory_order_release);
	} else {
		first = list_first(waiters, struct mutex_waiter, link);
		atomic_store_explicit(&mutex->owner,
				      first->starved
					      ? (uintptr_t)first->thread | MUTEX_FLAGS
					      : MUTEX_WAITERS,
				      memory_order_release);
		sched_wake(first->thread);
	}
	spin_unlock_irq(&mutex->waiters.lock, flags);
}

NO_THREAD_SAFETY void mutex_unlock(struct mutex *mutex)
{
	uintptr_t expected = self_word();

	if (HEDDLE_DEBUG) {
		mutex_assert_held(mutex);
		lock_check_release(&sched_current()->held, mutex);
	}
	/* order.mutex: pairs with try_take() and take_or_announce() */
	if (!atomic_compare_exchange_strong_explicit(&mutex->owner, &expected, 0,
						     memory_order_release,
						     memory_order_relaxed)) {
		unlock_slowly(mutex);
	}
}

void mutex_lock_pair(struct mutex *a, struct mutex *b)
{
	struct mutex *first = (uintptr_t)a < (uintptr_t)b ? a : b;

	mutex_lock(first);
	if (a != b) {
		mutex_lock_nested(first == a ? b : a);
	}
}

void mutex_unlock_pair(struct mutex *a, struct mutex *b)
{
	mutex_unlock(a);
	if (a != b) {
		mutex_unlock(b);
	}
}

NO_THREAD_SAFETY void mutex_assert_held(struct mutex *mutex)
{
	uintptr_t owner = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

	ASSERT((owner & ~MUTEX_FLAGS) == self_word());
}

/* Until something wakes the queue, or block() returns. */
static int sleep_without(struct mutex *mutex, struct wait_queue *queue, nsec_t until,
			 void (*block)(nsec_t until)) MUST_HOLD(mutex)
{
	struct wait_entry entry = {0};
	int error = 0;

	wait_begin(queue, &entry, THREAD_INTERRUPTIBLE);
	mutex_unlock(mutex);
	if (sched_break_pending(THREAD_INTERRUPTIBLE)) {
		error = -ERESTART;
	} else {
		block(until);
	}
	wait_end(queue, &entry);
	mutex_lock(mutex);
	return error;
}

int mutex_sleep(struct mutex *mutex, struct wait_queue *queue, nsec_t deadline)
{
	if (deadline != NSEC_NEVER && clock_monotonic() >= deadline) {
		return -ETIMEDOUT;
	}
	return sleep_without(mutex, queue, deadline, sched_block);
}

int mutex_sleep_realtime(struct mutex *mutex, struct wait_queue *queue, nsec_t when)
{
	if (when != NSEC_NEVER && clock_realtime() >= when) {
		return -ETIMEDOUT;
	}
	return sleep_without(mutex, queue, when, sched_block_realtime);
}
