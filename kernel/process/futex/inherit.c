// SPDX-License-Identifier: MIT
/*
 * Futexes with priority inheritance (F1): LOCK_PI, TRYLOCK_PI, UNLOCK_PI, and what becomes of their owner's death.
 *
 * Owns      struct futex_inherit.
 * Locks     futex_bucket.lock > sched_debt.lock > …
 *
 * The word has its owner's number, FUTEX_WAITERS once somebody waits in the kernel, and FUTEX_OWNER_DIED. Programs take and free a
 * word nobody waits for themselves; FUTEX_WAITERS makes their attempts fail, and come here.
 *
 *   I1  There is a futex_inherit of a word, in its bucket, iff somebody waits for it or has yet to claim it. Its owner is the debtor.
 *   I2  Who unlocks hands the word over: under the bucket's lock the number of whose turn it is goes into the word and the debt
 *	 to him. There is no moment at which the word is free and somebody waits.
 *   I3  Who dies cannot write words he has no address of. He hands them over unclaimed: the new owner puts its own number in
 *	 (futex_claim) before it returns. Until then whoever comes waits, whatever the word says.
 *   I4  A waiter is left alone once it is granted and the bucket's lock is free: it looks under that lock.
 *
 * Numbers are those of the running thread's pid namespace, as in Linux. Followed chains: sched/debt.h, with no lock held.
 */
#include "process/futex/futex_internal.h"

#include "core/panic.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include <linux/futex.h>

OBJECT_CACHE(inherits, futex_inherit);

u32 futex_number_of(const struct thread *thread)
{
	return (u32)thread_number(thread);
}

/* ---- objects ---- */

void futex_inherit_put(struct futex_inherit *inherit)
{
	if (!inherit || !refcount_put(&inherit->references)) {
		return;
	}
	if (inherit->key.shared) {
		vm_futex_key_put(&inherit->key);
	} else {
		vm_put(inherit->key.object);
	}
	object_free(&inherits, inherit);
}

struct futex_inherit *futex_find_inherit(struct futex_bucket *bucket,
					 const struct vm_futex_key *key)
{
	struct futex_inherit *inherit;

	list_for_each(inherit, &bucket->inherits, link) {
		if (futex_key_equal(&inherit->key, key)) {
			return inherit;
		}
	}
	return NULL;
}

bool futex_is_inherited(struct futex_bucket *bucket, const struct vm_futex_key *key)
{
	return futex_find_inherit(bucket, key) != NULL;
}

const struct vm_futex_key *futex_inherit_key(const struct list *link)
{
	return &list_entry(link, const struct futex_inherit, link)->key;
}

/* The first waiter's: in its bucket, without users. The owner can still be waited for. */
static void begin(struct futex_inherit *inherit, struct futex_bucket *bucket,
		  const struct vm_futex_key *key, struct thread *owner)
{
	inherit->key = *key;
	if (key->shared) {
		vm_object_get(key->object);
	} else {
		vm_get(key->object);
	}
	inherit->owner = owner;
	bucket->count++;
	list_push_back(&bucket->inherits, &inherit->link);
}

struct futex_inherit *futex_inherit_leave(struct futex_bucket *bucket,
					  struct futex_inherit *inherit)
{
	if (--inherit->users) {
		return NULL;
	}
	bucket->count--;
	list_remove(&inherit->link);
	sched_debt_end(&inherit->debt);
	return inherit;
}

/* ---- the word ---- */

int futex_exchange(vaddr_t address, u32 from, u32 to)
{
	u32 seen;

	if (arch_user_cmpxchg_u32_nofault((u32 __user *)address, from, to, &seen)) {
		return FUTEX_NOT_WRITABLE;
	}
	return seen == from ? 0 : FUTEX_AGAIN;
}

bool futex_has_plain_waiters(struct futex_bucket *bucket, const struct vm_futex_key *key)
{
	struct futex_waiter *waiter;

	list_for_each(waiter, &bucket->waiters, link) {
		if (futex_key_equal(&waiter->key, key)) {
			return true;
		}
	}
	return false;
}

