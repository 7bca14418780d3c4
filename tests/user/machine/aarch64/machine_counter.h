// SPDX-License-Identifier: MIT
/* The machine's counter, for tests/measure. The other architectures' folders have a header of the same name. */
#pragma once

#include <stdint.h>

/* Since reset, in nanoseconds. */
static inline uint64_t counter_nanoseconds(void)
{
	uint64_t ticks, per_second;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	__asm__("mrs %0, cntfrq_el0" : "=r"(per_second));
	return (uint64_t)((__uint128_t)ticks * 1000000000u / per_second);
}
