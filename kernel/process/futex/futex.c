// SPDX-License-Identifier: MIT
/*
 * Futex WAIT and WAKE, and what all waiters do.
 *
 * Locks     futex_bucket.lock > run_queue.lock. User words are read under it with the _nofault forms; what is not there is
 *	     faulted in with nothing held, and the whole thing starts over.
 *
 * No wake-up is lost:
 *	waiter					waker
 *	lock bucket				change the word
 *	read the word: still `expected`		lock bucket	(A) after the waiter's unlock: finds it
 *	enqueue, prepare to sleep		wake who is there	    before its lock: the waiter reads the new word
 *	unlock bucket
 *
 * A waiter looks at its own entry only under the bucket's lock, which a waker holds until it has finished with the thread:
 * so neither the entry nor the thread can be gone under it.
 */
#include "process/futex/futex_internal.h"

#include "arch/entry.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "lib/hash.h"
#include "mm/heap.h"
#include "mm/usercopy.h"
#include "process/current.h"
#include "process/signal/signal.h"
#include "time/clock.h"
#include <linux/futex.h>

bool futex_key_equal(const struct vm_futex_key *a, const struct vm_futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

int futex_key(vaddr_t address, bool shared, struct vm_futex_key *out)
{
	if (!IS_ALIGNED(address, sizeof(u32))) {
		return -EINVAL;
	}
	if (!user_range_ok(address, sizeof(u32))) {
		return -EFAULT;
	}
	return vm_futex_key_get(current_vm(), address, shared, out);
}

int futex_pair_get(struct futex_pair *pair, vaddr_t address1, vaddr_t address2,
		   bool shared)
{
	int err = futex_key(address1, shared, &pair->key1);

	if (err) {
		return err;
	}
	err = futex_key(address2, shared, &pair->key2);
	if (err) {
		vm_futex_key_put(&pair->key1);
	}
	return err;
}

void futex_pair_put(struct futex_pair *pair)
{
	vm_futex_key_put(&pair->key1);
	vm_futex_key_put(&pair->key2);
}

/* It is not there under the lock: bring it in, with nothing held. */
static int fault_in(vaddr_t address)
{
	u32 value;
	int err = user_read(&value, address, sizeof(value));

	return !err && signal_fatal_pending() ? -ERESTART_ALWAYS : err;
}

int futex_lock_and_load(const struct vm_futex_key *key, vaddr_t address, u32 *value,
			struct futex_bucket **bucket)
{
	for (;;) {
		int err;

		*bucket = futex_lock_bucket(key);
		if (arch_user_load_u32_nofault(value, (const u32 __user *)address) == 0) {
			return 0;
		}
		futex_unlock_bucket(*bucket);
		err = fault_in(address);
		if (err) {
			return err;
		}
	}
}

int futex_lock_pair_and_load(struct futex_pair *pair, vaddr_t address, u32 *value)
{
	for (;;) {
		int err;

		futex_lock_pair(pair);
		if (arch_user_load_u32_nofault(value, (const u32 __user *)address) == 0) {
			return 0;
		}
		futex_unlock_pair(pair);
		err = fault_in(address);
		if (err) {
			return err;
		}
	}
}

int futex_fault_in_writable(vaddr_t address)
{
	int code;
	int err = vm_fault(current_vm(), address, FAULT_WRITE, &code);

	return err && err != -ERESTART && err != -EAGAIN ? -EFAULT : 0;
}

void futex_wake_waiter(struct futex_waiter *waiter)
{
	struct sched_entity *thread = waiter->thread;

	futex_remove_waiter(waiter);
	sched_wake(thread);
}

static long wake_locked(struct futex_bucket *bucket, const struct vm_futex_key *key,
			int count, u32 bitset)
{
	struct futex_waiter *waiter, *next;
	long woken = 0;

	if (futex_is_inherited(bucket, key)) {
		return -EINVAL;
	}
	list_for_each_safe(waiter, next, &bucket->waiters, link) {
		if (!futex_key_equal(&waiter->key, key)) {
			continue;
		}
		if (waiter->moved) {
			return -EINVAL;
		}
		if (!(waiter->bitset & bitset)) {
			continue;
		}
		futex_wake_waiter(waiter);
		if (++woken >= count) { // as in Linux, a count of 0 wakes one
			break;
		}
	}
	return woken;
}

long futex_wake(vaddr_t address, bool shared, int count, u32 bitset)
{
	struct futex_bucket *bucket;
	struct vm_futex_key key;
	long woken;
	int err;

	if (!bitset) {
		return -EINVAL;
	}
	err = futex_key(address, shared, &key);
	if (err) {
		return err;
	}
	bucket = futex_lock_bucket(&key);
	woken = wake_locked(bucket, &key, count, bitset);
	futex_unlock_bucket(bucket);
	vm_futex_key_put(&key);
	return woken;
}

void futex_wake_address(struct vm_space *vm, vaddr_t address, int count)
{
	// It may be waited for under either kind of key.
	(void)futex_wake(address, true, count, FUTEX_BITSET_MATCH_ANY);
}

/* Take ourselves out of whatever bucket we are in. true: a waker had done so. */
bool futex_unqueue(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = READ_ONCE(waiter->bucket);
		bool woken;

		spin_lock(&bucket->lock);
		if (waiter->bucket != bucket) {
			spin_unlock(&bucket->lock);
			continue; // requeued meanwhile
		}
		woken = list_empty(&waiter->link);
		if (!woken) {
			futex_remove_waiter(waiter);
		}
		spin_unlock(&bucket->lock);
		return woken;
	}
}

