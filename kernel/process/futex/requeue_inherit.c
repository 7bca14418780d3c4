// SPDX-License-Identifier: MIT
/*
 * WAIT_REQUEUE_PI and CMP_REQUEUE_PI (F1): who waits for a plain word is moved
 * to one with priority inheritance, and given it if it is free.
 *
 *	QUEUED --CMP_REQUEUE_PI--> MOVED --handed over--> granted
 *	   |  \__________________________________________/
 *	   |	                  (the word was free)
 *	signal, deadline: leaves	signal, deadline: leaves
 *
 * Locks     both words' buckets: who has them knows where the waiter is. It
 * looks under both, too, so it is left alone after that.
 *
 * A waiter that owns something others wait for might close a ring as it is
 * moved. Rings are looked for with nothing held, so such a one ends the hold:
 * then the waiter is put back, unless it has gone, and the call says EDEADLK.
 */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include <linux/futex.h>

/* ---- to wait ---- */

static bool is_over(struct futex_pair *pair, const struct futex_moved_waiter *moved)
{
	bool over;

	futex_lock_pair(pair);
	over = moved->inherits.granted;
	futex_unlock_pair(pair);
	return over;
}

static int sleep_until_over(struct futex_pair *pair, struct futex_moved_waiter *moved,
			    nsec_t deadline, bool realtime)
{
	int err;

	for (;;) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		if (is_over(pair, moved)) {
			return 0;
		}
		err = futex_sleep_once(deadline, realtime);
		if (err) {
			return err;
		}
		sched_follow_from(sched_current());
	}
}

/* The wait has ended with `err`: it counts unless the word is ours. */
static int stop_waiting(struct futex_pair *pair, struct futex_waiter *waiter, int err)
{
	struct futex_inherit_waiter *inherits = &waiter->moved->inherits;
	struct sched_entity *affected = NULL;
	struct futex_inherit *unused = NULL;

	futex_lock_pair(pair);
	if (inherits->granted) {
		err = 0;
	} else if (waiter->moved->is_moved) {
		affected = sched_loan_take_back(&inherits->loan);
		unused = futex_inherit_leave(pair->bucket2, inherits->inherit);
		err = err == -ERESTART
			      ? -EAGAIN
			      : err; // the first word has changed: it would say so now
	} else {
		futex_remove_waiter(waiter);
	}
	futex_unlock_pair(pair);
	sched_follow(affected);
	futex_inherit_put(unused);
	return err;
}

static int wait_on_both(struct futex_pair *pair, const struct futex_wait_request *request)
{
	struct futex_waiter waiter;
	struct futex_moved_waiter moved = {.waiter = &waiter, .target = &pair->key2};
	int err = futex_waiter_init(&waiter, request->address, request->shared,
				    FUTEX_BITSET_MATCH_ANY);

	if (err) {
		return err;
	}
	waiter.moved = &moved;
	err = futex_enqueue(&waiter, request->address, request->expected);
	if (!err) {
		err = sleep_until_over(pair, &moved, request->deadline,
				       request->realtime);
		sched_finish_wait();
		err = stop_waiting(pair, &waiter, err);
		if (!err && moved.inherits.claims) {
			err = futex_claim(&moved.inherits, &pair->key2, request->target);
		}
	}
	vm_futex_key_put(&waiter.key);
	return err;
}

long futex_wait_requeue_inherit(const struct futex_wait_request *request)
{
	struct futex_pair pair;
	int err = request->address == request->target ? -EINVAL : 0;

	if (!err) {
		err = futex_pair_get(&pair, request->address, request->target,
				     request->shared);
	}
	if (err) {
		return err;
	}
	err = futex_key_equal(&pair.key1, &pair.key2) ? -EINVAL
						      : wait_on_both(&pair, request);
	futex_pair_put(&pair);
	return err == -ERESTART ? -ERESTART_ALWAYS : err;
}

/* ---- to move ---- */

struct mover {
	const struct futex_requeue *request;
	struct futex_pair pair;
	struct futex_attempt attempt;
	int done;               /* waiters woken or moved */
	struct thread *suspect; /* a reference: it may have closed a ring */
	u32 suspect_waits;
};

static struct futex_waiter *first_waiter(const struct mover *mover)
{
	struct futex_waiter *waiter;

	list_for_each(waiter, &mover->pair.bucket1->waiters, link) {
		if (futex_key_equal(&waiter->key, &mover->pair.key1)) {
			return waiter;
		}
	}
	return NULL;
}

/* It owns the target: the word says so. */
static void give_target(struct futex_waiter *waiter)
{
	waiter->moved->inherits.granted = true;
	futex_wake_waiter(waiter);
}

/* It waits for the target. */
static void note_moved(struct mover *mover, struct futex_waiter *waiter)
{
	struct thread *thread = thread_from_entity(waiter->thread);

	waiter->moved->is_moved = true;
	futex_remove_waiter(waiter);
	if (sched_has_debts(waiter->thread)) {
		thread_get(thread);
		mover->suspect = thread;
		mover->suspect_waits = waiter->thread->waits;
	}
}

/* Who waits next is to wait for it. */
static void name_owner(struct futex_attempt *attempt)
{
	thread_put(attempt->owner);
	thread_get(attempt->thread);
	attempt->owner = attempt->thread;
	attempt->owner_number = futex_number_of(attempt->thread);
	attempt->owner_known = true;
}

