// SPDX-License-Identifier: MIT
/*
 * Futex WAIT and WAKE, on one word or several, and the hash table.
 *
 * Owns      the buckets.
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

enum { BUCKETS = 1024 };

static struct futex_bucket *buckets;

void futex_init(void)
{
	buckets = heap_allocate(BUCKETS * sizeof(*buckets));
	if (!buckets) {
		panic("no memory for the futex table");
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX_BUCKET, "futex_bucket.lock");
		list_init(&buckets[i].waiters);
	}
}

struct futex_bucket *futex_bucket_of(const struct vm_futex_key *key)
{
	return &buckets[hash_u64((u64)(uintptr_t)key->object ^ (key->offset >> 2)) %
			BUCKETS];
}

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

int futex_lock_and_load(struct futex_bucket *bucket, vaddr_t address,
			u32 *value) NO_THREAD_SAFETY
{
	const u32 __user *word = (const u32 __user *)address;

	for (;;) {
		int err;

		spin_lock(&bucket->lock);
		if (arch_user_load_u32_nofault(value, word) == 0) {
			return 0;
		}
		spin_unlock(&bucket->lock);
		err = user_read(value, address, sizeof(*value));
		if (err) {
			return err;
		}
		if (signal_fatal_pending()) {
			return -ERESTART_ALWAYS;
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

	list_remove(&waiter->link);
	sched_wake(thread);
}

long futex_wake(vaddr_t address, bool shared, int count, u32 bitset)
{
	struct futex_waiter *waiter, *next;
	struct futex_bucket *bucket;
	struct vm_futex_key key;
	long woken = 0;
	int err;

	if (!bitset) {
		return -EINVAL;
	}
	err = futex_key(address, shared, &key);
	if (err) {
		return err;
	}
	bucket = futex_bucket_of(&key);
	spin_lock(&bucket->lock);
	list_for_each_safe(waiter, next, &bucket->waiters, link) {
		if (!futex_key_equal(&waiter->key, &key) || !(waiter->bitset & bitset)) {
			continue;
		}
		futex_wake_waiter(waiter);
		if (++woken >= count) { // as in Linux, a count of 0 wakes one
			break;
		}
	}
	spin_unlock(&bucket->lock);
	vm_futex_key_put(&key);
	return woken;
}

void futex_wake_address(struct vm_space *vm, vaddr_t address, int count)
{
	// It may be waited for under either kind of key.
	(void)futex_wake(address, true, count, FUTEX_BITSET_MATCH_ANY);
}

void futex_add_waiter(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
	struct list *behind = &bucket->waiters;

	if (!waiter->priority) {
		list_push_back(&bucket->waiters, &waiter->link);
		return;
	}
	while (behind->next != &bucket->waiters &&
	       list_entry(behind->next, struct futex_waiter, link)->priority >=
		       waiter->priority) {
		behind = behind->next;
	}
	list_push_front(behind, &waiter->link);
}

/* Take ourselves out of whatever bucket we are in. true: a waker had done so. */
static bool unqueue(struct futex_waiter *waiter)
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
			list_remove(&waiter->link);
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

/* A deadline of either clock as one of CLOCK_MONOTONIC; the realtime clock may be set meanwhile, so it is looked at anew. */
static nsec_t monotonic_deadline(nsec_t deadline, bool realtime)
{
	if (!realtime || deadline == NSEC_NEVER) {
		return deadline;
	}
	return nsec_add(MAX(deadline - clock_realtime(), 0LL), clock_monotonic());
}

