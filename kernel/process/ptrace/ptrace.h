// SPDX-License-Identifier: MIT
/*
 * ptrace(2): who traces whom, the stops of a traced thread, and what its tracer asks for meanwhile.
 *
 * Locks     process_tree_lock > process.signal_lock of the tracee (trace_state.h). Nothing here is held across a stop.
 */
#pragma once

#include "process/process.h"

struct pid_namespace;
struct queued_signal;
struct trap_frame;
struct wait_request;

static inline bool thread_is_traced(const struct thread *thread)
{
	return READ_ONCE(thread->trace.tracer) != NULL;
}

/* --- the calls. Thread context, no lock held; errors as in ptrace(2). --- */

long trace_me(void);
/* PTRACE_ATTACH, or with `seize` PTRACE_SEIZE with `options`. Waits for a stopped one to be a tracee's stop. */
long trace_attach(struct thread *thread, bool seize, u64 options);
/* Every other request, by number, about `thread`, which must be a tracee of the running thread (-ESRCH). */
long trace_request(struct thread *thread, long request, u64 address, u64 data);

/* --- stops of the running thread; no lock held --- */

/* A signal has been taken out: the tracer sees it. The signal to go on with, 0: none; *info is about it. */
int trace_signal(struct thread *thread, siginfo_t *info);
/* A stop is due (trace_state.h: trap_stop, or a group stop). */
void trace_trap(struct thread *thread);
/* PTRACE_EVENT_*, if the tracer has asked for it. */
void trace_event(int event, u64 message);
void trace_event_pid(int event, struct pid *pid); /* its number is the message */
/* The thread is about to end with this wait status: PTRACE_EVENT_EXIT. */
void trace_exit(int status);
/* execve has succeeded; `former`: the number of before, as the tracer knows it. */
void trace_exec(pid_nr former);
/* Before and behind a system call of a thread whose `traced` has TRACE_STOPS or TRACE_STEP. false: the call is not to be made. */
bool trace_syscall_enter(struct trap_frame *frame) must_check;
void trace_syscall_exit(struct trap_frame *frame);
/* A handler's frame has been made, and the thread is stepped: stop at its first instruction. */
void trace_handler(struct thread *thread);

/* The running thread has made a step. false: its tracer has let go, and it makes no more. */
bool trace_step_wanted(void) must_check;

/* The running thread's number in its tracer's namespace; 0: it has none. */
pid_nr trace_number(struct thread *thread);
/* Number of who traces `thread`, as `namespace` has it; 0: nobody. Takes the tree lock. */
pid_nr trace_tracer_number(struct thread *thread, struct pid_namespace *namespace);
/* May a program with more rights begin in this thread, where its tracer sees it? */
bool trace_allows_privilege(struct thread *thread);

/* --- for signals: signal_lock of thread's process held --- */

/* The group stops or goes on: a seized thread tells its tracer. */
void trace_notify_locked(struct thread *thread);

/* --- for clone, exit and wait: the tree lock held --- */

enum { TRACE_EVENT_NONE }; /* no event */
/* Which event a clone with these flags and this signal is to the running thread's tracer; TRACE_EVENT_NONE. */
int trace_clone_event(u64 flags, int exit_signal);
/* `child` has been published by the running thread: who traces that, if anybody, traces it too. */
void trace_inherit_locked(struct thread *child);
/* `thread` ends: what it traced is on its own. Those to be reaped go to `ended`: trace_reap_ended() without the lock. */
void trace_tracer_ends_locked(struct thread *thread, struct list *ended);
void trace_reap_ended(struct list *ended);
/* Off with the relation, if there is one. */
void trace_unlink_locked(struct thread *thread);
void trace_unlink(struct thread *thread); /* the same; takes the lock */
/* Who traces the leader of `process`, if that is not its parent. */
struct process *trace_foreign_tracer(const struct process *process);
/* Look among the tracees of the running process: as wait.c's scan(); *ended: one to be given to trace_take_ended(). */
int trace_scan(struct wait_request *request, struct thread **ended);
/* Without the lock: the news of its end has been taken. */
void trace_take_ended(struct thread *thread);
