// SPDX-License-Identifier: MIT
/* For tests on the simulated machine: kernel threads to start and to wait for. */
#pragma once

#include "host/machine.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "unit.h"

static _Atomic unsigned machine_finished;

/* How many seeds an exploration tries; HEDDLE_SEEDS=n in the environment multiplies. */
static inline u64 machine_seeds(u64 usual)
{
	return usual * host_seed_factor();
}

static inline struct sched_entity *machine_start(void (*entry)(void *), u64 argument)
{
	struct sched_entity *thread = (void *)0;

	EXPECT_EQ(sched_kernel_thread("worker", entry, (void *)argument, &thread), 0);
	return thread;
}

/* The last thing a thread does. */
static inline void machine_finish(void)
{
	atomic_fetch_add(&machine_finished, 1);
}

static inline void machine_sleep(nsec_t length)
{
	EXPECT_EQ(sched_sleep_until(clock_monotonic() + length, THREAD_UNINTERRUPTIBLE),
		  0);
}

/* A lost wake-up shows as this loop running into the step limit. */
static inline void machine_wait_finished(unsigned count)
{
	while (atomic_load(&machine_finished) < count) {
		machine_sleep(100 * NSEC_PER_USEC);
	}
}
