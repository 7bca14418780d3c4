// SPDX-License-Identifier: MIT
/*
 * The stops of a traced thread.
 *
 *	the tracee: trace_stop()			the tracer
 *	tree lock, signal_lock: stopped, code		wait(2), queued before it looks: tree lock, signal_lock: takes `code`
 *	wakes the tracer, lets go			signal_lock: stopped? code = the signal to go on with, !stopped, wakes
 *	TRACED; signal_lock: still stopped? sleeps
 *
 * SIGKILL, another thread's execve and the end of the process set BREAK_KILL, which no stop outlasts; but the thread that ends already is in
 * PTRACE_EVENT_EXIT with that bit taken back (`ends`): if it ends alone the end of its process breaks that too, otherwise nothing but its tracer.
 *
 * Invariants
 *   S1  `stopped` is set by the thread itself and cleared by it, its tracer, or who unlinks the two, under signal_lock.
 *   S2  `info` points into the stack of a thread that is stopped or has not had signal_lock since: it is NULL before that frame goes.
 */
#include "process/ptrace/ptrace.h"

#include "arch/registers.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "cred/user_namespace.h"
#include "lib/string.h"
#include "process/call_log.h"
#include "process/current.h"
#include "process/pid.h"
#include "process/ptrace/ptrace_internal.h"
#include <linux/ptrace.h>

enum { SYSCALL_GOOD = 0x80 };

struct stop {
	int code; /* signal, and the event from bit 8 on */
	int why;  /* CLD_TRAPPED, CLD_STOPPED: in the tracer's SIGCHLD */
	siginfo_t *info;
	u64 message;
};

/* signal_lock held. true: and that was the last thread of its group, which somebody else than the tracer is to hear of. */
static bool announce_locked(struct thread *thread, const struct stop *stop)
{
	struct thread_trace *trace = &thread->trace;
	bool group = stop->why == CLD_STOPPED, news = false;

	trace->stopped = true;
	trace->code = stop->code;
	trace->info = stop->info;
	trace->message = stop->message;
	trace->trap_stop = trace->trapping = false;
	trace->resume = RESUME_FREE;
	if (stop->code >> 8 == PTRACE_EVENT_STOP) {
		trace->trap_notify = false;
	}
	if (group) {
		news = signal_count_stop_locked(thread);
	}
	return news;
}

/* false: not traced, or to die. Otherwise the tracer knows. */
static bool announce(struct thread *thread, const struct stop *stop)
{
	struct process *process = thread->process;
	struct queued_signal *entry = signal_entry_create();
	bool stopped, news = false;
	u64 flags = spin_lock_irq(&process_tree_lock);

	spin_lock(&process->signal_lock);
	stopped = thread->trace.tracer && !trace_is_doomed(thread);
	if (stopped) {
		news = announce_locked(thread, stop);
	} else {
		signal_recalculate_locked(
			thread); // an execve that was to kill us may have failed
	}
	spin_unlock(&process->signal_lock);
	if (stopped) {
		signal_tell_of_stop(thread->trace.tracer, thread, stop->why,
				    stop->code & 0x7f, &entry);
	}
	spin_unlock_irq(&process_tree_lock, flags);
	signal_entry_destroy(entry);
	if (news) {
		signal_deliver_stop_news(process);
	}
	return stopped;
}

static bool is_stopped(struct thread *thread)
{
	bool stopped;
	u64 flags = spin_lock_irq(&thread->process->signal_lock);

	stopped = thread->trace.stopped && !trace_is_doomed(thread);
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return stopped;
}

/* What its tracer has asked for takes effect in the thread itself. */
static void take_up(struct thread *thread, enum trace_resume resume)
{
	u8 traced = thread->traced & TRACE_LOG;

	if (resume == RESUME_TO_SYSCALL) {
		traced |= TRACE_STOPS;
	} else if (resume == RESUME_STEP) {
		traced |= TRACE_STEP;
	}
	thread->traced = traced;
	arch_step_set(&thread->sched.arch, resume == RESUME_STEP);
}

/* Returns the code: the signal to go on with, if it was resumed. */
static int leave(struct thread *thread)
{
	struct process *process = thread->process;
	struct thread_trace *trace = &thread->trace;
	enum trace_resume resume;
	int code;
	u64 flags = spin_lock_irq(&process->signal_lock);

	code = trace->code;
	resume = trace->resume;
	trace->code = 0;
	trace->message = 0;
	trace->info = NULL;
	trace->stopped = trace->listening = false;
	signal_recalculate_locked(thread);
	spin_unlock_irq(&process->signal_lock, flags);
	take_up(thread, resume);
	return code;
}

