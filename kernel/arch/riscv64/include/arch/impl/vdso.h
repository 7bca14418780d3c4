// SPDX-License-Identifier: MIT
/* RISC-V: what the vDSO is made of (arch/common/vdso/vdso.h). */
#pragma once

#include "lib/types.h"

#define VDSO(name) __vdso_##name

static inline long vdso_system_call(long number, long a, long b, long c)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}

static inline u64 vdso_read_counter(void)
{
	u64 value;

	__asm__ volatile("fence r, i; rdtime %0; fence i, r" : "=r"(value)::"memory");
	return value;
}
