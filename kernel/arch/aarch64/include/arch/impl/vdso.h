// SPDX-License-Identifier: MIT
/* AArch64: what the vDSO is made of (arch/common/vdso/vdso.h). */
#pragma once

#include "lib/types.h"

#define VDSO(name) __kernel_##name

static inline long vdso_system_call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}

static inline u64 vdso_read_counter(void)
{
	u64 value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
	return value;
}
