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
	u32 context;               /* never changes: of the PLIC */
	u64 hardware_id;           /* never changes after discovery: its hart */
	_Atomic bool online;       /* it reached C */
	_Atomic bool stopping;     /* IPI_STOP was sent */
	struct arch_vm *active_vm; /* this CPU only; NULL: a kernel thread runs */
	struct arch_vm *asid_user; /* this CPU only; who used ASID_SHARED last */
	u64 kernel_map_seen;       /* this CPU only: of kernel_map_changes */
	_Atomic u64 calls_asked;   /* arch_interrupt_others(): so often somebody wanted */
	_Atomic u64 calls_done;    /* … and so many have been noticed */
	_Atomic u32
		reschedule_asked; /* what the software interrupt is for, if not that */
} aligned_(CACHE_LINE);

STATIC_ASSERT(offsetof(struct cpu_local, flags) == 0);
STATIC_ASSERT(offsetof(struct cpu_flags, emergency_top) == CPU_LOCAL_EMERGENCY_TOP);
STATIC_ASSERT(offsetof(struct arch_thread, cpu) == THREAD_CPU);
STATIC_ASSERT(offsetof(struct arch_thread, stack_top) == THREAD_STACK_TOP);
STATIC_ASSERT(offsetof(struct arch_thread, stack_limit) == THREAD_STACK_LIMIT);
STATIC_ASSERT(offsetof(struct arch_thread, user_sp) == THREAD_USER_SP);

extern struct cpu_local cpu_locals[MAX_CPUS];

/* Preemption off. */
static inline struct cpu_local *cpu_local_current(void)
{
	return arch_current()->cpu;
}
