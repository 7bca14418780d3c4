// SPDX-License-Identifier: MIT
/* The vDSO beyond the clock: getcpu, the instruction cache, and the thread block. The kernel alone knows them. */
#include "arch/common/vdso/vdso.h"
#include <asm/unistd.h>
#include <heddle/thread_block.h>

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_flush_icache(void *start, void *end, unsigned long flags);
struct heddle_thread_block *__heddle_thread_block(void);

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	return (int)vdso_system_call(__NR_getcpu, (long)cpu, (long)node, 0);
}

long __vdso_flush_icache(void *start, void *end, unsigned long flags)
{
	return vdso_system_call(__NR_riscv_flush_icache, (long)start, (long)end,
				(long)flags);
}

/* User mode has no register that only the kernel writes: only the kernel knows. */
struct heddle_thread_block *__heddle_thread_block(void)
{
	return (struct heddle_thread_block *)vdso_system_call(
		__NR_prctl, PR_HEDDLE_THREAD_BLOCK, 0, 0);
}