/* Does the word say what the kernel knows? Who can write to it may have written anything. */
static bool agrees(const struct futex_inherit *inherit, u32 value)
{
	u32 number = value & FUTEX_TID_MASK;

	if (inherit->unclaimed || (!number && (value & FUTEX_OWNER_DIED))) {
		return true;
	}
	return number == futex_number_of(inherit->owner);
}

/* ---- to lock ---- */

static int join(struct futex_attempt *attempt, struct futex_inherit *inherit)
{
	struct futex_inherit_waiter *waiter = attempt->waiter;
	struct sched_entity *affected;

	if (attempt->only_tries) {
		return -EAGAIN;
	}
	inherit->users++;
	waiter->inherit = inherit;
	waiter->loan.lender = &attempt->thread->sched;
	affected = sched_loan_give(&inherit->debt, &waiter->loan);
	if (!attempt->affected) {
		attempt->affected = affected;
	} else if (affected) {
		thread_put(thread_from_entity(
			affected)); // the same: one owner, one hold of the lock
	}
	return FUTEX_WAITS;
}

/* The owner that was looked up is not there to be waited for. */
static int refuse_owner(const struct futex_attempt *attempt, vaddr_t address, u32 value)
{
	u32 now;

	if (attempt->owner &&
	    atomic_load(&attempt->owner->futex_state) == FUTEX_LEAVING) {
		return FUTEX_OWNER_LEAVES;
	}
	if (arch_user_load_u32_nofault(&now, (const u32 __user *)address) ||
	    now != value) {
		return FUTEX_AGAIN; // what it left behind was not there yet
	}
	return -ESRCH;
}

/* The word has an owner, and nobody waits yet. */
static int wait_first(struct futex_attempt *attempt, struct futex_bucket *bucket,
		      const struct vm_futex_key *key, vaddr_t address, u32 value)
{
	struct futex_inherit *inherit = attempt->spare;
	u32 number = value & FUTEX_TID_MASK;
	int err;

	if (!attempt->owner_known || attempt->owner_number != number ||
	    (!attempt->only_tries && !inherit)) {
		attempt->owner_number = number;
		return FUTEX_UNKNOWN_OWNER;
	}
	if (!attempt->owner || atomic_load(&attempt->owner->futex_state) != FUTEX_HOLDS) {
		return refuse_owner(attempt, address, value);
	}
	err = futex_exchange(address, value, value | FUTEX_WAITERS);
	if (err || attempt->only_tries) {
		return err ? err : -EAGAIN;
	}
	if (!sched_debt_begin(&inherit->debt, &attempt->owner->sched)) {
		return FUTEX_AGAIN; // it has begun to leave
	}
	begin(inherit, bucket, key, attempt->owner);
	attempt->spare = NULL;
	return join(attempt, inherit);
}

int futex_attempt_locked(struct futex_attempt *attempt, struct futex_bucket *bucket,
			 const struct vm_futex_key *key, vaddr_t address, u32 value)
{
	u32 owner = value & FUTEX_TID_MASK, own = futex_number_of(attempt->thread);
	struct futex_inherit *inherit = futex_find_inherit(bucket, key);

	if (owner == own) {
		return -EDEADLK;
	}
	if (inherit) {
		return agrees(inherit, value) ? join(attempt, inherit) : -EINVAL;
	}
	if (futex_has_plain_waiters(bucket, key)) {
		return -EINVAL;
	}
	if (owner) {
		return wait_first(attempt, bucket, key, address, value);
	}
	return futex_exchange(address, value,
			      (value & FUTEX_OWNER_DIED) | own | attempt->bits);
}

static int make_spare(struct futex_attempt *attempt)
{
	if (attempt->spare || attempt->only_tries) {
		return 0;
	}
	attempt->spare = object_allocate(&inherits);
	if (!attempt->spare) {
		return -ENOMEM;
	}
	refcount_init(&attempt->spare->references, 1);
	sched_debt_init(&attempt->spare->debt);
	return 0;
}

int futex_attempt_prepare(struct futex_attempt *attempt, int outcome, vaddr_t address)
{
	int err = 0;

	switch (outcome) {
	case FUTEX_NOT_WRITABLE:
		err = futex_fault_in_writable(address);
		break;
	case FUTEX_OWNER_LEAVES:
		err = futex_wait_for_farewell(attempt->owner);
		break;
	case FUTEX_UNKNOWN_OWNER:
		thread_put(attempt->owner);
		attempt->owner = thread_find((pid_nr)attempt->owner_number);
		attempt->owner_known = true;
		err = make_spare(attempt);
		break;
	default:
		break;
	}
	return !err && signal_fatal_pending() ? -ERESTART_ALWAYS : err;
}

