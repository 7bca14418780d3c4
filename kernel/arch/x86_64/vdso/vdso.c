// SPDX-License-Identifier: MIT
/* The vDSO beyond the clock: time, getcpu, and the thread block. */
#include "arch/common/vdso/vdso.h"
#include "arch/x86_64/asm_offsets.h"
#include <asm/unistd.h>
#include <heddle/thread_block.h>
#include <linux/time_types.h>

__kernel_old_time_t __vdso_time(__kernel_old_time_t *to);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
struct heddle_thread_block *__heddle_thread_block(void);

__kernel_old_time_t __vdso_time(__kernel_old_time_t *to)
{
	__kernel_old_time_t seconds;
	u64 ns;

	if (!vdso_read_clock(true, &ns)) {
		return vdso_system_call(__NR_time, (long)to, 0, 0);
	}
	seconds = (__kernel_old_time_t)(ns / (u64)NSEC_PER_SEC);
	if (to != NULL) {
		*to = seconds;
	}
	return seconds;
}

/* The limit of a segment that each CPU's descriptor table has for this purpose alone. */
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	unsigned number;

	__asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(GETCPU_SELECTOR));
	if (cpu != NULL) {
		*cpu = number;
	}
	if (node != NULL) {
		*node = 0;
	}
	return 0;
}

/* What gs base holds may be the program's own: only the kernel knows. */
struct heddle_thread_block *__heddle_thread_block(void)
{
	return (struct heddle_thread_block *)vdso_system_call(
		__NR_prctl, PR_HEDDLE_THREAD_BLOCK, 0, 0);
}
