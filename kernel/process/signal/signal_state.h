// SPDX-License-Identifier: MIT
/* The parts of threads and processes that belong to signals. Guarded by process.signal_lock. */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"
#include <asm/signal.h>

#define SIGNAL_COUNT 64
typedef u64 signal_mask; /* bit n-1: signal n */
#define SIGNAL_BIT(signal) (1ULL << ((signal) - 1))

struct signal_queue {
	signal_mask pending;
	signal_mask bare,    /* of those: the first one has no entry; */
		from_kernel; /* the kernel sent that */
	struct list queued;  /* struct queued_signal, oldest first */
};

struct signal_action {
	u64 handler, flags, restorer;
	signal_mask mask;
};

/* users == the number of processes whose slot points here (I4). */
struct signal_handlers {
	_Atomic u32 users;
	struct spinlock lock; /* RANK_SIGNAL_HANDLERS, irq-safe */
	struct signal_action action[SIGNAL_COUNT];
};

struct thread_signals {
	signal_mask blocked;
	signal_mask
		saved_blocked; /* sigsuspend, ppoll, …: put back after the handler's frame is made */
	bool restore_blocked;
	signal_mask waited; /* sigtimedwait waits for these though they are blocked */
	struct signal_queue queue;
};

/* Job-control stops: one episode at a time for the whole process. */
struct group_stop {
	int signal;       /* 0: none going on; else every thread is to stop, or has */
	u32 remaining;    /* threads that have not stopped yet */
	bool stopped;     /* all have: wait(2) sees it */
	bool report_stop; /* not yet reported by wait(2) */
	bool report_continue;
	bool notify_stop; /* a thread on its way to user mode is to tell the parent */
	bool notify_continue;
};
