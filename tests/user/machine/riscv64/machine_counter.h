// SPDX-License-Identifier: MIT
/* The machine's counter, for tests/measure. The other architectures' folders have a header of the same name. */
#pragma once

#include <stdint.h>

#define TICK_NANOSECONDS 100 /* `virt` counts 10 million times a second */

/* Since reset, in nanoseconds. */
static inline uint64_t counter_nanoseconds(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks)::"memory");
	return ticks * TICK_NANOSECONDS;
}
