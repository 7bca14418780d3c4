// SPDX-License-Identifier: MIT
/*
 * Threads and processes: the control blocks.
 *
 * A thread (Linux: task) is one flow of control: one control block, allocated once, never moved, reference counted (T1).
 * A process (Linux: thread group) is what its threads share for good: pid, address space, handlers, limits, children.
 *
 * Legend: I immutable after publication · a atomic · o owner thread only · x while the process has one live thread
 *	   r thread.resource_lock · s process.signal_lock · t process_tree_lock (process.h)
 */
#pragma once

#include "core/refcount.h"
#include "core/spinlock.h"
#include "cred/credentials.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"
#include "process/signal/signal_state.h"
#include "sched/sched.h"
#include "sched/wait.h"

struct file_table;
struct fs_info;
struct namespace_set;
struct pid;
struct process;
struct semaphore_undo;
struct trap_frame;
struct vm_space;

struct thread {
	struct sched_entity sched; /* must be first */

	struct refcount references;
	struct process *process;   /* I; a reference */
	struct pid *pid;	   /* I; this thread's number(s) */
	struct list process_link;  /* s: process.threads */
	char name[16];		   /* comm (T4); name_lock is resource_lock */

	/* Slots (resources.h). Written by the owner under resource_lock; NULL once it has exited. */
	struct spinlock resource_lock;
	struct file_table *files;
	struct fs_info *fs;
	struct namespace_set *namespaces;
	struct semaphore_undo *undo;
	struct credentials *credentials; /* kept until reap */

	struct thread_signals signals;	/* s */
	vaddr_t alternate_stack;	/* o */
	u64 alternate_stack_size;
	u32 alternate_stack_flags;

	vaddr_t clear_tid;		/* o: CLONE_CHILD_CLEARTID, set_tid_address */
	vaddr_t robust_list;		/* o: get_robust_list reads it */
	u64 robust_list_size;
	vaddr_t rseq;			/* o */
	u32 rseq_length, rseq_signature;
	struct completion *vfork_done;	/* o: whom to tell when the address space is given up */

	int exit_status;		/* o, then t: wait status word */
	int exit_signal;		/* I: CLONE's low byte; -1 for threads of a group */
	int parent_death_signal;	/* o */
	u64 start_time;			/* I: CLOCK_BOOTTIME ns */
	u64 timer_slack_ns;		/* o */
	bool exiting;			/* s */
	struct list deferred_work;	/* o: run on return to user mode and at exit */
	/* restart_syscall: what to run again */
	s64 (*restart)(struct thread *thread);
	u64 restart_data[6];
};

static inline struct thread *thread_from_entity(struct sched_entity *entity)
{
	return (struct thread *)entity;
}
void thread_get(struct thread *thread);
void thread_put(struct thread *thread); /* any context but with preemption on; frees through the heap */
pid_nr thread_number(const struct thread *thread); /* in the reader's pid namespace: of the running thread */
