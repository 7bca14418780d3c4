// SPDX-License-Identifier: MIT
/* x86-64: device accesses are volatile and strongly ordered; only write-combining and the compiler need a fence. */
#pragma once

static inline void arch_device_barrier(void)
{
	__asm__ volatile("mfence" ::: "memory");
}
