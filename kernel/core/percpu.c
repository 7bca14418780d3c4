// SPDX-License-Identifier: MIT
/* How many CPUs there are. Written by boot before other CPUs run, read by all. */
#include "core/percpu.h"
#include "core/panic.h"

static unsigned count = 1;

unsigned cpu_count(void)
{
	return count;
}

void cpu_set_count(unsigned cpus)
{
	ASSERT(cpus >= 1 && cpus <= MAX_CPUS);
	count = cpus;
}
