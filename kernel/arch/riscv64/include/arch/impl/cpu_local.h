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

/* What one CPU wants of another: REQUEST_*. */
enum {
	REQUEST_PAGES = 1, /* forget the pages from `start` on, below `end`, of `asid` */
	REQUEST_EVERYTHING = 2, /* forget all translations */
	REQUEST_CODE = 4,       /* forget instructions */
	REQUEST_LEAVE = 8, /* leave the address space it has not left yet (tlb.c, L3) */
};

struct cpu_request {
	vaddr_t start, end;
	u16 asid;
	u32 wanted;
};

/* Filled by any CPU, emptied by the one it belongs to (mailbox.c). */
struct mailbox {
	atomic_flag lock;
	struct cpu_request request; /* under lock: all that is wanted, merged */
	u64 asked;                  /* under lock: how often something was put in */
	_Atomic u64 done;           /* so often has been served */
	_Atomic u64 sleepers;       /* CPUs that wait for `done` asleep, a bit each */
};

struct cpu_local {
	struct cpu_flags flags;
	u32 number;                /* never changes */
	u32 context;               /* never changes: of the PLIC */
	u64 hardware_id;           /* never changes after discovery: its hart */
	_Atomic bool online;       /* it reached C */
	_Atomic bool stopping;     /* IPI_STOP was sent */
	struct arch_vm *active_vm; /* this CPU only; NULL: a kernel thread runs */
	struct arch_vm *loaded_vm; /* this CPU only; in satp; NULL: the kernel's table */
	struct arch_vm *asid_user; /* this CPU only; who used ASID_SHARED last */
	u64 kernel_map_seen;       /* this CPU only: of kernel_map_changes */
	_Atomic u32
		reschedule_asked; /* what the software interrupt is for, if not the mailbox */
	struct mailbox mailbox;
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

/* mailbox.c. Interrupts off: put a request into the others' mailboxes; returns these CPUs, for cpus_await(). */
u64 cpus_ask(u64 cpus, const struct cpu_request *request);
/* Interrupts off. Returns when these CPUs have served all that was put in before. */
void cpus_await(u64 cpus);
/* tlb.c; interrupts off: what requests are about, on this CPU. */
void tlb_flush_here(u16 asid, vaddr_t start, vaddr_t end);
void tlb_leave_lazy(struct cpu_local *cpu);