static bool has_passed(nsec_t deadline, bool realtime)
{
	return deadline != NSEC_NEVER &&
	       (realtime ? clock_realtime() : clock_monotonic()) >= deadline;
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

static int sleep_until_woken(struct futex_waiter *waiters, unsigned count,
			     nsec_t deadline, bool realtime)
{
	for (;;) {
		sched_prepare_wait(THREAD_INTERRUPTIBLE);
		if (is_any_woken(waiters, count)) {
			return 0;
		}
		if (sched_break_pending(THREAD_INTERRUPTIBLE)) {
			return -ERESTART;
		}
		if (has_passed(deadline, realtime)) {
			return -ETIMEDOUT;
		}
		sched_block(monotonic_deadline(deadline, realtime));
	}
}

/* Compare and enqueue in one step. 0: in the bucket; -EAGAIN: the word has another value. */
static int enqueue(struct futex_waiter *waiter, vaddr_t address, u32 expected)
{
	u32 value;
	int err = futex_lock_and_load(waiter->bucket, address, &value);

	if (err) {
		return err;
	}
	if (value != expected) {
		err = -EAGAIN;
	} else {
		futex_add_waiter(waiter->bucket, waiter);
	}
	spin_unlock(&waiter->bucket->lock);
	return err;
}

/* A waiter of the running thread, in no bucket, with a reference on its key. */
static int waiter_init(struct futex_waiter *waiter, vaddr_t address, bool shared,
		       u32 bitset)
{
	struct sched_entity *self = sched_current();
	int err;

	*waiter = (struct futex_waiter){
		.bitset = bitset,
		.thread = self,
		.priority = self->own.realtime_priority,
	};
	list_init(&waiter->link);
	err = futex_key(address, shared, &waiter->key);
	if (!err) {
		waiter->bucket = futex_bucket_of(&waiter->key);
	}
	return err;
}

long futex_wait(vaddr_t address, bool shared, u32 expected, nsec_t deadline,
		bool realtime, u32 bitset)
{
	struct futex_waiter waiter;
	int err;

	if (!bitset) {
		return -EINVAL;
	}
	err = waiter_init(&waiter, address, shared, bitset);
	if (err) {
		return err;
	}
	err = enqueue(&waiter, address, expected);
	if (!err) {
		err = sleep_until_woken(&waiter, 1, deadline, realtime);
		sched_finish_wait();
		if (unqueue(&waiter)) {
			err = 0; // woken after all: a wake-up is never thrown away
		}
	}
	vm_futex_key_put(&waiter.key); // requeueing has exchanged it, with its reference
	return err;
}

/* The last of them that was woken, -1: none. None is in a bucket after that. */
static long unqueue_all(struct futex_waiter *waiters, unsigned count)
{
	long woken = -1;

	for (unsigned i = 0; i < count; i++) {
		if (unqueue(&waiters[i])) {
			woken = i;
		}
	}
	return woken;
}

static void put_keys(struct futex_waiter *waiters, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		vm_futex_key_put(&waiters[i].key);
	}
}

static int init_all(struct futex_waiter *waiters, const struct futex_word *words,
		    unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int err = waiter_init(&waiters[i], words[i].address, words[i].shared,
				      FUTEX_BITSET_MATCH_ANY);

		if (err) {
			put_keys(waiters, i);
			return err;
		}
	}
	return 0;
}

static long wait_any(struct futex_waiter *waiters, const struct futex_word *words,
		     unsigned count, nsec_t deadline, bool realtime)
{
	unsigned queued = 0;
	int err = 0;
	long woken;

	while (queued < count && !err) {
		err = enqueue(&waiters[queued], words[queued].address,
			      words[queued].expected);
		queued += !err;
	}
	if (!err) {
		err = sleep_until_woken(waiters, count, deadline, realtime);
		sched_finish_wait();
	}
	woken = unqueue_all(waiters, queued);
	return woken >= 0 ? woken : err; // a wake-up is never thrown away
}

long futex_wait_any(const struct futex_word *words, unsigned count, nsec_t deadline,
		    bool realtime)
{
	struct futex_waiter *waiters = heap_allocate_array(count, sizeof(*waiters));
	long result;

	if (!waiters) {
		return -ENOMEM;
	}
	result = init_all(waiters, words, count);
	if (!result) {
		result = wait_any(waiters, words, count, deadline, realtime);
		put_keys(waiters, count);
	}
	heap_free(waiters);
	return result;
}