static int trace_stop(struct thread *thread, const struct stop *stop)
{
	if (!announce(thread, stop)) {
		return stop->code;
	}
	for (;;) {
		sched_prepare_wait(THREAD_TRACED);
		if (!is_stopped(thread)) {
			break;
		}
		sched_block(NSEC_NEVER);
	}
	sched_finish_wait();
	return leave(thread);
}

/* A stop that is about no signal of anybody. Returns the signal the tracer gave instead. */
static int stop_with_code(struct thread *thread, int signal, int code, int why,
			  u64 message)
{
	siginfo_t info;
	struct stop stop = {.code = code, .why = why, .info = &info, .message = message};

	signal_information_user(&info, signal, code);
	info.si_pid = thread_number(thread);
	return trace_stop(thread, &stop);
}

/* Who injected the signal, as far as anybody did: the tracer, or the parent once there is none. */
static void describe_injected(struct thread *thread, siginfo_t *info, int signal)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct process *from =
		thread->trace.tracer ? thread->trace.tracer : thread->process->parent;

	memset(info, 0, sizeof(*info));
	info->si_signo = signal;
	info->si_code = SI_USER;
	if (from) {
		info->si_pid = pid_number_in(from->pid, pid_own_namespace(thread->pid));
		info->si_uid = process_uid_shown_to(from, thread->process);
	}
	spin_unlock_irq(&process_tree_lock, flags);
}

/* It is blocked by now: it waits. */
static void put_back(struct thread *thread, const siginfo_t *info)
{
	struct process *process = thread->process;
	struct queued_signal *entry = signal_entry_create();
	bool realtime = info->si_signo >= SIGRTMIN;
	u64 flags;

	if (entry && !signal_entry_charge(entry, process, thread, !realtime)) {
		signal_entry_destroy(entry);
		entry = NULL;
	}
	if (!entry && realtime) {
		return; // as many as there may be wait already
	}
	if (entry) {
		entry->info = *info;
	}
	flags = spin_lock_irq(&process->signal_lock);
	(void)signal_post_locked(process, thread, info->si_signo, &entry);
	spin_unlock_irq(&process->signal_lock, flags);
	signal_entry_destroy(entry);
}

int trace_signal(struct thread *thread, siginfo_t *info)
{
	struct stop stop = {.code = info->si_signo, .why = CLD_TRAPPED, .info = info};
	int signal;
	u64 flags = spin_lock_irq(&thread->process->signal_lock);

	// Whatever it turns into may stop the group, unless a SIGCONT comes meanwhile.
	thread->stop_dequeued = true;
	spin_unlock_irq(&thread->process->signal_lock, flags);
	signal = trace_stop(thread, &stop);
	if (signal < 1 || signal > SIGNAL_COUNT) {
		return 0;
	}
	if (signal != info->si_signo) {
		describe_injected(thread, info, signal);
	}
	if (thread->signals.blocked & SIGNAL_BIT(signal)) {
		put_back(thread, info);
		return 0;
	}
	return signal;
}

void trace_trap(struct thread *thread)
{
	struct process *process = thread->process;
	bool seized, group;
	int signal;
	struct stop stop = {.why = CLD_STOPPED};
	u64 flags = spin_lock_irq(&process->signal_lock);

	seized = thread->trace.seized;
	group = process->stop.signal != 0;
	signal = thread->trace.stop_signal ? thread->trace.stop_signal : SIGSTOP;
	spin_unlock_irq(&process->signal_lock, flags);
	if (seized) {
		signal = group ? signal : SIGTRAP;
		(void)stop_with_code(thread, signal, signal | PTRACE_EVENT_STOP << 8,
				     CLD_STOPPED, 0);
	} else {
		stop.code = signal;
		(void)trace_stop(thread, &stop);
	}
}

/* Given in place of a stop's own: strace(1) and its like go on with a signal only where there was one. */
static void send_given(struct thread *thread, int signal)
{
	siginfo_t info;

	if (signal > 0 && signal <= SIGNAL_COUNT) {
		signal_information_kernel(&info, signal);
		put_back(thread, &info);
	}
}

