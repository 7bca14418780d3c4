// SPDX-License-Identifier: MIT
/*
 * Locks that sleep. Thread context, no spinlock held. FIFO hand-over is not promised;
 * starvation is bounded by hand-off after a failed wake-up.
 */
#pragma once

#include "core/lock_rank.h"
#include "lib/compiler.h"
#include "sched/wait.h"

struct CAPABILITY("mutex") mutex {
	_Atomic uintptr_t owner; /* struct sched_entity *, and flags: mutex.c */
	struct wait_queue waiters;
	u16 rank;
	const char *name;
};

void mutex_init(struct mutex *mutex, enum lock_rank rank, const char *name);
void mutex_lock(struct mutex *mutex) ACQUIRES(mutex);
/* -ERESTART if a signal (a fatal one) comes first. */
int mutex_lock_interruptible(struct mutex *mutex) must_check TRY_ACQUIRES(0, mutex);
int mutex_lock_killable(struct mutex *mutex) must_check TRY_ACQUIRES(0, mutex);
bool mutex_try_lock(struct mutex *mutex) must_check TRY_ACQUIRES(true, mutex);
void mutex_unlock(struct mutex *mutex) RELEASES(mutex);
/* A second mutex of the same rank, ordered by the rule named at the call. */
void mutex_lock_nested(struct mutex *mutex) ACQUIRES(mutex);
void mutex_lock_pair(struct mutex *a,
		     struct mutex *b) NO_THREAD_SAFETY; /* by address; a == b once */
void mutex_unlock_pair(struct mutex *a, struct mutex *b) NO_THREAD_SAFETY;
/*
 * Sleep on `queue`, as one waits for what `mutex` guards: the mutex is dropped once the
 * running thread is linked, and held again at return. Interruptible. 0: look again;
 * -ERESTART: a signal waits; -ETIMEDOUT: `deadline` (CLOCK_MONOTONIC, NSEC_NEVER: none)
 * had passed at entry.
 */
int mutex_sleep(struct mutex *mutex, struct wait_queue *queue, nsec_t deadline) must_check
	MUST_HOLD(mutex);
/* The same until a point of CLOCK_REALTIME, which it follows when the clock is set. */
int mutex_sleep_realtime(struct mutex *mutex, struct wait_queue *queue,
			 nsec_t when) must_check MUST_HOLD(mutex);
void mutex_assert_held(struct mutex *mutex) ASSERTS_HELD(mutex);
