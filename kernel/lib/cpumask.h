// SPDX-License-Identifier: MIT
/* Sets of CPUs (T11): testing a CPU number outside the mask is false, not undefined. */
#pragma once

#include "lib/bitmap.h"

#define MAX_CPUS 64

struct cpumask {
	DECLARE_BITMAP(bits, MAX_CPUS);
};

static inline bool cpumask_test(const struct cpumask *mask, size_t cpu)
{
	return bitmap_test(mask->bits, MAX_CPUS, cpu);
}

static inline void cpumask_set(struct cpumask *mask, size_t cpu)
{
	if (cpu < MAX_CPUS) {
		bitmap_set(mask->bits, cpu);
	}
}

static inline void cpumask_clear(struct cpumask *mask, size_t cpu)
{
	if (cpu < MAX_CPUS) {
		bitmap_clear(mask->bits, cpu);
	}
}

static inline void cpumask_fill(struct cpumask *mask, size_t count)
{
	bitmap_zero(mask->bits, MAX_CPUS);
	bitmap_fill(mask->bits, count < MAX_CPUS ? count : MAX_CPUS);
}

static inline bool cpumask_empty(const struct cpumask *mask)
{
	return bitmap_empty(mask->bits, MAX_CPUS);
}

static inline size_t cpumask_next(const struct cpumask *mask, size_t from)
{
	return bitmap_next_set(mask->bits, MAX_CPUS, from);
}

#define for_each_cpu(cpu, mask)                           \
	for (cpu = cpumask_next(mask, 0); cpu < MAX_CPUS; \
	     cpu = cpumask_next(mask, (size_t)(cpu) + 1))
