// SPDX-License-Identifier: MIT
/* The machine's counter, for tests/measure. The other architectures' folders have a header of the same name. */
#pragma once

#include <stdint.h>

/* Since reset, in nanoseconds of a machine that counts instructions (-icount shift=0). */
static inline uint64_t counter_nanoseconds(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}