/* Has a waker taken us out? */
static bool is_woken(struct futex_waiter *waiter)
{
	for (;;) {
		struct futex_bucket *bucket = READ_ONCE(waiter->bucket);
		bool same, woken;

		spin_lock(&bucket->lock);
		same = waiter->bucket == bucket;
		woken = list_empty(&waiter->link);
		spin_unlock(&bucket->lock);
		if (same) {
			return woken;
		}
	}
}

static bool has_passed(nsec_t deadline, bool realtime)
{
	return deadline != NSEC_NEVER &&
	       (realtime ? clock_realtime() : clock_monotonic()) >= deadline;
}

int futex_sleep_once(nsec_t deadline, bool realtime)
{
	if (sched_break_pending(THREAD_INTERRUPTIBLE)) {
		return -ERESTART;
	}
	if (has_passed(deadline, realtime)) {
		return -ETIMEDOUT;
	}
	if (realtime) {
		sched_block_realtime(deadline);
	} else {
		sched_block(deadline);
	}
	return 0;
}

static bool is_any_woken(struct futex_waiter *waiters, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (is_woken(&waiters[i])) {
			return true;
		}
	}
	return false;
}

int futex_sleep(struct futex_waiter *waiters, unsigned count, nsec_t deadline,
		bool realtime)
{
	int err = 0;

	while (!err) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		if (is_any_woken(waiters, count)) {
			return 0;
		}
		err = futex_sleep_once(deadline, realtime);
	}
	return err;
}

int futex_enqueue(struct futex_waiter *waiter, vaddr_t address, u32 expected)
{
	struct futex_bucket *bucket;
	bool crowded = false;
	u32 value;
	int err = futex_lock_and_load(&waiter->key, address, &value, &bucket);

	if (err) {
		return err;
	}
	if (value != expected) {
		err = -EAGAIN;
	} else {
		futex_add_waiter(bucket, waiter);
		crowded = futex_is_crowded(bucket);
	}
	futex_unlock_bucket(bucket);
	if (crowded) {
		futex_make_room(&waiter->key);
	}
	return err;
}

int futex_waiter_init(struct futex_waiter *waiter, vaddr_t address, bool shared,
		      u32 bitset)
{
	struct sched_entity *self = sched_current();

	*waiter = (struct futex_waiter){
		.bitset = bitset,
		.thread = self,
		.priority = self->own.realtime_priority,
	};
	list_init(&waiter->link);
	return futex_key(address, shared, &waiter->key);
}

long futex_wait(vaddr_t address, bool shared, u32 expected, nsec_t deadline,
		bool realtime, u32 bitset)
{
	struct futex_waiter waiter;
	int err;

	if (!bitset) {
		return -EINVAL;
	}
	err = futex_waiter_init(&waiter, address, shared, bitset);
	if (err) {
		return err;
	}
	err = futex_enqueue(&waiter, address, expected);
	if (!err) {
		err = futex_sleep(&waiter, 1, deadline, realtime);
		sched_finish_wait();
		if (futex_unqueue(&waiter)) {
			err = 0; // woken after all: a wake-up is never thrown away
		}
	}
	vm_futex_key_put(&waiter.key); // requeueing has exchanged it, with its reference
	return err;
}
