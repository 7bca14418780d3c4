// SPDX-License-Identifier: MIT
/* For the programs that say on which CPU a thread runs. */
#pragma once

#include "test.h"

/* `tid`, 0 for the caller, runs on `cpu` and nowhere else from now on. */
static inline void pin(pid_t tid, unsigned cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_EQ(sched_setaffinity(tid, sizeof(one), &one), 0);
}

/* Up to `most` CPUs this process may use. */
static inline int list_cpus(unsigned *cpus, int most)
{
	cpu_set_t usable;
	int count = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < most; cpu++) {
		if (CPU_ISSET(cpu, &usable)) {
			cpus[count++] = cpu;
		}
	}
	return count;
}
