// SPDX-License-Identifier: MIT
/*
 * Between the files of futex/.
 *
 *	hash.c			the buckets: who waits for which word
 *	futex.c			WAIT, WAKE, and the waiters
 *	waitv.c			one waiter on several words
 *	requeue.c		REQUEUE, WAKE_OP
 *	inherit.c		words with priority inheritance: LOCK_PI, TRYLOCK_PI
 *	hand_over.c		UNLOCK_PI, and who inherits
 *	requeue_inherit.c	WAIT_REQUEUE_PI, CMP_REQUEUE_PI
 *	robust.c, farewell.c	what the end of a thread does to the words it holds
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "process/futex/futex.h"
#include "sched/debt.h"
#include "vm/vm_space.h"

struct futex_moved_waiter;
struct sched_entity;
struct thread;

struct futex_bucket {
	struct spinlock lock; /* RANK_FUTEX_BUCKET */
	u32 generation;       /* I: of its table */
	bool moved;           /* lock: what belongs here is in a larger table */
	u32 count;            /* lock: of what is in the two lists */
	struct list waiters;  /* lock: futex_waiter.link */
	struct list inherits; /* lock: futex_inherit.link */
};

/* One thread waiting on one word; on its stack. */
struct futex_waiter {
	struct list link; /* bucket.waiters; empty: woken, or not queued */
	struct futex_bucket
		*bucket; /* changes under the locks of the old and the new one */
	struct vm_futex_key key;
	u32 bitset;
	u8 priority; /* real-time, of the thread when it came; 0: none */
	struct sched_entity *thread;
	struct futex_moved_waiter *moved; /* WAIT_REQUEUE_PI; NULL: WAIT */
};

/* ---- hash.c ---- */
/* The bucket of a word, locked. */
struct futex_bucket *futex_lock_bucket(const struct vm_futex_key *key) NO_THREAD_SAFETY;
static inline void futex_unlock_bucket(struct futex_bucket *bucket) NO_THREAD_SAFETY
{
	spin_unlock(&bucket->lock);
}
/* Those of two words, which may be the same one. */
struct futex_pair {
	struct vm_futex_key key1, key2;
	struct futex_bucket *bucket1, *bucket2;
};
void futex_lock_pair(struct futex_pair *pair) NO_THREAD_SAFETY;
void futex_unlock_pair(struct futex_pair *pair) NO_THREAD_SAFETY;
/* Behind those as urgent as it is: the real-time ones by priority, then all others as they came. Locked. */
void futex_add_waiter(struct futex_bucket *bucket, struct futex_waiter *waiter);
void futex_remove_waiter(struct futex_waiter *waiter);
/* Locked: is it time for futex_make_room(), with nothing held? */
bool futex_is_crowded(const struct futex_bucket *bucket);
void futex_make_room(const struct vm_futex_key *key);

/* ---- futex.c ---- */
bool futex_key_equal(const struct vm_futex_key *a, const struct vm_futex_key *b);
/* The key of a word of the running thread, checked: -EINVAL (not aligned), -EFAULT. */
int futex_key(vaddr_t address, bool shared, struct vm_futex_key *out) must_check;
/* Those of two words. */
int futex_pair_get(struct futex_pair *pair, vaddr_t address1, vaddr_t address2,
		   bool shared) must_check;
void futex_pair_put(struct futex_pair *pair);
/* The word, and its bucket locked: 0; or an errno, nothing held. Faults the page in as often as needed. */
int futex_lock_and_load(const struct vm_futex_key *key, vaddr_t address, u32 *value,
			struct futex_bucket **bucket) must_check NO_THREAD_SAFETY;
/* The same with both buckets locked; `address` is of either. */
int futex_lock_pair_and_load(struct futex_pair *pair, vaddr_t address,
			     u32 *value) must_check NO_THREAD_SAFETY;
/* Wake one waiter: unlinks it. The bucket's lock is held, which is what keeps its thread from returning. */
void futex_wake_waiter(struct futex_waiter *waiter);
/* Bring the word's page in, writable, with nothing held. 0, -EFAULT. */
int futex_fault_in_writable(vaddr_t address) must_check;
/* A waiter of the running thread, in no bucket, with a reference on its key. */
int futex_waiter_init(struct futex_waiter *waiter, vaddr_t address, bool shared,
		      u32 bitset) must_check;
/* Compare and enqueue in one step. 0: in the bucket; -EAGAIN: the word has another value. */
int futex_enqueue(struct futex_waiter *waiter, vaddr_t address, u32 expected) must_check;
/* Until one of them is woken: 0, -ERESTART, -ETIMEDOUT. The wait ends in sched_finish_wait(). */
int futex_sleep(struct futex_waiter *waiters, unsigned count, nsec_t deadline,
		bool realtime) must_check;
/* Take ourselves out of whatever bucket we are in. true: a waker had done so. */
bool futex_unqueue(struct futex_waiter *waiter);
/* Block once, after sched_prepare_wait() and a look that found nothing. 0: look again; -ERESTART, -ETIMEDOUT. */
int futex_sleep_once(nsec_t deadline, bool realtime) must_check;

