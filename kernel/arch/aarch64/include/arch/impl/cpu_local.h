// SPDX-License-Identifier: MIT
/* What belongs to one CPU: found through its running thread (arch/impl/cpu.h), whose first members assembly knows. */
#pragma once

#include "arch/cpu.h"
#include "arch/impl/thread_offsets.h"
#include "arch/thread.h"
#include "lib/compiler.h"
#include "lib/cpumask.h"
#include "lib/types.h"
#include <stdatomic.h>

struct arch_vm;

/* Pages for the stack of a thread that has overflowed its own: 1 << this. */
enum { EMERGENCY_STACKS_ORDER = 0 };

struct cpu_local {
	struct cpu_flags flags;
	u32 number;                /* never changes */
	u64 hardware_id;           /* never changes after discovery: its affinity */
	_Atomic bool online;       /* it reached C */
	_Atomic bool stopping;     /* IPI_STOP was sent */
	struct arch_vm *active_vm; /* this CPU only; NULL: a kernel thread runs */
	struct arch_vm *loaded_vm; /* this CPU only; NULL: the empty table */
	struct arch_vm *asid_user; /* this CPU only; who used ASID_SHARED last */
	_Atomic u64 calls_asked;   /* arch_interrupt_others(): so often somebody wanted */
	_Atomic u64 calls_done;    /* … and so many have been noticed */
	struct arch_thread *first; /* its idle thread, until it has started */
	volatile u8 *redistributor; /* GICv3; never changes */
} aligned_(CACHE_LINE);

STATIC_ASSERT(offsetof(struct cpu_local, flags) == 0);
STATIC_ASSERT(offsetof(struct cpu_flags, emergency_top) == CPU_LOCAL_EMERGENCY_TOP);
STATIC_ASSERT(offsetof(struct arch_thread, cpu) == THREAD_CPU);
STATIC_ASSERT(offsetof(struct arch_thread, stack_top) == THREAD_STACK_TOP);
STATIC_ASSERT(offsetof(struct arch_thread, sve_live) == THREAD_SVE_LIVE);

extern struct cpu_local cpu_locals[MAX_CPUS];

/* Preemption off. */
static inline struct cpu_local *cpu_local_current(void)
{
	return arch_current()->cpu;
}
