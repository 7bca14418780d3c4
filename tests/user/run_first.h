// SPDX-License-Identifier: MIT
/*
 * A watcher that runs as soon as it is woken, before who woke it goes on: on the same CPU, of a real-time priority. So it
 * sees what is not done yet, however slow the machine is. Where this is not allowed (EPERM) it may look late.
 */
#pragma once

#include "cpus.h"

/* The caller, until run_as_before(); not those it makes. */
static inline void run_first(cpu_set_t *before)
{
	struct sched_param priority = {.sched_priority = 1};
	unsigned cpu;

	CHECK_EQ(sched_getaffinity(0, sizeof(*before), before), 0);
	CHECK_EQ(list_cpus(&cpu, 1), 1);
	pin(0, cpu);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority)) {
		CHECK_EQ(errno, EPERM);
	}
}

static inline void run_as_before(const cpu_set_t *before)
{
	struct sched_param none = {0};

	CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &none), 0);
	CHECK_EQ(sched_setaffinity(0, sizeof(*before), before), 0);
}
