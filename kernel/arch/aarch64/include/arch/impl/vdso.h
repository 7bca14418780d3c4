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
	u64 value, zero;
	u32 word = 0;

	/* A load whose address needs the counter's value: what is read behind a fence comes behind it. */
	__asm__ volatile("isb; mrs %0, cntvct_el0; eor %1, %0, %0; ldr wzr, [%2, %1]"
			 : "=&r"(value), "=&r"(zero)
			 : "r"(&word), "m"(word)
			 : "memory");
	return value;
}