/* Both buckets are locked. 0: moved, or it has the target; else an enum
 * futex_outcome or an errno. */
static int move_one(struct mover *mover, struct futex_waiter *waiter)
{
	struct futex_attempt *attempt = &mover->attempt;
	vaddr_t target = mover->request->to;
	u32 value;
	int result;

	if (!waiter->moved ||
	    !futex_key_equal(waiter->moved->target, &mover->pair.key2)) {
		return -EINVAL;
	}
	if (arch_user_load_u32_nofault(&value, (const u32 __user *)target)) {
		return FUTEX_NOT_WRITABLE;
	}
	attempt->thread = thread_from_entity(waiter->thread);
	attempt->waiter = &waiter->moved->inherits;
	attempt->bits = mover->request->requeue_count ? FUTEX_WAITERS : 0;
	result = futex_attempt_locked(attempt, mover->pair.bucket2, &mover->pair.key2,
				      target, value);
	if (result == FUTEX_TAKEN) {
		name_owner(attempt);
		give_target(waiter);
	} else if (result == FUTEX_WAITS) {
		note_moved(mover, waiter);
		result = 0;
	}
	mover->done += !result;
	return result;
}

/* Both buckets are locked. 0: as many as wanted; 1: one that is to be looked
 * at; else as move_one(). */
static int move_some(struct mover *mover)
{
	int most = 1 + mover->request->requeue_count;

	if (mover->request->requeue_count == INT32_MAX) {
		most = INT32_MAX;
	}
	while (mover->done < most) {
		struct futex_waiter *waiter = first_waiter(mover);
		int result = waiter ? move_one(mover, waiter) : 0;

		if (!waiter || result || mover->suspect) {
			return result;
		}
	}
	return 0;
}

/* The suspect does close a ring: it waits for the first word again, unless it
 * has ended its wait meanwhile. */
static int put_back(struct mover *mover)
{
	struct sched_entity *thread = &mover->suspect->sched, *affected = NULL;
	struct futex_inherit *unused = NULL;
	int err = 0;

	futex_lock_pair(&mover->pair);
	if (READ_ONCE(thread->waits) == mover->suspect_waits) {
		// The same wait, and it ends under the target's lock only.
		struct futex_moved_waiter *moved = container_of(
			thread->loan, struct futex_moved_waiter, inherits.loan);

		affected = sched_loan_take_back(thread->loan);
		unused =
			futex_inherit_leave(mover->pair.bucket2, moved->inherits.inherit);
		moved->is_moved = false;
		futex_add_waiter(mover->pair.bucket1, moved->waiter);
		err = -EDEADLK;
	}
	futex_unlock_pair(&mover->pair);
	sched_follow(affected);
	futex_inherit_put(unused);
	return err;
}

static int clear_suspect(struct mover *mover)
{
	int err = sched_is_deadlocked(&mover->suspect->sched) ? put_back(mover) : 0;

	thread_put(mover->suspect);
	mover->suspect = NULL;
	return err;
}

/* Both buckets are locked; at return they are not. */
static int move_all(struct mover *mover) NO_THREAD_SAFETY
{
	for (;;) {
		int result = move_some(mover);

		futex_unlock_pair(&mover->pair);
		sched_follow(mover->attempt.affected);
		mover->attempt.affected = NULL;
		if (mover->suspect) {
			result = clear_suspect(mover);
		} else if (result <= 0) {
			return result;
		} else {
			result = futex_attempt_prepare(&mover->attempt, result,
						       mover->request->to);
		}
		if (result) {
			return result;
		}
		futex_lock_pair(&mover->pair);
	}
}

/* What the first attempts will need, so that all is done in one hold of the
 * locks where nobody interferes. */
static int prepare(struct mover *mover)
{
	u32 value;
	int err = user_read(&value, mover->request->to, sizeof(value));

	if (err) {
		return err;
	}
	mover->attempt.owner_number = value & FUTEX_TID_MASK;
	return futex_attempt_prepare(&mover->attempt, FUTEX_UNKNOWN_OWNER,
				     mover->request->to);
}

static int compare_and_move(struct mover *mover)
{
	u32 value;
	int err = prepare(mover);

	if (!err) {
		err = futex_lock_pair_and_load(&mover->pair, mover->request->from,
					       &value);
	}
	if (err) {
		return err;
	}
	if (value != mover->request->expected) {
		err = -EAGAIN;
	} else if (futex_is_inherited(mover->pair.bucket1, &mover->pair.key1)) {
		err = -EINVAL;
	}
	if (err) {
		futex_unlock_pair(&mover->pair);
		return err;
	}
	return move_all(mover);
}

long futex_requeue_inherit(const struct futex_requeue *request)
{
	struct mover mover = {.request = request};
	int err;

	if (request->wake_count != 1 || request->requeue_count < 0 ||
	    request->from == request->to) {
		return -EINVAL;
	}
	err = futex_pair_get(&mover.pair, request->from, request->to, request->shared);
	if (err) {
		return err;
	}
	err = futex_key_equal(&mover.pair.key1, &mover.pair.key2)
		      ? -EINVAL
		      : compare_and_move(&mover);
	futex_attempt_end(&mover.attempt);
	futex_pair_put(&mover.pair);
	return err ? err : mover.done;
}
