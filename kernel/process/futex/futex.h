// SPDX-License-Identifier: MIT
/*
 * Futexes (F1, F2): sleeping on a word of user memory.
 *
 * What a word is, wherever it is mapped, comes from vm_futex_key_get(). Waiters hang in a hash table of buckets, each with
 * a spinlock; the word is read, compared and the waiter enqueued under that lock, and a waker takes it after it has changed
 * the word: so no wake-up is lost.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct thread;
struct vm_space;

void futex_init(void);
/* Wake up to `count` waiters on a word that may be private or shared (clear_tid, robust lists). */
void futex_wake_address(struct vm_space *vm, vaddr_t address, int count);

/* thread.futex_state */
enum futex_state {
	FUTEX_HOLDS,   /* it may hold words with priority inheritance */
	FUTEX_LEAVING, /* it leaves them behind: a matter of a moment */
	FUTEX_GONE,
};
/*
 * The running thread leaves its program (exit, execve): who waits for what it holds is told of its death, by its robust list and by what
 * the kernel knows of its words with priority inheritance. The list is forgotten. Before its memory goes.
 */
void futex_farewell(void);
/* It is another program's now (execve). */
void futex_begin_anew(void);

/* FUTEX_LOCK_PI, LOCK_PI2: CLOCK_MONOTONIC or, `realtime`, CLOCK_REALTIME; -EDEADLK, -ESRCH, -EINVAL as in futex(2). */
long futex_lock_inherit(vaddr_t address, bool shared, nsec_t deadline, bool realtime);
long futex_try_lock_inherit(vaddr_t address, bool shared); /* -EAGAIN: it is taken */
long futex_unlock_inherit(vaddr_t address, bool shared);   /* -EPERM: not one's own */

long futex_wait(vaddr_t address, bool shared, u32 expected, nsec_t deadline,
		bool realtime, u32 bitset);
/* futex_waitv(2): wait until any of them is woken; which one. -EAGAIN: one has another value. */
struct futex_word {
	vaddr_t address;
	u32 expected;
	bool shared;
};
long futex_wait_any(const struct futex_word *words, unsigned count, nsec_t deadline,
		    bool realtime);
long futex_wake(vaddr_t address, bool shared, int count, u32 bitset);
struct futex_requeue {
	vaddr_t from, to;
	bool shared;
	int wake_count, requeue_count;
	bool compare;
	u32 expected;
};
long futex_requeue(const struct futex_requeue *request);
/* FUTEX_WAIT_REQUEUE_PI: wait at `address`, to be moved to `target` and to own it. */
struct futex_wait_request {
	vaddr_t address, target;
	bool shared;
	u32 expected;
	nsec_t deadline;
	bool realtime;
};
long futex_wait_requeue_inherit(const struct futex_wait_request *request);
/* FUTEX_CMP_REQUEUE_PI. */
long futex_requeue_inherit(const struct futex_requeue *request);
long futex_wake_operation(vaddr_t address, vaddr_t address2, bool shared, int wake1,
			  int wake2, u32 operation);
