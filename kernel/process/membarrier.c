// SPDX-License-Identifier: MIT
/*
 * membarrier(2) (F3).
 *
 * The fast side stores x and loads y with nothing in between but the order of its instructions; the slow side stores y, calls here,
 * and loads x. Not both may miss the other's store. We look at each CPU's current thread under its run queue's lock, interrupt
 * those that are meant, and wait until they have been.
 *
 *   fast (CPU c)                    slow
 *     x = 1                           y = 1
 *     load y                          lock c's queue; its current thread?    (1)
 *                                     meant: interrupt c, wait               (2)
 *                                     load x
 *
 *   B1  c is interrupted at (2): what it did before is visible when the wait ends, what it does after sees y.
 *   B2  c is not, as the thread has left it or not come yet: it took the queue's lock to do so. Before (1): its x is
 *	 visible behind (1). After (1): it sees y. Both, x before and the load after: either will do.
 *   B3  A thread's address space changes under that lock too (sched_use_vm()), so (1) never follows a stale pointer.
 *   B4  RETURN_RSEQ is set at (1), before the interrupt: on its way back the thread leaves its section. One that comes to c
 *	 after (1) was switched in, and has left it by that.
 *   B5  Registering for the global barrier: the mark is set before anything the thread does later, and looked for
 *	 after y is stored (full fences on both sides): if it is missed, the thread sees y.
 *
 * Interrupts go only to CPUs whose current thread is meant. Models: tests/model/membarrier_model.c; of B5 register_model.c.
 */
#include "process/membarrier.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/smp.h"
#include "core/preempt.h"
#include "lib/cpumask.h"
#include "lib/errno.h"
#include "process/current.h"
#include "process/process.h"
#include "vm/vm_space.h"
#include <linux/membarrier.h>

enum {
	REGISTRATIONS = MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
	COMMANDS = REGISTRATIONS | MEMBARRIER_CMD_GLOBAL |
		   MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		   MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
		   MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ |
		   MEMBARRIER_CMD_GET_REGISTRATIONS,
};

typedef bool (*is_meant)(struct sched_entity *running, void *vm);

static bool every_program(struct sched_entity *running, void *vm)
{
	return true;
}

static bool registered_program(struct sched_entity *running, void *vm)
{
	struct vm_space *its = container_of(running->vm, struct vm_space, arch);

	return atomic_load(&its->barriers) & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
}

static bool same_memory(struct sched_entity *running, void *vm)
{
	return running->vm == &((struct vm_space *)vm)->arch;
}

static bool same_memory_restarts(struct sched_entity *running, void *vm)
{
	if (!same_memory(running, vm)) {
		return false;
	}
	atomic_fetch_or(&running->return_work, READ_ONCE(running->switch_work));
	return true;
}

/* Of the CPUs `among`. We stay on ours: no other thread runs here meanwhile. */
static long barrier(u64 among, is_meant meant, struct vm_space *vm)
{
	preempt_disable();
	/* B5. order.membarrier: pairs with register_for() */
	atomic_thread_fence(memory_order_seq_cst);
	arch_interrupt_others(sched_running_on(among, meant, vm));
	atomic_thread_fence(memory_order_seq_cst);
	preempt_enable();
	return 0;
}

static long register_for(struct vm_space *vm, int command)
{
	atomic_fetch_or(&vm->barriers, (u32)command);
	/* B5. order.membarrier: pairs with barrier() */
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}

/* As Linux tells it: whoever registered for a special kind has registered for the plain one, though it may not use that. */
static long registrations(struct vm_space *vm)
{
	u32 mask = atomic_load(&vm->barriers);

	if (mask & (MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
		    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)) {
		mask |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	}
	return mask;
}

/* Nobody else is in this memory, and who was has left it behind what we read here. order.alone: pairs with leave_vm() and vm_leave() */
static bool is_alone(struct process *process)
{
	return atomic_load(&process->live_threads) == 1 &&
	       atomic_load(&process->vm->users) == 1;
}

/* Each private command's registration is the next bit. */
static long private_barrier(struct process *process, int command, u64 among)
{
	struct vm_space *vm = process->vm;

	if (!(atomic_load(&vm->barriers) & (u32)command << 1)) {
		return -EPERM;
	}
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) {
		barrier(among, same_memory, vm);
		arch_vm_sync_core(&vm->arch);
		return 0;
	}
	if (is_alone(process)) {
		return 0;
	}
	return barrier(among,
		       command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ
			       ? same_memory_restarts
			       : same_memory,
		       vm);
}

/* A CPU that is not there runs nothing; a negative number stands for all. */
static u64 chosen_cpus(u32 flags, int cpu)
{
	if (!(flags & MEMBARRIER_CMD_FLAG_CPU) || cpu < 0) {
		return ~0UL;
	}
	return cpu < MAX_CPUS ? 1UL << cpu : 0;
}

long membarrier(int command, u32 flags, int cpu)
{
	struct process *process = current_process();

	if (flags && !(command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ &&
		       flags == MEMBARRIER_CMD_FLAG_CPU)) {
		return -EINVAL;
	}
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
		return barrier(~0UL, every_program, NULL);
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier(~0UL, registered_program, NULL);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return register_for(process->vm, command);
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return registrations(process->vm);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return private_barrier(process, command, chosen_cpus(flags, cpu));
	}
	return -EINVAL;
}
