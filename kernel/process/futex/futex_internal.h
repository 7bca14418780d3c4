// SPDX-License-Identifier: MIT
/* Between the files of futex/. */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "process/futex/futex.h"
#include "vm/vm_space.h"

struct sched_entity;

struct futex_bucket {
	struct spinlock lock; /* RANK_FUTEX_BUCKET */
	struct list waiters;
};

/* One thread waiting on one word; on its stack. */
struct futex_waiter {
	struct list link; /* bucket.waiters; empty: woken */
	struct futex_bucket
		*bucket; /* changes under the locks of the old and the new one */
	struct vm_futex_key key;
	u32 bitset;
	u8 priority; /* real-time, of the thread when it came; 0: none */
	struct sched_entity *thread;
};

/* Behind those as urgent as it is: the real-time ones by priority, then all others as they came. The bucket's lock is held. */
void futex_add_waiter(struct futex_bucket *bucket, struct futex_waiter *waiter);
struct futex_bucket *futex_bucket_of(const struct vm_futex_key *key);
bool futex_key_equal(const struct vm_futex_key *a, const struct vm_futex_key *b);
/* The word, and the lock of its bucket held: 0; or an errno, nothing held. Faults the page in as often as needed. */
int futex_lock_and_load(struct futex_bucket *bucket, vaddr_t address,
			u32 *value) must_check TRY_ACQUIRES(0, &bucket->lock);
/* The key of a word of the running thread, checked: -EINVAL (not aligned), -EFAULT. */
int futex_key(vaddr_t address, bool shared, struct vm_futex_key *out) must_check;
/* Wake one waiter: unlinks it. The bucket's lock is held, which is what keeps its thread from returning. */
void futex_wake_waiter(struct futex_waiter *waiter);
/* Bring the word's page in, writable, with nothing held. 0, -EFAULT. */
int futex_fault_in_writable(vaddr_t address) must_check;
