// SPDX-License-Identifier: MIT
/*
 * The scheduler's part of a thread, embedded by value as the first member of struct
 * thread.
 *
 * T2: one state word. Every change is a compare-and-set through state.c, which checks it:
 *	CREATING -> READY		published and started
 *	READY -> RUNNING		picked
 *	RUNNING -> READY		preempted, yielded
 *	RUNNING -> a wait state		about to sleep (on the CPU until switched)
 *	a wait state -> RUNNING		woken, or gave up, before it left the CPU
 *	a wait state -> READY		woken asleep; or preempted before its sleep
 *	RUNNING -> ZOMBIE | DEAD	exit
 *	ZOMBIE -> DEAD			reaped
 *	CREATING -> DEAD		never started
 *
 * Who changes it: the running thread itself (prepare, finish, exit), or whoever holds
 * the lock of the run queue it belongs to (entity.cpu). READY and RUNNING threads,
 * and those on their way to sleep, are attached to that run queue; sleeping ones only
 * remember it.
 */
#pragma once

#include "arch/thread.h"
#include "core/lock_check.h"
#include "core/spinlock.h"
#include "lib/compiler.h"
#include "lib/cpumask.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "time/timer.h"
#include <stdatomic.h>

enum thread_state {
	THREAD_CREATING,
	THREAD_READY,
	THREAD_RUNNING,
	THREAD_INTERRUPTIBLE, /* any signal ends the wait */
	THREAD_KILLABLE,      /* a fatal one does */
	THREAD_UNINTERRUPTIBLE,
	THREAD_STOPPED,
	THREAD_TRACED,
	THREAD_ZOMBIE,
	THREAD_DEAD,
	THREAD_STATES,
};

/* sched_entity.breaks: set by process/signal, looked at by waits. */
enum {
	BREAK_SIGNAL = 1, /* an unblocked signal is pending */
	BREAK_KILL = 2,   /* the thread must die */
};

struct arch_vm;
struct concurrency_set;
struct sched_loan;

/* What a thread acts by. */
struct sched_standing {
	u8 policy;            /* SCHED_NORMAL, … */
	s8 nice;              /* -20 … 19 */
	u8 realtime_priority; /* 1 … 99, 0: none */
	/* SCHED_DEADLINE: absolute, CLOCK_MONOTONIC; and how who inherits it goes on with it. Else 0 */
	nsec_t deadline;
	u64 runtime_ns, period_ns;
};

/* What SCHED_DEADLINE is asked for: so much CPU time in each period, by a deadline from its beginning. */
struct sched_deadline {
	u64 runtime_ns, deadline_ns, period_ns;
	bool tell_overrun; /* SIGXCPU when the runtime is used up */
	bool reclaim;      /* it may have what others leave (reclaim.c) */
};

/* deadline.c: how a thread of SCHED_DEADLINE is held to what it asked for. */
struct deadline_server {
	struct sched_deadline asked;
	s64 budget_ns;   /* what is left until `deadline` */
	nsec_t deadline; /* absolute; 0: it never was SCHED_DEADLINE */
	nsec_t eligible; /* throttled: until then */
	bool throttled;
	u64 bandwidth; /* what it has reserved; 0: nothing */

	/* reclaim.c: while it sleeps */
	u8 rest;
	nsec_t no_lag;
	u64 rest_bandwidth;
	struct rbtree_node resting;
};

/*
 * Who may touch what
 *	a	atomic
 *	o	the thread itself
 *	q	the lock of the run queue that `cpu` names
 *	l	lending_lock
 *	oq	written by the thread with interrupts off, or under q; read by anyone
 */
struct sched_entity {
	struct arch_thread arch; /* must be first: arch_current() is this */

	_Atomic u32 state;  /* a: enum thread_state */
	_Atomic u32 breaks; /* a: BREAK_* */
	/*
	 * a: its registers are live on a CPU: nobody else may switch to it, nor free
	 * its stack
	 */
	_Atomic u32 on_cpu;
	_Atomic u32 cpu; /* a, written under the locks of the old and the new queue */
	/* a: what to do before the return to user mode; the bits are process/'s */
	_Atomic u32 return_work;
	vaddr_t stack_top; /* kernel stack */
	struct arch_vm
		*vm; /* o, written under q: loaded while it runs; NULL: kernel thread */
	const char *kernel_name; /* kernel threads' name; NULL for others */
	bool kernel_owned;       /* made by sched_kernel_thread(), which also frees it */

	/* q */
	struct rbtree_node node; /* in one of the run queue's trees while READY */
	bool parked;             /* that is run_queue.throttled */
	s64 realtime_order;      /* among equals of the real-time tree */
	s64 lag;              /* how far behind the queue's clock it left, weighted ns */
	u64 virtual_runtime;  /* weighted ns, in the clock of its run queue */
	u64 virtual_deadline; /* the order of the fair tree */
	u64 slice_ns;
	nsec_t started; /* accounted up to here, while it runs */
	nsec_t picked;  /* put on the CPU */

	/* oq */
	u64 runtime_ns;       /* total CPU time */
	u64 realtime_from_ns; /* runtime_ns when it last woke up, or became real-time */
	u64 user_ns, system_ns;
	nsec_t mark; /* the split is done up to here; of what it has run since, the kernel had: */
	u64 kernel_units; /* its stretches that have ended, in units of arch_counter_read() */
	u64 entered;      /* and, unless it is in_user, what has passed from here */
	bool in_user;
	u64 switches_voluntary, switches_involuntary;

	/* oq: concurrency.h */
	struct concurrency_set *concurrency; /* NULL: in none */
	u32 concurrency_number;              /* while it is current, if in a set */
	u32 switch_work; /* goes into return_work when it is switched in */
	u32 move_work;   /* I: likewise when it goes to another CPU */
	u32 overrun_work; /* I: likewise when its runtime is used up, and it asked to hear of it */

	/*
	 * l: debt.h. `loan` changes under its debt's lock too: the one by which it waits;
	 * NULL: for nobody
	 */
	struct spinlock lending_lock; /* RANK_LENDING */
	struct sched_loan *loan;
	struct rbtree debts; /* what it holds and others wait for */
	u32 waits;           /* how often `loan` has changed */
	bool takes_no_debts; /* it ends */

	/*
	 * q: policy. What counts is the most urgent of its own standing, the one it is
	 * lent, and the one of those it owes something
	 */
	struct sched_standing own, lent, owed;
	bool is_lent;
	u8 policy;
	u8 realtime_priority;
	bool throttled; /* it acts by its own deadline, and is throttled */
	bool reset_on_fork;
	nsec_t deadline;  /* SCHED_DEADLINE: the order of that tree */
	nsec_t inherited; /* the one it has begun with, if it is not its own; else 0 */
	s64 inherited_budget_ns; /* until it is the next period's */
	struct deadline_server server;
	u32 weight;
	struct cpumask affinity;

	struct timer sleep_timer; /* o */
	u64 timer_slack_ns; /* a word: how much later than asked for its sleeps may end, to share an interrupt (prctl(2)) */
	struct held_locks held; /* o: sleeping locks, debug builds */
};
