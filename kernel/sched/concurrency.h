// SPDX-License-Identifier: MIT
/*
 * Concurrency numbers: among the threads of a set that are on a CPU at one time, each has a number of its own, as small as can be.
 *
 * A thread has one from being switched in to being switched out; so numbers stay below the threads of the set and below
 * the CPUs. The set belongs to whoever the threads share memory through (vm_space); process/rseq.c tells programs.
 */
#pragma once

#include "lib/types.h"
#include <stdatomic.h>

struct sched_entity;

/* Zero is an empty set. It must outlive every thread that joined it, or that thread's leaving. */
struct concurrency_set {
	_Atomic u64 used; /* a: bit n: number n is somebody's */
};

/*
 * The running thread joins `set` (NULL: none) and leaves the one it is in. `work`: what is added to its return_work each
 * time it is switched in, and now. Any thread context.
 */
void sched_join_concurrency(struct concurrency_set *set, u32 work);
/* The same for one that has not been started. */
void sched_prepare_concurrency(struct sched_entity *entity, struct concurrency_set *set,
			       u32 work);
/* The running thread's number, if it is in a set; it may change whenever the thread can be preempted. */
u32 sched_concurrency_number(void);
