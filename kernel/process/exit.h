// SPDX-License-Identifier: MIT
/*
 * The end of threads and processes (C3, R8), and waiting for it (C4).
 *
 * thread_exit() is the only way out of life for a user thread; it runs in the thread itself. The order of its steps is
 * written there and in resources_exit().
 */
#pragma once

#include "lib/compiler.h"
#include "process/process.h"
#include <asm/siginfo.h>

/* Wait status words. */
#define STATUS_EXIT(code)      (((code) & 0xff) << 8)
#define STATUS_STOPPED(signal) (((signal) << 8) | 0x7f)
#define STATUS_CONTINUED       0xffff

/* The running thread ends with this wait status. */
noreturn_ void thread_exit(int status);
/* All threads of the running process end. */
noreturn_ void process_exit(int status);

struct queued_signal;

enum wait_kind { WAIT_ANY, WAIT_PROCESS, WAIT_GROUP };
struct wait_request {
	enum wait_kind kind;
	struct pid *pid;  /* of WAIT_PROCESS and WAIT_GROUP */
	bool nonblocking; /* the caller's: a pidfd with O_NONBLOCK */
	unsigned
		options; /* WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE, __WNOTHREAD */

	/* results */
	pid_nr number; /* 0: WNOHANG and nothing yet */
	u32 uid;
	int code;   /* CLD_* */
	int status; /* as siginfo has it: exit code or signal */
	int word;   /* as wait4 has it */
	struct process_usage usage;
};
/* Code, status and word of the end with this wait status. */
void wait_describe_end(struct wait_request *request, int status);
/* 0, -ECHILD, -ERESTART */
int process_wait(struct wait_request *request) must_check;
/* The tree is done with a dead process: off with its numbers. No lock held. */
void process_reap(struct process *process);
/* Likewise with a thread that its tracer kept, and with its process if that was the last. */
void thread_reap(struct thread *thread);
/* Tell the parent of a zombie, or who else is to hear of it. true: nobody will wait for it. *entry is used up as in signal_post(). Tree lock held. */
bool process_notify_parent_locked(struct process *process, struct queued_signal **entry);
