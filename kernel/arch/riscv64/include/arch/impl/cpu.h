// SPDX-License-Identifier: MIT
/*
 * RISC-V: in the kernel tp holds the running thread's context, and that knows its CPU: reading the register is one instruction, so a
 * preemption in between does no harm. The preemption count is the thread's.
 */
#pragma once

#include "arch/impl/thread.h"
#include "lib/types.h"

/* The members that are looked at from here on; arch/impl/cpu_local.h has the rest. */
struct cpu_flags {
	void *emergency_top; /* of the stack for a thread that has overflowed its own */
	u32 reschedule;      /* this CPU only */
	u32 call_pending;    /* another CPU waits for this one to notice something */
};

static inline struct arch_thread *arch_current(void)
{
	struct arch_thread *thread;

	/* Volatile: arch_thread_adopt() changes it. */
	__asm__ volatile("mv %0, tp" : "=r"(thread));
	return thread;
}

static inline volatile struct cpu_flags *cpu_flags_here(void)
{
	return *(volatile struct cpu_flags *volatile *)&arch_current()->cpu;
}

static inline unsigned arch_cpu_number(void)
{
	return *(volatile u32 *)&arch_current()->cpu_number;
}

/* Serve what other CPUs ask for: they wait for us, perhaps holding the lock that we spin for. */
void cpu_call_poll(void);

/*
 * A division takes its time. `pause` would say more to the CPU, but an emulator leaves its translated code there, and takes a lock that all its CPUs
 * share where an interrupt is pending.
 */
static inline void cpu_pause(void)
{
	u64 unused;

	__asm__ volatile("div %0, %0, zero" : "=r"(unused)::"memory");
}

static inline void arch_cpu_relax(void)
{
	cpu_pause();
	if (__builtin_expect(cpu_flags_here()->call_pending != 0, 0)) {
		cpu_call_poll();
	}
}

static inline u32 arch_preempt_count(void)
{
	return *(volatile u32 *)&arch_current()->preempt;
}

static inline void arch_preempt_add(s32 delta)
{
	*(volatile u32 *)&arch_current()->preempt += (u32)delta;
}

static inline bool arch_need_reschedule(void)
{
	return cpu_flags_here()->reschedule != 0;
}

static inline void arch_set_need_reschedule(bool due)
{
	cpu_flags_here()->reschedule = due;
}
