// SPDX-License-Identifier: MIT
/* RISC-V: what the vDSO is made of (arch/common/vdso/vdso.h). */
#pragma once

#include "lib/types.h"
#include <asm/hwprobe.h>

/* Of riscv_hwprobe(2), from 0 on: the kernel knows these, and their values are the data page's words. */
enum { PROBE_KEYS = RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF + 1 };

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

static inline long vdso_system_call5(long number, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory");
	return a0;
}

static inline u64 vdso_read_counter(void)
{
	u64 value;

	__asm__ volatile("fence r, i; rdtime %0; fence i, r" : "=r"(value)::"memory");
	return value;
}
