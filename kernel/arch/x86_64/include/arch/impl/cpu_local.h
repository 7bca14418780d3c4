// SPDX-License-Identifier: MIT
/*
 * What belongs to one CPU: found through gs while the kernel runs. The first members are read by
 * assembly and by the inline functions of arch/impl/cpu.h.
 */
#pragma once

#include "arch/impl/cpu_offsets.h"
#include "arch/x86_64/asm_offsets.h"
#include "lib/compiler.h"
#include "lib/cpumask.h"
#include "lib/types.h"
#include <stdatomic.h>

struct arch_thread;
struct arch_vm;

struct packed_ task_state {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
};

/* What the other CPUs want flushed here; tlb.c. */
struct flush_mailbox {
	atomic_flag lock;   /* leaf, interrupts off, held for a few instructions */
	bool leave;         /* load the kernel's table if nobody uses the loaded one */
	vaddr_t start, end; /* the union of what was asked for */
	u64 asked;          /* requests put in so far; under lock */
	_Atomic u64 done;   /* requests served so far */
};

/* Pages for the stacks of exceptions that need their own: 1 << this. */
enum { EMERGENCY_STACKS_ORDER = 3 };

struct cpu_local {
	struct cpu_local *self; /* never changes */
	u32 number;             /* never changes */
	u32 preempt;            /* this CPU only */
	u32 reschedule;         /* this CPU only */
	_Atomic u32 flush_pending;
	struct arch_thread *current;
	u64 kernel_stack;
	u64 user_stack;

	u64 hardware_id;           /* never changes after discovery: its APIC's */
	_Atomic bool online;       /* it reached C */
	_Atomic bool stopping;     /* IPI_STOP was sent: its NMI handler halts */
	struct arch_vm *active_vm; /* this CPU only; NULL: a kernel thread runs */
	struct arch_vm
		*loaded_vm; /* this CPU only; whose table it has; NULL: the kernel's */
	u64 flushes_seen;   /* this CPU only; of loaded_vm when it was last active */

	void *emergency_stacks; /* IST_COUNT of them */
	struct flush_mailbox flush;
	struct task_state tss aligned_(16);
	u64 gdt[16] aligned_(16);
} aligned_(CACHE_LINE);

STATIC_ASSERT(offsetof(struct cpu_local, self) == CPU_LOCAL_SELF);
STATIC_ASSERT(offsetof(struct cpu_local, number) == CPU_LOCAL_NUMBER);
STATIC_ASSERT(offsetof(struct cpu_local, preempt) == CPU_LOCAL_PREEMPT);
STATIC_ASSERT(offsetof(struct cpu_local, reschedule) == CPU_LOCAL_RESCHEDULE);
STATIC_ASSERT(offsetof(struct cpu_local, flush_pending) == CPU_LOCAL_FLUSH_PENDING);
STATIC_ASSERT(offsetof(struct cpu_local, current) == CPU_LOCAL_CURRENT);
STATIC_ASSERT(offsetof(struct cpu_local, kernel_stack) == CPU_LOCAL_KERNEL_STACK);
STATIC_ASSERT(offsetof(struct cpu_local, user_stack) == CPU_LOCAL_USER_STACK);

extern struct cpu_local cpu_locals[MAX_CPUS];

static inline struct cpu_local *cpu_local_current(void)
{
	struct cpu_local *cpu;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_LOCAL_SELF));
	return cpu;
}
