// SPDX-License-Identifier: MIT
/*
 * ptrace(2)'s part of a thread: who traces it, and the stop it is in. docs/decisions/0019-ptrace.md has the locking.
 *
 * Legend: as in thread.h; t+s: written with both held, read with either.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"
#include <asm/siginfo.h>

struct process;
struct thread;

/* How a thread goes on after a stop. */
enum trace_resume { RESUME_FREE, RESUME_TO_SYSCALL, RESUME_STEP };

struct thread_trace {
	struct process
		*tracer; /* t+s: NULL: nobody; not counted: it lets go in its exit */
	const struct thread *tracer_thread; /* t+s: followed under t only */
	struct list link;                   /* t: process.tracees */
	u32 options;                        /* s: PTRACE_O_* */
	bool seized;                        /* t+s */
	bool privileged; /* t+s: the tracer may see set-user-id programs begin */
	bool kept;  /* t: has ended, not as a leader: stays until its tracer has heard */
	bool taken; /* t: has ended, and a wait(2) has taken it */

	/* s */
	bool stopped;   /* in a stop: its registers are the tracer's */
	bool listening; /* PTRACE_LISTEN: as good as not stopped, but for what ends that */
	bool trap_stop;   /* a stop is due: group stop, PTRACE_INTERRUPT */
	bool trap_notify; /* seized: the group has stopped or goes on */
	bool trapping;    /* PTRACE_ATTACH waits for its stop */
	bool ends; /* in PTRACE_EVENT_EXIT: the end that goes on already does not break it */
	u8 stop_signal; /* of the group stop that it is to take part in */
	u8 resume;      /* enum trace_resume */
	int code; /* in a stop: what wait(2) reports, 0: has; behind it: the signal to go on with */
	int exit_status; /* of one that has ended but for its leader */
	u64 message;     /* PTRACE_GETEVENTMSG */
	siginfo_t *info; /* in a stop: on its kernel stack, or NULL */
};
