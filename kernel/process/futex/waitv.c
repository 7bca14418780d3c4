// SPDX-License-Identifier: MIT
/* futex_waitv(2): one thread as the waiter of several words. */
#include "process/futex/futex_internal.h"

#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/sched.h"
#include <linux/futex.h>

/* The last of them that was woken, -1: none. None is in a bucket after that. */
static long unqueue_all(struct futex_waiter *waiters, unsigned count)
{
	long woken = -1;

	for (unsigned i = 0; i < count; i++) {
		if (futex_unqueue(&waiters[i])) {
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
		int err = futex_waiter_init(&waiters[i], words[i].address,
					    words[i].shared, FUTEX_BITSET_MATCH_ANY);

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
		err = futex_enqueue(&waiters[queued], words[queued].address,
				    words[queued].expected);
		queued += !err;
	}
	if (!err) {
		err = futex_sleep(waiters, count, deadline, realtime);
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
