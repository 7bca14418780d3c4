// SPDX-License-Identifier: MIT
/*
 * The scheduler's part of a thread, embedded by value as the first member of struct thread.
 *
 * T2: one state word. Transitions (sched/state.c checks each):
 *	CREATING -> READY				thread published and started
 *	READY -> RUNNING				picked
 *	RUNNING -> READY				preempted, yielded
 *	RUNNING -> INTERRUPTIBLE | KILLABLE | UNINTERRUPTIBLE | STOPPED | TRACED	about to sleep (still on the CPU until switched)
 *	a wait state -> READY (asleep) or RUNNING (not switched away yet)	woken: compare-and-set
 *	RUNNING -> ZOMBIE | DEAD			exit;  ZOMBIE -> DEAD reaped
 */
#pragma once

#include "arch/thread.h"
#include "core/lock_check.h"
#include "lib/compiler.h"
#include "lib/cpumask.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "time/timer.h"
#include <stdatomic.h>

enum thread_state {
	THREAD_CREATING,
	THREAD_READY,
	THREAD_RUNNING,
	THREAD_INTERRUPTIBLE,	/* any signal ends the wait */
	THREAD_KILLABLE,	/* a fatal one does */
	THREAD_UNINTERRUPTIBLE,
	THREAD_STOPPED,
	THREAD_TRACED,
	THREAD_ZOMBIE,
	THREAD_DEAD,
};

/* sched_entity.breaks: set by process/signal, looked at by waits. */
enum {
	BREAK_SIGNAL = 1, /* an unblocked signal is pending */
	BREAK_KILL = 2,	  /* the thread must die */
};

struct arch_vm;
struct run_queue;

struct sched_entity {
	struct arch_thread arch; /* must be first: arch_current() is this */

	_Atomic u32 state;    /* enum thread_state */
	_Atomic u32 breaks;   /* BREAK_* */
	_Atomic u32 on_cpu;   /* its registers are live on a CPU: nobody else may switch to it, nor free its stack */
	_Atomic u32 cpu;      /* whose run queue it belongs to, changed under run_queue.lock of both */
	vaddr_t stack_top;    /* kernel stack */
	struct arch_vm *vm;   /* address space loaded while it runs; NULL: kernel thread. Owner only, or before publication */
	const char *kernel_name; /* kernel threads' name; NULL for others */

	/* run_queue.lock */
	struct rbtree_node node; /* fair: in the run queue's tree */
	struct list realtime_link;
	bool queued;
	u64 virtual_runtime, virtual_deadline; /* weighted ns */
	u64 slice_ns;
	nsec_t started;		/* when it was put on the CPU */
	u64 runtime_ns;		/* total CPU time */
	u64 user_ns, system_ns;	/* split, by entry and exit marks */
	u64 switches_voluntary, switches_involuntary;

	/* policy: written by sched_set_policy() and friends under run_queue.lock */
	u8 policy;   /* SCHED_OTHER, … */
	s8 nice;     /* -20 … 19 */
	u8 realtime_priority; /* 1 … 99, 0: none */
	bool reset_on_fork;
	u32 weight;
	struct cpumask affinity;

	struct timer sleep_timer;
	struct held_locks held;	/* sleeping locks, debug builds */
};