void futex_attempt_end(struct futex_attempt *attempt)
{
	thread_put(attempt->owner);
	object_free(&inherits, attempt->spare);
	sched_follow(attempt->affected);
}

/* FUTEX_TAKEN, FUTEX_WAITS, or an errno. */
static int attempt_until_settled(struct futex_attempt *attempt,
				 const struct vm_futex_key *key, vaddr_t address)
{
	for (;;) {
		struct futex_bucket *bucket;
		bool crowded;
		u32 value;
		int result = futex_lock_and_load(key, address, &value, &bucket);

		if (result) {
			return result;
		}
		result = futex_attempt_locked(attempt, bucket, key, address, value);
		crowded = futex_is_crowded(bucket);
		futex_unlock_bucket(bucket);
		if (crowded) {
			futex_make_room(key);
		}
		if (result <= FUTEX_WAITS) {
			return result;
		}
		result = futex_attempt_prepare(attempt, result, address);
		if (result) {
			return result;
		}
	}
}

/* ---- to wait ---- */

static bool is_granted(const struct futex_inherit_waiter *waiter,
		       const struct vm_futex_key *key)
{
	struct futex_bucket *bucket = futex_lock_bucket(key);
	bool granted = waiter->granted;

	futex_unlock_bucket(bucket);
	return granted;
}

int futex_wait_turn(struct futex_inherit_waiter *waiter, const struct vm_futex_key *key,
		    nsec_t deadline, bool realtime)
{
	struct sched_entity *self = sched_current();
	int err;

	// A ring comes by here only if somebody waits for us; who begins to after this finds the ring himself.
	if (sched_has_debts(self) && sched_is_deadlocked(self)) {
		return -EDEADLK;
	}
	for (;;) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		if (is_granted(waiter, key)) {
			return 0;
		}
		err = futex_sleep_once(deadline, realtime);
		if (err) {
			return err;
		}
		sched_follow_from(self);
	}
}

/* The wait has ended with `err`: it counts unless the word is ours. */
static int stop_waiting(struct futex_inherit_waiter *waiter,
			const struct vm_futex_key *key, int err)
{
	struct futex_bucket *bucket = futex_lock_bucket(key);
	struct sched_entity *affected = NULL;
	struct futex_inherit *unused = NULL;

	if (waiter->granted) {
		err = 0;
	} else {
		affected = sched_loan_take_back(&waiter->loan);
		unused = futex_inherit_leave(bucket, waiter->inherit);
	}
	futex_unlock_bucket(bucket);
	sched_follow(affected);
	futex_inherit_put(unused);
	return err;
}

long futex_lock_inherit(vaddr_t address, bool shared, nsec_t deadline, bool realtime)
{
	struct futex_inherit_waiter waiter = {0};
	struct futex_attempt attempt = {.thread = current_thread(), .waiter = &waiter};
	struct vm_futex_key key;
	int result = futex_key(address, shared, &key);

	if (result) {
		return result;
	}
	result = attempt_until_settled(&attempt, &key, address);
	futex_attempt_end(&attempt);
	if (result == FUTEX_WAITS) {
		result = futex_wait_turn(&waiter, &key, deadline, realtime);
		sched_finish_wait();
		result = stop_waiting(&waiter, &key, result);
		if (!result && waiter.claims) {
			result = futex_claim(&waiter, &key, address);
		}
	}
	vm_futex_key_put(&key);
	return result == -ERESTART ? -ERESTART_ALWAYS : result;
}

long futex_try_lock_inherit(vaddr_t address, bool shared)
{
	struct futex_attempt attempt = {.thread = current_thread(), .only_tries = true};
	struct vm_futex_key key;
	int result = futex_key(address, shared, &key);

	if (result) {
		return result;
	}
	result = attempt_until_settled(&attempt, &key, address);
	futex_attempt_end(&attempt);
	vm_futex_key_put(&key);
	return result;
}