static bool wants_event(const struct thread *thread, int event)
{
	return thread_is_traced(thread) &&
	       (READ_ONCE(thread->trace.options) & 1u << event);
}

void trace_event(int event, u64 message)
{
	struct thread *thread = current_thread();

	if (wants_event(thread, event)) {
		(void)stop_with_code(thread, SIGTRAP, SIGTRAP | event << 8, CLD_TRAPPED,
				     message);
		if (thread->traced & (TRACE_STOPS | TRACE_STEP)) {
			// The call it is in may have begun before anybody asked about calls.
			atomic_fetch_or(&thread->sched.return_work, RETURN_TRACE);
		}
	}
}

void trace_event_pid(int event, struct pid *pid)
{
	struct thread *thread = current_thread();
	pid_nr number = 0;
	u64 flags;

	if (wants_event(thread, event)) {
		flags = spin_lock_irq(&process_tree_lock);
		if (thread->trace.tracer) {
			number = pid_number_in(
				pid, pid_own_namespace(thread->trace.tracer->pid));
		}
		spin_unlock_irq(&process_tree_lock, flags);
		trace_event(event, (u64)number);
	}
}

pid_nr trace_number(struct thread *thread)
{
	u64 flags = spin_lock_irq(&process_tree_lock);
	struct process *tracer = thread->trace.tracer;
	pid_nr number =
		tracer ? pid_number_in(thread->pid, pid_own_namespace(tracer->pid)) : 0;

	spin_unlock_irq(&process_tree_lock, flags);
	return number;
}

void trace_exit(int status)
{
	struct thread *thread = current_thread();
	struct process *process = thread->process;
	u64 flags;

	if (!wants_event(thread, PTRACE_EVENT_EXIT)) {
		return;
	}
	flags = spin_lock_irq(&process->signal_lock);
	thread->trace.ends = true;
	sched_clear_break(&thread->sched, BREAK_SIGNAL | BREAK_KILL);
	spin_unlock_irq(&process->signal_lock, flags);
	trace_event(PTRACE_EVENT_EXIT, (u64)status);
}

void trace_exec(pid_nr former)
{
	struct thread *thread = current_thread();

	if (!thread_is_traced(thread)) {
		return;
	}
	if (wants_event(thread, PTRACE_EVENT_EXEC)) {
		trace_event(PTRACE_EVENT_EXEC, (u64)former);
	} else if (!READ_ONCE(thread->trace.seized)) {
		signal_send_current(SIGTRAP);
	}
}

static void syscall_stop(struct thread *thread, u64 which)
{
	int good = READ_ONCE(thread->trace.options) & PTRACE_O_TRACESYSGOOD ? SYSCALL_GOOD
									    : 0;

	send_given(thread,
		   stop_with_code(thread, SIGTRAP, SIGTRAP | good, CLD_TRAPPED, which));
}

bool trace_syscall_enter(struct trap_frame *frame)
{
	struct thread *thread = current_thread();

	if (!(thread->traced & TRACE_STOPS) || !thread_is_traced(thread)) {
		return true;
	}
	trap_show_syscall(frame);
	syscall_stop(thread, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	trap_take_syscall(frame);
	return !signal_fatal_pending() && trap_syscall_number(frame) != -1;
}

void trace_syscall_exit(struct trap_frame *frame)
{
	struct thread *thread = current_thread();

	atomic_fetch_and(&thread->sched.return_work, ~(u32)RETURN_TRACE);
	if (!thread_is_traced(thread)) {
		thread->traced &= TRACE_LOG;
	} else if (thread->traced & TRACE_STEP) {
		signal_force(SIGTRAP, arch_step_call_code(), trap_ip(frame));
	} else if (thread->traced & TRACE_STOPS) {
		syscall_stop(thread, PTRACE_EVENTMSG_SYSCALL_EXIT);
	}
}

bool trace_step_wanted(void)
{
	struct thread *thread = current_thread();

	if (!(thread->traced & TRACE_STEP) || thread_is_traced(thread)) {
		return true; // or it is the program's own doing
	}
	take_up(thread, RESUME_FREE);
	return false;
}

void trace_handler(struct thread *thread)
{
	if ((thread->traced & TRACE_STEP) && thread_is_traced(thread)) {
		send_given(thread,
			   stop_with_code(thread, SIGTRAP, SIGTRAP, CLD_TRAPPED, 0));
	}
}
