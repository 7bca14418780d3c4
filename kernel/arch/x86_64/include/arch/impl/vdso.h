// SPDX-License-Identifier: MIT
/* x86-64: what the vDSO is made of (arch/common/vdso/vdso.h). */
#pragma once

#include "lib/types.h"

#define VDSO(name) __vdso_##name

static inline long vdso_system_call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static inline u64 vdso_read_counter(void)
{
	u32 low, high;

	/* Nor the other way round. */
	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
	return (u64)high << 32 | low;
}
