// SPDX-License-Identifier: MIT
/*
 * Reader-writer locks that sleep: see rwlock.h.
 *
 * All state is under rwlock.lock. Waiters stand in one line in the order they came.
 * Whoever lets go hands the lock to the head of the line: to one writer, or to all
 * readers up to the next writer; the woken find themselves holders. A newcomer that
 * finds a line waits at its end, so neither side starves: a waiting writer keeps new
 * readers out, and readers behind it come before the next one.
 */
#include "sync/rwlock.h"
#include "core/lock_check.h"
#include "core/panic.h"

struct rwlock_waiter {
	struct list link;
	struct sched_entity *thread;
	bool exclusive;
	bool granted;
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank, const char *name)
{
	spin_init(&lock->lock, RANK_WAIT_QUEUE, "rwlock.lock");
	list_init(&lock->waiters);
	lock->holders = 0;
	lock->writer = NULL;
	lock->rank = rank;
	lock->name = name;
}

static void note_taken(struct rwlock *lock, bool nested)
{
	if (HEDDLE_DEBUG) {
		lock_check_acquire(&sched_current()->held, lock, lock->rank, lock->name,
				   nested);
	}
}

static void note_released(struct rwlock *lock)
{
	if (HEDDLE_DEBUG) {
		lock_check_release(&sched_current()->held, lock);
	}
}

/* lock->lock held, in the functions below. */

static bool may_hold(const struct rwlock *lock, bool exclusive)
{
	return exclusive ? lock->holders == 0 : lock->holders >= 0;
}

static void take(struct rwlock *lock, struct sched_entity *thread, bool exclusive)
{
	if (exclusive) {
		lock->holders = -1;
		lock->writer = thread;
	} else {
		lock->holders++;
	}
}

static void grant(struct rwlock *lock)
{
	while (!list_empty(&lock->waiters)) {
		struct rwlock_waiter *first =
			list_first(&lock->waiters, struct rwlock_waiter, link);

		if (!may_hold(lock, first->exclusive)) {
			return;
		}
		list_remove(&first->link);
		take(lock, first->thread, first->exclusive);
		first->granted = true;
		sched_wake(first->thread);
	}
}

/* Releases and takes lock->lock again. */
NO_THREAD_SAFETY static int wait_in_line(struct rwlock *lock, bool exclusive,
					 enum thread_state state)
{
	struct rwlock_waiter waiter = {.thread = sched_current(), .exclusive = exclusive};

	list_push_back(&lock->waiters, &waiter.link);
	while (!waiter.granted) {
		sched_prepare_wait(state);
		if (sched_break_pending(state)) {
			sched_finish_wait();
			list_remove(&waiter.link);
			grant(lock); /* those behind may have waited for us alone */
			return -ERESTART;
		}
		spin_unlock(&lock->lock);
		sched_block(NSEC_NEVER);
		sched_finish_wait();
		spin_lock(&lock->lock);
	}
	return 0;
}

NO_THREAD_SAFETY static int lock_in_state(struct rwlock *lock, bool exclusive,
					  enum thread_state state, bool nested)
{
	int err = 0;

	lock_check_may_sleep("rwlock_lock");
	spin_lock(&lock->lock);
	if (list_empty(&lock->waiters) && may_hold(lock, exclusive)) {
		take(lock, sched_current(), exclusive);
	} else {
		err = wait_in_line(lock, exclusive, state);
	}
	spin_unlock(&lock->lock);
	if (!err) {
		note_taken(lock, nested);
	}
	return err;
}

NO_THREAD_SAFETY void rwlock_lock_shared(struct rwlock *lock)
{
	lock_in_state(lock, false, THREAD_UNINTERRUPTIBLE, false);
}

NO_THREAD_SAFETY int rwlock_lock_shared_killable(struct rwlock *lock)
{
	return lock_in_state(lock, false, THREAD_KILLABLE, false);
}

NO_THREAD_SAFETY bool rwlock_try_lock_shared(struct rwlock *lock)
{
	bool taken;

	spin_lock(&lock->lock);
	taken = list_empty(&lock->waiters) && may_hold(lock, false);
	if (taken) {
		take(lock, NULL, false);
	}
	spin_unlock(&lock->lock);
	if (taken) {
		note_taken(lock, true);
	}
	return taken;
}

NO_THREAD_SAFETY void rwlock_unlock_shared(struct rwlock *lock)
{
	note_released(lock);
	spin_lock(&lock->lock);
	ASSERT(lock->holders > 0);
	if (--lock->holders == 0) {
		grant(lock);
	}
	spin_unlock(&lock->lock);
}

NO_THREAD_SAFETY void rwlock_lock(struct rwlock *lock)
{
	lock_in_state(lock, true, THREAD_UNINTERRUPTIBLE, false);
}

NO_THREAD_SAFETY int rwlock_lock_killable(struct rwlock *lock)
{
	return lock_in_state(lock, true, THREAD_KILLABLE, false);
}

NO_THREAD_SAFETY void rwlock_unlock(struct rwlock *lock)
{
	note_released(lock);
	spin_lock(&lock->lock);
	ASSERT(lock->holders == -1 && lock->writer == sched_current());
	lock->holders = 0;
	lock->writer = NULL;
	grant(lock);
	spin_unlock(&lock->lock);
}

NO_THREAD_SAFETY void rwlock_assert_held(struct rwlock *lock)
{
	ASSERT(READ_ONCE(lock->writer) == sched_current());
}

NO_THREAD_SAFETY void rwlock_assert_held_shared(struct rwlock *lock)
{
	s32 holders = READ_ONCE(lock->holders);

	ASSERT(holders > 0 ||
	       (holders == -1 && READ_ONCE(lock->writer) == sched_current()));
}

NO_THREAD_SAFETY void rwlock_lock_nested(struct rwlock *lock)
{
	(void)lock_in_state(lock, true, THREAD_UNINTERRUPTIBLE, true);
}
