// SPDX-License-Identifier: MIT
/*
 * x86-64: the gs segment's base is this CPU's struct cpu_local (arch/impl/cpu_local.h) whenever the kernel runs.
 * Each access below is one instruction, so that a preemption can not come between finding the CPU and using it.
 */
#pragma once

#include "arch/impl/cpu_offsets.h"
#include "lib/types.h"

#define CPU_LOCAL_READ(type, offset)                      \
	({                                                \
		type cpu_local_value_;                    \
		__asm__ volatile("mov %%gs:%c1, %0"       \
				 : "=r"(cpu_local_value_) \
				 : "i"(offset));          \
		cpu_local_value_;                         \
	})

static inline struct arch_thread *arch_current(void)
{
	return CPU_LOCAL_READ(struct arch_thread *, CPU_LOCAL_CURRENT);
}

static inline unsigned arch_cpu_number(void)
{
	return CPU_LOCAL_READ(u32, CPU_LOCAL_NUMBER);
}

/* Serve TLB flushes that other CPUs ask for: they wait for us, perhaps holding the lock that we spin for. */
void cpu_flush_poll(void);

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
	if (__builtin_expect(CPU_LOCAL_READ(u32, CPU_LOCAL_FLUSH_PENDING) != 0, 0)) {
		cpu_flush_poll();
	}
}

static inline u32 arch_preempt_count(void)
{
	return CPU_LOCAL_READ(u32, CPU_LOCAL_PREEMPT);
}

static inline void arch_preempt_add(s32 delta)
{
	__asm__ volatile("addl %0, %%gs:%c1" ::"er"(delta), "i"(CPU_LOCAL_PREEMPT)
			 : "memory", "cc");
}

static inline bool arch_need_reschedule(void)
{
	return CPU_LOCAL_READ(u32, CPU_LOCAL_RESCHEDULE) != 0;
}

static inline void arch_set_need_reschedule(bool due)
{
	__asm__ volatile("movl %0, %%gs:%c1" ::"r"((u32)due), "i"(CPU_LOCAL_RESCHEDULE)
			 : "memory");
}