/* ---- inherit.c ---- */

/*
 * A word with priority inheritance that threads wait for. The first waiter makes it, the last one's leaving ends it. One reference is
 * the bucket's, others keep it from being freed; the last put may sleep.
 */
struct futex_inherit {
	struct sched_debt debt; /* the owner's */
	struct refcount references;
	struct vm_futex_key
		key;      /* I; a reference, on the address space of a private one too */
	struct list link; /* bucket lock: bucket.inherits */
	u32 users; /* bucket lock: who waits, and an owner who has yet to claim the word */
	struct thread
		*owner; /* bucket lock; stays: it passes the word on before it ends */
	bool unclaimed; /* bucket lock: the owner before has died, the word does not name this one */
};

/* One thread waiting for such a word, on its stack. */
struct futex_inherit_waiter {
	struct sched_loan loan;
	struct futex_inherit
		*inherit; /* bucket lock: what it waits for, or is to claim */
	bool granted;     /* bucket lock: the word is its thread's */
	bool claims;      /* bucket lock: it must put its number into the word */
};

/* Somebody is to have such a word. Zeroed but for the first group. */
struct futex_attempt {
	struct thread *thread;               /* who; stays */
	struct futex_inherit_waiter *waiter; /* as which it waits */
	bool only_tries;                     /* it does not wait */
	u32 bits;                            /* FUTEX_WAITERS: in any case */

	u32 owner_number; /* in the word, and looked up: */
	bool owner_known;
	struct thread *owner; /* a reference; NULL: nobody */
	struct futex_inherit *spare;
	struct sched_entity *affected; /* sched_follow() is due */
};
enum futex_outcome {
	FUTEX_TAKEN,
	FUTEX_WAITS,
	/* not settled: futex_attempt_prepare(), and again */
	FUTEX_AGAIN,
	FUTEX_UNKNOWN_OWNER,
	FUTEX_NOT_WRITABLE,
	FUTEX_OWNER_LEAVES,
};
/* A WAIT_REQUEUE_PI; on the thread's stack. */
struct futex_moved_waiter {
	struct futex_inherit_waiter inherits;
	struct futex_waiter *waiter;       /* I: of the first word */
	const struct vm_futex_key *target; /* I: of the word it waits to be moved to */
	bool is_moved; /* both buckets' locks: it waits for the target */
};

/* The thread's number, as the running thread has it. */
u32 futex_number_of(const struct thread *thread);
/* The word: 0; FUTEX_AGAIN: it has another value; FUTEX_NOT_WRITABLE: not now. */
int futex_exchange(vaddr_t address, u32 from, u32 to) must_check;
/* Locked. */
struct futex_inherit *futex_find_inherit(struct futex_bucket *bucket,
					 const struct vm_futex_key *key);
bool futex_has_plain_waiters(struct futex_bucket *bucket, const struct vm_futex_key *key);
/* An enum futex_outcome or an errno. The bucket is locked, and `value` is what the word has. */
int futex_attempt_locked(struct futex_attempt *attempt, struct futex_bucket *bucket,
			 const struct vm_futex_key *key, vaddr_t address,
			 u32 value) must_check;
/* With nothing held: do what keeps the attempt from being settled. 0: try again. */
int futex_attempt_prepare(struct futex_attempt *attempt, int outcome,
			  vaddr_t address) must_check;
void futex_attempt_end(struct futex_attempt *attempt);
/* Until it is granted: 0, -ERESTART, -ETIMEDOUT; -EDEADLK. What the thread lends stays lent. Then sched_finish_wait(). */
int futex_wait_turn(struct futex_inherit_waiter *waiter, const struct vm_futex_key *key,
		    nsec_t deadline, bool realtime) must_check;
/* Locked, in `bucket`: one user less. To be put, with nothing held: futex_inherit_put(). */
struct futex_inherit *futex_inherit_leave(struct futex_bucket *bucket,
					  struct futex_inherit *inherit) must_check;
void futex_inherit_put(struct futex_inherit *inherit); /* NULL is nothing */
/* Locked: does anybody wait for this word by priority inheritance? */
bool futex_is_inherited(struct futex_bucket *bucket, const struct vm_futex_key *key);
/* The key of one that is linked in a bucket by `link`. */
const struct vm_futex_key *futex_inherit_key(const struct list *link);

/* ---- hand_over.c ---- */

/* The owner before has died, or this one could not do it: put the running thread's number into the word, or pass it on. -EFAULT. */
int futex_claim(struct futex_inherit_waiter *waiter, const struct vm_futex_key *key,
		vaddr_t address) must_check;
/* The running thread ends: what it holds goes to those who wait, who claim it. */
void futex_pass_on_all(void);
/* ---- robust.c, farewell.c ---- */

/* The owner's death told to everybody on the running thread's robust list; the list is forgotten. */
void futex_walk_robust_list(void);
void futex_farewell_init(void);

/* The thread that is about to leave its words behind has done so: 0; -ERESTART_ALWAYS. */
int futex_wait_for_farewell(struct thread *thread) must_check;
