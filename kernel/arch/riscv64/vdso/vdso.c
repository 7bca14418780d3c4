// SPDX-License-Identifier: MIT
/* The vDSO beyond the clock: getcpu, the instruction cache, and the thread block, which the kernel alone knows; and what the CPUs have. */
#include "arch/common/vdso/vdso.h"
#include <asm/unistd.h>
#include <heddle/thread_block.h>

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_flush_icache(void *start, void *end, unsigned long flags);
int __vdso_riscv_hwprobe(struct riscv_hwprobe *pairs, size_t count, size_t size,
			 unsigned long *cpus, unsigned flags);
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

/* All CPUs are alike, so that the kernel is asked only about sets of them. */
int __vdso_riscv_hwprobe(struct riscv_hwprobe *pairs, size_t count, size_t size,
			 unsigned long *cpus, unsigned flags)
{
	if (size != 0 || cpus != NULL || flags != 0) {
		return (int)vdso_system_call5(__NR_riscv_hwprobe, (long)pairs,
					      (long)count, (long)size, (long)cpus,
					      (long)flags);
	}
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].key >= 0 && pairs[i].key < PROBE_KEYS) {
			pairs[i].value = vdso_data.machine[pairs[i].key];
		} else {
			pairs[i] = (struct riscv_hwprobe){-1, 0};
		}
	}
	return 0;
}

/* User mode has no register that only the kernel writes: only the kernel knows. */
struct heddle_thread_block *__heddle_thread_block(void)
{
	return (struct heddle_thread_block *)vdso_system_call(
		__NR_prctl, PR_HEDDLE_THREAD_BLOCK, 0, 0);
}
